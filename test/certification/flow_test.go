package certification

import (
	"crypto/rand"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mintmark-id/mintmark/test/person"
)

// ask is the authorization request of the suite, with more of it or others as names
// and values; an empty value takes one away. There is no PKCE in it.
func (r *party) ask(more ...string) url.Values {
	q := url.Values{
		"client_id": {r.id()}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"state": {rand.Text()}, "nonce": {rand.Text()},
	}
	if r.plan.formPost {
		q.Set("response_mode", "form_post")
	}
	for i := 0; i < len(more); i += 2 {
		if q.Set(more[i], more[i+1]); more[i+1] == "" {
			q.Del(more[i])
		}
	}
	return q
}

func (r *party) id() string {
	id, _ := r.client["client_id"].(string)
	return id
}

// come sends the user's browser to the authorization endpoint, lets them answer what
// they are asked, and gives the page on which they end.
func (r *party) come(q url.Values) person.Page {
	r.t.Helper()
	r.Met = nil
	page := r.Get(r.endpoint("authorization_endpoint") + "?" + q.Encode())
	for range 5 {
		switch {
		case page.Has("login-submit"):
			page = r.SignIn(page)
		case page.Has("consent-allow"):
			page = r.Press(page, "consent-allow", nil)
		default:
			return page
		}
	}
	r.t.Fatalf("asked again and again: %v", r.Met)
	return page
}

var (
	formPost = regexp.MustCompile(`(?s)<form id="form-post" method="post" action="([^"]*)">(.*?)</form>`)
	hidden   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// response is what the browser brings to the client, in the way that was asked for.
// Everything in it is known to a client of OpenID Connect, and it is about this
// request of this server.
func (r *party) response(q url.Values) url.Values {
	r.t.Helper()
	page := r.come(q)
	at, err := url.Parse(page.Address)
	if err != nil {
		r.t.Fatal(err)
	}
	values := at.Query()
	if q.Get("response_mode") == "form_post" {
		form := formPost.FindStringSubmatch(page.Text)
		if form == nil || html.UnescapeString(form[1]) != q.Get("redirect_uri") || values.Has("code") || values.Has("error") {
			r.t.Fatalf("Form Post §2: the response is not posted: %s\n%s", page.Address, page.Text)
		}
		values = url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(form[2], -1) {
			values.Add(field[1], html.UnescapeString(field[2]))
		}
	} else if to, _, _ := strings.Cut(page.Address, "?"); to != beforeQuery(q.Get("redirect_uri")) {
		r.t.Fatalf("the browser ended at %s\n%s", page.Address, page.Text)
	}
	known := []string{"code", "state", "iss", "error", "error_description", "error_uri"}
	for name, list := range values {
		if len(list) != 1 || !slices.Contains(known, name) && !strings.Contains(q.Get("redirect_uri"), name+"=") {
			r.t.Errorf("the response has %s=%v", name, list)
		}
	}
	if values.Get("iss") != r.s.Issuer || values.Get("state") != q.Get("state") {
		r.t.Errorf("RFC 9207 §2, RFC 6749 §4.1.2: the response is %v", values)
	}
	return values
}

func beforeQuery(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}

// refused holds an error response to its code.
func (r *party) refused(q url.Values, codes ...string) {
	r.t.Helper()
	values := r.response(q)
	if values.Has("code") || !slices.Contains(codes, values.Get("error")) || strings.ContainsAny(values.Get("error_description"), "\r\n\t\"\\") {
		r.t.Errorf("the error is %v; want one of %v", values, codes)
	}
}

// shown holds the server to a page that names what is wrong, and to no redirect
// (RFC 6749 §4.1.2.1).
func (r *party) shown(q url.Values, parameter string) {
	r.t.Helper()
	page := r.come(q)
	if !strings.HasPrefix(page.Address, r.endpoint("authorization_endpoint")) || !page.Has("error-code") || !strings.Contains(page.Text, parameter) {
		r.t.Errorf("no page names %s at %s:\n%s", parameter, page.Address, page.Text)
	}
}

// refusedOrShown is the first for a client that an operator made. One that registered
// itself gets nobody sent who is not signed in (RFC 9700 §4.11.2), and the suite takes
// a page as well.
func (r *party) refusedOrShown(q url.Values, parameter string, codes ...string) {
	r.t.Helper()
	if r.plan.static {
		r.refused(q, codes...)
		return
	}
	r.shown(q, parameter)
}

// tokens are an answer of the token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Expires int64  `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`

	claims map[string]any // of the ID token
	header jose.Header
}

// token asks the token endpoint, authenticated as the plan says, and gives the status too.
func (r *party) token(form url.Values, changes ...string) (int, tokens) {
	r.t.Helper()
	form = maps.Clone(form)
	request := r.request(http.MethodPost, r.endpoint("token_endpoint"), "application/x-www-form-urlencoded", "", nil)
	secret, _ := r.client["client_secret"].(string)
	switch r.plan.method {
	case "client_secret_basic":
		request.SetBasicAuth(url.QueryEscape(r.id()), url.QueryEscape(secret))
	case "client_secret_post":
		form.Set("client_id", r.id())
		form.Set("client_secret", secret)
	case "private_key_jwt":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		claims := map[string]any{
			"iss": r.id(), "sub": r.id(), "aud": r.endpoint("token_endpoint"), "jti": rand.Text(), "exp": r.now() + 60, "iat": r.now(),
		}
		for i := 0; i < len(changes); i += 2 {
			claims[changes[i]] = changes[i+1]
		}
		form.Set("client_assertion", r.sign(claims))
	}
	sent := r.request(http.MethodPost, request.URL.String(), "application/x-www-form-urlencoded", "", []byte(form.Encode()))
	if authorization := request.Header.Get("Authorization"); authorization != "" {
		sent.Header.Set("Authorization", authorization)
	}
	status, kind, body := r.send(sent)
	var got tokens
	if kind != "application/json" || json.Unmarshal(body, &got) != nil {
		r.t.Fatalf("the token endpoint answers %d %s %s", status, kind, body)
	}
	return status, got
}

// sign signs claims as the client.
func (r *party) sign(claims map[string]any) string {
	r.t.Helper()
	options := &jose.SignerOptions{}
	if r.kid != "" {
		options = options.WithHeader("kid", r.kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: r.key}, options)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// signIn is a whole sign-in: the response, the tokens of its code, and the ID token checked.
func (r *party) signIn(more ...string) tokens {
	r.t.Helper()
	q := r.ask(more...)
	return r.redeem(q, r.response(q))
}

// redeem exchanges the code of a response.
func (r *party) redeem(q, response url.Values, changes ...string) tokens {
	r.t.Helper()
	code := response.Get("code")
	if len(code) < 22 { // RFC 6749 §10.10, at six bits a character
		r.t.Fatalf("the code is %q of %v", code, response)
	}
	status, got := r.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {q.Get("redirect_uri")}}, changes...)
	if status != http.StatusOK || got.Access == "" || !strings.EqualFold(got.Type, "Bearer") || got.Expires <= 0 {
		r.t.Fatalf("the code gives %d %+v", status, got)
	}
	r.check(&got, q.Get("nonce"))
	return got
}

// check is what OpenID Connect Core §3.1.3.7 has a client check of an ID token, and
// that there is nothing in it that nobody asked for (§5.4).
func (r *party) check(got *tokens, nonce string) {
	r.t.Helper()
	got.claims, got.header = r.verified(got.ID)
	for name, value := range map[string]any{"iss": r.s.Issuer, "nonce": nonce} {
		if said := got.claims[name]; said != value && (said != nil || value != "") {
			r.t.Errorf("Core §2: %s is %v, not %v", name, said, value)
		}
	}
	aud := got.claims["aud"]
	if list, ok := aud.([]any); ok && len(list) == 1 {
		aud = list[0]
	}
	expires, _ := got.claims["exp"].(float64)
	issued, _ := got.claims["iat"].(float64)
	if aud != r.id() || int64(expires) <= r.now() || int64(issued) > r.now()+1 || got.header.KeyID == "" {
		r.t.Errorf("Core §2, §10.1: the ID token says %v under key %q", got.claims, got.header.KeyID)
	}
	if sub, _ := got.claims["sub"].(string); sub == "" || len(sub) > 255 {
		r.t.Errorf("Core §2: sub is %q", sub)
	}
	if h := got.header.ExtraHeaders; got.header.JSONWebKey != nil || h["jku"] != nil || h["x5u"] != nil || h["x5c"] != nil {
		r.t.Errorf("Core §2: the ID token brings keys along: %v", got.header)
	}
	asked := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "jti", "sid"}
	for name := range got.claims {
		if !slices.Contains(asked, name) {
			r.t.Errorf("Core §5.4: nobody asked for %s in the ID token", name)
		}
	}
}

// verified gives what a token says that the server signed, and its header.
func (r *party) verified(raw string) (claims map[string]any, header jose.Header) {
	r.t.Helper()
	_, _, body := r.send(r.request(http.MethodGet, r.endpoint("jwks_uri"), "", "", nil))
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(body, &keys); err != nil {
		r.t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil {
		r.t.Fatalf("reading the token %q: %v", raw, err)
	}
	if err := parsed.Claims(keys, &claims); err != nil {
		r.t.Fatalf("verifying a token: %v", err)
	}
	return claims, parsed.Headers[0]
}

// userinfo asks who the user is.
func (r *party) userinfo(got tokens) map[string]any {
	r.t.Helper()
	status, claims := r.json(r.request(http.MethodGet, r.endpoint("userinfo_endpoint"), "", got.Access, nil))
	if status != http.StatusOK || claims["sub"] != got.claims["sub"] {
		r.t.Errorf("Core §5.3.2: userinfo answers %d %v of %v", status, claims, got.claims["sub"])
	}
	return claims
}

// dead holds an access token to being worth nothing at userinfo (RFC 6750 §3.1).
func (r *party) dead(got tokens) {
	r.t.Helper()
	if status, _ := r.json(r.request(http.MethodGet, r.endpoint("userinfo_endpoint"), "", got.Access, nil)); status != http.StatusUnauthorized {
		r.t.Errorf("userinfo answers %d", status)
	}
}

// sameSignIn holds two ID tokens to telling of one sign-in (Core §3.1.2.1, §12.2).
func (r *party) sameSignIn(first, second tokens) {
	r.t.Helper()
	for _, name := range []string{"sub", "auth_time", "iss"} {
		if first.claims[name] != second.claims[name] || first.claims[name] == nil {
			r.t.Errorf("%s was %v and is %v", name, first.claims[name], second.claims[name])
		}
	}
}

// anotherSignIn holds the second to telling of a later one of the same user, and the
// user to having seen the page for it.
func (r *party) anotherSignIn(first, second tokens) {
	r.t.Helper()
	before, _ := first.claims["auth_time"].(float64)
	after, _ := second.claims["auth_time"].(float64)
	if first.claims["sub"] != second.claims["sub"] || after <= before || r.now()-int64(after) > 60 || !slices.Contains(r.Met, "login-submit") {
		r.t.Errorf("the sign-ins are of %v and %v; the user met %v", before, after, r.Met)
	}
}

// aMoment is enough for a clock of seconds to tell two sign-ins apart.
const aMoment = 2 * time.Second
