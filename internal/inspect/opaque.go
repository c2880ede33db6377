package inspect

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// opaque reports on a secret that says nothing but what it is.
func opaque(kind Kind, text string) Report {
	return Report{Kind: kind, About: about(kind), Bytes: len(text), Warnings: []string{secretWarning}}
}

const secretWarning = "Whoever has this text can use it: keep it out of logs, tickets and chats."

// What the parts of a refresh token take, in bytes before they are encoded.
const (
	refreshPrefixBytes   = len(secret.PrefixRefresh)
	refreshRootBytes     = 4
	refreshGIDBytes      = 16
	refreshNumberBytes   = 8
	refreshTagBytes      = 16
	refreshChecksumBytes = 4
)

// refresh reports on a refresh token: what it names can be read by anybody,
// whether it is genuine only by the server (tokens are derived, not stored).
func refresh(text string) (Report, error) {
	said, err := secret.ReadRefresh(text)
	if err != nil {
		return Report{}, errors.New("the text begins like a refresh token, but its checksum does not fit: it was cut or mistyped")
	}
	pieces := []struct {
		name, value, meaning string
		bytes                int
	}{
		{"root", strconv.FormatUint(uint64(said.KeyID), 10), "Which of the server's secret roots it was derived from.", refreshRootBytes},
		{"gid", said.GID, "The grant it belongs to: what one sign-in gave one client. Ending the grant ends every token of it.", refreshGIDBytes},
		{
			"generation", strconv.FormatInt(said.Generation, 10),
			"How many times the grant's refresh token was replaced before this one. An older one that comes back shows a theft.", refreshNumberBytes,
		},
		{"tag", "(not shown)", "The proof that the server made it: an HMAC under the root. It cannot be guessed, and nothing of it is stored.", refreshTagBytes},
		{"checksum", "fits", "Lets scanners and the server throw away what was cut or mistyped, without a look at the database.", refreshChecksumBytes},
	}
	r := Report{Kind: RefreshToken, About: about(RefreshToken), Bytes: len(text), Warnings: []string{secretWarning}}
	r.Parts = append(r.Parts, Part{"prefix " + secret.PrefixRefresh, refreshPrefixBytes})
	at := 0
	for _, p := range pieces {
		size := encodedBetween(at, at+p.bytes)
		at += p.bytes
		r.Claims = append(r.Claims, Member{Name: p.name, Value: p.value, Meaning: p.meaning, Bytes: size})
	}
	r.Parts = append(r.Parts, Part{"content", base64.RawURLEncoding.EncodedLen(at)})
	return r, nil
}

// What the parts of an opaque access token take, in bytes before they are encoded.
const (
	accessRootBytes = 4
	accessSaltBytes = 16
)

// sealed reports on an opaque access token: anybody can read under which root it
// was sealed, and only the server what it says.
func sealed(text string) (Report, error) {
	root, err := secret.ReadAccess(text)
	if err != nil {
		return Report{}, errors.New("the text begins like an opaque access token, but its checksum does not fit: it was cut or mistyped")
	}
	content := len(text) - len(secret.PrefixAccess)
	salt := encodedBetween(accessRootBytes, accessRootBytes+accessSaltBytes)
	checksum := encodedBetween(0, refreshChecksumBytes)
	number := encodedBetween(0, accessRootBytes)
	r := opaque(OpaqueAccessToken, text)
	r.Parts = []Part{{"prefix " + secret.PrefixAccess, len(secret.PrefixAccess)}, {"content", content}}
	r.Claims = []Member{
		{Name: "root", Value: strconv.FormatUint(uint64(root), 10), Meaning: "Which of the server's secret roots it was sealed under.", Bytes: number},
		{Name: "salt", Value: "(not shown)", Meaning: "Makes the key of this one token out of the root.", Bytes: salt},
		{
			Name: "sealed", Value: "(not shown)", Bytes: content - number - salt - checksum,
			Meaning: "The claims, encrypted and authenticated for this issuer (AES-256-GCM). Introspection tells them to those they concern.",
		},
		{Name: "checksum", Value: "fits", Meaning: "Lets scanners and the server throw away what was cut or mistyped, without a look at the database.", Bytes: checksum},
	}
	return r, nil
}

// encrypted reports on a compact JWE (RFC 7516 §7.1), of which the header can be read.
func encrypted(text string) (Report, error) {
	parts := strings.Split(text, ".")
	header, err := decode(parts[0])
	if err != nil {
		return Report{}, fmt.Errorf("reading header: %w", err)
	}
	r := Report{Kind: EncryptedToken, About: about(EncryptedToken), Bytes: len(text)}
	r.Header = members(header, headerMeaning)
	for i, name := range []string{"header", "encrypted key", "initialization vector", "ciphertext", "tag"} {
		r.Parts = append(r.Parts, Part{name, len(parts[i])})
	}
	return r, nil
}

// decode reads an object in base64url.
func decode(part string) (jose.Object, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return jose.Object{}, errors.New("not base64url")
	}
	return jose.DecodeObject(data)
}
