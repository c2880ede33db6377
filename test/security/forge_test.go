package security_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"

	"github.com/mintmark-id/mintmark/internal/secret"
)

// foreignRefresh is a refresh token of the right form and checksum, made under another server's root.
func (w *world) foreignRefresh() string {
	w.t.Helper()
	roots, err := secret.NewRoots([]secret.Root{{KeyID: 1, Key: [32]byte{9}}})
	w.must(err)
	token, err := roots.Derive(base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{5}, 16)), 0)
	w.must(err)
	return token
}

var b64 = base64.RawURLEncoding

func encoded(members map[string]any) string {
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // of strings and numbers, which always encode
	}
	return b64.EncodeToString(text)
}

// changed is a copy with some members set; nil removes one.
func changed(members map[string]any, pairs ...any) map[string]any {
	copied := maps.Clone(members)
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		if copied[name] = pairs[i+1]; pairs[i+1] == nil {
			delete(copied, name)
		}
	}
	return copied
}

// signed signs with a key of the forger's.
func signed(key *ecdsa.PrivateKey, header, payload map[string]any) string {
	input := encoded(header) + "." + encoded(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:]) // crypto/rand never fails
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return input + "." + b64.EncodeToString(raw)
}

func withMAC(key []byte, header, payload map[string]any) string {
	input := encoded(header) + "." + encoded(payload)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(input))
	return input + "." + b64.EncodeToString(mac.Sum(nil))
}

// forgeries are tokens that are not ours, made from one that is: by name, so that a failure says what was believed.
func (w *world) forgeries(genuine string) map[string]string {
	w.t.Helper()
	header, payload := w.part(genuine, 0), w.part(genuine, 1)
	parts := strings.Split(genuine, ".")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	public, err := key.PublicKey.ECDH()
	w.must(err)
	point := public.Bytes()
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:])}
	keys := w.newBrowser().get("/.well-known/jwks.json").body
	more := changed(payload, "scope", "openid email profile admin")
	raw, _ := b64.DecodeString(parts[1])
	forged := map[string]string{
		"alg none":                 encoded(changed(header, "alg", "none")) + "." + parts[1] + ".",
		"alg None":                 encoded(changed(header, "alg", "None")) + "." + parts[1] + ".",
		"alg none, with signature": encoded(changed(header, "alg", "none")) + "." + parts[1] + "." + parts[2],
		"no alg":                   encoded(changed(header, "alg", nil)) + "." + parts[1] + "." + parts[2],
		"HS256 with the key set":   withMAC([]byte(keys), changed(header, "alg", "HS256"), more),
		"HS256 with nothing":       withMAC(nil, changed(header, "alg", "HS256"), more),
		"another's key, our kid":   signed(key, header, more),
		"another's key, no kid":    signed(key, changed(header, "kid", nil), more),
		"the key in the header":    signed(key, changed(header, "jwk", jwk), more),
		"a key elsewhere":          signed(key, changed(header, "jku", "https://evil.example/jwks", "kid", "x"), more),
		"a certificate elsewhere":  signed(key, changed(header, "x5u", "https://evil.example/x", "x5c", []string{"MA=="}), more),
		"a kid that is a path":     signed(key, changed(header, "kid", "../../dev/null"), more),
		"a kid that is SQL":        signed(key, changed(header, "kid", "x' OR '1'='1"), more),
		"another payload":          parts[0] + "." + encoded(more) + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"two parts":                parts[0] + "." + parts[1],
		"a fourth part":            genuine + ".x",
		"padding":                  genuine + "=",
		"a space":                  parts[0] + ". " + parts[1] + "." + parts[2],
		"the other alphabet":       parts[0] + "." + base64.RawStdEncoding.EncodeToString(append(raw, []byte("\xfb\xff ")...)) + "." + parts[2],
		"cut short":                genuine[:len(genuine)-3],
		"a signature of zeroes":    parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64)),
		"unknown crit":             signed(key, changed(header, "crit", []string{"x"}, "x", 1), payload),
		"duplicate members":        b64.EncodeToString([]byte(`{"alg":"none","alg":"ES256","typ":"at+jwt"}`)) + "." + parts[1] + "." + parts[2],
		"as JSON":                  `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"sixteen KiB":              genuine + strings.Repeat("A", 17<<10),
		"capitals":                 strings.ToUpper(genuine),
	}
	last := genuine[len(genuine)-1]
	if stray := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last); stray >= 0 {
		forged["stray bits at the end"] = genuine[:len(genuine)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[stray^1])
	}
	return forged
}
