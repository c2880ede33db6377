package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/record"
)

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func ptr[T any](v T) *T { return &v }

// anasParents is what stands above everything in the world.
func anasParents(lc int64) record.Parents {
	return record.Parents{
		LC: lc, UserID: "ana", UserStatus: record.UserActive, UserCut: 1,
		SID: "sid", SessionIdleUntil: session().IdleUntil, SessionAbsUntil: session().AbsUntil,
	}
}

func withClient(p record.Parents, cut int64) record.Parents {
	p.ClientID, p.ClientEnabled, p.ClientCut, p.ResourceCuts = "app", true, cut, []int64{cut}
	return p
}

func withGrant(p record.Parents) record.Parents {
	p.GID = "gid"
	return p
}

func TestEveryStateHoldsWhatWasPut(t *testing.T) {
	s := world(t)
	lc := head(t, s).LC
	client, resource := bornAt(lc, app(), api())
	withAPI := record.ClientState{LC: lc, Client: client, Resources: map[string]*record.Resource{resource.Aud: resource}}
	user := withIdentifiers(ana())

	t.Run("client", func(t *testing.T) {
		for range 2 { // from the database, then from the cache
			got := must[record.ClientState](t)(s.ClientState(t.Context(), "app", []string{resource.Aud, "unknown"}))
			same(t, "state", got, withAPI)
		}
	})
	t.Run("refresh", func(t *testing.T) {
		got := must[*record.RefreshState](t)(s.RefreshState(t.Context(), "gid", "app"))
		same(t, "state", got, &record.RefreshState{
			ClientState: withAPI, Grant: ptr(grant()), User: user, Parents: withGrant(withClient(anasParents(lc), lc)),
		})
	})
	t.Run("code", func(t *testing.T) {
		got := must[*record.CodeState](t)(s.CodeState(t.Context(), []byte("code 1"), "app"))
		same(t, "state", got, &record.CodeState{
			ClientState: withAPI, Code: ptr(code()), User: user, Parents: withGrant(withClient(anasParents(lc), lc)),
		})
	})
	t.Run("authorize", func(t *testing.T) {
		got := must[*record.AuthorizeState](t)(s.AuthorizeState(t.Context(), "app", []byte("cookie 1"), []string{resource.Aud}))
		same(t, "state", got, &record.AuthorizeState{
			ClientState: withAPI, Session: ptr(session()), User: user, Consent: ptr(consent()), Parents: anasParents(lc),
		})
	})
	t.Run("interaction", func(t *testing.T) {
		got := must[*record.InteractionState](t)(s.InteractionState(t.Context(), []byte("page 1"), []byte("cookie 1")))
		same(t, "state", got, &record.InteractionState{
			Interaction: ptr(interaction()),
			AuthorizeState: record.AuthorizeState{
				ClientState: withAPI, Session: ptr(session()), User: user, Consent: ptr(consent()), Parents: anasParents(lc),
			},
		})
	})
	t.Run("login", func(t *testing.T) {
		commit(t, s, record.CountAttempt{Name: "b", Limit: 9, At: noon, WindowEnds: noon + 5})
		got := must[*record.LoginState](t)(s.LoginState(t.Context(), LoginQuery{
			InteractionHash: []byte("page 1"), BrowserHash: []byte("browser 1"), CookieHash: []byte("cookie 1"),
			Kind: record.IdentifierEmail, Identifier: "ana@example.com", Counters: []string{"a", "b", "c", "d", "e"},
		}))
		same(t, "state", got, &record.LoginState{
			ClientState: withAPI, Interaction: ptr(interaction()), User: user, Password: ptr(anasPassword()), Known: true,
			Counters: map[string]record.Counter{"b": {Name: "b", N: 1, WindowEnds: noon + 5}},
			Current:  ptr(session()), CurrentParents: anasParents(lc), Consent: ptr(consent()),
		})
	})
	account := record.SessionState{
		LC: lc, Session: ptr(session()), User: user, Password: ptr(anasPassword()), Parents: anasParents(lc),
		Counters: map[string]record.Counter{},
	}
	t.Run("session", func(t *testing.T) {
		got := must[*record.SessionState](t)(s.SessionState(t.Context(), []byte("cookie 1"), []string{"a"}))
		same(t, "state", got, &account)
	})
	t.Run("logout", func(t *testing.T) {
		got := must[*record.LogoutState](t)(s.LogoutState(t.Context(), []byte("cookie 1"), "app"))
		same(t, "state", got, &record.LogoutState{SessionState: account, Client: client})
	})
}

func TestWhatIsUnknownIsNil(t *testing.T) {
	s := world(t)
	at := record.ClientState{LC: head(t, s).LC}
	nobody := record.Parents{LC: at.LC}

	for _, nothing := range [][]byte{nil, {}, []byte("unknown")} {
		authorize := must[*record.AuthorizeState](t)(s.AuthorizeState(t.Context(), "", nothing, nil))
		same(t, "authorize", authorize, &record.AuthorizeState{ClientState: at, Parents: nobody})
		page := must[*record.InteractionState](t)(s.InteractionState(t.Context(), nothing, nothing))
		same(t, "interaction", page, &record.InteractionState{AuthorizeState: *authorize})
		code := must[*record.CodeState](t)(s.CodeState(t.Context(), nothing, "unknown"))
		same(t, "code", code, &record.CodeState{ClientState: at, Parents: nobody})
		login := must[*record.LoginState](t)(s.LoginState(t.Context(), LoginQuery{InteractionHash: nothing, BrowserHash: nothing, CookieHash: nothing}))
		same(t, "login", login, &record.LoginState{
			ClientState: at, Counters: map[string]record.Counter{}, CurrentParents: nobody,
		})
		account := must[*record.SessionState](t)(s.SessionState(t.Context(), nothing, nil))
		same(t, "session", account, &record.SessionState{
			LC: at.LC, Parents: nobody, Counters: map[string]record.Counter{},
		})
	}
	same(t, "refresh", must[*record.RefreshState](t)(s.RefreshState(t.Context(), "unknown", "")),
		&record.RefreshState{ClientState: at, Parents: nobody})
	same(t, "client", must[*record.Client](t)(s.Client(t.Context(), "unknown")), (*record.Client)(nil))
	same(t, "resource", must[*record.Resource](t)(s.Resource(t.Context(), "unknown")), (*record.Resource)(nil))
}

func TestARefreshByAnotherClientStillShowsTheGrantsOwn(t *testing.T) {
	s := world(t)
	other := app()
	other.ID, other.Enabled = "other", false
	commit(t, s, record.PutClient{Client: other})
	state := must[*record.RefreshState](t)(s.RefreshState(t.Context(), "gid", "other"))
	if state.Client.ID != "other" || state.Parents.ClientID != "app" || !state.Parents.ClientEnabled {
		t.Errorf("the caller is %s, the parent %+v", state.Client.ID, state.Parents)
	}
}

func TestABrowserIsKnownOnlyToItsUser(t *testing.T) {
	s := world(t)
	bob := ana()
	bob.ID = "bob"
	email := record.Identifier{Kind: record.IdentifierEmail, Value: "bob@example.com", UserID: "bob"}
	commit(t, s, record.PutUser{User: bob}, record.PutIdentifier{Identifier: email})
	for identifier, known := range map[string]bool{"ana@example.com": true, "bob@example.com": false, "nobody": false} {
		state := must[*record.LoginState](t)(s.LoginState(t.Context(), LoginQuery{
			BrowserHash: []byte("browser 1"), Kind: record.IdentifierEmail, Identifier: identifier,
		}))
		if state.Known != known {
			t.Errorf("%s: known is %v", identifier, state.Known)
		}
	}
}

func TestAGrantIsDeadWithoutItsSessionsRow(t *testing.T) {
	s := world(t)
	onWriter(t, s, `DELETE FROM sessions`)
	state := must[*record.RefreshState](t)(s.RefreshState(t.Context(), "gid", "app"))
	if state.Parents.SessionEndedAt != gone {
		t.Errorf("the parents are %+v", state.Parents)
	}
}

func TestARequestThatNamesNoResourceMeansTheClientsOwn(t *testing.T) {
	s := world(t)
	client := app()
	client.Settings.DefaultResource = api().Aud
	commit(t, s, record.UpdateClient{ID: "app", Enabled: true, Settings: client.Settings, Version: 1})
	for _, auds := range [][]string{nil, {"other"}} {
		_, loaded := must[record.ClientState](t)(s.ClientState(t.Context(), "app", auds)).Resources[api().Aud]
		if loaded != (auds == nil) {
			t.Errorf("%q: loaded is %v", auds, loaded)
		}
		state := must[*record.AuthorizeState](t)(s.AuthorizeState(t.Context(), "app", nil, auds))
		if _, loaded := state.Resources[api().Aud]; loaded != (auds == nil) {
			t.Errorf("%q: loaded is %v", auds, loaded)
		}
	}
}

// A code that is replayed tells whether the grant that it gave has ended already.
func TestACodeKnowsWhetherItsGrantHasEnded(t *testing.T) {
	s := world(t)
	commit(t, s, record.UseCode{Hash: []byte("code 1"), ClientID: "app", At: noon + 1}, record.EndGrant{ID: "gid", At: noon + 7})
	if got := must[*record.CodeState](t)(s.CodeState(t.Context(), []byte("code 1"), "app")); got.Parents.GrantEndedAt != noon+7 {
		t.Errorf("it ended at %d, want %d", got.Parents.GrantEndedAt, noon+7)
	}
}
