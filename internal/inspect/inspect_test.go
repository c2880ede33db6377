package inspect

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

var moment = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// joined makes a token of its parts; nobody checks the signature.
func joined(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode(make([]byte, 64))
}

const (
	accessHeader  = `{"alg":"ES256","kid":"k1","typ":"at+jwt"}`
	accessPayload = `{"iss":"http://localhost:8484","sub":"AAECAwQFBgcICQoLDA0ODw","aud":"https://api.example","client_id":"shop",` +
		`"iat":1795348200,"exp":1795349100,"jti":"j","scope":"openid orders","auth_time":1795348140,"acr":"aal1","amr":["pwd"],"gid":"g","rvs":1795348200123}`
	fixedAccess  = "mat_AAAACRAREhMUFRYXGBkaGxwdHh87BApRhGOLBMI1yLhBW7rY-OFvzw0m6YHqvHtI8VxxzlcmQnRHCle2TO98tcrDU4XhKcFfPKRVtRSofDVdvsT6"
	fixedRefresh = "mrt_AAAACQABAgMEBQYHCAkKCwwNDg8AAAAAAAAAB6loAtQMrSGkzYBhaLlkWzzmN3DJ"
)

func report(t *testing.T, text string) Report {
	t.Helper()
	r, err := Token(text, moment)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnAccessTokenIsTakenApart(t *testing.T) {
	r := report(t, "  "+joined(accessHeader, accessPayload)+"\n")
	if r.Kind != AccessToken || len(r.Warnings) != 0 {
		t.Errorf("kind %q, warnings %q", r.Kind, r.Warnings)
	}
	if want := "expires in 5 minutes; made to live 15 minutes"; r.Life != want {
		t.Errorf("life %q, want %q", r.Life, want)
	}
	for name, want := range map[string][2]string{
		"iat":       {"1795348200", "today 11:50:00 UTC, 10 minutes ago"},
		"exp":       {"1795349100", "today 12:05:00 UTC, in 5 minutes"},
		"auth_time": {"1795348140", "today 11:49:00 UTC, 11 minutes ago"},
		"rvs":       {"1795348200123", "today 11:50:00 UTC, 10 minutes ago"},
		"sub":       {"AAECAwQFBgcICQoLDA0ODw", ""},
		"amr":       {`["pwd"]`, ""},
	} {
		m := member(t, r.Claims, name)
		if got := [2]string{m.Value, m.Words}; got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
}

func member(t *testing.T, list []Member, name string) Member {
	t.Helper()
	i := slices.IndexFunc(list, func(m Member) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no member %s in %+v", name, list)
	}
	return list[i]
}

func TestTheBytesOfAllMembersAddUpToTheToken(t *testing.T) {
	text := joined(accessHeader, accessPayload)
	r := report(t, text)
	sum := func(list []Member) (n int) {
		for _, m := range list {
			n += m.Bytes
		}
		return n
	}
	if header := sum(r.Header); header != r.Parts[0].Bytes {
		t.Errorf("the header's members take %d bytes of %d", header, r.Parts[0].Bytes)
	}
	if payload := sum(r.Claims); payload != r.Parts[1].Bytes {
		t.Errorf("the claims take %d bytes of %d", payload, r.Parts[1].Bytes)
	}
	if whole := r.Parts[0].Bytes + r.Parts[1].Bytes + r.Parts[2].Bytes + 2; whole != r.Bytes || whole != len(text) {
		t.Errorf("the parts and two dots are %d bytes, the report says %d, the token has %d", whole, r.Bytes, len(text))
	}
	refresh := report(t, fixedRefresh)
	if whole := refresh.Parts[0].Bytes + sum(refresh.Claims); whole != len(fixedRefresh) {
		t.Errorf("the refresh token's pieces take %d bytes of %d", whole, len(fixedRefresh))
	}
	opaque := report(t, fixedAccess)
	if whole := opaque.Parts[0].Bytes + sum(opaque.Claims); whole != len(fixedAccess) {
		t.Errorf("the opaque access token's pieces take %d bytes of %d", whole, len(fixedAccess))
	}
}

func TestEachKindIsTold(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Kind
	}{
		{"RFC 9068 §2.1", joined(`{"alg":"ES256","typ":"at+jwt"}`, `{}`), AccessToken},
		{"RFC 9068 §4: the long spelling", joined(`{"alg":"ES256","typ":"application/AT+jwt"}`, `{}`), AccessToken},
		{"another server's", joined(`{"alg":"RS256","typ":"JWT"}`, `{"scope":"a"}`), AccessToken},
		{"OpenID Connect Core §2", joined(`{"alg":"ES256","typ":"JWT"}`, `{"nonce":"n"}`), IDToken},
		{"OpenID Connect Core §3.1.3.6", joined(`{"alg":"ES256"}`, `{"at_hash":"h"}`), IDToken},
		{"Back-Channel Logout §2.4", joined(`{"alg":"ES256","typ":"logout+jwt"}`, `{}`), LogoutToken},
		{"RFC 9449 §4.2", joined(`{"alg":"ES256","typ":"dpop+jwt","jwk":{}}`, `{}`), ProofToken},
		{"RFC 8417 §2.3", joined(`{"alg":"RS256","typ":"secevent+jwt"}`, `{}`), SecurityEvent},
		{"no purpose", joined(`{"alg":"ES256","typ":"JWT"}`, `{}`), SignedToken},
		{"a type of somebody's own never passes for ours", joined(`{"alg":"ES256","typ":"x+jwt"}`, `{"nonce":"n"}`), SignedToken},
		{"RFC 7516 §7.1", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ECDH-ES","enc":"A128GCM"}`)) + "....", EncryptedToken},
		{"refresh token", fixedRefresh, RefreshToken},
		{"opaque access token", fixedAccess, OpaqueAccessToken},
		{"client secret", "mcs_" + strings.Repeat("A", 43), ClientSecret},
		{"setup token", "mst_" + strings.Repeat("A", 43), SetupToken},
	} {
		r := report(t, c.text)
		if r.Kind != c.want || r.About == "" {
			t.Errorf("%s: kind %q (%q), want %q", c.name, r.Kind, r.About, c.want)
		}
	}
}

func TestARefreshTokenShowsItsGrantAndGenerationAndHidesItsProof(t *testing.T) {
	r := report(t, fixedRefresh)
	for name, want := range map[string]string{"root": "9", "gid": "AAECAwQFBgcICQoLDA0ODw", "generation": "7", "tag": "(not shown)"} {
		if got := member(t, r.Claims, name).Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAnOpaqueAccessTokenShowsItsRootAndNothingElse(t *testing.T) {
	r := report(t, fixedAccess)
	for name, want := range map[string]string{"root": "9", "salt": "(not shown)", "sealed": "(not shown)", "checksum": "fits"} {
		if got := member(t, r.Claims, name).Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestSecretsAreNotEchoed(t *testing.T) {
	for _, prefix := range []string{"mcs_", "mst_"} {
		r := report(t, prefix+strings.Repeat("Q", 43))
		for _, text := range append(r.Warnings, r.About, r.Life, string(r.Kind)) {
			if strings.Contains(text, "QQ") {
				t.Errorf("%s: %q", prefix, text)
			}
		}
		if len(r.Warnings) == 0 || len(r.Claims) != 0 {
			t.Errorf("%s: warnings %q, claims %v", prefix, r.Warnings, r.Claims)
		}
	}
}

func TestWhatIsNoTokenIsRefusedWithoutAnEcho(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                          "",
		"a word":                           "hello",
		"two parts":                        "aaa.bbb",
		"no JSON":                          "aaaa.bbbb.cccc",
		"no base64url":                     "!!.??.**",
		"a line break in base64url":        "e3\n0.e30.AA",
		"a payload that is no object":      joined(`{"alg":"ES256"}`, `[1]`),
		"RFC 8725 §2.6: a claim twice":     joined(`{"alg":"ES256"}`, `{"sub":"alice","sub":"mallory"}`),
		"a refresh token that was cut":     fixedRefresh[:60],
		"a refresh token with a typo":      fixedRefresh[:67] + "I",
		"more than any token may be":       joined(`{"alg":"ES256"}`, `{"a":"`+strings.Repeat("a", jose.MaxToken)+`"}`),
		"an encrypted token without sense": "a.b.c.d.e",
	} {
		r, err := Token(text, moment)
		if err == nil {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if strings.Contains(err.Error(), "mallory") || strings.Contains(err.Error(), "hello") {
			t.Errorf("%s: the error quotes the input: %v", name, err)
		}
	}
	if _, err := Token("hello", moment); !errors.Is(err, ErrUnknown) {
		t.Errorf("a word gives %v", err)
	}
}

func TestWarningsSayWhatIsUnusual(t *testing.T) {
	access := func(change ...string) string { return strings.NewReplacer(change...).Replace(accessPayload) }
	for _, c := range []struct{ name, header, payload, want string }{
		{"RFC 8725 §3.2", `{"alg":"none","typ":"at+jwt"}`, accessPayload, "not signed"},
		{"RFC 8725 §3.5", `{"alg":"HS256","typ":"at+jwt"}`, accessPayload, "shared secret"},
		{"no algorithm", `{"typ":"at+jwt"}`, accessPayload, "names no algorithm"},
		{"RFC 9864 §2.2", `{"alg":"EdDSA","typ":"at+jwt"}`, accessPayload, "which curve"},
		{"RFC 8725 §3.10", `{"alg":"ES256","typ":"at+jwt","jku":"https://evil.example"}`, accessPayload, "(jku)"},
		{"RFC 7515 §4.1.11", `{"alg":"ES256","typ":"at+jwt","crit":["x"]}`, accessPayload, "critical"},
		{"a strict verifier", `{"alg":"ES256","typ":"at+jwt","crit":["x"]}`, accessPayload, "strict verifier refuses"},
		{"expired", accessHeader, access("1795349100", "1795348800"), "has expired"},
		{"never expires", accessHeader, access(`"exp":1795349100,`, ""), "no expiry"},
		{"from the future", accessHeader, access(`"iat":1795348200`, `"iat":1795348861`), "in the future"},
		{"not yet", accessHeader, access(`"jti"`, `"nbf":1795348861,"jti"`), "not be used yet"},
		{"long", accessHeader, access("1795349100", "1795548200"), "lives 2 days"},
		{"no issuer", accessHeader, access(`"iss":"http://localhost:8484",`, ""), "no issuer"},
		{"RFC 9068 §2.2", accessHeader, access(`"aud":"https://api.example",`, ""), "no audience"},
		{"RFC 9068 §2.1", `{"alg":"ES256","typ":"JWT"}`, accessPayload, "not at+jwt"},
		{"cannot be taken back", accessHeader, access(`,"rvs":1795348200123`, ""), "no rvs"},
		{"large", accessHeader, access(`"jti":"j"`, `"jti":"`+strings.Repeat("j", 1100)+`"`), "bytes long, on every request"},
		{"too large", accessHeader, access(`"jti":"j"`, `"jti":"`+strings.Repeat("j", 3100)+`"`), "too long for a cookie"},
		{"a secret", accessHeader, access(`"jti"`, `"user_password":"x","jti"`), "user_password looks like a secret"},
	} {
		warnings := report(t, joined(c.header, c.payload)).Warnings
		if !strings.Contains(strings.Join(warnings, "\n"), c.want) {
			t.Errorf("%s: warnings %q lack %q", c.name, warnings, c.want)
		}
	}
}

func TestNothingInAReportCommandsATerminal(t *testing.T) {
	payload := `{"nonce":"a\u001b[2Jb","\u202ename":"x","list":["` + "\u009b" + `1m"]}`
	r := report(t, joined(`{"alg":"ES256"}`, payload))
	if got := member(t, r.Claims, "nonce").Value; got != `a\u{1b}[2Jb` {
		t.Errorf("an escape is shown as %q", got)
	}
	if got := member(t, r.Claims, `\u{202e}name`).Value; got != "x" {
		t.Errorf("a turned name has the value %q", got)
	}
	if got := member(t, r.Claims, "list").Value; got != `["\u{9b}1m"]` {
		t.Errorf("a control sequence in a list is shown as %q", got)
	}
}

func TestEveryStandardClaimHasAMeaning(t *testing.T) {
	names := strings.Fields("iss sub aud exp nbf iat jti client_id scope auth_time acr amr nonce at_hash sid gid rvs cnf act azp")
	for _, scope := range oauth.StandardScopes() {
		names = append(names, oauth.AttributesOf(scope)...)
	}
	for _, name := range names {
		for _, kind := range []Kind{AccessToken, IDToken} {
			if claimMeaning(kind, name, "") == unknownMeaning {
				t.Errorf("%s in an %s has no meaning", name, kind)
			}
		}
	}
	if got := claimMeaning(AccessToken, "shoe_size", "44"); got != unknownMeaning {
		t.Errorf("a claim of somebody's own means %q", got)
	}
}

func TestAnAnswerOfUserinfoIsExplainedLikeAToken(t *testing.T) {
	answer, err := jose.DecodeObject([]byte(`{"sub":"u","email":"ana@example.com","updated_at":1795348200}`))
	if err != nil {
		t.Fatal(err)
	}
	list := Claims(answer, moment)
	if email := member(t, list, "email"); email.Value != "ana@example.com" || email.Meaning == unknownMeaning {
		t.Errorf("the address is shown as %+v", email)
	}
	if at := member(t, list, "updated_at"); at.Words != "today 11:50:00 UTC, 10 minutes ago" {
		t.Errorf("a time is shown as %+v", at)
	}
}

func TestTheAudienceOfAnIDTokenIsTheClient(t *testing.T) {
	if access, id := claimMeaning(AccessToken, "aud", ""), claimMeaning(IDToken, "aud", ""); access == id || !strings.Contains(id, "client") {
		t.Errorf("aud means %q and %q", access, id)
	}
}

func TestTimesAreExactEnoughForPeople(t *testing.T) {
	for _, c := range []struct {
		from string
		want string
	}{
		{"0s", "just now"},
		{"-1s", "1 second ago"},
		{"119s", "in 119 seconds"},
		{"2m", "in 2 minutes"},
		{"-14m40s", "15 minutes ago"},
		{"3h", "in 3 hours"},
		{"-72h", "3 days ago"},
		{"17520h", "in 2 years"},
	} {
		d, err := time.ParseDuration(c.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := Relative(moment.Add(d), moment); got != c.want {
			t.Errorf("%s: %q, want %q", c.from, got, c.want)
		}
	}
	if got, want := When(moment.AddDate(0, 0, 1), moment), "Monday 23 November 2026, 12:00:00 UTC"; got != want {
		t.Errorf("tomorrow is %q, want %q", got, want)
	}
}

func TestANumberThatIsNoDateHasNoWords(t *testing.T) {
	r := report(t, joined(accessHeader, `{"exp":99999999999999,"iat":"yesterday"}`))
	for _, m := range r.Claims {
		if m.Words != "" {
			t.Errorf("%s says %q", m.Name, m.Words)
		}
	}
}

func FuzzATokenIsReportedOrRefused(f *testing.F) {
	f.Add(joined(accessHeader, accessPayload))
	f.Add(fixedRefresh)
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Token(text, moment)
		if err == nil && (r.Kind == "" || r.About == "" || r.Bytes == 0) {
			t.Errorf("%q: %+v", text, r)
		}
	})
}
