package decide

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

func registrationEnv(mode RegistrationMode) Env {
	env := tokenEnv()
	env.Policy.Registration.Mode = mode
	return env
}

func registering(t *testing.T, body string) Registering {
	t.Helper()
	return Registering{Network: "192.0.2.0/24", Metadata: metadataOf(t, body)}
}

const (
	confidentialBody = `{"redirect_uris":["https://app.example/cb"],"client_name":"App"}`
	publicBody       = `{"redirect_uris":["https://app.example/cb"],"client_name":"App","token_endpoint_auth_method":"none"}`
)

func liveToken() *record.InitialToken {
	return &record.InitialToken{ID: "t1", EndsAt: tokenNow + 1, Most: 2, Used: 1}
}

func TestWhoMayRegister(t *testing.T) {
	ended, usedUp, endless := liveToken(), liveToken(), liveToken()
	ended.EndsAt, usedUp.Used, endless.Most, endless.Used = tokenNow, 2, 0, 99
	for _, c := range []struct {
		name  string
		mode  RegistrationMode
		shown bool
		token *record.InitialToken
		want  oauth.Reason
	}{
		{"off, nothing shown", RegistrationOff, false, nil, oauth.ReasonTokenMissing},
		{"off, a good token", RegistrationOff, true, liveToken(), oauth.ReasonTokenMissing},
		{"no mode at all", "", false, nil, oauth.ReasonTokenMissing},
		{"token, nothing shown", RegistrationToken, false, nil, oauth.ReasonTokenMissing},
		{"token, a good one", RegistrationToken, true, liveToken(), ""},
		{"token, one for any number", RegistrationToken, true, endless, ""},
		{"token, an unknown one", RegistrationToken, true, nil, oauth.ReasonRegistrationTokenWrong},
		{"token, one that ended", RegistrationToken, true, ended, oauth.ReasonRegistrationTokenWrong},
		{"token, one that is used up", RegistrationToken, true, usedUp, oauth.ReasonRegistrationTokenWrong},
		{"open, nothing shown", RegistrationOpen, false, nil, ""},
		{"open, a good token", RegistrationOpen, true, liveToken(), ""},
		{"open, an unknown one", RegistrationOpen, true, nil, oauth.ReasonRegistrationTokenWrong},
	} {
		r := registering(t, confidentialBody)
		r.Shown = c.shown
		out := Register(r, &record.RegistrationState{Token: c.token}, registrationEnv(c.mode))
		if got := reasonOf(out.Err); got != c.want || (got != "") != (len(out.Changes) == 0) {
			t.Errorf("%s: %q with %d changes", c.name, got, len(out.Changes))
		}
	}
}

func reasonOf(err *oauth.Error) oauth.Reason {
	if err == nil {
		return ""
	}
	return err.Reason
}

func TestAConfidentialClientGetsASecretAndATokenThatAreStoredHashed(t *testing.T) {
	env := registrationEnv(RegistrationOpen)
	r := registering(t, confidentialBody)
	out := Register(r, &record.RegistrationState{}, env)
	answer := out.Answer
	came := record.Registration{
		ClientID: answer.Client.ID, TokenHash: secret.Hash(answer.Token), MadeAt: tokenNow, EndsAt: tokenNow + env.Policy.Registration.Keep,
	}
	want := record.Client{
		ID: env.Seed.ID("client_id"), Name: "App", Settings: r.Metadata.Settings, Enabled: true, MadeAt: tokenNow, Version: 1,
		Secrets: []record.ClientSecret{{Hash: secret.Hash(answer.Secret), MadeAt: tokenNow}}, Registration: &came,
	}
	audit := record.Audit{Event: "client_registered", Actor: ActorAnyone, ClientID: want.ID}
	if diff := cmp.Diff([]record.Change{
		record.CountAttempt{Name: RegistrationCounters(r.Network)[0], Limit: 60, At: tokenNow, WindowEnds: tokenNow + hour},
		record.PutClient{Client: want},
		record.PutRegistration{Registration: came},
		audited(audit, env),
	}, out.Changes); diff != "" {
		t.Error(diff)
	}
	again := Register(r, &record.RegistrationState{}, Env{Now: tokenNow, Seed: secret.Seed{8}, Policy: env.Policy})
	if again.Answer.Client.ID == answer.Client.ID || again.Answer.Secret == answer.Secret || again.Answer.Token == answer.Token {
		t.Error("two confidential clients share something")
	}
}

func TestAPublicClientIsOneHoweverOftenItRegisters(t *testing.T) {
	env := registrationEnv(RegistrationToken)
	r := registering(t, publicBody)
	r.Shown = true
	first := Register(r, &record.RegistrationState{Token: liveToken()}, env)
	client := first.Answer.Client
	if first.Err != nil || first.Answer.Secret != "" || first.Answer.Token != "" || client.Registration.TokenHash != nil || client.Registration.By != "t1" {
		t.Fatalf("%+v, %v", first.Answer, first.Err)
	}
	if use, ok := first.Changes[0].(record.UseInitialToken); !ok || use.ID != "t1" {
		t.Errorf("it begins with %#v", first.Changes[0])
	}
	again := func(change func(*record.Client, *Env)) Outcome[Registered] {
		there, env := *client, env
		came := *client.Registration
		there.Registration = &came
		change(&there, &env)
		return Register(r, &record.RegistrationState{Token: liveToken(), Client: &there}, env)
	}
	keep := env.Policy.Registration.Keep
	for _, c := range []struct {
		name   string
		change func(*record.Client, *Env)
		want   []record.Change
		err    oauth.Reason
	}{
		{"at once", func(*record.Client, *Env) {}, nil, ""},
		{"after half its time", func(_ *record.Client, env *Env) { env.Now += keep/2 + 1 }, []record.Change{record.RenewRegistration{ClientID: client.ID, EndsAt: tokenNow + keep/2 + 1 + keep}}, ""},
		{"let in", func(c *record.Client, env *Env) { c.Registration.EndsAt, env.Now = 0, env.Now+9*keep }, nil, ""},
		{"disabled", func(c *record.Client, _ *Env) { c.Enabled = false }, nil, oauth.ReasonRegistrationDisabled},
	} {
		if c.name != "at once" && c.name != "disabled" {
			r.Shown = false
			env.Policy.Registration.Mode = RegistrationOpen
		}
		out := again(c.change)
		if diff := cmp.Diff(c.want, out.Changes); diff != "" || reasonOf(out.Err) != c.err || c.err == "" && out.Answer.Client.ID != client.ID {
			t.Errorf("%s: %v %s", c.name, out.Err, diff)
		}
	}
}

func TestOneNetworkRegistersSoManyAnHour(t *testing.T) {
	env := registrationEnv(RegistrationOpen)
	r := registering(t, confidentialBody)
	name := RegistrationCounters(r.Network)[0]
	state := func(n, ends int64) *record.RegistrationState {
		return &record.RegistrationState{Token: liveToken(), Counters: map[string]record.Counter{name: {Name: name, N: n, WindowEnds: ends}}}
	}
	if out := Register(r, state(59, tokenNow+1), env); out.Err != nil || out.Changes[0].(record.CountAttempt).WindowEnds != tokenNow+1 {
		t.Errorf("the sixtieth: %v, %#v", out.Err, out.Changes)
	}
	out := Register(r, state(60, tokenNow+90*second), env)
	if reasonOf(out.Err) != oauth.ReasonTooManyAttempts || out.Err.RetryAfter.Seconds() != 90 || out.Changes != nil {
		t.Errorf("one more: %v, %#v", out.Err, out.Changes)
	}
	if out := Register(r, state(60, tokenNow), env); out.Err != nil {
		t.Errorf("in the next hour: %v", out.Err)
	}
	r.Shown = true
	if out := Register(r, state(60, tokenNow+1), env); out.Err != nil {
		t.Errorf("with a token: %v", out.Err)
	}
}

// ASVS 10.4.7: what counts is the client that would be.
func TestTheResultIsJudgedWhicheverWayItCameAbout(t *testing.T) {
	for body, want := range map[string]string{
		`{"redirect_uris":["https://a.example/cb"],"grant_types":["client_credentials"]}`:                                                 "grant_types",
		`{"redirect_uris":["https://a.example/cb"],"grant_types":["authorization_code","client_credentials"]}`:                            "grant_types",
		`{"redirect_uris":["https://a.example/cb"],"grant_types":["refresh_token"]}`:                                                      "grant_types",
		`{"redirect_uris":["https://a.example/cb"],"scope":"openid api:read"}`:                                                            "scope",
		`{"redirect_uris":["https://a.example/cb"],"scope":"revocations:read"}`:                                                           "scope",
		`{"redirect_uris":["https://a.example/cb"],"scope":"openid offline_access","grant_types":["authorization_code","refresh_token"]}`: "",
	} {
		made := Register(registering(t, body), &record.RegistrationState{}, registrationEnv(RegistrationOpen))
		client, token := registeredClient(t)
		m, err := ReadMetadata(`{"client_id":"`+client.ID+`",`+body[1:], true)
		if err != nil {
			t.Fatal(err)
		}
		updated := UpdateRegistration(Managing{Token: token, Metadata: m}, &record.RegistrationState{Client: client}, tokenEnv())
		for name, err := range map[string]*oauth.Error{"made": made.Err, "updated": updated.Err} {
			if got := paramOf(err); got != want {
				t.Errorf("%s: %s is refused for %q, not %q", name, body, got, want)
			}
		}
	}
}

func paramOf(err *oauth.Error) string {
	if err == nil {
		return ""
	}
	return err.Param
}

// registeredClient is a confidential client that is there, and its token.
func registeredClient(t *testing.T) (*record.Client, string) {
	t.Helper()
	out := Register(registering(t, confidentialBody), &record.RegistrationState{}, registrationEnv(RegistrationOpen))
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	return out.Answer.Client, out.Answer.Token
}

// RFC 7592 §2: a registration access token is of its client alone.
func TestOnlyTheTokenOfTheClientManagesIt(t *testing.T) {
	client, token := registeredClient(t)
	disabled, public, made := *client, *client, *tokenClient()
	disabled.Enabled = false
	public.Registration = &record.Registration{ClientID: client.ID}
	for name, c := range map[string]struct {
		token  string
		client *record.Client
		ok     bool
	}{
		"its own": {token, client, true}, "another": {token + "x", client, false}, "none": {"", client, false}, "its secret": {tokenSecret, client, false},
		"of no client": {token, nil, false}, "of a disabled one": {token, &disabled, false}, "of a public one": {"", &public, false},
		"of an administrator's": {token, &made, false},
	} {
		st := &record.RegistrationState{Client: c.client}
		for _, err := range []*oauth.Error{
			Manages(c.token, c.client), DeleteRegistration(c.token, st, tokenEnv()).Err,
			UpdateRegistration(Managing{Token: c.token, Metadata: Metadata{ID: client.ID, Settings: client.Settings, Name: "App"}}, st, tokenEnv()).Err,
		} {
			if (err == nil) != c.ok || err != nil && err.Reason != oauth.ReasonRegistrationTokenWrong {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAnUpdateReplacesWhatIsTheClientsToSayAndItsUsersAreAskedAgain(t *testing.T) {
	client, token := registeredClient(t)
	client.Settings.AccessTTL, client.Settings.Resources, client.Settings.Scope = 600, []string{tokenAPI}, "openid orders:read" // an administrator's doing
	update := func(body string) Outcome[Registered] {
		t.Helper()
		m, err := ReadMetadata(body, true)
		if err != nil {
			t.Fatal(err)
		}
		return UpdateRegistration(Managing{Token: token, Metadata: m}, &record.RegistrationState{Client: client}, tokenEnv())
	}
	out := update(`{"client_id":"` + client.ID + `","redirect_uris":["https://new.example/cb"],"client_name":"New","scope":"openid orders:read"}`)
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	written, ok := out.Changes[0].(record.UpdateClient)
	s := written.Settings
	if !ok || written.Name != "New" || !slices.Equal(s.RedirectURIs, []string{"https://new.example/cb"}) || s.AccessTTL != 600 ||
		!slices.Equal(s.Resources, []string{tokenAPI}) || s.Scope != "openid orders:read" || written.Version != client.Version {
		t.Errorf("%+v", written)
	}
	if _, ok := out.Changes[1].(record.ForgetConsents); !ok {
		t.Errorf("its users are not asked again: %#v", out.Changes)
	}
	unchanged := update(`{"client_id":"` + client.ID + `","redirect_uris":["https://app.example/cb"],"client_name":"App","scope":"openid orders:read"}`)
	if unchanged.Err != nil || unchanged.Changes != nil {
		t.Errorf("the same again: %v, %#v", unchanged.Err, unchanged.Changes)
	}
	if out.Answer.Token != token || unchanged.Answer.Token != token { // RFC 7592 §3
		t.Errorf("the answers are without the token: %q, %q", out.Answer.Token, unchanged.Answer.Token)
	}
	for body, want := range map[string]string{
		`{"redirect_uris":["https://a.example/cb"]}`:                                                        "client_id",
		`{"client_id":"other","redirect_uris":["https://a.example/cb"]}`:                                    "client_id",
		`{"client_id":"` + client.ID + `","client_secret":"wrong"}`:                                         "client_secret",
		`{"client_id":"` + client.ID + `","token_endpoint_auth_method":"none"}`:                             "token_endpoint_auth_method",
		`{"client_id":"` + client.ID + `","redirect_uris":["https://a.example/cb"],"scope":"orders:write"}`: "scope",
	} {
		if out := update(body); paramOf(out.Err) != want || out.Changes != nil {
			t.Errorf("%s: %v, %#v", body, out.Err, out.Changes)
		}
	}
	for _, name := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, err := ReadMetadata(`{"`+name+`":"x"}`, true); paramOf(err) != name { // RFC 7592 §2.2
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeletingARegistrationEndsAllThatTheClientHas(t *testing.T) {
	client, token := registeredClient(t)
	out := DeleteRegistration(token, &record.RegistrationState{Client: client}, tokenEnv())
	entry, ok := out.Changes[0].(record.Append)
	if !ok || entry.Target != revocation.ForClient(client.ID) || entry.Actor != ActorClient(client.ID) {
		t.Errorf("it begins with %#v", out.Changes[0])
	}
	if !slices.Contains(out.Changes, record.Change(record.DeleteClient{ID: client.ID, At: tokenNow, Version: client.Version})) {
		t.Errorf("the row stays: %#v", out.Changes)
	}
}

func TestWhatNobodyLetInIsForgottenInOneRow(t *testing.T) {
	if changes := ForgetRegistrations(nil, tokenEnv()); changes != nil {
		t.Errorf("nobody: %#v", changes)
	}
	changes := ForgetRegistrations([]string{"a", "b"}, tokenEnv())
	if len(changes) != 3 || changes[1] != record.Change(record.ForgetRegistration{ClientID: "b", At: tokenNow}) || changes[2].(record.Audit).Detail != "a b" {
		t.Errorf("%#v", changes)
	}
}
