package security_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
	"github.com/mintmark-id/mintmark/test/authority"
)

// mutualOrigin is where connections show certificates.
const mutualOrigin = "https://mtls.id.example"

// takingCertificates lets clients show certificates, and an authority vouch for them.
func takingCertificates(by *authority.Authority) option {
	return withPolicy(func(p *decide.Policy) {
		p.Mutual = decide.MutualTLS{On: true, Origin: mutualOrigin, Authorities: by.Pool()}
		p.Registration.Mode = decide.RegistrationOpen
	})
}

// fromItsProxy lets the trusted proxy hand certificates on.
func fromItsProxy(s *setting) { s.proxied = true }

// showing is a client whose connections show a certificate, if one is given.
func (w *world) showing(certificates ...tls.Certificate) *browser {
	w.t.Helper()
	b := w.newBrowser()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, w.mutual.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}, //nolint:gosec // the server's certificate is httptest's
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	b.client.Transport, b.base = transport, mutualOrigin
	return b
}

// certified makes a client that authenticates with its certificate.
func (w *world) certified(id string, method oauth.AuthMethod, change func(*record.ClientSettings)) {
	w.t.Helper()
	settings := record.ClientSettings{
		GrantTypes: []string{oauth.GrantClientCredentials}, Scope: "api:read", Resources: []string{api}, TokenEndpointAuthMethod: string(method),
	}
	change(&settings)
	made, err := w.engine.CreateClient(w.t.Context(), id, engine.ClientForm{Name: id, Settings: settings})
	w.must(err)
	if made.Secret != "" {
		w.t.Error("a client with a certificate was given a secret")
	}
}

// asking is a request of a client at each endpoint that would be answered.
func asking(path, id string) url.Values {
	if path == oauth.PathToken {
		return with(machineForm(), "client_id", id)
	}
	return url.Values{"token": {"x"}, "client_id": {id}}
}

func called(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject, c.DNSNames = pkix.Name{CommonName: name}, []string{name + ".example"}
	}
}

// RFC 8705 §2, §5: both methods, at each endpoint, by the address that the metadata have for it.
func TestF3_AClientAuthenticatesWithItsCertificateEverywhere(t *testing.T) {
	t.Parallel()
	ours := authority.New(t, "ours")
	w := newWorld(t, takingCertificates(ours))
	own, vouched := authority.SelfSigned(t, nil), ours.Below("below").Issue(called("orders"))
	w.certified("self-signed", oauth.AuthSelfSignedTLS, func(s *record.ClientSettings) { s.JWKS = authority.JWKS(t, own, true) })
	w.certified("vouched-for", oauth.AuthTLS, func(s *record.ClientSettings) { s.TLSDNS = "orders.example" })
	var metadata struct {
		Methods []string          `json:"token_endpoint_auth_methods_supported"`
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
	}
	w.must(json.Unmarshal([]byte(w.newBrowser().get("/.well-known/openid-configuration").body), &metadata))
	for id, certificate := range map[string]tls.Certificate{"self-signed": own, "vouched-for": vouched} {
		client := w.showing(certificate)
		for endpoint, path := range map[string]string{"token": oauth.PathToken, "introspection": oauth.PathIntrospect, "revocation": oauth.PathRevoke} {
			if metadata.Aliases[endpoint+"_endpoint"] != mutualOrigin+path {
				t.Errorf("the %s endpoint's other address is %q", endpoint, metadata.Aliases[endpoint+"_endpoint"])
			}
			if a := client.post(path, asking(path, id)); a.StatusCode != http.StatusOK {
				t.Errorf("%s at %s: %d %s", id, path, a.StatusCode, a.body)
			}
		}
	}
	for _, method := range []oauth.AuthMethod{oauth.AuthTLS, oauth.AuthSelfSignedTLS} {
		if !slices.Contains(metadata.Methods, string(method)) {
			t.Errorf("%s is not offered", method)
		}
	}
	plain := newWorld(t)
	if text := plain.newBrowser().get("/.well-known/oauth-authorization-server").body; strings.Contains(text, "mtls") || strings.Contains(text, "tls_client") {
		t.Errorf("a server that takes no certificates says %s", text)
	}
	_, err := plain.engine.CreateClient(t.Context(), "certified", engine.ClientForm{Name: "x", Settings: record.ClientSettings{
		GrantTypes: []string{oauth.GrantClientCredentials}, TokenEndpointAuthMethod: string(oauth.AuthSelfSignedTLS), JWKS: authority.JWKS(t, own, true),
	}})
	if err == nil {
		t.Error("a client is to authenticate by what it cannot show")
	}
}

// RFC 8705 §2: whatever is not the client's certificate, at each endpoint, and the same answer.
func TestF3_ACertificateThatIsNotTheClientsIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	ours, others := authority.New(t, "ours"), authority.New(t, "ours")
	w := newWorld(t, takingCertificates(ours))
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	expired := authority.SelfSigned(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	w.certified("self-signed", oauth.AuthSelfSignedTLS, func(s *record.ClientSettings) { s.JWKS = authority.JWKS(t, own, true) })
	w.certified("neighbour", oauth.AuthSelfSignedTLS, func(s *record.ClientSettings) { s.JWKS = authority.JWKS(t, another, false) })
	w.certified("expired", oauth.AuthSelfSignedTLS, func(s *record.ClientSettings) { s.JWKS = authority.JWKS(t, expired, true) })
	w.certified("by-subject", oauth.AuthTLS, func(s *record.ClientSettings) { s.TLSSubjectDN = "CN=orders" })
	w.certified("by-name", oauth.AuthTLS, func(s *record.ClientSettings) { s.TLSDNS = "orders.example" })
	old := func(c *x509.Certificate) { called("orders")(c); c.NotAfter = time.Now().Add(-time.Minute) }
	forServers := func(c *x509.Certificate) {
		called("orders")(c)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for name, c := range map[string]struct {
		id    string
		shown []tls.Certificate
	}{
		"none":                             {"self-signed", nil},
		"none, of an authority":            {"by-name", nil},
		"another client's":                 {"self-signed", []tls.Certificate{another}},
		"another client's, by its key":     {"neighbour", []tls.Certificate{own}},
		"expired":                          {"expired", []tls.Certificate{expired}},
		"another subject":                  {"by-subject", []tls.Certificate{ours.Issue(called("billing"))}},
		"another alternative name":         {"by-name", []tls.Certificate{ours.Issue(called("billing"))}},
		"the name of a foreign authority":  {"by-name", []tls.Certificate{others.Issue(called("orders"))}},
		"the subject of its own making":    {"by-subject", []tls.Certificate{authority.SelfSigned(t, called("orders"))}},
		"expired, of an authority":         {"by-name", []tls.Certificate{ours.Issue(old)}},
		"a server's":                       {"by-name", []tls.Certificate{ours.Issue(forServers)}},
		"one that nobody knows":            {"nobody-" + canary, []tls.Certificate{own}},
		"one where a secret is registered": {"machine", []tls.Certificate{own}},
	} {
		client := w.showing(c.shown...)
		for _, path := range protocolEndpoints() {
			a := client.post(path, asking(path, c.id))
			if a.StatusCode != http.StatusUnauthorized || a.refusal() != "invalid_client" || !strings.Contains(a.body, "Client authentication failed") {
				t.Errorf("%s at %s: %d %s", name, path, a.StatusCode, a.body)
			}
		}
	}
	// RFC 6749 §2.3: one method, and no other beside it.
	client := w.showing(own)
	w.refuses(client.post(oauth.PathToken, with(asking(oauth.PathToken, "self-signed"), "client_secret", "mcs_"+canary)), http.StatusUnauthorized, "invalid_client")
	client.header.Set("Authorization", basic("self-signed", "mcs_"+canary))
	w.refuses(client.post(oauth.PathToken, machineForm()), http.StatusUnauthorized, "invalid_client")
}

// Where connections show certificates there is nothing for browsers: they would ask their users for one.
func TestF3_WhereCertificatesAreShownThereAreNoPages(t *testing.T) {
	t.Parallel()
	own := authority.SelfSigned(t, nil)
	w := newWorld(t, takingCertificates(authority.New(t, "ours")))
	client := w.showing(own)
	for _, path := range []string{
		"/", pages.PathLogin, pages.PathAccount, pages.PathSetup, oauth.PathAuthorize, oauth.PathEndSession, oauth.PathRegister, "/.well-known/openid-configuration", "/" + canary,
	} {
		if a := client.get(path); a.StatusCode != http.StatusNotFound || a.body != "" || len(a.Cookies()) > 0 {
			t.Errorf("%s: %d %q", path, a.StatusCode, a.body)
		}
	}
	if a := client.get("/healthz"); a.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %d", a.StatusCode)
	}
	for host, status := range map[string]int{
		"mtls.id.example": http.StatusUnauthorized, "MTLS.id.example:443": http.StatusUnauthorized,
		"localhost:8484": http.StatusMisdirectedRequest, "mtls.id.example:8443": http.StatusMisdirectedRequest, "evil.example": http.StatusMisdirectedRequest,
	} {
		client.header.Set("Host", host)
		if a := client.post(oauth.PathToken, asking(oauth.PathToken, "nobody")); a.StatusCode != status {
			t.Errorf("as %s: %d %s", host, a.StatusCode, a.body)
		}
	}
	// By the other door the address is the same, and nothing is shown there.
	plain := w.newBrowser()
	plain.header.Set("Host", "mtls.id.example")
	if a := plain.get(pages.PathLogin); a.StatusCode != http.StatusNotFound {
		t.Errorf("a page by another name: %d", a.StatusCode)
	}
	w.refuses(plain.post(oauth.PathToken, asking(oauth.PathToken, "machine")), http.StatusUnauthorized, "invalid_client")
}

// bound makes a client whose tokens are bound, confidential or public, of which a browser's user gets tokens.
func (w *world) bound(id string, method oauth.AuthMethod, format record.AccessFormat) {
	w.t.Helper()
	settings := record.ClientSettings{
		GrantTypes: []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, Scope: "openid email offline_access api:read", Resources: []string{api},
		RedirectURIs: []string{"https://app.example/cb"}, FirstParty: true, CertificateBound: true,
		TokenEndpointAuthMethod: string(method), AccessFormat: format,
	}
	made, err := w.engine.CreateClient(w.t.Context(), id, engine.ClientForm{Name: id, Settings: settings})
	w.must(err)
	w.secrets = maps.Clone(w.secrets)
	w.secrets[id] = made.Secret
	if made.Secret != "" {
		w.log.hide(made.Secret)
	}
}

// exchanging is the request that makes tokens of a code of the client.
func (w *world) exchanging(id string, b *browser) url.Values {
	w.t.Helper()
	a := b.authorize(with(ask(id), "redirect_uri", "https://app.example/cb", "scope", "openid email offline_access"))
	code := a.param("code")
	if code == "" {
		w.t.Fatalf("no code: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	return w.naming(id, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://app.example/cb"}, "code_verifier": {verifier},
	})
}

// naming is a form of a public client.
func (w *world) naming(id string, form url.Values) url.Values {
	if w.secrets[id] == "" {
		form.Set("client_id", id)
	}
	return form
}

// authenticating is a client that shows a certificate beside its secret.
func (w *world) authenticating(id string, certificates ...tls.Certificate) *browser {
	b := w.showing(certificates...)
	if secret := w.secrets[id]; secret != "" {
		b.header.Set("Authorization", basic(id, secret))
	}
	return b
}

// bearing asks userinfo with a token.
func (b *browser) bearing(token string) answer {
	b.t.Helper()
	b.header.Set("Authorization", "Bearer "+token)
	return b.get(oauth.PathUserinfo)
}

// RFC 8705 §3: a token that was stolen is worth nothing without the key of its certificate.
func TestI3_ABoundTokenIsWorthNothingWithoutItsCertificate(t *testing.T) {
	t.Parallel()
	ours := authority.New(t, "ours")
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	for _, format := range []record.AccessFormat{record.AccessJWT, record.AccessOpaque} {
		w := newWorld(t, takingCertificates(ours))
		w.bound("bound", oauth.AuthBasic, format)
		user := w.newBrowser().signIn(ana)
		// Without a certificate there is none, and the code is not spent by asking.
		form := w.exchanging("bound", user)
		w.refuses(w.authenticating("bound").post(oauth.PathToken, form), http.StatusBadRequest, "invalid_request")
		got := w.authenticating("bound", own).post(oauth.PathToken, form)
		token := got.member("access_token")
		if token == "" || strings.HasPrefix(token, "mat_") != (format == record.AccessOpaque) {
			t.Fatalf("%s: %d %s", format, got.StatusCode, got.body)
		}
		if a := w.showing(own).bearing(token); a.StatusCode != http.StatusOK || a.member("sub") == "" {
			t.Errorf("%s: with its certificate: %d %s", format, a.StatusCode, a.body)
		}
		for name, thief := range map[string]*browser{
			"with another": w.showing(another), "with none": w.showing(), "at the usual address": w.newBrowser(),
		} {
			a := thief.bearing(token)
			w.refuses(a, http.StatusUnauthorized, "invalid_token")
			if !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s %s: %q", format, name, a.Header.Get("WWW-Authenticate"))
			}
		}
		told := w.authenticating("bound", another).post(oauth.PathIntrospect, url.Values{"token": {token}})
		if !strings.Contains(told.body, `"cnf":{"x5t#S256":"`+authority.Thumbprint(own)+`"}`) {
			t.Errorf("%s: introspection says %s", format, told.body) // RFC 8705 §3.2
		}
		// A confidential client renews with whatever certificate it has now (§7.1), never with none.
		again := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.member("refresh_token")}}
		w.refuses(w.authenticating("bound").post(oauth.PathToken, again), http.StatusBadRequest, "invalid_request")
		renewed := w.authenticating("bound", another).post(oauth.PathToken, again)
		if a := w.showing(another).bearing(renewed.member("access_token")); a.StatusCode != http.StatusOK {
			t.Errorf("%s: renewed with another certificate: %d %s", format, a.StatusCode, a.body)
		}
		w.refuses(w.showing(own).bearing(renewed.member("access_token")), http.StatusUnauthorized, "invalid_token")
	}
}

// RFC 8705 §4, RFC 9700 §2.2.2: what else would bind a public client's refresh token to it.
func TestH4_APublicClientsRefreshTokenIsBoundToItsCertificate(t *testing.T) {
	t.Parallel()
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	w := newWorld(t, takingCertificates(authority.New(t, "ours")))
	w.bound("device", oauth.AuthNone, record.AccessJWT)
	first := w.showing(own).post(oauth.PathToken, w.exchanging("device", w.newBrowser().signIn(ana)))
	form := w.naming("device", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.member("refresh_token")}})
	w.refuses(w.showing(another).post(oauth.PathToken, form), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.showing().post(oauth.PathToken, form), http.StatusBadRequest, "invalid_request")
	w.refuses(w.newBrowser().post(oauth.PathToken, form), http.StatusBadRequest, "invalid_request")
	// The thief ended nothing: the owner goes on.
	if a := w.showing(own).post(oauth.PathToken, form); a.StatusCode != http.StatusOK || a.member("refresh_token") == "" {
		t.Errorf("the owner: %d %s", a.StatusCode, a.body)
	}
}

// RFC 9440 §2.4, §4; RFC 9700 §4.13.
func TestF6_ACertificateInAHeaderIsTheTrustedProxysAlone(t *testing.T) {
	t.Parallel()
	ours := authority.New(t, "ours")
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	field := authority.Header(own)
	believing := newWorld(t, takingCertificates(ours), fromItsProxy)
	silent := newWorld(t, takingCertificates(ours))
	for _, w := range []*world{believing, silent} {
		w.certified("self-signed", oauth.AuthSelfSignedTLS, func(s *record.ClientSettings) { s.JWKS = authority.JWKS(t, own, true) })
	}
	for name, c := range map[string]struct {
		w      *world
		from   string
		field  []string
		status int
		code   string
	}{
		"the proxy's word":          {believing, trustedProxy, []string{field}, http.StatusOK, ""},
		"a stranger's":              {believing, "127.0.0.1", []string{field}, http.StatusUnauthorized, "invalid_client"},
		"the proxy's, unasked":      {silent, trustedProxy, []string{field}, http.StatusUnauthorized, "invalid_client"},
		"nothing of the proxy":      {believing, trustedProxy, nil, http.StatusUnauthorized, "invalid_client"},
		"another's certificate":     {believing, trustedProxy, []string{authority.Header(another)}, http.StatusUnauthorized, "invalid_client"},
		"two":                       {believing, trustedProxy, []string{field, field}, http.StatusBadRequest, "invalid_request"},
		"two, the client's first":   {believing, trustedProxy, []string{authority.Header(another), field}, http.StatusBadRequest, "invalid_request"},
		"a list":                    {believing, trustedProxy, []string{authority.Header(another) + ", " + field}, http.StatusBadRequest, "invalid_request"},
		"no byte sequence":          {believing, trustedProxy, []string{strings.Trim(field, ":")}, http.StatusBadRequest, "invalid_request"},
		"no certificate":            {believing, trustedProxy, []string{":" + canary + ":"}, http.StatusBadRequest, "invalid_request"},
		"nothing in it":             {believing, trustedProxy, []string{""}, http.StatusBadRequest, "invalid_request"},
		"a stranger's, two of them": {believing, "127.0.0.1", []string{field, field}, http.StatusUnauthorized, "invalid_client"},
		"a stranger's, none at all": {believing, "127.0.0.1", []string{canary}, http.StatusUnauthorized, "invalid_client"},
	} {
		for _, path := range protocolEndpoints() {
			client := c.w.newBrowser(c.from)
			client.header["Client-Cert"] = c.field
			if a := client.post(path, asking(path, "self-signed")); a.StatusCode != c.status || c.code != "" && a.refusal() != c.code {
				t.Errorf("%s at %s: %d %s", name, path, a.StatusCode, a.body)
			}
		}
	}
	// What is bound is bound to what the proxy said, and to nothing that a stranger says.
	believing.bound("bound", oauth.AuthBasic, record.AccessJWT)
	proxy := believing.newBrowser(trustedProxy)
	proxy.header["Client-Cert"] = []string{field}
	proxy.header.Set("Authorization", basic("bound", believing.secrets["bound"]))
	token := proxy.post(oauth.PathToken, believing.exchanging("bound", believing.newBrowser().signIn(ana))).member("access_token")
	if a := proxy.bearing(token); a.StatusCode != http.StatusOK {
		t.Errorf("userinfo by the proxy: %d %s", a.StatusCode, a.body)
	}
	stranger := believing.newBrowser("127.0.0.1")
	stranger.header["Client-Cert"] = []string{field}
	believing.refuses(stranger.bearing(token), http.StatusUnauthorized, "invalid_token")
	proxy.header["Client-Cert"] = []string{field, field}
	believing.refuses(proxy.bearing(token), http.StatusBadRequest, "invalid_request")
	// A certificate of the connection itself is not outdone by a header on it.
	client := believing.showing(another)
	client.header["Client-Cert"] = []string{field}
	believing.refuses(client.post(oauth.PathToken, asking(oauth.PathToken, "self-signed")), http.StatusUnauthorized, "invalid_client")
}

// RFC 7591 §2, RFC 8705 §2.1.2: what a client registers of its certificate is done, or refused by name.
func TestF3_AClientRegistersItsCertificate(t *testing.T) {
	t.Parallel()
	ours := authority.New(t, "ours")
	w := newWorld(t, takingCertificates(ours))
	own := authority.SelfSigned(t, nil)
	body := func(members string) string {
		return `{"redirect_uris":["https://app.example/cb"],"grant_types":["authorization_code","refresh_token"],` + members + `}`
	}
	keys := string(authority.JWKS(t, own, true))
	client := w.registered(body(`"token_endpoint_auth_method":"self_signed_tls_client_auth","jwks":` + keys))
	if client.Secret != "" {
		t.Error("a client with a certificate got a secret")
	}
	got := w.showing(own).post(oauth.PathToken, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {client.ID}})
	w.refuses(got, http.StatusBadRequest, "invalid_grant") // authenticated, and no such token
	named := `"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_dns":"orders.example"`
	for _, members := range []string{
		`"token_endpoint_auth_method":"self_signed_tls_client_auth"`, // no key of its certificate
		named, // a name that is not its to take
		`"tls_client_auth_san_dns":"orders.example"`,
	} {
		w.refuses(w.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body(members)), http.StatusBadRequest, "invalid_client_metadata")
	}
	// A server that sees no certificates says so, and locks nobody out.
	blind := newWorld(t, withPolicy(openRegistration))
	for _, members := range []string{
		`"token_endpoint_auth_method":"self_signed_tls_client_auth","jwks":` + keys, `"tls_client_certificate_bound_access_tokens":true`,
	} {
		blind.refuses(blind.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body(members)), http.StatusBadRequest, "invalid_client_metadata")
	}
	let, err := w.engine.CreateInitialToken(t.Context(), engine.InitialTokenForm{Name: "partners", TTL: 3600})
	w.must(err)
	for members, fine := range map[string]bool{
		named: true,
		`"token_endpoint_auth_method":"tls_client_auth"`:                                               false,
		named + `,"tls_client_auth_san_ip":"192.0.2.7"`:                                                false,
		`"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_subject_dn":"` + canary + `"`: false,
		`"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_ip":"` + canary + `"`:     false,
		`"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_dns":["orders.example"]`:  false,
	} {
		a := w.newBrowser().says(http.MethodPost, oauth.PathRegister, let.Token, body(members))
		if (a.StatusCode == http.StatusCreated) != fine {
			t.Errorf("%s: %d %s", members, a.StatusCode, a.body)
		}
		if fine && a.member("tls_client_auth_san_dns") != "orders.example" {
			t.Errorf("%s comes back as %s", members, a.body)
		}
	}
	// An update takes no name that a registration could not have taken.
	update := body(fmt.Sprintf(`"client_id":%q,%s`, client.ID, named))
	w.refuses(client.says(http.MethodPut, client.path(), client.Token, update), http.StatusBadRequest, "invalid_client_metadata")
}
