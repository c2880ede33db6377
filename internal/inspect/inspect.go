// Package inspect takes a token apart for people: what kind it is, what each
// member says and means, what it costs in bytes, its times in words, and what is
// unusual about it. The command line and the demo app show the same report.
//
// It is pure and checks no signature: nothing that it shows may be believed for
// having been shown.
package inspect

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// NotChecked stands beside every report of a signed token.
const NotChecked = "The signature was not checked: anybody can write a token that reads like this."

// ErrUnknown is returned for text that is no token of a kind that can be told.
var ErrUnknown = errors.New("not a token: neither the three parts of a signed one nor a prefix of Mintmark's")

// Kind is what a token is, as far as it says so itself.
type Kind string

// The kinds that are told apart.
const (
	AccessToken       Kind = "access token"
	IDToken           Kind = "ID token"
	LogoutToken       Kind = "logout token"
	ProofToken        Kind = "DPoP proof"
	SecurityEvent     Kind = "security event token"
	SignedToken       Kind = "signed token"
	EncryptedToken    Kind = "encrypted token"
	RefreshToken      Kind = "refresh token (Mintmark)"
	OpaqueAccessToken Kind = "opaque access token (Mintmark)"
	ClientSecret      Kind = "client secret (Mintmark)"
	SetupToken        Kind = "setup or admin token (Mintmark)"
)

// Report is what a token says. Nothing in it can disturb a terminal: characters
// that do not show are escaped.
type Report struct {
	Kind     Kind
	About    string   // what this kind is for, in a sentence
	Header   []Member // empty unless the token has a header
	Claims   []Member // in the order they were written
	Parts    []Part   // what the token is made of; dots between them are counted in Bytes only
	Bytes    int      // of the whole token
	Life     string   // from when to when, in words; empty where the token does not say
	Warnings []string // what is unusual or wrong, each a sentence
}

// Member is one member of a header or a payload.
type Member struct {
	Name    string
	Value   string // a string without its quotes, anything else as JSON
	Words   string // a time in words; empty for anything else
	Meaning string // a sentence
	Bytes   int    // what it adds to the token, encoding included
}

// Part is a part of a token and how long it is.
type Part struct {
	Name  string
	Bytes int
}

// Token reports on a token at a moment. White space around it is ignored. Errors
// wrap [ErrUnknown] or say why the token cannot be read; they quote nothing of it.
func Token(text string, now time.Time) (Report, error) {
	text = strings.TrimSpace(text)
	if len(text) > jose.MaxToken {
		return Report{}, fmt.Errorf("the token is longer than %d bytes", jose.MaxToken)
	}
	switch {
	case strings.HasPrefix(text, secret.PrefixRefresh):
		return refresh(text)
	case strings.HasPrefix(text, secret.PrefixAccess):
		return sealed(text)
	case strings.HasPrefix(text, secret.PrefixClientSecret):
		return opaque(ClientSecret, text), nil
	case strings.HasPrefix(text, secret.PrefixSetup):
		return opaque(SetupToken, text), nil
	}
	switch strings.Count(text, ".") {
	case 2:
		return signed(text, now)
	case 4: // RFC 7516 §9
		return encrypted(text)
	}
	return Report{}, ErrUnknown
}

// Claims lists the members of an object that is no token but speaks its language:
// an answer of userinfo or introspection. Their Bytes are as in a token.
func Claims(o jose.Object, now time.Time) []Member {
	list := members(o, func(name, value string) string { return claimMeaning(SignedToken, name, value) })
	for i := range list {
		list[i].Words = timeWords(o, list[i].Name, now)
	}
	return list
}

// about says what each kind is for.
func about(kind Kind) string {
	switch kind {
	case AccessToken:
		return "An access token is for an API: it says who allowed which client to do what there, and for how long."
	case IDToken:
		return "An ID token is for the client: it says who signed in, when and how. No API may take it for permission."
	case LogoutToken:
		return "A logout token tells a client's server that a session has ended."
	case ProofToken:
		return "A DPoP proof shows that whoever sends a request holds the key that its access token is bound to."
	case SecurityEvent:
		return "A security event token tells another server that something happened to an account or a session."
	case SignedToken:
		return "A signed token that does not say what it is for. Verifiers should refuse a token without the type they expect."
	case EncryptedToken:
		return "An encrypted token: only the holder of a key can read it; its header alone is in clear."
	case RefreshToken:
		return "A refresh token gets new access tokens from the token endpoint. Only the server that made it can check it."
	case OpaqueAccessToken:
		return "An opaque access token is sealed: APIs ask the introspection endpoint what it says."
	case ClientSecret:
		return "A client secret proves to the token endpoint which client is asking. It never leaves the client's server."
	case SetupToken:
		return "A setup or admin token lets its holder administer the server. Treat it like a password."
	}
	return ""
}
