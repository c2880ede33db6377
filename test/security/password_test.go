package security_test

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// change tries a new password on the account page of a signed-in browser.
func (b *browser) change(to string) answer {
	b.t.Helper()
	if !strings.HasSuffix(pages.PathAccountPass, to) { // a path is in the log, and one of the passwords here is its last word
		b.log.hide(to)
	}
	return b.account(pages.PathAccountPass, url.Values{pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {to}})
}

// NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.1-6.2.10: length alone counts, in characters, of any kind, and pasting works.
func TestP1_LengthCountsAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, good := range []string{"lampfish", strings.Repeat("tidal ", 20) + strings.Repeat("moth ", 20) + "quarry", "пароль-лодка", "🦆🐸🦉🐝🦋🐢🐙🦀", "  spaces at ends  ", "alllowercaseletters"} {
		user, err := w.engine.CreateUser(t.Context(), engine.Profile{Email: fmt.Sprintf("u%d@example.com", len(good)*1000+int(good[0]))}, good)
		if err != nil {
			t.Errorf("%q: %v", good, err)
			continue
		}
		w.log.hide(good)
		if a := w.newBrowser().tryPassword(user.Email.Value, good); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%q does not sign in: %d", good, a.StatusCode)
		}
	}
	b := w.newBrowser().signIn(ana)
	for _, short := range []string{"1234567", "🦆🐸🦉", ""} {
		if a := b.change(short); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q answers %d", short, a.StatusCode)
		}
	}
	page := w.newBrowser().get(pages.PathLogin).body
	for _, needle := range []string{"onpaste", `autocomplete="off"`} {
		if strings.Contains(page, needle) {
			t.Errorf("the sign-in page has %s", needle)
		}
	}
}

func TestP1_TheStricterPolicyAsksForFifteen(t *testing.T) {
	t.Parallel()
	nist, ok := secret.PasswordPolicyNamed("nist")
	if !ok {
		t.Fatal("there is no such policy")
	}
	w := newWorld(t, withPolicy(func(p *decide.Policy) { p.Passwords = nist }))
	b := w.newBrowser().signIn(ana)
	if a := b.change("fourteen chars"); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("14 characters answer %d", a.StatusCode)
	}
	if a := b.change("fifteen letters"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("15 characters answer %d", a.StatusCode)
	}
}

// NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.4, 6.2.11, and the reason is given.
func TestP2_CommonAndObviousPasswordsAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, bad := range []string{"password", "Password1", "12345678", "iloveyou1", "qwertyuiop", "aaaaaaaaaa", "mintmark1", "ana.canary@example.com"} {
		a := b.change(bad)
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="account-problem"`) {
			t.Errorf("%q answers %d", bad, a.StatusCode)
		}
	}
	for _, path := range []string{"set", "create"} {
		var err error
		if path == "set" {
			_, err = w.engine.SetPassword(t.Context(), w.subs[ana], "password1")
		} else {
			_, err = w.engine.CreateUser(t.Context(), engine.Profile{Email: "dora@example.com"}, "dora@example.com")
		}
		if err == nil {
			t.Errorf("an administrator may %s an obvious one", path)
		}
	}
}

// ASVS 6.2.8.
func TestP3_ThePasswordIsTakenWholeAsItWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("lantern ", 30) + "Ä"
	w.log.hide(long)
	_, err := w.engine.SetPassword(t.Context(), w.subs[ana], long)
	w.must(err)
	b := w.newBrowser()
	for name, typed := range map[string]string{
		"cut at 72 bytes": long[:72], "without its end": long[:len(long)-2], "another case": strings.ToUpper(long), "trimmed": strings.TrimSpace(long) + " ",
		"decomposed": strings.TrimSuffix(long, "Ä") + "A\u0308",
	} {
		if a := b.tryPassword(ana, typed); a.StatusCode == http.StatusSeeOther {
			t.Errorf("%s signs in", name)
		}
		w.exec(`DELETE FROM counters`)
	}
	if a := b.tryPassword(ana, long); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the password itself answers %d", a.StatusCode)
	}
}

// OWASP Password Storage; a hash of another cost is replaced at the next sign-in.
func TestP4_PasswordsAreHashedWithArgon2idAndRehashed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const today = "$argon2id$v=19$m=19456,t=2,p=1$"
	if n := w.count(`SELECT count(*) FROM factors WHERE data NOT LIKE $1 || '%'`, today); n != 0 {
		t.Errorf("%d passwords are stored in another way", n)
	}
	if n := w.count(`SELECT count(DISTINCT data) FROM factors`); n < 2 {
		t.Error("equal passwords have equal hashes: there is no salt")
	}
	w.exec(`UPDATE factors SET data = $1 WHERE user_id = $2`, weakHash, w.subs[ana])
	w.log.hide("correct horse weak")
	if a := w.newBrowser().tryPassword(ana, "correct horse weak"); a.StatusCode == http.StatusSeeOther {
		if n := w.count(`SELECT count(*) FROM factors WHERE user_id = $1 AND data LIKE $2 || '%'`, w.subs[ana], today); n != 1 {
			t.Error("a weak hash stays as it is")
		}
	} else {
		t.Errorf("an older hash does not sign in: %d", a.StatusCode)
	}
}

// weakHash is that of "correct horse weak" at a fraction of the cost.
const weakHash = "$argon2id$v=19$m=1024,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$TnmQj8zLTWs2+O+cEikxJVCiPhljs/mxlcmPS9oNQ0w"

// OWASP Password Storage (denial of service): what is absurdly long is refused before it is hashed.
func TestP5_OverlongPasswordsCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	if a := b.change(strings.Repeat("x y", 400)); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("1200 characters answer %d", a.StatusCode)
	}
	form := w.newBrowser().loginForm("", ana, strings.Repeat("x", 9<<10))
	if a := w.newBrowser().post(pages.PathLogin, form); a.StatusCode != http.StatusBadRequest {
		t.Errorf("9 KiB answer %d", a.StatusCode)
	}
}

// ASVS 6.3.8: nobody learns from an answer who has an account. The bytes are the same; the hash is run once for both.
// (Not parallel: it looks at what the whole process allocates, of which a hash is 19 MiB.)
func TestV1_UnknownAndKnownUsersGetTheSameAnswerAtTheSameCost(t *testing.T) {
	w := newWorld(t)
	const passwordless = "carol.canary@example.com"
	w.exec(`UPDATE users SET status = 'disabled' WHERE id = $1`, w.subs[bob])
	made, err := w.engine.CreateUser(t.Context(), engine.Profile{Email: passwordless}, password)
	w.must(err)
	w.exec(`DELETE FROM factors WHERE user_id = $1`, made.ID)
	var first string
	for _, identifier := range []string{ana, "nobody@example.com", bob, passwordless, "not an address", "ANA.canary@example.com", "ana.canary@example.com'--"} {
		b := w.newBrowser()
		form := b.loginForm("", identifier, "wrong "+password)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := b.post(pages.PathLogin, form)
		runtime.ReadMemStats(&after)
		if hashes := (after.TotalAlloc - before.TotalAlloc) / (19 << 20); hashes != 1 {
			t.Errorf("%s: the password is hashed %d times", identifier, hashes)
		}
		if got := w.comparable(a, form, identifier); first == "" {
			first = got
		} else if got != first {
			t.Errorf("%s is told apart:\n%s\n%s", identifier, got, first)
		}
	}
}

// A guess at the current password costs one hash, not two: what is to follow on it is hashed once it was right.
// (Not parallel, as above.)
func TestP5_AWrongCurrentPasswordCostsOneHash(t *testing.T) {
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for current, want := range map[string]uint64{"wrong " + password: 1, password: 2} {
		form := url.Values{
			pages.FieldToken:           {b.get(pages.PathAccount).input(pages.FieldToken)},
			pages.FieldCurrentPassword: {current}, pages.FieldNewPassword: {password + " 2"},
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.post(pages.PathAccountPass, form)
		runtime.ReadMemStats(&after)
		if hashes := (after.TotalAlloc - before.TotalAlloc) / (19 << 20); hashes != want {
			t.Errorf("%q: %d hashes, want %d", current, hashes, want)
		}
	}
}

// comparable is an answer without what differs by nature: the time, the sealed reference, the form token, what was typed.
func (w *world) comparable(a answer, form url.Values, identifier string) string {
	w.t.Helper()
	h := a.Header.Clone()
	if reference := h.Get("Error-Reference"); len(reference) < 40 {
		w.t.Errorf("the reference is %q", reference)
	}
	length := len(h.Get("Error-Reference"))
	h.Del("Date")
	h.Del("Error-Reference")
	h.Del("Content-Length")
	body := strings.ReplaceAll(a.body, form.Get(pages.FieldToken), "TOKEN")
	body = strings.ReplaceAll(body, strings.ReplaceAll(identifier, "'", "&#39;"), "TYPED")
	body = strings.ReplaceAll(body, a.Header.Get("Error-Reference"), "REFERENCE")
	return fmt.Sprint(a.StatusCode, h, length, body)
}

// NIST SP 800-63B-4 §3.2.2; ASVS 6.3.1: parallel guesses get no more tries than guesses one after the other.
func TestP7_ParallelGuessesDoNotOutrunTheFreeTries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const guesses = 30
	forms := make([]url.Values, guesses)
	browsers := make([]*browser, guesses)
	for i := range guesses {
		browsers[i] = w.newBrowser()
		forms[i] = browsers[i].loginForm("", ana, fmt.Sprintf("guess %d of many", i))
	}
	statuses := make([]int, guesses)
	started := time.Now()
	var all sync.WaitGroup
	for i := range guesses {
		all.Go(func() { statuses[i] = browsers[i].post(pages.PathLogin, forms[i]).StatusCode })
	}
	all.Wait()
	tried := 0
	for _, status := range statuses {
		switch status {
		case http.StatusUnprocessableEntity:
			tried++
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		default:
			t.Errorf("a guess answers %d", status)
		}
	}
	free := 5
	for wait := time.Second; time.Since(started) >= wait; wait *= 2 { // each further try after twice as long
		free++
	}
	if tried > free {
		t.Errorf("%d guesses were tried, of which %d are free", tried, free)
	}
	w.exec(`UPDATE counters SET n = n + 10`) // so that the wait is longer than this test
	if a := browsers[0].post(pages.PathLogin, forms[0]); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("the next one answers %d", a.StatusCode)
	}
}

// At most 100 of one account in a row, from however many networks.
func TestP7_OneAccountIsTriedAHundredTimesFromEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guess := func(network int) int {
		b := w.newBrowser(fmt.Sprintf("127.%d.0.1", network))
		return b.post(pages.PathLogin, b.loginForm("", ana, "a guess from many networks")).StatusCode
	}
	for network := range 6 {
		if status := guess(10 + network); status != http.StatusUnprocessableEntity {
			t.Errorf("a first guess answers %d", status)
		}
	}
	w.exec(`UPDATE counters SET n = 99 WHERE n = 6 AND name LIKE 'login %'`) // of the account, from everywhere
	if status := guess(20); status != http.StatusUnprocessableEntity {
		t.Errorf("guess 100 answers %d", status)
	}
	for network := range 3 {
		if status := guess(30 + network); status != http.StatusTooManyRequests {
			t.Errorf("guess 101 answers %d", status)
		}
	}
}

// Anti-lockout (ASVS 6.1.1): an attacker cannot keep the user out of a browser that they have signed in with before.
func TestW1_GuessesOfOthersDoNotLockTheUsersOwnBrowserOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.newBrowser().signIn(ana)
	own.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutHere}})
	for i := range 4 {
		attacker := w.newBrowser(fmt.Sprintf("127.%d.0.1", i+10))
		form := attacker.loginForm("", ana, "a guess by a stranger")
		for range 4 {
			attacker.post(pages.PathLogin, form)
		}
	}
	w.exec(`UPDATE counters SET n = 100 WHERE n = 16 AND name LIKE 'login %'`) // as if they had gone on, from 25 networks
	here := w.newBrowser()
	if a := here.tryPassword(ana, password); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the account is not guarded from unknown browsers any more: %d", a.StatusCode)
	}
	if a := own.tryPassword(ana, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the user's own browser is locked out: %d", a.StatusCode)
	}
	// And the attack on one user does not keep another out, on the very same network.
	if a := w.newBrowser("127.10.0.1").tryPassword(bob, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("another user is locked out: %d", a.StatusCode)
	}
}

// One account by all its spellings, kept in the database and so the same on every node and after a restart.
func TestW2_GuessesAreCountedByAccountAndOutliveARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spellings := []string{ana, strings.ToUpper(ana), " " + ana, ana + " ", "Ana.Canary@Example.com"}
	for i, spelling := range spellings {
		if a := w.newBrowser().tryPassword(spelling, fmt.Sprintf("wrong guess %d", i)); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q answers %d", spelling, a.StatusCode)
		}
	}
	if n := w.count(`SELECT count(*) FROM counters WHERE n = 5`); n != 3 { // of the account here, of the account, of the network
		t.Errorf("five guesses at five spellings stand at five on %d counters", n)
	}
	w.exec(`UPDATE counters SET n = n + 10`) // so that the wait is longer than this test
	if a := w.newBrowser().tryPassword(ana, password); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("five spellings are five accounts: %d", a.StatusCode)
	}
	if a := w.reopened().newBrowser().tryPassword(ana, password); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a restart forgets: %d", a.StatusCode)
	}
	// A /24 is one source; X-Forwarded-For from a stranger is not another.
	b := w.newBrowser("127.0.0.77")
	b.header.Set("X-Forwarded-For", "203.0.113.9")
	if a := b.tryPassword(ana, password); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a header is another network: %d", a.StatusCode)
	}
}

// A disabled user is refused at every door, whatever they hold. (The grants that have no browser are in TestH7 and TestD5.)
func TestW3_ADisabledUserGetsInNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	form := w.newBrowser()
	filled := form.loginForm("", ana, password)
	w.must(w.engine.DisableUser(t.Context(), w.subs[ana]))
	if a := form.post(pages.PathLogin, filled); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the right password answers %d", a.StatusCode)
	}
	if b.signedIn() {
		t.Error("the session is alive")
	}
	w.must(w.engine.EnableUser(t.Context(), w.subs[ana]))
	if a := form.post(pages.PathLogin, filled); a.StatusCode != http.StatusSeeOther || b.signedIn() {
		t.Errorf("let in again: %d", a.StatusCode)
	}
}

// The status is a check of its own at every door that reads rows: also where no cutoff came with it. (Introspection of
// an access token reads the log alone, to which whoever disables a user appends in the same commit.)
func TestW3_ADisabledUsersCredentialsAreRefusedWhateverElseSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	code := b.code("web")
	w.exec(`UPDATE users SET status = 'disabled' WHERE id = $1`, w.subs[ana])
	w.refuses(web.redeem(code), http.StatusBadRequest, "invalid_grant")
	w.refuses(web.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	if web.active(got.Refresh) || b.signedIn() {
		t.Error("a credential is alive")
	}
	w.exec(`UPDATE users SET status = 'active' WHERE id = $1`, w.subs[ana])
	if web.tokens(web.redeem(code)).Access == "" {
		t.Error("the refusal spent something")
	}
}
