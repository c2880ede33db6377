package store

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

const harbour = "https://op.example"

func upstream() record.Upstream {
	return record.Upstream{
		ID: "harbour", Sealed: []byte{1, 0, 0xff}, MadeAt: noon, Version: 1,
		Settings: record.UpstreamSettings{
			Name: "Harbour", Issuer: harbour, ClientID: "mintmark", Scopes: []string{"openid", "email"}, Algs: []string{"ES256"}, SignUp: true,
		},
	}
}

func link() record.Link {
	return record.Link{ID: "l1", Issuer: harbour, Subject: "ana there", UserID: "ana", MadeAt: noon}
}

func TestAnUpstreamIsKeptAsItWasSaid(t *testing.T) {
	s := world(t)
	want := upstream()
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.Upstream](t)(s.Upstream(t.Context(), "harbour")), &want)
		same(t, what+", listed", must[[]record.Upstream](t)(s.UpstreamList(t.Context(), "", 9)), []record.Upstream{want})
	}
	commit(t, s, record.PutUpstream{Upstream: want})
	read("new")
	conflict(t, s, record.PutUpstream{Upstream: want}) // the id is taken
	conflict(t, s, record.UpdateUpstream{ID: "harbour", Version: 2})
	conflict(t, s, record.DeleteUpstream{ID: "harbour", Version: 2})
	want.Settings, want.Sealed, want.Version = record.UpstreamSettings{Name: "New", Issuer: harbour}, []byte{2}, 2
	commit(t, s, record.UpdateUpstream{ID: "harbour", Settings: want.Settings, Sealed: want.Sealed, Version: 1})
	read("updated")
	same(t, "the rest", must[[]record.Upstream](t)(s.UpstreamList(t.Context(), "harbour", 9)), []record.Upstream(nil))
	commit(t, s, record.PutLink{Link: link()}, record.DeleteUpstream{ID: "harbour", Version: 2})
	conflict(t, s, record.DeleteUpstream{ID: "harbour", Version: 2})
	same(t, "deleted", must[*record.Upstream](t)(s.Upstream(t.Context(), "harbour")), (*record.Upstream)(nil))
	same(t, "whoever was linked stays so", must[int64](t)(s.LinkCount(t.Context(), harbour)), int64(1))
}

func TestAForeignAccountIsOneUsersByIssuerAndSubject(t *testing.T) {
	s := world(t)
	want := link()
	commit(t, s, record.PutLink{Link: want})
	of := func(user string) []record.Link {
		t.Helper()
		return must[[]record.Link](t)(s.LinkList(t.Context(), user, 9))
	}
	same(t, "linked", of("ana"), []record.Link{want})
	same(t, "another's", of("bob"), []record.Link(nil))

	commit(t, s, record.PutUser{User: record.User{ID: "bob", Status: record.UserActive}})
	again := link()
	again.ID, again.UserID = "l2", "bob"
	conflict(t, s, record.PutLink{Link: again}) // it is ana's
	again.Issuer = "https://op.example.net"
	commit(t, s, record.PutLink{Link: again}) // the same subject of another issuer is somebody else
	nobody := link()
	nobody.ID, nobody.Subject, nobody.UserID = "l3", "x", "nobody"
	conflict(t, s, record.PutLink{Link: nobody})

	use := record.UseLink{Issuer: harbour, Subject: "ana there", UserID: "ana", At: noon + 1}
	commit(t, s, use)
	want.UsedAt = noon + 1
	same(t, "used", of("ana"), []record.Link{want})
	for name, wrong := range map[string]record.UseLink{
		"another user's": {Issuer: harbour, Subject: "ana there", UserID: "bob"},
		"another issuer": {Issuer: "https://op.example.net", Subject: "ana there", UserID: "ana"},
		"another one":    {Issuer: harbour, Subject: "somebody", UserID: "ana"},
	} {
		if err := s.Commit(t.Context(), []record.Change{wrong}); err == nil {
			t.Errorf("%s is used", name)
		}
	}
	commit(t, s, record.UpdateUser{UserID: "ana", Status: record.UserDisabled, Version: 2})
	conflict(t, s, use) // nobody signs in who is disabled
	commit(t, s, record.UpdateUser{UserID: "ana", Status: record.UserActive, Version: 3})
	conflict(t, s, record.DeleteLink{ID: "l1", UserID: "bob"})
	conflict(t, s, record.DeleteLink{ID: "l1", UserID: "ana", NotLast: true}) // she has no other
	second := link()
	second.ID, second.Subject = "l9", "ana's second"
	commit(t, s, record.PutLink{Link: second}, record.DeleteLink{ID: "l9", UserID: "ana", NotLast: true})
	commit(t, s, record.DeleteLink{ID: "l1", UserID: "ana"})
	conflict(t, s, use)
	conflict(t, s, record.DeleteLink{ID: "l1", UserID: "ana"})
	commit(t, s, record.DeleteUser{UserID: "bob", At: noon})
	same(t, "of a user who is gone", of("bob"), []record.Link(nil))
}

// Pre-hijack: what was linked while nobody had seen the address goes with the rest.
func TestAConfirmedSignUpLosesItsLinks(t *testing.T) {
	s := world(t)
	commit(t, s, record.PutLink{Link: link()}, record.PutSignUp{UserID: "ana", At: noon})
	commit(t, s, record.ConfirmSignUp{UserID: "ana"})
	same(t, "left", must[[]record.Link](t)(s.LinkList(t.Context(), "ana", 9)), []record.Link(nil))
}

func TestAnArrivalIsReadInOneState(t *testing.T) {
	s := world(t)
	query := ArrivalQuery{
		Upstream: "harbour", SpentHash: []byte("trip"), InteractionHash: []byte("page 1"), BrowserHash: []byte("browser 1"), CookieHash: []byte("cookie 1"),
		Issuer: harbour, Subject: "ana there", Email: "ana@example.com", Counters: []string{"a"},
	}
	read := func() *record.ArrivalState {
		t.Helper()
		return must[*record.ArrivalState](t)(s.ArrivalState(t.Context(), query))
	}
	st := read()
	if st.User != nil || st.Upstream != nil || st.Spent || st.Taken != "ana" || st.LC != head(t, s).LC {
		t.Errorf("nothing is linked yet: %+v", st)
	}
	commit(t, s, record.PutUpstream{Upstream: upstream()}, record.PutLink{Link: link()}, record.Spend{KeyHash: []byte("trip"), EndsAt: noon},
		record.CountAttempt{Name: "a", Limit: 9, At: noon, WindowEnds: noon + 1})
	u, page, browsers := upstream(), interaction(), session()
	st = read()
	same(t, "the upstream", st.Upstream, &u)
	same(t, "the page", st.Interaction, &page)
	same(t, "the session of the browser", st.Current, &browsers)
	same(t, "the counters", st.Counters, map[string]record.Counter{"a": {Name: "a", N: 1, WindowEnds: noon + 1}})
	if st.User == nil || st.User.ID != "ana" || !st.Spent || st.Taken != "ana" || st.Client == nil {
		t.Errorf("linked: %+v", st)
	}
	query.Subject, query.Email = "somebody", ""
	if st = read(); st.User != nil || st.Taken != "" {
		t.Errorf("somebody else is %+v", st)
	}
}

func TestWhoIsSignedInIsReadWithTheirLinks(t *testing.T) {
	s := world(t)
	commit(t, s, record.PutUpstream{Upstream: upstream()}, record.PutLink{Link: link()})
	st := must[*record.LinksState](t)(s.LinksState(t.Context(), []byte("cookie 1")))
	same(t, "links", st.Links, []record.Link{link()})
	same(t, "upstreams", st.Upstreams, []record.Upstream{upstream()})
	if st.User == nil || st.User.ID != "ana" || st.Password == nil {
		t.Errorf("the user is %+v", st.User)
	}
	if nobody := must[*record.LinksState](t)(s.LinksState(t.Context(), nil)); nobody.User != nil || nobody.Links != nil {
		t.Errorf("nobody has %+v", nobody)
	}
}
