package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// UpstreamView is what the sign-in page says of an upstream.
type UpstreamView struct{ ID, Name string }

// maxUpstreams bounds how many there are: each has a button on the sign-in page.
const maxUpstreams = 20

// Upstreams are those that somebody may sign in with. While the database does not
// answer they are those that were seen last: the page is there without it.
func (e *Engine) Upstreams(ctx context.Context) []UpstreamView {
	rows, err := e.store.UpstreamList(ctx, "", maxUpstreams)
	if err != nil {
		if seen := e.upstreams.Load(); seen != nil {
			return *seen
		}
		return nil
	}
	views := make([]UpstreamView, len(rows))
	for i := range rows {
		views[i] = UpstreamView{ID: rows[i].ID, Name: rows[i].Settings.Name}
	}
	e.upstreams.Store(&views)
	return views
}

// Depart gives the address at an upstream that a browser is to go to, to sign in there
// for the page that waits, or for the account page if none does.
func (e *Engine) Depart(ctx context.Context, upstream, interaction string, b Browser) (to string, _ *oauth.Error) {
	st, refused := read(ctx, e.arrivalState(store.ArrivalQuery{Upstream: upstream}, interaction, b))
	if refused != nil {
		return "", refused
	}
	return e.sendOff(ctx, st, decide.Depart(interaction, b.seen(), st, e.env()), b)
}

// DepartToLink is Depart for whoever is signed in and wants to link an account there.
func (e *Engine) DepartToLink(ctx context.Context, upstream string, b Browser) (to string, _ *oauth.Error) {
	st, refused := read(ctx, e.arrivalState(store.ArrivalQuery{Upstream: upstream}, "", b))
	if refused != nil {
		return "", refused
	}
	return e.sendOff(ctx, st, decide.DepartToLink(b.seen(), st, e.env()), b)
}

// sendOff makes the address of a departure that was decided.
func (e *Engine) sendOff(ctx context.Context, st *record.ArrivalState, departure decide.Outcome[decide.Departure], b Browser) (string, *oauth.Error) {
	if departure.Err != nil {
		return "", departure.Err
	}
	found, refused := e.providers.enter(st.Upstream)
	if refused != nil {
		return "", refused
	}
	defer found.leave()
	metadata, refused := e.providers.discover(ctx, found)
	if refused != nil {
		return "", refused
	}
	state, err := e.sealTrip(&departure.Answer.Trip, b)
	if err != nil {
		return "", oauth.Refuse(oauth.ReasonInternal).Because(err)
	}
	return withParams(metadata.Authorization, append(departure.Answer.Params, oauth.Param{Name: "state", Value: state}))
}

func (e *Engine) sealTrip(trip *decide.Trip, b Browser) (string, error) {
	text, err := json.Marshal(trip)
	if err != nil {
		return "", err
	}
	return e.trips.Seal(b.seen().Hash, nonce(), text), nil
}

// openTrip is nil for a state that is not of this browser.
func (e *Engine) openTrip(state string, b Browser) *decide.Trip {
	text, err := e.trips.Open(b.seen().Hash, state)
	if err != nil {
		return nil
	}
	trip := new(decide.Trip)
	if json.Unmarshal(text, trip) != nil {
		return nil
	}
	return trip
}

// withParams: RFC 6749 §3.1, a query that the endpoint has is kept.
func withParams(endpoint string, params []oauth.Param) (string, *oauth.Error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", oauth.Refuse(oauth.ReasonUpstreamUnusable).Because(err)
	}
	query := u.Query()
	for _, p := range params {
		query.Set(p.Name, p.Value)
	}
	u.RawQuery, u.Fragment, u.RawFragment = query.Encode(), "", ""
	return u.String(), nil
}

// ArrivalForm is what an upstream sent a browser back with.
type ArrivalForm struct {
	Upstream string // whose address it is
	State    string
	Code     string
	Error    string
	Issuer   string
}

// ArrivalDone is where an arrival leads. Without an error it is as after a sign-in
// with a password; with one, Interaction is the page that still waits.
type ArrivalDone struct {
	LoginDone
	Interaction string
	OnTrip      bool // the state was this browser's: an error can be told on the sign-in page
	Link        bool // it was to link an account, and nobody was signed in
}

// Arrive takes an upstream's answer: two decisions with the upstream's word between
// them. The state is spent before its code goes anywhere, and the session vouches for
// the logical clock that was read then.
func (e *Engine) Arrive(ctx context.Context, form ArrivalForm, b Browser) (ArrivalDone, *oauth.Error) {
	asked := decide.Arrival{
		Upstream: form.Upstream, Trip: e.openTrip(form.State, b), Code: form.Code, Error: form.Error, Issuer: form.Issuer,
	}
	if asked.Trip == nil {
		return ArrivalDone{}, oauth.Refuse(oauth.ReasonUpstreamState)
	}
	done := ArrivalDone{Interaction: asked.Trip.Interaction, OnTrip: true, Link: asked.Trip.Link != ""}
	a := &arrival{e: e, b: b, asked: asked, query: store.ArrivalQuery{Upstream: asked.Trip.Upstream, SpentHash: decide.TripKey(asked.Trip)}}
	answer, err := a.run(ctx)
	if err != nil {
		return done, err
	}
	answer.Next.Interaction = asked.Trip.Interaction // the same page's; only its hash is stored
	done.LoginDone = LoginDone{Cookie: answer.Cookie, Account: asked.Trip.ToAccount(), Next: answer.Next, NextErr: answer.NextErr}
	return done, nil
}

// arrival is an answer of an upstream on its way through the decisions.
type arrival struct {
	e     *Engine
	b     Browser
	asked decide.Arrival
	query store.ArrivalQuery
}

func (a *arrival) load() func(context.Context) (*record.ArrivalState, error) {
	return a.e.arrivalState(a.query, a.asked.Trip.Interaction, a.b)
}

func (a *arrival) run(ctx context.Context) (decide.LoginAnswer, *oauth.Error) {
	st, refused := read(ctx, a.load())
	if refused != nil {
		return decide.LoginAnswer{}, refused
	}
	if st.Upstream == nil {
		return decide.LoginAnswer{}, oauth.Refuse(oauth.ReasonUpstreamUnknown)
	}
	found, refused := a.e.providers.enter(st.Upstream)
	if refused != nil {
		return decide.LoginAnswer{}, refused
	}
	defer found.leave()
	metadata, refused := a.e.providers.discover(ctx, found)
	if refused != nil {
		return decide.LoginAnswer{}, refused
	}
	a.asked.SendsIss = metadata.SendsIss
	lc, refused := run(ctx, a.e, journey[*record.ArrivalState, int64]{
		load: a.load(),
		decide: func(st *record.ArrivalState, env decide.Env) decide.Outcome[int64] {
			return decide.ArriveBegin(a.asked, a.b.seen(), st, env)
		},
	})
	if refused != nil {
		return decide.LoginAnswer{}, refused
	}
	who, access, refused := a.e.prove(ctx, st.Upstream, &metadata, a.asked.Code, a.asked.Trip)
	if refused == nil {
		who, refused = a.complete(ctx, who, &metadata, access)
	}
	if refused != nil {
		return a.fail(ctx, refused)
	}
	a.asked.Who, a.asked.LC = who, lc
	return a.finish(ctx)
}

// complete names the foreign account to whoever loads the state, and asks userinfo
// where that is worth it.
func (a *arrival) complete(ctx context.Context, who decide.ForeignUser, m *decide.UpstreamMetadata, access string) (decide.ForeignUser, *oauth.Error) {
	a.query.Issuer, a.query.Subject = who.Issuer, who.Subject
	a.query.Email = decide.ForeignAddress(&who)
	st, refused := read(ctx, a.load())
	if refused != nil || !decide.MoreAbout(&who, st, a.e.policy) {
		return who, refused
	}
	who, refused = a.e.moreAbout(ctx, who, m, access)
	a.query.Email = decide.ForeignAddress(&who)
	return who, refused
}

// fail counts and audits what was wrong with the upstream's word.
func (a *arrival) fail(ctx context.Context, reason *oauth.Error) (decide.LoginAnswer, *oauth.Error) {
	return run(ctx, a.e, journey[*record.ArrivalState, decide.LoginAnswer]{
		load: a.load(),
		decide: func(st *record.ArrivalState, env decide.Env) decide.Outcome[decide.LoginAnswer] {
			return decide.ArriveFailed(a.asked, reason, a.b.seen(), st, env)
		},
	})
}

func (a *arrival) finish(ctx context.Context) (decide.LoginAnswer, *oauth.Error) {
	return run(ctx, a.e, journey[*record.ArrivalState, decide.LoginAnswer]{
		load: a.load(),
		decide: func(st *record.ArrivalState, env decide.Env) decide.Outcome[decide.LoginAnswer] {
			a.asked.Hint = a.e.storedHint(st.Interaction)
			return decide.ArriveFinish(a.asked, a.b.seen(), st, env)
		},
	})
}

func (e *Engine) arrivalState(query store.ArrivalQuery, interaction string, b Browser) func(context.Context) (*record.ArrivalState, error) {
	query.InteractionHash, query.BrowserHash, query.CookieHash = hashOrNone(interaction), hashOrNone(b.Browser), hashOrNone(b.Session)
	query.Counters = decide.ArrivalCounters(b.seen())
	return func(ctx context.Context) (*record.ArrivalState, error) { return e.store.ArrivalState(ctx, query) }
}

// links are the foreign accounts of a user, and the upstreams of which they have none.
func (e *Engine) links(ctx context.Context, userID string) (has []LinkView, others []UpstreamView, _ error) {
	links, err := e.store.LinkList(ctx, userID, listPage)
	if err != nil {
		return nil, nil, err
	}
	upstreams, err := e.store.UpstreamList(ctx, "", maxUpstreams)
	names := map[string]string{}
	for i := range upstreams {
		u := &upstreams[i]
		names[u.Settings.Issuer] = u.Settings.Name
		if !slices.ContainsFunc(links, func(l record.Link) bool { return l.Issuer == u.Settings.Issuer }) {
			others = append(others, UpstreamView{ID: u.ID, Name: u.Settings.Name})
		}
	}
	for _, l := range links {
		has = append(has, LinkView{ID: l.ID, Name: cmp.Or(names[l.Issuer], l.Issuer), Since: unixTime(l.MadeAt)})
	}
	return has, others, err
}

// Unlink takes a foreign account from whoever is signed in.
func (e *Engine) Unlink(ctx context.Context, linkID string, b Browser) *oauth.Error {
	_, refused := run(ctx, e, journey[*record.LinksState, struct{}]{
		load: func(ctx context.Context) (*record.LinksState, error) {
			return e.store.LinksState(ctx, hashOrNone(b.Session))
		},
		decide: func(st *record.LinksState, env decide.Env) decide.Outcome[struct{}] {
			return decide.Unlink(linkID, st, env)
		},
	})
	return refused
}
