package store

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

func registration() record.Registration {
	return record.Registration{ClientID: "app", TokenHash: []byte("its token"), By: "t1", MadeAt: noon, EndsAt: noon + 7*day}
}

func initialToken() record.InitialToken {
	return record.InitialToken{ID: "t1", Hash: []byte("initial"), Name: "the shop", MadeAt: noon, EndsAt: noon + day, Most: 2}
}

func TestAClientKnowsHowItCame(t *testing.T) {
	s := world(t)
	came := registration()
	read := func(what string, want *record.Registration) {
		t.Helper()
		same(t, what, must[*record.Client](t)(s.Client(t.Context(), "app")).Registration, want)
	}
	read("made by an administrator", nil)
	commit(t, s, record.PutRegistration{Registration: came})
	read("registered", &came)
	conflict(t, s, record.PutRegistration{Registration: registration()})
	came.EndsAt = noon + 9*day
	commit(t, s, record.RenewRegistration{ClientID: "app", EndsAt: came.EndsAt})
	read("renewed", &came)
	came.EndsAt = 0
	commit(t, s, record.ConfirmRegistration{ClientID: "app"})
	read("confirmed", &came)
	conflict(t, s, record.RenewRegistration{ClientID: "app", EndsAt: noon})
	commit(t, s, record.DeleteClient{ID: "app", At: noon})
	conflict(t, s, record.ConfirmRegistration{ClientID: "app"})
	conflict(t, s, record.PutRegistration{Registration: registration()})
	if n := count(t, s, `SELECT count(*) FROM registrations`); n != 0 {
		t.Errorf("%d registrations outlive their client", n)
	}
}

func TestOnlyWhatNobodyLetInIsForgotten(t *testing.T) {
	s := world(t)
	came := registration()
	came.TokenHash = nil
	commit(t, s, record.PutRegistration{Registration: came})
	forgotten := func(now int64) []string {
		t.Helper()
		return must[[]string](t)(s.ForgottenClients(t.Context(), now, 9))
	}
	same(t, "before its time", forgotten(came.EndsAt-1), []string(nil))
	conflict(t, s, record.ForgetRegistration{ClientID: "app", At: came.EndsAt - 1})
	same(t, "at its time", forgotten(came.EndsAt), []string{"app"})
	commit(t, s, record.ConfirmRegistration{ClientID: "app"})
	same(t, "confirmed", forgotten(came.EndsAt), []string(nil))
	conflict(t, s, record.ForgetRegistration{ClientID: "app", At: came.EndsAt}) // it was listed before that

	onWriter(t, s, `UPDATE registrations SET ends_at = made_at`)
	commit(t, s, record.ForgetRegistration{ClientID: "app", At: noon})
	same(t, "forgotten", must[*record.Client](t)(s.Client(t.Context(), "app")), (*record.Client)(nil))
	if n := count(t, s, `SELECT (SELECT count(*) FROM clients) + (SELECT count(*) FROM client_secrets) + (SELECT count(*) FROM registrations)`); n != 0 {
		t.Errorf("%d rows are left of it", n)
	}
}

func TestForgottenConsentsKeepTheirCutoff(t *testing.T) {
	s := world(t)
	commit(t, s, record.CutConsent{UserID: "ana", ClientID: "app", At: noon}, record.PutConsent{Consent: consent()})
	before := must[[]record.Consent](t)(s.ConsentList(t.Context(), "ana"))
	commit(t, s, record.ForgetConsents{ClientID: "app"})
	after := must[[]record.Consent](t)(s.ConsentList(t.Context(), "ana"))
	before[0].Scope = nil
	same(t, "forgotten", after, before)
	if after[0].Cut == 0 {
		t.Error("the cutoff is lost")
	}
}

func TestAnInitialTokenIsUsedAsOftenAsItMayBe(t *testing.T) {
	s := world(t)
	want := initialToken()
	commit(t, s, record.PutInitialToken{Token: want})
	use := record.UseInitialToken{ID: "t1", At: noon}
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.InitialToken](t)(s.InitialToken(t.Context(), "t1")), &want)
		state := must[*record.RegistrationState](t)(s.RegistrationState(t.Context(), want.Hash, "app", nil))
		same(t, what+", as a state", state.Token, &want)
		if state.Client == nil || state.LC == 0 {
			t.Errorf("%s: %+v", what, state)
		}
	}
	read("new")
	conflict(t, s, record.UseInitialToken{ID: "t1", At: want.EndsAt})
	commit(t, s, use)
	commit(t, s, use)
	want.Used = 2
	read("used up")
	conflict(t, s, use)

	other := initialToken()
	other.ID, other.Hash, other.Most = "t2", []byte("other"), 0
	commit(t, s, record.PutInitialToken{Token: other})
	for range 3 {
		commit(t, s, record.UseInitialToken{ID: "t2", At: noon})
	}
	other.Used = 3
	same(t, "listed", must[[]record.InitialToken](t)(s.InitialTokenList(t.Context(), "", 9)), []record.InitialToken{want, other})
	same(t, "the rest", must[[]record.InitialToken](t)(s.InitialTokenList(t.Context(), "t1", 9)), []record.InitialToken{other})
	commit(t, s, record.DeleteInitialToken{ID: "t2"})
	conflict(t, s, record.DeleteInitialToken{ID: "t2"})
	state := must[*record.RegistrationState](t)(s.RegistrationState(t.Context(), nil, "", nil))
	if state.Token != nil || state.Client != nil {
		t.Errorf("nothing was asked for: %+v", state)
	}
}
