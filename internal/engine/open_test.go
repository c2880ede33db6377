package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What was given out before a restart is worth the same after it.
func TestRootsAndKeysSurviveARestart(t *testing.T) {
	l := newLab(t)
	<-l.keys.ready
	h := l.settleIn()
	given, refused := l.Token(t.Context(), exchangeRequest(labApp, h.codes[0]))
	if refused != nil {
		t.Fatal(refused)
	}
	code := l.Reference(oauth.Refuse(oauth.ReasonCodeUsed))
	formKey, jwks := l.FormKey(), l.JWKS()
	l.Close()
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}

	l.store = openStore(t, l.path)
	l.Engine = l.start(l.kek)
	if !bytes.Equal(l.FormKey(), formKey) || !bytes.Equal(l.JWKS(), jwks) || len(formKey) == 0 {
		t.Errorf("the form key or the published keys are others:\n%s\n%s", jwks, l.JWKS())
	}
	if got, err := l.Explain(t.Context(), code); err != nil || got.Reason != oauth.ReasonCodeUsed {
		t.Errorf("the reference code says %+v: %v", got, err)
	}
	req := &oauth.IntrospectionRequest{Credentials: credentials(labGateway), Token: given.Access}
	if got, err := l.Introspect(t.Context(), req); err != nil || !got.Active {
		t.Errorf("the access token is worth %+v: %v", got, err)
	}
	if _, err := l.Token(t.Context(), refreshRequest(labApp, given.Refresh)); err != nil {
		t.Errorf("the refresh token is refused: %v", err)
	}
}

// A wrong key-encryption key must not look like a new database, whose roots and
// keys would be made over.
func TestAWrongKeyEncryptionKeyIsNamed(t *testing.T) {
	l := newLab(t)
	l.Close()
	other := secret.KEK{9}
	e, err := Open(t.Context(), l.config(other))
	if e != nil || !errors.Is(err, secret.ErrOtherKEK) {
		t.Fatalf("opening gave %v", err)
	}
	for _, name := range []string{l.kek.ID(), other.ID()} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	roots, err := l.store.Roots(t.Context())
	if err != nil || len(roots) != 7 {
		t.Errorf("there are %d roots now: %v", len(roots), err)
	}
}

// The first RSA key of a new database is made in the background. A request that
// needs it waits for it.
func TestARequestWaitsForAKeyThatIsBeingMade(t *testing.T) {
	l := newLabWithoutEngine(t)
	client, err := l.store.Client(t.Context(), labApp)
	if err != nil {
		t.Fatal(err)
	}
	settings := client.Settings
	settings.IDTokenSigningAlg = mint.RS256
	l.commit(record.UpdateClient{ID: client.ID, Name: client.Name, Settings: settings, Enabled: true, Version: client.Version})
	h := l.settleIn()
	text := "a code with openid"
	code := h.code
	code.Hash, code.GID, code.Request.Scope = secret.Hash(text), secret.Seed{1}.ID("gid"), []string{"openid", "api:read"}
	l.commit(record.PutCode{Code: code})

	l.Engine = l.start(l.kek)
	signed, refused := l.Token(t.Context(), exchangeRequest(labApp, text))
	if refused != nil {
		t.Fatal(refused)
	}
	header, _, _ := strings.Cut(signed.ID, ".")
	if plain, err := base64.RawURLEncoding.DecodeString(header); err != nil || !bytes.Contains(plain, []byte(`"RS256"`)) {
		t.Errorf("the ID token's header is %s: %v", plain, err)
	}
}

// Two servers that start on one new database end up with the same roots and keys.
func TestTwoServersThatStartAtOnceShareTheirRoots(t *testing.T) {
	l := newLabWithoutEngine(t)
	engines := make(chan *Engine, 2)
	for range cap(engines) {
		go func() {
			e, err := Open(t.Context(), l.config(l.kek))
			if err != nil {
				t.Error(err)
			}
			engines <- e
		}()
	}
	first, second := <-engines, <-engines
	if first == nil || second == nil {
		return
	}
	defer first.Close()
	defer second.Close()
	token, err := first.minting.Load().Roots.Derive(secret.Seed{1}.ID("gid"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := second.openRefresh(token); got.Reason != "" || !bytes.Equal(first.FormKey(), second.FormKey()) {
		t.Errorf("to the other server a token of one is %+v", got)
	}
}
