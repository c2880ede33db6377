package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

const loopback = "127.0.0.0/8"

// ASVS 6.8.1, OpenID Connect Core §5.7: issuer and subject are the key, whatever else is said.
func TestV5_AForeignAccountIsItsIssuerAndSubjectAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	users := w.count(`SELECT count(*) FROM users`)
	enter := func(p *provider, claims ...any) (sub string) {
		t.Helper()
		p.says(claims...)
		b := w.newBrowser()
		if a := p.enter(b); a.Header.Get("Location") != pages.PathAccount || !b.signedIn() {
			t.Fatalf("it leads to %s", a.Header.Get("Location"))
		}
		w.must(w.db.QueryRowContext(t.Context(), `SELECT user_id FROM links WHERE issuer = $1 ORDER BY used_at DESC, made_at DESC LIMIT 1`, p.server.URL).Scan(&sub))
		return sub
	}
	first := enter(p)
	if w.count(`SELECT count(*) FROM identifiers WHERE user_id = $1 AND value = $2 AND verified_at > 0`, first, eve) != 1 {
		t.Error("the address that the upstream has verified is not the user's")
	}
	if again := enter(p, "email", "moved.canary@example.com", "name", "Another Name"); again != first {
		t.Error("another address made another user")
	}
	if w.count(`SELECT count(*) FROM users`) != users+1 || w.count(`SELECT count(*) FROM links`) != 1 {
		t.Error("there is more than one new user")
	}
	if other := enter(p, "sub", "another there", "email", nil, "email_verified", nil); other == first {
		t.Error("another subject is the same user")
	}
	q := w.newProvider("strand", nil)
	if elsewhere := enter(q, "email", nil, "email_verified", nil); elsewhere == first {
		t.Error("the same subject of another issuer is the same user")
	}
}

// GHSA-qq9h and its like: an address is no proof of whose account it is.
func TestV5_AnAddressThatIsTakenLinksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	users := w.count(`SELECT count(*) FROM users`)
	for _, address := range []string{ana, strings.ToUpper(ana), " " + ana} {
		p.says("email", address)
		b := w.newBrowser()
		a := p.enter(b)
		if a.param("notice") != string(pages.NoticeUpstreamTaken) {
			t.Errorf("%q leads to %s", address, a.Header.Get("Location"))
		}
		b.turnedAway(address, a, oauth.ReasonForeignAddressTaken)
	}
	if w.count(`SELECT count(*) FROM users`) != users || w.count(`SELECT count(*) FROM links`) != 0 {
		t.Error("something was made")
	}
	// One that nobody has verified is not taken over, and tells nothing of who has it.
	p.says("email", ana, "email_verified", false)
	b := w.newBrowser()
	if p.enter(b); !b.signedIn() {
		t.Fatal("an account without an address is not made")
	}
	if w.count(`SELECT count(*) FROM identifiers`) != users || w.count(`SELECT count(*) FROM users`) != users+1 {
		t.Error("an address that nobody has verified is somebody's")
	}
	if sub := b.userOf(); sub == w.subs[ana] {
		t.Error("the stranger is ana")
	}
}

// OpenID Connect Core §3.1.3.7, item by item.
func TestV6_AnIDTokenThatIsNotRightSignsNobodyIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	stranger, err := jose.Generate(jose.ES256)
	w.must(err)
	now := time.Now().Unix()
	secretly := func(claims map[string]any) string {
		return withMAC([]byte(ourSecret), map[string]any{"alg": "HS256", "typ": "JWT"}, claims)
	}
	for name, c := range map[string]struct {
		claims []any
		sign   func(map[string]any) string
		token  []any
		want   oauth.Reason
	}{
		"from another issuer":              {claims: []any{"iss", "https://op.example"}, want: oauth.ReasonForeignTokenIssuer},
		"from the issuer with a slash":     {claims: []any{"iss", p.server.URL + "/"}, want: oauth.ReasonForeignTokenIssuer},
		"from nobody":                      {claims: []any{"iss", nil}, want: oauth.ReasonForeignTokenIssuer},
		"for somebody else":                {claims: []any{"aud", "another client"}, want: oauth.ReasonForeignTokenAudience},
		"for nobody":                       {claims: []any{"aud", nil}, want: oauth.ReasonForeignTokenAudience},
		"for several, without a party":     {claims: []any{"aud", []string{ourID, "another"}}, want: oauth.ReasonForeignTokenParty},
		"for us, by another party":         {claims: []any{"azp", "another"}, want: oauth.ReasonForeignTokenParty},
		"expired":                          {claims: []any{"exp", now - 60}, want: oauth.ReasonForeignTokenExpired},
		"without an end":                   {claims: []any{"exp", nil}, want: oauth.ReasonForeignTokenExpired},
		"issued before the trip":           {claims: []any{"iat", now - 600}, want: oauth.ReasonForeignTokenTime},
		"issued in the future":             {claims: []any{"iat", now + 600}, want: oauth.ReasonForeignTokenTime},
		"without a beginning":              {claims: []any{"iat", nil}, want: oauth.ReasonForeignTokenTime},
		"good from tomorrow":               {claims: []any{"nbf", now + 86400}, want: oauth.ReasonForeignTokenTime},
		"without a nonce":                  {claims: []any{"nonce", nil}, want: oauth.ReasonForeignTokenNonce},
		"with another nonce":               {claims: []any{"nonce", "another"}, want: oauth.ReasonForeignTokenNonce},
		"beside another access token":      {claims: []any{"at_hash", jose.AtHash("another", jose.ES256)}, want: oauth.ReasonForeignTokenHash},
		"about nobody":                     {claims: []any{"sub", ""}, want: oauth.ReasonForeignTokenSubject},
		"about a subject that is too long": {claims: []any{"sub", strings.Repeat("x", 256)}, want: oauth.ReasonForeignTokenSubject},
		"about a number":                   {claims: []any{"sub", 7}, want: oauth.ReasonForeignTokenSubject},
		"unsigned": {sign: func(claims map[string]any) string {
			return encoded(map[string]any{"alg": "none"}) + "." + encoded(claims) + "."
		}, want: oauth.ReasonForeignTokenMalformed},
		"none, and a signature": {sign: func(claims map[string]any) string {
			return encoded(map[string]any{"alg": "none"}) + "." + encoded(claims) + ".AA"
		}, want: oauth.ReasonForeignTokenAlgorithm},
		"signed with our secret": {sign: secretly, want: oauth.ReasonForeignTokenAlgorithm},
		"signed by a stranger":   {sign: func(claims map[string]any) string { return signedBy(stranger, "", claims) }, want: oauth.ReasonForeignTokenKey},
		"an access token":        {sign: func(claims map[string]any) string { return signedBy(p.key, "at+jwt", claims) }, want: oauth.ReasonForeignTokenMalformed},
		"a logout token":         {sign: func(claims map[string]any) string { return signedBy(p.key, "logout+jwt", claims) }, want: oauth.ReasonForeignTokenMalformed},
		"altered": {sign: func(claims map[string]any) string {
			parts := strings.Split(signedBy(p.key, "", claims), ".")
			return parts[0] + "." + encoded(changed(claims, "sub", "ana there")) + "." + parts[2]
		}, want: oauth.ReasonForeignTokenSignature},
		"no token":        {token: []any{"id_token", nil}, want: oauth.ReasonUpstreamCode},
		"no access token": {token: []any{"access_token", nil}, want: oauth.ReasonUpstreamCode},
		"encrypted":       {token: []any{"id_token", "a.b.c.d.e"}, want: oauth.ReasonForeignTokenMalformed},
		"no JWT":          {token: []any{"id_token", canary}, want: oauth.ReasonForeignTokenMalformed},
	} {
		p.mu.Lock()
		p.claims, p.sign, p.token = c.claims, c.sign, c.token
		p.mu.Unlock()
		b := w.newBrowser()
		a := p.enter(b)
		b.turnedAway(name, a, c.want)
		if a.StatusCode != http.StatusSeeOther || a.param("notice") != string(pages.NoticeUpstreamFailed) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
		w.exec(`DELETE FROM counters`) // so that each is refused for itself
	}
	p.says("email", nil) // so that userinfo is asked, which must be about the same
	for _, other := range []any{"somebody else", nil, 7} {
		p.mu.Lock()
		p.sign, p.token, p.userinfo = nil, nil, []any{"sub", other, "email", eve, "email_verified", true}
		p.mu.Unlock()
		b := w.newBrowser()
		b.turnedAway("userinfo about another", p.enter(b), oauth.ReasonForeignTokenSubject) // OpenID Connect Core §5.3.2
	}
	if w.count(`SELECT count(*) FROM links`) != 0 {
		t.Error("somebody was let in")
	}
	p.mu.Lock()
	p.claims, p.sign, p.token = []any{"aud", []string{ourID, "another"}, "azp", ourID, "at_hash", jose.AtHash("an access token", jose.ES256), "nbf", now - 1}, nil, nil
	p.mu.Unlock()
	if b := w.newBrowser(); p.enter(b).StatusCode != http.StatusSeeOther || !b.signedIn() {
		t.Error("a token for several, of which we are the party, is refused")
	}
}

// RFC 6749 §10.12, RFC 9700 §4.7: a state is of one browser, and counts once.
func TestV6_AStateCountsOnceInItsOwnBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	victim, attacker := w.newBrowser(), w.newBrowser()

	// Login CSRF: the attacker's answer in the victim's browser.
	asked := p.depart(attacker, "")
	victim.get(pages.PathLogin)
	exchanged := p.called("/token")
	for what, state := range map[string]string{
		"another browser's": asked.Get("state"), "none": "", "made up": strings.Repeat("A", 200), "cut": asked.Get("state")[:40], "text": canary,
	} {
		a := p.back(victim, asked, "state", state)
		victim.turnedAway(what, a, oauth.ReasonUpstreamState)
		if a.StatusCode != http.StatusBadRequest || a.element("error-code") != "interaction_expired" {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.element("error-code"))
		}
	}
	// Code injection: the attacker's code with the victim's own state. The verifier is another, and so is the nonce.
	own := p.depart(victim, "")
	victim.turnedAway("the attacker's code", p.backWith(victim, url.Values{"code": {p.codeFor(asked)}, "state": {own.Get("state")}}), oauth.ReasonUpstreamCode)
	if p.called("/token") != exchanged+1 {
		t.Errorf("%d codes were exchanged", p.called("/token")-exchanged)
	}
	// What came back once does not come back, whatever came of it.
	victim.turnedAway("once more", p.back(victim, own), oauth.ReasonUpstreamState)
	own = p.depart(victim, "")
	if p.back(victim, own); !victim.signedIn() {
		t.Fatal("a good answer is refused")
	}
	thief := victim.copyOf()
	delete(thief.jar, w.sessionCookie())
	thief.turnedAway("replayed", p.back(thief, own), oauth.ReasonUpstreamState)
	// It waits as long as the page did.
	own = p.depart(attacker, "")
	if a := attacker.query(pages.PathUpstream+"/nobody", url.Values{"state": {own.Get("state")}, "code": {"x"}}); w.reason(a) != oauth.ReasonUpstreamMixedUp {
		t.Errorf("at the address of nobody: %s", w.reason(a))
	}
}

// RFC 9700 §4.4: the answer of one upstream is not taken for that of another, whether it says who it is or not.
func TestV6_TwoUpstreamsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	honest, hostile := w.newProvider("honest", nil), w.newProvider("hostile", nil)
	b := w.newBrowser()
	asked := hostile.depart(b, "")
	if asked.Get("redirect_uri") == honest.depart(b, "").Get("redirect_uri") {
		t.Error("both have one redirect URI")
	}
	// The hostile one has sent the browser on to the honest one, whose code comes back with the state of this trip.
	a := honest.backWith(b, url.Values{"code": {"a code of the honest one"}, "state": {asked.Get("state")}})
	b.turnedAway("at the honest one's address", a, oauth.ReasonUpstreamMixedUp)
	a = hostile.back(b, asked, "iss", honest.server.URL)
	b.turnedAway("in the honest one's name", a, oauth.ReasonUpstreamMixedUp)
	if hostile.called("/token")+honest.called("/token") != 0 {
		t.Error("a code was handed on")
	}
	careful := w.newProvider("careful", nil)
	careful.document = []any{"authorization_response_iss_parameter_supported", true}
	b.turnedAway("without the iss that it announces", careful.enter(b), oauth.ReasonUpstreamMixedUp) // RFC 9207 §2.4
	if asked = careful.depart(b, ""); true {
		careful.back(b, asked, "iss", careful.server.URL)
	}
	if !b.signedIn() {
		t.Error("with it nobody is signed in")
	}
}

// CVE-2026-31813 and its like: what an upstream says of itself is believed of the configured issuer alone, and leads nowhere inward.
func TestV6_AnUpstreamIsPinnedToItsIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	big := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "1073741824")
		_, _ = rw.Write(make([]byte, 1<<20)) // whoever has gone needs no more
	}
	elsewhere := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "http://169.254.169.254/latest", http.StatusFound)
	}
	const discovery = "/.well-known/openid-configuration"
	for name, c := range map[string]struct {
		document []any
		path     string
		answers  http.HandlerFunc
		want     oauth.Reason
	}{
		"another issuer":                     {document: []any{"issuer", "https://op.example"}, want: oauth.ReasonUpstreamUnusable},
		"no issuer":                          {document: []any{"issuer", nil}, want: oauth.ReasonUpstreamUnusable},
		"an inward key set":                  {document: []any{"jwks_uri", "https://169.254.169.254/jwks"}, want: oauth.ReasonUpstreamUnusable},
		"an inward token endpoint":           {document: []any{"token_endpoint", "https://10.0.0.1/token"}, want: oauth.ReasonUpstreamUnusable},
		"an inward login":                    {document: []any{"authorization_endpoint", "https://192.168.1.1/"}, want: oauth.ReasonUpstreamUnusable},
		"a script for a login":               {document: []any{"authorization_endpoint", "javascript:alert(1)"}, want: oauth.ReasonUpstreamUnusable},
		"a file for keys":                    {document: []any{"jwks_uri", "file:///etc/passwd"}, want: oauth.ReasonUpstreamUnusable},
		"no token endpoint":                  {document: []any{"token_endpoint", nil}, want: oauth.ReasonUpstreamUnusable},
		"only shared secrets":                {document: []any{"id_token_signing_alg_values_supported", []string{"HS256", "none"}}, want: oauth.ReasonUpstreamUnusable},
		"a redirect to inside":               {path: discovery, answers: elsewhere, want: oauth.ReasonUpstreamUnusable},
		"a gigabyte":                         {path: discovery, answers: big, want: oauth.ReasonUpstreamUnusable},
		"no JSON":                            {path: discovery, answers: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(canary)) }, want: oauth.ReasonUpstreamUnusable},
		"trouble":                            {path: discovery, answers: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }, want: oauth.ReasonUpstreamAway},
		"a token endpoint that is elsewhere": {path: "/token", answers: elsewhere, want: oauth.ReasonUpstreamUnusable},
		"a gigabyte of tokens":               {path: "/token", answers: big, want: oauth.ReasonUpstreamUnusable},
		"keys that are elsewhere":            {path: "/jwks", answers: elsewhere, want: oauth.ReasonUpstreamUnusable},
		"a gigabyte of keys":                 {path: "/jwks", answers: big, want: oauth.ReasonUpstreamUnusable},
		"keys that are private": {path: "/jwks", answers: func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}`))
		}, want: oauth.ReasonUpstreamUnusable},
	} {
		p := w.newProvider("harbour", nil)
		p.document = c.document
		if c.path != "" {
			p.handle[c.path] = c.answers
		}
		b := w.newBrowser()
		a := p.press(b, "")
		if to, err := url.Parse(a.onward()); err == nil && a.onward() != "" {
			a = p.back(b, to.Query())
		}
		b.turnedAway(name, a, c.want)
		w.must(w.engine.DeleteUpstream(t.Context(), "harbour"))
		p.server.Close()
	}
}

// One that stalls is left after the deadline, and holds up nobody who did not choose it.
func TestV6_AnUpstreamThatStallsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p, q := w.newProvider("harbour", nil), w.newProvider("strand", nil)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	p.handle["/.well-known/openid-configuration"] = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	done := make(chan answer, 12)
	for range cap(done) {
		b := w.newBrowser()
		form := url.Values{pages.FieldToken: {b.get(pages.PathLogin).input(pages.FieldToken)}, pages.FieldUpstream: {"harbour"}}
		go func() { done <- b.post(pages.PathUpstream, form) }()
	}
	b := w.newBrowser()
	if q.enter(b); !b.signedIn() {
		t.Error("nobody signs in with another upstream meanwhile")
	}
	if w.newBrowser().signIn(ana); p.called("/.well-known/openid-configuration") != 1 {
		t.Errorf("it is asked %d times at once", p.called("/.well-known/openid-configuration"))
	}
	for range cap(done) {
		if a := <-done; a.param("notice") != string(pages.NoticeUpstreamAway) {
			t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
		}
	}
}

// What a client asks for is asked of the upstream, and what it does not say it has not done.
func TestA6_AFreshSignInIsFreshAtTheUpstreamToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	now := time.Now().Unix()
	waiting := func(b *browser, pairs ...string) string {
		t.Helper()
		return b.query(oauth.PathAuthorize, with(ask("web"), pairs...)).param(pages.FieldInteraction)
	}
	for name, c := range map[string]struct {
		request []string
		prompt  string
		maxAge  string
		said    any
		ok      bool
	}{
		"an ordinary one":                     {ok: true},
		"an ordinary one, signed in long ago": {said: now - 90000, ok: true},
		"prompt=login":                        {request: []string{"prompt", "login"}, prompt: "login", maxAge: "0", said: now, ok: true},
		"prompt=login, and nothing is said":   {request: []string{"prompt", "login"}, prompt: "login", maxAge: "0"},
		"prompt=login, signed in before":      {request: []string{"prompt", "login"}, prompt: "login", maxAge: "0", said: now - 90},
		"max_age, and it is younger":          {request: []string{"max_age", "600"}, maxAge: "600", said: now - 300, ok: true},
		"max_age, and it is older":            {request: []string{"max_age", "600"}, maxAge: "600", said: now - 900},
		"max_age, and it is in the future":    {request: []string{"max_age", "600"}, maxAge: "600", said: now + 900},
	} {
		b := w.newBrowser()
		p.says("auth_time", c.said)
		asked := p.depart(b, waiting(b, c.request...))
		if asked.Get("prompt") != c.prompt || asked.Get("max_age") != c.maxAge {
			t.Errorf("%s: the upstream is asked %v", name, asked)
		}
		a := p.back(b, asked)
		if !c.ok {
			b.turnedAway(name, a, oauth.ReasonForeignTokenAuthTime)
			continue
		}
		if to := a.onward(); !strings.HasPrefix(to, "https://app.example/cb?code=") {
			t.Errorf("%s: %d, on to %q", name, a.StatusCode, to)
		}
	}
	// The tokens say what was vouched for, and no more.
	b := w.newBrowser()
	p.says("auth_time", now-300)
	to, err := url.Parse(p.back(b, p.depart(b, waiting(b))).onward())
	w.must(err)
	claims := w.claims(w.app("web").tokens(w.app("web").redeem(to.Query().Get("code"))).ID)
	if at, _ := claims["auth_time"].(float64); int64(at) != now-300 || claims["acr"] != nil || claims["amr"] != nil {
		t.Errorf("the ID token says %v", claims)
	}
}

// CVE-2026-29193: both switches, on this path too.
func TestV7_ByAnUpstreamNobodySignsUpUnlessBothSwitchesSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server func(*world) *provider
	}{
		"the server does not": {func(w *world) *provider { return w.newProvider("harbour", nil) }},
		"the upstream does not": {func(*world) *provider {
			w := newWorld(t, trusting(loopback), withPolicy(open))
			return w.newProvider("harbour", func(s *record.UpstreamSettings) { s.SignUp = false })
		}},
	} {
		p := c.server(newWorld(t, trusting(loopback)))
		users := p.count(`SELECT count(*) FROM users`)
		b := p.newBrowser()
		a := p.enter(b)
		if a.param("notice") != string(pages.NoticeUpstreamNobody) {
			t.Errorf("%s: %s", name, a.Header.Get("Location"))
		}
		b.turnedAway(name, a, oauth.ReasonForeignAccountUnknown)
		if p.count(`SELECT count(*) FROM users`) != users || p.called("/userinfo") != 0 {
			t.Errorf("%s: an account was made", name)
		}
	}
}

// RFC 6749 §4.1.2.1: an error of the upstream is a sentence of ours; nothing that it wrote is shown, and nobody is sent anywhere.
func TestV6_AnErrorOfTheUpstreamIsASentenceOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	for code, notice := range map[string]pages.Notice{
		"access_denied": pages.NoticeUpstreamDenied, "server_error": pages.NoticeUpstreamFailed, canary: pages.NoticeUpstreamFailed,
		"": pages.NoticeUpstreamFailed,
	} {
		b := w.newBrowser()
		interaction := b.query(oauth.PathAuthorize, ask("web")).param(pages.FieldInteraction)
		asked := p.depart(b, interaction)
		a := p.backWith(b, url.Values{
			"state": {asked.Get("state")}, "error": {code}, "error_description": {canary}, "error_uri": {"https://evil.example/" + canary},
		})
		if a.param("notice") != string(notice) || a.param(pages.FieldInteraction) != interaction || strings.Contains(a.Header.Get("Location"), canary) {
			t.Errorf("%q leads to %s", code, a.Header.Get("Location"))
		}
		if page := b.get(a.Header.Get("Location")); strings.Contains(page.body, canary) || page.StatusCode != http.StatusOK {
			t.Errorf("%q: the page answers %d and says what the upstream wrote", code, page.StatusCode)
		}
		b.turnedAway(code, a, map[bool]oauth.Reason{true: oauth.ReasonUpstreamDenied, false: oauth.ReasonUpstreamError}[code == "access_denied"])
	}
	if p.called("/token") != 0 {
		t.Error("a code was exchanged")
	}
}

// A disabled user's foreign account is no way in, and what is refused is counted.
func TestW3_ADisabledUserDoesNotEnterByAnUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	b := w.newBrowser()
	if p.enter(b); !b.signedIn() {
		t.Fatal("nobody is signed in")
	}
	sub := b.userOf()
	w.must(w.engine.DisableUser(t.Context(), sub))
	if b.signedIn() {
		t.Error("a disabled user is signed in")
	}
	next := w.newBrowser()
	next.turnedAway("disabled", p.enter(next), oauth.ReasonUserDisabled)
	w.must(w.engine.EnableUser(t.Context(), sub))
	if p.enter(next); !next.signedIn() {
		t.Error("an enabled user is kept out")
	}
	if out := next.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}}); out.StatusCode != http.StatusOK || next.signedIn() {
		t.Error("signing out everywhere leaves the session")
	}
}

// A network that sends many answers that are not right is stopped before its codes go anywhere.
func TestW2_AnswersOfUpstreamsAreCountedOnTheirNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	p.says("nonce", "another")
	b := w.newBrowser()
	b.turnedAway("the first", p.enter(b), oauth.ReasonForeignTokenNonce)
	if w.count(`SELECT count(*) FROM counters WHERE name LIKE 'network %' AND n = 1`) != 1 {
		t.Fatal("it was not counted")
	}
	w.exec(`UPDATE counters SET n = 300 WHERE name LIKE 'network %'`)
	exchanged := p.called("/token")
	p.says()
	b.turnedAway("the 301st", p.enter(b), oauth.ReasonTooManyAttempts)
	if p.called("/token") != exchanged {
		t.Error("its code was exchanged all the same")
	}
	w.exec(`DELETE FROM counters`)
	for n := range 20 {
		p.says("sub", strings.Repeat("s", n+1), "email", nil)
		if next := w.newBrowser(); p.enter(next).Header.Get("Location") != pages.PathAccount {
			t.Fatalf("account %d is not made", n)
		}
	}
	p.says("sub", "one more", "email", nil)
	b.turnedAway("the 21st account of an hour", p.enter(b), oauth.ReasonTooManyAttempts)
}
