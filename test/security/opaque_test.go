package security_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// sealed makes an API's access tokens opaque.
func (w *world) sealed(audience string) {
	w.t.Helper()
	settings := resourceSettings()
	settings.AccessFormat = record.AccessOpaque
	_, err := w.engine.UpdateResource(w.t.Context(), audience, settings, 0)
	w.must(err)
}

// accessRoot is the server's root of opaque access tokens, as a thief of database and key-encryption key has it.
func (w *world) accessRoot() secret.Root {
	w.t.Helper()
	rows, err := w.store.Roots(w.t.Context())
	w.must(err)
	for _, row := range rows {
		if row.Use == record.RootAccess {
			plain, err := kek().Open(fmt.Sprintf("root %d access", row.KeyID), row.Sealed)
			w.must(err)
			return secret.Root{KeyID: uint32(row.KeyID), Key: [32]byte(plain)}
		}
	}
	w.t.Fatal("there is no root of opaque access tokens")
	return secret.Root{}
}

func sealUnder(w *world, root secret.Root, issuer string, claims []byte) string {
	w.t.Helper()
	roots, err := secret.NewAccessRoots([]secret.Root{root})
	w.must(err)
	token, err := roots.Seal(issuer, [16]byte{1}, claims)
	w.must(err)
	return token
}

// opaqueForgeries are opaque tokens that are not ours, made from one that is.
func (w *world) opaqueForgeries(genuine string) map[string]string {
	w.t.Helper()
	root := w.accessRoot()
	opened, err := secret.NewAccessRoots([]secret.Root{root})
	w.must(err)
	claims, _, err := opened.Open(plainIssuer, genuine)
	w.must(err)
	another, gone := secret.Root{KeyID: root.KeyID, Key: [32]byte{9}}, root
	gone.KeyID++
	raw, err := b64.DecodeString(strings.TrimPrefix(genuine, "mat_"))
	w.must(err)
	summed := func(change func(raw []byte)) string {
		changed := bytes.Clone(raw[:len(raw)-4])
		change(changed)
		return "mat_" + b64.EncodeToString(binary.BigEndian.AppendUint32(changed, crc32.ChecksumIEEE(changed)))
	}
	forged := map[string]string{
		"cut short":                  genuine[:len(genuine)-3],
		"cut to its half":            genuine[:len(genuine)/2],
		"the prefix alone":           "mat_",
		"no prefix":                  genuine[4:],
		"of a refresh token":         "mrt_" + genuine[4:],
		"another server's":           sealUnder(w, another, plainIssuer, claims),
		"another root's name":        sealUnder(w, gone, plainIssuer, claims),
		"another issuer's":           sealUnder(w, root, "https://id.example", claims),
		"another issuer's claims":    sealUnder(w, root, plainIssuer, bytes.Replace(claims, []byte(plainIssuer), []byte("http://localhost:8485"), 1)),
		"a changed root id":          summed(func(raw []byte) { raw[3]++ }),
		"a changed salt":             summed(func(raw []byte) { raw[5] ^= 1 }),
		"a changed claim":            summed(func(raw []byte) { raw[40] ^= 1 }),
		"a changed tag":              summed(func(raw []byte) { raw[len(raw)-1] ^= 1 }),
		"a checksum that is not its": genuine[:len(genuine)-1] + string([]byte{genuine[len(genuine)-1] ^ 1}),
		"padding":                    genuine + "=",
		"the claims in clear":        "mat_" + b64.EncodeToString(claims),
		"a JWT behind the prefix":    "mat_" + signedByNobody(claims),
		"an array":                   sealUnder(w, root, plainIssuer, []byte(`[]`)),
		"nothing":                    sealUnder(w, root, plainIssuer, nil),
		"capitals":                   strings.ToUpper(genuine),
	}
	return forged
}

func signedByNobody(claims []byte) string {
	return b64.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + b64.EncodeToString(claims) + "."
}

// An opaque token is worth what its seal is: whatever is not under this server's root for this issuer is worth nothing,
// at every endpoint that takes a token, and has no effect.
func TestI4_ForgedOpaqueTokensAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sealed(api)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid api:read", "resource", api)
	if !strings.HasPrefix(got.Access, "mat_") || w.userinfo(got.Access).StatusCode != http.StatusOK {
		t.Fatalf("the access token is %s", got.Access)
	}
	for name, token := range w.opaqueForgeries(got.Access) {
		w.refuses(w.userinfo(token), http.StatusUnauthorized, "invalid_token")
		if web.active(token) || w.app("api-server").active(token) {
			t.Errorf("introspection takes %s", name)
		}
		if a := web.revoke(token); a.StatusCode != http.StatusOK || a.body != "" { // RFC 7009 §2.2
			t.Errorf("revoking %s answers %d %s", name, a.StatusCode, a.body)
		}
		w.refuses(web.refresh(token), http.StatusBadRequest, "invalid_grant")
	}
	w.refuses(web.refresh(got.Access), http.StatusBadRequest, "invalid_grant")
	w.refuses(web.redeem(got.Access), http.StatusBadRequest, "invalid_grant")
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", got.Access)), "https://app.example/cb", "invalid_request")
	w.refuses(w.newBrowser().query(oauth.PathUserinfo, url.Values{"access_token": {got.Access}}), http.StatusBadRequest, "invalid_request")
	if !web.active(got.Access) || !b.signedIn() {
		t.Error("a forgery had an effect")
	}
}

// Whoever holds an opaque token learns nothing from it: not who, not for what, not that two are of one grant.
func TestI4_AnOpaqueTokenTellsItsHolderNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sealed(api)
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana), "scope", "openid api:read", "resource", api)
	again := web.tokens(web.refresh(got.Refresh))
	raw, err := b64.DecodeString(strings.TrimPrefix(got.Access, "mat_"))
	w.must(err)
	other, err := b64.DecodeString(strings.TrimPrefix(again.Access, "mat_"))
	w.must(err)
	for _, word := range []string{w.subs[ana], "web", api, "openid", "api:read", "localhost"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("the token says %s", word)
		}
	}
	if same := commonRun(raw[4:], other[4:]); same > 4 {
		t.Errorf("two tokens of one grant share %d bytes in a row", same)
	}
	if got.ID == "" || w.claims(got.ID)["sub"] != w.subs[ana] {
		t.Error("the ID token, which is for the client, cannot be read")
	}
}

// commonRun is the longest run of bytes that two texts share at the same place.
func commonRun(a, b []byte) (longest int) {
	run := 0
	for i := range min(len(a), len(b)) {
		if run++; a[i] != b[i] {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// RFC 7662 §4: an API that is sent an opaque token for another API is told nothing of it.
func TestL4_OfAnOpaqueTokenOnlyItsAPIAndItsClientLearn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sealed(other)
	token := w.app("web").granted(w.newBrowser().signIn(ana), "scope", "api:read", "resource", other).Access
	for client, knows := range map[string]bool{"web": true, "api-server": false, "stranger": false, "machine": false} {
		if w.app(client).active(token) != knows {
			t.Errorf("%s learns of it: %v", client, !knows)
		}
	}
}

// A root that got out seals tokens with an rvs that no cutoff reaches. An emergency ends it.
func TestZ5_AnEmergencyEndsWhatAThiefSealsWithTheRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sealed(api)
	machine := w.app("machine")
	genuine := machine.own("resource", api).Access
	stolen := w.accessRoot()
	opened, err := secret.NewAccessRoots([]secret.Root{stolen})
	w.must(err)
	claims, _, err := opened.Open(plainIssuer, genuine)
	w.must(err)
	var members map[string]any
	w.must(json.Unmarshal(claims, &members))
	members["rvs"], members["jti"] = 1<<53-1, "AAAAAAAAAAAAAAAAAAAAAA"
	claims, err = json.Marshal(members)
	w.must(err)
	forged := sealUnder(w, stolen, plainIssuer, claims)
	if !machine.active(forged) {
		t.Fatal("the theft is none: this test shows nothing")
	}
	w.must(w.engine.RotateKeys(t.Context(), true))
	if machine.active(forged) || machine.active(genuine) {
		t.Error("a token of the stolen root is active after the emergency")
	}
	if fresh := machine.own("resource", api).Access; !machine.active(fresh) {
		t.Error("a token of the new root is not active")
	}
}
