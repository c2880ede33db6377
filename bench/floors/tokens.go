package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

const (
	issuer   = "http://127.0.0.1:8484"
	lifetime = 900 // seconds
)

// accessClaims are the claims of Mintmark's standard access token, so that both encode and sign as many bytes.
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Client   string   `json:"client_id"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	ID       string   `json:"jti"`
	Scope    string   `json:"scope,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Session  string   `json:"sid,omitempty"`
	Grant    string   `json:"gid,omitempty"`
	Revision int64    `json:"rvs"`
}

type idClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	AuthTime int64    `json:"auth_time"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	Session  string   `json:"sid"`
}

func serviceClaims(now time.Time) accessClaims {
	return accessClaims{
		Issuer: issuer, Subject: "bench-service", Audience: issuer, Client: "bench-service",
		IssuedAt: now.Unix(), Expires: now.Unix() + lifetime, ID: randomID(), Revision: now.UnixMilli(),
	}
}

func (s refreshState) accessClaims(now time.Time) accessClaims {
	return accessClaims{
		Issuer: issuer, Subject: s.user, Audience: issuer, Client: s.client,
		IssuedAt: now.Unix(), Expires: now.Unix() + lifetime, ID: randomID(), Scope: s.scope,
		AuthTime: s.authTime, ACR: "1", AMR: []string{"pwd"}, Session: s.session, Grant: s.id, Revision: s.revision,
	}
}

func (s refreshState) idClaims(now time.Time) idClaims {
	return idClaims{
		Issuer: issuer, Subject: s.user, Audience: s.client, IssuedAt: now.Unix(), Expires: now.Unix() + 3600,
		AuthTime: s.authTime, ACR: "1", AMR: []string{"pwd"}, Session: s.session,
	}
}

// keys is one ES256 key, parsed once, and the protected headers that it signs under.
type keys struct {
	private                *ecdsa.PrivateKey
	id                     string
	accessHeader, idHeader string
}

type protectedHeader struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
	Type      string `json:"typ"`
}

func newKeys() (*keys, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(randomBytes(8))
	header := func(typ string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + id + `","typ":"` + typ + `"}`))
	}
	return &keys{private: private, id: id, accessHeader: header("at+jwt"), idHeader: header("JWT")}, nil
}

func (k *keys) signAccess(claims accessClaims) (string, error) { return k.sign(k.accessHeader, claims) }
func (k *keys) signID(claims idClaims) (string, error)         { return k.sign(k.idHeader, claims) }

// sign makes a compact JWS: RFC 7515 §3.1, with the signature as r and s of 32 bytes each (RFC 7518 §3.4).
func (k *keys) sign(header string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	token := make([]byte, 0, len(header)+2+base64.RawURLEncoding.EncodedLen(len(payload))+86)
	token = append(token, header...)
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, payload)
	digest := sha256.Sum256(token)
	r, s, err := ecdsa.Sign(rand.Reader, k.private, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	token = append(token, '.')
	return string(base64.RawURLEncoding.AppendEncode(token, signature[:])), nil
}

var (
	errMalformed = errors.New("the token is malformed")
	errForged    = errors.New("the token is not from this issuer")
	errExpired   = errors.New("the token has expired")
)

// verifyAccess checks the header, the signature, the issuer and the expiry of an access token, and returns its claims.
func (k *keys) verifyAccess(token string, now time.Time) (*accessClaims, error) {
	signed, signature, ok := cutLast(token)
	head, payload, ok2 := strings.Cut(signed, ".")
	if !ok || !ok2 {
		return nil, errMalformed
	}
	var header protectedHeader
	if err := decode(head, &header); err != nil {
		return nil, err
	}
	if header != (protectedHeader{Algorithm: "ES256", Key: k.id, Type: "at+jwt"}) || !k.signed(signed, signature) {
		return nil, errForged
	}
	claims := new(accessClaims)
	if err := decode(payload, claims); err != nil {
		return nil, err
	}
	if claims.Issuer != issuer {
		return nil, errForged
	}
	if now.Unix() >= claims.Expires {
		return nil, errExpired
	}
	return claims, nil
}

func (k *keys) signed(input, signature string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(raw) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(input))
	return ecdsa.Verify(&k.private.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
}

func cutLast(token string) (before, after string, found bool) {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return "", "", false
	}
	return token[:dot], token[dot+1:], true
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return errMalformed
	}
	if json.Unmarshal(raw, into) != nil {
		return errMalformed
	}
	return nil
}
