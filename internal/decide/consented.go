package decide

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// askedClaims are the attributes that a request names one by one and that the
// client may have: those that it may read, and, where no list says which those
// are, no more than the scopes that it may ask for stand for. Others are left out:
// that a claim is not told is no error (OpenID Connect Core §5.5.1).
func askedClaims(asked *oauth.ClaimsRequest, client *record.Client) record.AskedClaims {
	if asked == nil {
		return record.AskedClaims{}
	}
	may := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !mayAskFor(name, client) })
	}
	return record.AskedClaims{Userinfo: may(asked.Userinfo), IDToken: may(asked.IDToken)}
}

// mayAskFor reports whether a client may be told an attribute: seed S1's list
// decides where there is one, else its scopes.
func mayAskFor(name string, client *record.Client) bool {
	if client.Settings.ReadAttributes != nil {
		return client.Reads(name)
	}
	return slices.ContainsFunc(client.ScopeList, func(scope string) bool {
		return slices.Contains(oauth.AttributesOf(scope), name)
	})
}

// extra are the attributes of a wish beyond those that its scopes stand for,
// sorted.
func (w wish) extra() []string {
	behind := attributesBehind(w.scope)
	var extra []string
	for _, name := range slices.Concat(w.claims.Userinfo, w.claims.IDToken) {
		if !slices.Contains(behind, name) {
			extra = append(extra, name)
		}
	}
	slices.Sort(extra)
	return slices.Compact(extra)
}

func attributesBehind(scopes []string) []string {
	var all []string
	for _, scope := range scopes {
		all = append(all, oauth.AttributesOf(scope)...)
	}
	return all
}

// needsConsent decides whether the user must be asked; "" if not.
func needsConsent(ask Ask, wanted wish, to oauth.RedirectURI, st *record.AuthorizeState) oauth.Reason {
	if ask.consented {
		return ""
	}
	switch {
	case ask.Request.Prompts(oauth.PromptConsent):
		return oauth.ReasonConsentRequired // OpenID Connect Core §3.1.2.1
	case Unassured(st.Client, to):
		return oauth.ReasonConsentRequired
	case st.Client.Settings.FirstParty || covers(st.Consent, wanted, st.Client):
		return ""
	}
	return oauth.ReasonConsentRequired
}

// covers reports whether the user has let the client have all that is wanted,
// while it was what it is now.
func covers(given *record.Consent, wanted wish, client *record.Client) bool {
	if given == nil || !wanted.scope.Within(oauth.NewScopes(given.Scope...)) {
		return false
	}
	if given.Face != "" && given.Face != face(client) {
		return false
	}
	known := append(attributesBehind(given.Scope), given.Claims...)
	return !slices.ContainsFunc(wanted.extra(), func(name string) bool { return !slices.Contains(known, name) })
}

// face is what a client is to a user who lets it in: its name, and where what it
// gets can go. Whoever takes over a client's name or address does not take over
// the consents (RFC 6749 §10.2, ASVS 10.7.1).
func face(client *record.Client) string {
	uris := slices.Sorted(slices.Values(client.Settings.RedirectURIs))
	text := client.Name + "\x00" + strings.Join(uris, "\x00") + "\x00\x00" + client.Settings.JWKSURI + "\x00" + string(client.Settings.JWKS)
	if name := CertificateSubject(&client.Settings); name != (clientcert.Subject{}) {
		text += "\x00" + strings.Join([]string{name.DN, name.DNS, name.URI, name.IP, name.Email}, "\x00")
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// rememberConsent adds what the user has just allowed to what they allowed
// before.
func rememberConsent(wanted wish, st *record.AuthorizeState, env Env) []record.Change {
	scope, claims := wanted.scope, wanted.extra()
	if given := st.Consent; given != nil && (given.Face == "" || given.Face == face(st.Client)) {
		scope = scope.Or(oauth.NewScopes(given.Scope...))
		claims = slices.Compact(slices.Sorted(slices.Values(append(claims, given.Claims...))))
	}
	detail := wanted.scope.String()
	if extra := wanted.extra(); len(extra) > 0 {
		detail += ", claims " + strings.Join(extra, " ")
	}
	return []record.Change{
		record.PutConsent{Consent: record.Consent{
			UserID: st.Session.UserID, ClientID: st.Client.ID, Scope: scope, Claims: claims, Face: face(st.Client), MadeAt: env.Now,
		}},
		audited(record.Audit{
			Event: "consent_given", Actor: ActorUser(st.Session.UserID),
			UserID: st.Session.UserID, ClientID: st.Client.ID, Detail: detail,
		}, env),
	}
}
