package main

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// sample is a token that mint signed, as inspect reads it.
type sample struct {
	title  string
	report inspect.Report
}

// writeClaims signs one token of each kind with the real mint and writes down
// what the real inspector finds in it.
func writeClaims(w *writer) error {
	w.paragraph("Tokens are JWS in compact form. `mintmark token inspect` prints the same sentences for a token at hand. " +
		"Verifiers must check `typ`, `iss`, `aud` and `exp`, and take the algorithm from the key, not from the token. " +
		"That is ES256, unless a resource (its access tokens) or a client (its ID tokens) was set to RS256, PS256 or Ed25519.")
	m, err := newMint()
	if err != nil {
		return err
	}
	access, id, err := samples(m)
	if err != nil {
		return err
	}
	w.heading(2, "Access token")
	w.paragraph("RFC 9068, profile `standard`. It says nothing about who the user is: that is userinfo's.")
	writeSamples(w, access)
	w.heading(2, "ID token")
	w.paragraph("OpenID Connect Core §2, profile `standard`. Claims about the user are left to userinfo (§5.4), but for those that the claims parameter asks for in `id_token` (§5.5): these stand beside the ones below, in renewed ID tokens too.")
	writeSamples(w, id)
	return writeUserinfo(w)
}

// newMint is a mint with a key of the moment.
func newMint() (*mint.Mint, error) {
	var kek secret.KEK // of keys that end with this process
	key, err := mint.NewKey(mint.ES256, kek, [12]byte{})
	if err != nil {
		return nil, err
	}
	key.Status = record.KeyActive
	ring, err := mint.NewRing([]record.SigningKey{key}, kek, 0)
	return &mint.Mint{Issuer: "https://id.example.com", Ring: ring}, err
}

func samples(m *mint.Mint) (access, id []sample, err error) {
	user := record.AccessFacts{
		Profile: record.StandardProfile, Alg: mint.ES256, Subject: "user", ClientID: "client",
		Audience: []string{"https://api.example.com"}, Scope: "openid", JTI: "jti", SID: "sid", GID: "gid",
		IssuedAt: 1, ExpiresAt: 2, AuthTime: 1, ACR: "aal1", AMR: []string{"pwd"}, RVS: 1,
	}
	offline, own := user, user
	user.Userinfo, user.X5T = []string{"name"}, "x"
	offline.SID = ""
	own.Subject, own.SID, own.GID, own.AuthTime, own.ACR, own.AMR = own.ClientID, "", "", 0, "", nil
	first := record.IDFacts{
		Profile: user.Profile, Alg: user.Alg, Subject: user.Subject, ClientID: user.ClientID, SID: user.SID,
		Nonce: "nonce", IssuedAt: 1, ExpiresAt: 2, AuthTime: 1, ACR: user.ACR, AMR: user.AMR,
	}
	renewed, away := first, first
	renewed.Nonce, away.SID = "", ""
	for _, s := range []struct {
		title  string
		access *record.AccessFacts
		id     *record.IDFacts
	}{
		{"User", &user, nil},
		{"User, `offline_access`", &offline, nil},
		{"Client itself", &own, nil},
		{"First, with a nonce", &user, &first},
		{"Renewed", &user, &renewed},
		{"`offline_access`", &offline, &away},
	} {
		signed, err := m.Sign(&record.Tokens{Access: s.access, ID: s.id})
		if err != nil {
			return nil, nil, err
		}
		text, list := signed.Access, &access
		if s.id != nil {
			text, list = signed.ID, &id
		}
		report, err := inspect.Token(text, time.Unix(1, 0))
		if err != nil {
			return nil, nil, err
		}
		*list = append(*list, sample{s.title, report})
	}
	return access, id, nil
}

// writeSamples writes header and claims of tokens of one kind, in the order in
// which the fullest has them; that is the first.
func writeSamples(w *writer, list []sample) {
	for _, part := range []struct {
		title string
		of    func(inspect.Report) []inspect.Member
	}{
		{"Header", func(r inspect.Report) []inspect.Member { return r.Header }},
		{"Claim", func(r inspect.Report) []inspect.Member { return r.Claims }},
	} {
		columns := []string{part.title}
		for _, s := range list {
			columns = append(columns, s.title)
		}
		w.table(append(columns, "What it means")...)
		for _, member := range part.of(list[0].report) {
			cells := []string{code(member.Name)}
			for _, s := range list {
				has := slices.ContainsFunc(part.of(s.report), func(m inspect.Member) bool { return m.Name == member.Name })
				cells = append(cells, map[bool]string{true: "yes", false: "–"}[has])
			}
			w.row(append(cells, member.Meaning)...)
		}
		w.print("\n")
	}
}

// writeUserinfo lists the attributes behind each scope.
func writeUserinfo(w *writer) error {
	w.heading(2, "Userinfo")
	w.paragraph("With `openid` the answer has `sub`; each further scope adds its attributes (OpenID Connect Core §5.4), as far as the user has them and the client may read them. So does each attribute that the claims parameter asks for in `userinfo` (§5.5) and that the client may have: one of its `read_attributes`, or, where it has no such list, one behind a scope that it may ask for.")
	w.table("Scope", "Attribute", "What it means")
	for _, scope := range oauth.StandardScopes() {
		names := map[string]string{}
		for _, name := range oauth.AttributesOf(scope) {
			names[name] = "x"
		}
		text, err := json.Marshal(names)
		if err != nil {
			return err
		}
		object, err := jose.DecodeObject(text)
		if err != nil {
			return err
		}
		meanings := inspect.Claims(object, time.Unix(1, 0))
		for _, name := range oauth.AttributesOf(scope) {
			n := slices.IndexFunc(meanings, func(m inspect.Member) bool { return m.Name == name })
			if n < 0 {
				return errors.New("the attribute " + name + " was lost")
			}
			w.row(code(scope), code(name), meanings[n].Meaning)
		}
	}
	return nil
}
