package mint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func TestATokenThatWasSeenIsKnownByItsWholeText(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive))
	m.Seen = NewSeen()
	signed, err := m.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	first, reason := m.VerifyAccess(signed.Access)
	if reason != "" {
		t.Fatal(reason)
	}
	if again, reason := m.VerifyAccess(strings.Clone(signed.Access)); again != first || reason != "" {
		t.Error("it is verified again")
	}
	// The same payload under another signature, and the same signature under another payload.
	last := signed.Access[len(signed.Access)-10:]
	for _, forged := range []string{
		strings.TrimSuffix(signed.Access, last) + strings.Repeat("A", 10),
		strings.Replace(signed.Access, ".", ".A", 1),
	} {
		if verified, reason := m.VerifyAccess(forged); verified != nil || reason == "" {
			t.Error("a forgery is taken for the token that was seen")
		}
	}
	if _, reason := m.VerifyAccess(signed.ID); reason != oauth.ReasonTokenWrongType || len(m.Seen.young) != 1 {
		t.Errorf("%q, and %d tokens are remembered", reason, len(m.Seen.young))
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	s := NewSeen()
	token := func(i int) string { return fmt.Sprintf("%0700d", i) }
	verified := &record.VerifiedToken{Claims: make([]byte, 700)}
	const each = 700 + 700 + seenOverhead
	for i := range 3 * seenBytes / each {
		s.put(token(i), verified)
		if s.get(token(0)) == nil { // which is asked for all the time
			t.Fatalf("the token that is in use is forgotten after %d others", i)
		}
	}
	if held := (len(s.young) + len(s.old)) * each; held > seenBytes || held < seenBytes/3 {
		t.Errorf("%d bytes are held", held)
	}
	if s.get(token(1)) != nil {
		t.Error("what nobody asked for is remembered for ever")
	}
}
