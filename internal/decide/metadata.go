package decide

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// maxMetadata bounds the body of a registration: the row of a client is kept in
// memory while it is in use.
const maxMetadata = 16 << 10

// Metadata is what a client says of itself (RFC 7591 §2), as far as it is done
// here. What it stands for is checked with the rules that hold for clients of an
// administrator too.
type Metadata struct {
	Name     string
	Settings record.ClientSettings
	// ID and Secret are in an update alone, where they must be the client's own
	// (RFC 7592 §2.2).
	ID, Secret string
}

// MetadataField is a row of the table of client metadata.
type MetadataField struct {
	Name    string // as the JSON has it
	Spec    string // where it is defined
	Rule    string // what this server does with it, for people
	Default string // what stands in for one that is left out, in words
	Refused bool   // it is not done here

	take   func(into *Metadata, from jose.Object) bool // false: it is not of the right form
	show   func(*record.Client) any
	reason oauth.Reason // of a refusal
}

// ReadMetadata reads the body of a registration, or with update of its update. A
// field that the specifications know and this server does not do is refused, one
// that they do not know is left out (RFC 7591 §2: "The authorization server MUST
// ignore any client metadata sent by the client that it does not understand").
func ReadMetadata(body string, update bool) (Metadata, *oauth.Error) {
	if len(body) > maxMetadata {
		return Metadata{}, oauth.Refuse(oauth.ReasonBodyTooLarge)
	}
	object, err := jose.DecodeObject([]byte(body))
	if err != nil {
		return Metadata{}, oauth.Refuse(oauth.ReasonRegistrationMalformed).Because(err)
	}
	var m Metadata
	for _, name := range object.Names() {
		if isNull(object, name) {
			continue // RFC 7592 §2.2: null is the same as left out
		}
		field, known := fieldNamed(name)
		switch {
		case !known:
		case field.Refused && !(update && field.take != nil):
			return Metadata{}, oauth.Refuse(field.reason).With(field.Name)
		case !field.take(&m, object):
			return Metadata{}, oauth.Refuse(oauth.ReasonRegistrationField).With(field.Name)
		}
	}
	return withMetadataDefaults(m), nil
}

func isNull(object jose.Object, name string) bool {
	raw, err := object.Raw(name)
	return err == nil && string(raw) == "null"
}

// fieldNamed finds a field, also by a name with a language (RFC 7591 §2.2).
func fieldNamed(name string) (MetadataField, bool) {
	base, _, tagged := strings.Cut(name, "#")
	n, known := metadataIndex[base]
	if !known {
		return MetadataField{}, false
	}
	field := metadataTable[n]
	if tagged && !slices.Contains(Localizable(), base) {
		field.Refused, field.reason, field.take = true, oauth.ReasonRegistrationUnserved, nil
	} else if tagged {
		field.take = inLanguage(name)
	}
	return field, true
}

// Localizable are the fields that a client may say in several languages (RFC 7591
// §2.2).
func Localizable() []string {
	return []string{"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"}
}

// inLanguage takes a field whose name has a language.
func inLanguage(name string) func(*Metadata, jose.Object) bool {
	return func(into *Metadata, from jose.Object) bool {
		value, err := from.String(name)
		if into.Settings.Localized == nil {
			into.Settings.Localized = map[string]string{}
		}
		into.Settings.Localized[name] = value
		return err == nil && value != ""
	}
}

// withMetadataDefaults fills what was left out: RFC 7591 §2, OpenID Connect
// Dynamic Client Registration §2.
func withMetadataDefaults(m Metadata) Metadata {
	s := &m.Settings
	if s.TokenEndpointAuthMethod == "" {
		s.TokenEndpointAuthMethod = string(oauth.AuthBasic)
	}
	if len(s.GrantTypes) == 0 {
		s.GrantTypes = []string{oauth.GrantAuthorizationCode}
	}
	if s.Scope == "" {
		s.Scope = oauth.StandardScopes().String()
	}
	if s.IDTokenSigningAlg == "" {
		s.IDTokenSigningAlg = string(jose.RS256) // OpenID Connect Core §15.1
	}
	s.PKCE = record.PKCERequired
	if s.TokenEndpointAuthMethod != string(oauth.AuthNone) {
		s.PKCE = record.PKCEOptional // plain OpenID Connect clients send none; what is sent is enforced
	}
	if m.Name == "" {
		m.Name = nameless(s.RedirectURIs)
	}
	return m
}

// nameless is what a client is called that does not say: where it leads to.
func nameless(redirectURIs []string) string {
	if len(redirectURIs) == 0 {
		return ""
	}
	scheme, rest, _ := strings.Cut(redirectURIs[0], ":")
	host, isHost := strings.CutPrefix(rest, "//")
	if !isHost {
		return scheme
	}
	host, _, _ = strings.Cut(host, "/")
	host, _, _ = strings.Cut(host, "?")
	return host
}

// ClientInformation renders what a client is told of itself (RFC 7591 §3.2.1,
// RFC 7592 §3): every value that is registered for it, and what is only now known
// in clear.
func ClientInformation(c Registered, issuer oauth.Issuer) []byte {
	b := append(make([]byte, 0, 1024), '{')
	add := func(name string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // strings, numbers and lists of them
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":`...)
		b = append(b, text...)
	}
	add("client_id", c.Client.ID)
	add("client_id_issued_at", c.Client.MadeAt/second)
	if c.Secret != "" {
		add("client_secret", c.Secret)
		add("client_secret_expires_at", 0) // RFC 7591 §3.2.1: 0 is never
	}
	if own := c.Client.Registration; own != nil && len(own.TokenHash) > 0 {
		add("registration_client_uri", issuer.Endpoint(oauth.PathRegister)+"/"+c.Client.ID)
		if c.Token != "" {
			add("registration_access_token", c.Token)
		}
	}
	for _, field := range metadataTable {
		if field.show == nil {
			continue
		}
		if value := field.show(c.Client); !empty(value) {
			add(field.Name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Client.Settings.Localized)) {
		add(name, c.Client.Settings.Localized[name])
	}
	return append(b, '}')
}

// empty: what has no value is left out.
func empty(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case []string:
		return len(value) == 0
	case json.RawMessage:
		return len(value) == 0
	case *int64:
		return value == nil
	case bool:
		return !value
	}
	return value == nil
}

// PublicClientID is the id of a public client that registers itself: the hash of
// what it is. However often an application registers, it is one client.
func PublicClientID(issuer oauth.Issuer, m *Metadata) string {
	same := *m
	s := &same.Settings
	for _, list := range []*[]string{&s.RedirectURIs, &s.PostLogoutRedirectURIs, &s.GrantTypes, &s.Contacts, &s.RequestURIs} {
		*list = slices.Sorted(slices.Values(*list)) // the order says nothing
	}
	text, err := json.Marshal(same)
	if err != nil {
		panic(err) // it was read from JSON
	}
	sum := secret.Hash("public client\x00" + issuer.String() + "\x00" + string(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
