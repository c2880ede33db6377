package engine_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// keysBy counts the keys of an algorithm by status.
func (o *office) keysBy(alg string) map[record.KeyStatus]int {
	o.Helper()
	keys, err := o.SigningKeys(o.Context())
	o.must(err)
	count := map[record.KeyStatus]int{}
	for _, key := range keys {
		if key.Alg == alg && key.Use == record.KeyUseTokens {
			count[key.Status]++
		}
	}
	return count
}

func (o *office) kidOf(token string) string {
	o.Helper()
	var header struct {
		KID string `json:"kid"`
		Alg string `json:"alg"`
	}
	o.must(json.Unmarshal(headerOf(o, token), &header))
	return header.KID
}

func TestARotationOnDemandFailsNobody(t *testing.T) {
	o := newOffice(t)
	before, refused := o.machineToken(o.secret)
	o.fine(refused)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				token, err := o.machineToken(o.secret)
				if err != nil || !o.active(token) {
					t.Errorf("while keys rotate, a token is refused: %v", err)
				}
			}
		})
	}
	for range 3 {
		o.must(o.RotateKeys(t.Context(), false))
	}
	all.Wait()
	after, refused := o.machineToken(o.secret)
	o.fine(refused)
	if !o.active(before) || !o.active(after) || o.kidOf(before) == o.kidOf(after) {
		t.Error("after a rotation, a token is dead or the key is the same")
	}
	if count := o.keysBy(mint.ES256); count[record.KeyActive] != 1 || count[record.KeyNext] != 1 || count[record.KeyRetired] != 3 {
		t.Errorf("the keys are %v", count)
	}
	if !bytes.Contains(o.JWKS(), []byte(o.kidOf(before))) {
		t.Error("the retired key is no longer published")
	}
	o.audited("key_active", "key_retired", "key_next")
}

func TestTheNextKeyWasPublishedBeforeItSigns(t *testing.T) {
	o := newOffice(t)
	published := o.JWKS()
	o.must(o.RotateKeys(t.Context(), false))
	token, refused := o.machineToken(o.secret)
	o.fine(refused)
	if !bytes.Contains(published, []byte(o.kidOf(token))) {
		t.Error("the key that signs now was not published before")
	}
}

func TestAnEmergencyKillsEveryTokenOfTheOldKey(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	before, refused := o.machineToken(o.secret)
	o.fine(refused)
	o.must(o.RotateKeys(t.Context(), true))
	if o.active(before) || o.active(tokens.Access) {
		t.Error("a token of a compromised key is active")
	}
	if bytes.Contains(o.JWKS(), []byte(o.kidOf(before))) {
		t.Error("a compromised key is published")
	}
	after, refused := o.machineToken(o.secret)
	o.fine(refused)
	if !o.active(after) {
		t.Error("a token of the new key is not active")
	}
	o.fine(o.refresh(tokens.Refresh)) // signed by no key: it lives
	if count := o.keysBy(mint.ES256); count[record.KeyActive] != 1 || count[record.KeyNext] != 1 || count[record.KeyCompromised] != 1 {
		t.Errorf("the keys are %v", count)
	}
	o.audited("key_compromised")
}

func TestAServerThatIsStartedAgainKeepsItsKeys(t *testing.T) {
	o := newOffice(t)
	o.must(o.RotateKeys(t.Context(), false)) // also waits for the RSA keys
	before, err := o.SigningKeys(t.Context())
	o.must(err)
	token, refused := o.machineToken(o.secret)
	o.fine(refused)
	again := o.reopen()
	again.Close()
	after, err := again.SigningKeys(t.Context())
	o.must(err)
	if !slices.EqualFunc(before, after, func(a, b record.SigningKey) bool { return a.KID == b.KID && a.Status == b.Status }) {
		t.Errorf("the keys were %v and are %v", len(before), len(after))
	}
	answer, refused := again.Introspect(t.Context(), &oauth.IntrospectionRequest{Credentials: o.credentials(o.secret), Token: token})
	o.fine(refused)
	if !answer.Active {
		t.Error("a token from before the restart is dead")
	}
}

func TestAResourceThatChoosesAnAlgorithmGetsItsKeys(t *testing.T) {
	o := newOffice(t)
	if count := o.keysBy(mint.Ed25519); len(count) != 0 {
		t.Fatalf("there are keys that nobody needs: %v", count)
	}
	_, err := o.UpdateResource(t.Context(), officeAPI, record.ResourceSettings{Scopes: []string{"api:read"}, Alg: mint.Ed25519}, 0)
	o.must(err)
	token, refused := o.machineToken(o.secret)
	o.fine(refused)
	if !o.active(token) || !bytes.Contains(headerOf(o, token), []byte(`"Ed25519"`)) {
		t.Errorf("the token's header is %s", headerOf(o, token))
	}
	if count := o.keysBy(mint.Ed25519); count[record.KeyActive] != 1 || count[record.KeyNext] != 1 {
		t.Errorf("the keys are %v", count)
	}
}

func TestWhatAResourceMayBe(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		name, aud string
		settings  record.ResourceSettings
		wrong     []string
	}{
		{"an URN", "urn:example:api", record.ResourceSettings{}, nil},
		{"no URI", "api", record.ResourceSettings{}, []string{"audience"}},
		{"a fragment, RFC 8707 §2", "https://a.example/#x", record.ResourceSettings{}, []string{"audience"}},
		{"the issuer", officeIssuer, record.ResourceSettings{}, []string{"audience"}},
		{"taken", officeAPI, record.ResourceSettings{}, []string{"audience"}},
		{"all wrong", "", record.ResourceSettings{
			Name: "\x07", Scopes: []string{"openid", "a b", "x", "x"}, AccessTTL: 5, Alg: "none",
		}, []string{"audience", "name", "scopes", "access_token_ttl", "alg"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := o.CreateResource(t.Context(), c.aud, c.settings)
			if c.wrong == nil {
				o.must(err)
				return
			}
			o.refused(err, engine.Invalid, c.wrong...)
		})
	}
}

func TestADeletedResourceTakesItsTokensAlong(t *testing.T) {
	o := newOffice(t)
	token, refused := o.machineToken(o.secret)
	o.fine(refused)
	o.must(o.DeleteResource(t.Context(), officeAPI))
	if o.active(token) {
		t.Error("a token for a deleted resource is active")
	}
	if _, err := o.machineToken(o.secret); err == nil || err.Code != oauth.InvalidTarget {
		t.Errorf("a deleted resource is answered with %v", err)
	}
	_, err := o.CreateResource(t.Context(), officeAPI, record.ResourceSettings{Scopes: []string{"api:read"}})
	o.must(err)
	if o.active(token) {
		t.Error("the token came back to life with the resource's name")
	}
	o.audited("resource_created", "resource_deleted")
}
