package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"
)

// benchClaims writes the claims of an ordinary access token.
func benchClaims(buf []byte) []byte {
	w := BeginObject(buf)
	w.String("iss", "https://id.example.com")
	w.String("sub", "usr_01JD8Q4Z6M3V9X2K7T5B1C0R8E")
	w.Strings("aud", []string{"https://api.example.com"})
	w.String("client_id", "app_01JD8Q4Z6M3V9X2K7T5B1C0R8E")
	w.Int("iat", 1_760_000_000)
	w.Int("exp", 1_760_000_900)
	w.String("jti", "JzX3V0uK1m2Q9rT5b7yN4w")
	w.String("scope", "openid profile orders:read orders:write")
	w.Int("auth_time", 1_759_999_000)
	w.String("acr", "urn:mintmark:acr:2")
	w.Strings("amr", []string{"pwd", "otp"})
	w.String("sid", "Kq2b8V0xT4mZ7nP1")
	w.String("gid", "p0s9D8f7G6h5J4k3")
	w.Int("rvs", 1_760_000_000_123)
	return w.End()
}

func BenchmarkWriterClaims(b *testing.B) {
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = benchClaims(buf[:0])
	}
}

func BenchmarkDecodeClaims(b *testing.B) {
	claims := benchClaims(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeObject(claims); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHeader is what a cache of headers would save of each signature.
func BenchmarkHeader(b *testing.B) {
	buf, out := make([]byte, 0, 256), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		w := BeginObject(buf[:0])
		w.String("alg", "ES256")
		w.String("kid", "Kq2b8V0xT4m")
		w.String("typ", "at+jwt")
		out = base64.RawURLEncoding.AppendEncode(out[:0], w.End())
	}
}

// BenchmarkFloorES256 is what crypto/ecdsa takes by itself.
func BenchmarkFloorES256(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("x"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkSign(b *testing.B, alg Algorithm) {
	key, err := Generate(alg)
	if err != nil {
		b.Fatal(err)
	}
	claims := benchClaims(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign(key, "at+jwt", claims); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkVerify(b *testing.B, alg Algorithm) {
	key, err := Generate(alg)
	if err != nil {
		b.Fatal(err)
	}
	token, err := Sign(key, "at+jwt", benchClaims(nil))
	if err != nil {
		b.Fatal(err)
	}
	set := KeySet{key.Public()}
	b.ReportAllocs()
	for b.Loop() {
		c, err := Parse(token)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Verify(set, alg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignES256(b *testing.B)     { benchmarkSign(b, ES256) }
func BenchmarkSignEd25519(b *testing.B)   { benchmarkSign(b, Ed25519) }
func BenchmarkSignRS256(b *testing.B)     { benchmarkSign(b, RS256) }
func BenchmarkVerifyES256(b *testing.B)   { benchmarkVerify(b, ES256) }
func BenchmarkVerifyEd25519(b *testing.B) { benchmarkVerify(b, Ed25519) }
func BenchmarkVerifyRS256(b *testing.B)   { benchmarkVerify(b, RS256) }
