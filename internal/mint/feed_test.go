package mint

import (
	"errors"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func feedKey(t *testing.T, status record.KeyStatus) record.SigningKey {
	t.Helper()
	row := key(t, ES256, status)
	row.Use = record.KeyUseFeed
	return row
}

// tokens.md part 1: one purpose each.
func TestTheFeedAndTheTokensShareNoKey(t *testing.T) {
	tokens, heads := key(t, ES256, record.KeyActive), feedKey(t, record.KeyActive)
	m := minter(t, tokens, heads, feedKey(t, record.KeyNext), feedKey(t, record.KeyCompromised))
	published, err := jose.ParseKeySet(m.Ring.JWKS())
	if err != nil || len(published) != 1 || published[0].Kid() != tokens.KID {
		t.Fatalf("the tokens' set is %s, %v", m.Ring.JWKS(), err)
	}
	ofFeed, err := jose.ParseKeySet(m.Ring.FeedJWKS())
	if err != nil || len(ofFeed) != 2 {
		t.Fatalf("the feed's set is %s, %v", m.Ring.FeedJWKS(), err)
	}
	for typ, sign := range map[string]func([]byte) (string, error){
		"revhead+jwt": m.Ring.SignHead, "revsnap+jwt": m.Ring.SignSnapshot,
	} {
		signed, err := sign([]byte(`{"iss":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.Parse(signed)
		if err != nil || !parsed.Header().HasType(typ) || parsed.Header().Kid != heads.KID {
			t.Errorf("%s: header %+v, %v", typ, parsed.Header(), err)
		}
		if payload, err := parsed.Verify(ofFeed, jose.ES256); err != nil || payload != `{"iss":"x"}` {
			t.Errorf("%s: %s, %v", typ, payload, err)
		}
	}
}

func TestAnAccessTokenThatTheFeedsKeySignedIsRefused(t *testing.T) {
	stray := feedKey(t, record.KeyActive)
	asTokens := stray
	asTokens.Use = record.KeyUseTokens
	signed, err := minter(t, asTokens).Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	if _, reason := minter(t, stray).VerifyAccess(signed.Access); reason != oauth.ReasonTokenSignature {
		t.Errorf("it is judged %q", reason)
	}
}

func TestWithoutAKeyOfItsOwnTheFeedIsNotSigned(t *testing.T) {
	if _, err := minter(t, key(t, ES256, record.KeyActive)).Ring.SignHead([]byte(`{}`)); !errors.Is(err, ErrNoKey) {
		t.Errorf("signed: %v", err)
	}
}
