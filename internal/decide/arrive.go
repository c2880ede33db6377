package decide

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// Arrival is a browser that comes back from an upstream.
type Arrival struct {
	Upstream string // whose address it comes to
	Trip     *Trip  // opened from the state; nil: it is not this browser's
	Code     string
	Error    string
	Issuer   string // iss, RFC 9207; empty: it was not sent
	// SendsIss says that the upstream announces iss, so that an answer without it is
	// none of its.
	SendsIss bool
	// Hint is the ID token hint of the request that waits, verified; nil: it has none.
	Hint *record.VerifiedToken
	// Who is the foreign account, once it is proven, and LC what ArriveBegin answered.
	Who ForeignUser
	LC  int64
}

func (a *Arrival) form() LoginForm {
	return LoginForm{ToAccount: a.Trip.ToAccount(), Hint: a.Hint}
}

// ArrivalCounters names the counters that an arrival is decided from.
func ArrivalCounters(by Browser) []string {
	return append([]string{counterName("network", by.Network)}, SignUpCounters(by)...)
}

// ArriveBegin decides whether an answer may be followed up, before its code goes
// anywhere, and ends the trip: whatever comes of it, a state counts once. The answer is
// the logical clock that the session will vouch for.
func ArriveBegin(a Arrival, by Browser, st *record.ArrivalState, env Env) Outcome[int64] {
	if err := onTrip(&a, by, st, env); err != nil {
		return refuse[int64](err)
	}
	misses := st.Counters[ArrivalCounters(by)[0]]
	if counted(misses, env.Now) >= networkMisses {
		return refuse[int64](tooMany(misses.WindowEnds - env.Now))
	}
	out := Outcome[int64]{
		Changes: []record.Change{record.Spend{KeyHash: a.Trip.key(), EndsAt: a.Trip.At + env.Policy.InteractionTTL}},
		Answer:  st.LC,
	}
	switch {
	case a.Error == string(oauth.AccessDenied):
		out.Err = oauth.Refuse(oauth.ReasonUpstreamDenied)
	case a.Error != "" || a.Code == "":
		out.Err = oauth.Refuse(oauth.ReasonUpstreamError)
	}
	return out
}

// onTrip decides whether an answer belongs to a trip of this browser that is under
// way, and comes from whom it led to.
func onTrip(a *Arrival, by Browser, st *record.ArrivalState, env Env) *oauth.Error {
	if a.Trip == nil || len(by.Hash) == 0 || st.Spent || env.Now >= a.Trip.At+env.Policy.InteractionTTL {
		return oauth.Refuse(oauth.ReasonUpstreamState)
	}
	switch {
	case a.Upstream != a.Trip.Upstream: // RFC 9700 §4.4.2.2
		return oauth.Refuse(oauth.ReasonUpstreamMixedUp)
	case st.Upstream == nil || st.Upstream.Settings.Issuer != a.Trip.Issuer:
		return oauth.Refuse(oauth.ReasonUpstreamUnknown)
	case a.Issuer != a.Trip.Issuer && (a.Issuer != "" || a.SendsIss): // RFC 9207 §2.4
		return oauth.Refuse(oauth.ReasonUpstreamMixedUp)
	}
	if a.Trip.Link != "" {
		return stillLinking(a.Trip, st, env)
	}
	return mayLogIn(a.form(), by, &st.LoginState, env.Now)
}

// ArriveFailed is what becomes of an arrival whose code or ID token is not what it must
// be: it is counted on its network, as a wrong password is, and audited.
func ArriveFailed(a Arrival, reason *oauth.Error, by Browser, st *record.ArrivalState, env Env) Outcome[LoginAnswer] {
	network := ArrivalCounters(by)[0]
	row := record.Audit{
		Event: "sign_in_failed", Actor: ActorServer, Detail: string(reason.Reason) + " upstream " + a.Trip.Upstream,
		Key: string(reason.Reason) + " upstream " + a.Trip.Upstream,
	}
	if st.User != nil {
		row.UserID = st.User.ID
		row.Key += " " + st.User.ID
	}
	if st.Interaction != nil {
		row.ClientID = st.Interaction.Request.ClientID
	}
	return Outcome[LoginAnswer]{Err: reason, Changes: []record.Change{
		miss(st.Counters[network], network, env.Now), audited(row, env),
	}}
}

// ArriveFinish turns a foreign account that was proven into a session of the user whom
// it is linked to, or makes one. No address decides anything: the key is issuer and
// subject (ASVS 6.8.1).
func ArriveFinish(a Arrival, by Browser, st *record.ArrivalState, env Env) Outcome[LoginAnswer] {
	if a.Trip.Link != "" {
		return ArriveToLink(a, by, st, env)
	}
	if err := mayLogIn(a.form(), by, &st.LoginState, env.Now); err != nil {
		return refuse[LoginAnswer](err)
	}
	who := &a.Who
	if st.Upstream == nil || st.Upstream.Settings.Issuer != who.Issuer {
		return refuse[LoginAnswer](oauth.Refuse(oauth.ReasonUpstreamUnknown))
	}
	var changes []record.Change
	login := st.LoginState
	switch {
	case st.User == nil:
		made := newcomer(who, by, st, env)
		if made.Err != nil {
			return ArriveFailed(a, made.Err, by, st, env)
		}
		changes = made.Changes
		login.User = &made.Answer
	case st.User.Status != record.UserActive:
		return ArriveFailed(a, oauth.Refuse(oauth.ReasonUserDisabled), by, st, env)
	default:
		changes = []record.Change{record.UseLink{Issuer: who.Issuer, Subject: who.Subject, UserID: st.User.ID, At: env.Now}}
	}
	entered := enter(signingIn{
		form: a.form(), by: by, rvs: a.LC, authTime: whenSignedIn(&a, env),
		proof: record.Proof{Factor: record.FactorUpstream, At: env.Now, Issuer: who.Issuer},
		note:  " upstream " + a.Trip.Upstream,
	}, &login, env)
	entered.Changes = append(changes, entered.Changes...)
	return entered
}

// whenSignedIn is the session's auth_time: what the upstream says, and where it says
// nothing the time at which it vouched. A sign-in that was asked for anew was on this
// trip, whatever the clocks say.
func whenSignedIn(a *Arrival, env Env) int64 {
	at := env.Now
	if a.Who.AuthTime != 0 {
		at = min(a.Who.AuthTime, env.Now)
	}
	if age := a.Trip.MaxAge; age != nil && *age == 0 {
		at = max(at, a.Trip.At)
	}
	return at
}

// newcomer makes a user of a foreign account that nobody has here, if the upstream and
// the server both let strangers in (V7). Its address is taken only if the upstream has
// seen that it is theirs; an account that has it already is never touched.
func newcomer(who *ForeignUser, by Browser, st *record.ArrivalState, env Env) Outcome[record.User] {
	if !st.Upstream.Settings.SignUp || MaySignUp(env.Policy) != nil {
		return refuse[record.User](oauth.Refuse(oauth.ReasonForeignAccountUnknown))
	}
	if st.Taken != "" {
		return refuse[record.User](oauth.Refuse(oauth.ReasonForeignAddressTaken))
	}
	name := SignUpCounters(by)[0]
	counter := st.Counters[name]
	if counted(counter, env.Now) >= signUps {
		return refuse[record.User](tooMany(counter.WindowEnds - env.Now))
	}
	claims, err := who.claims()
	if err != nil {
		return refuse[record.User](oauth.Refuse(oauth.ReasonInternal).Because(err))
	}
	made := NewUser(NewAccount{Email: who.address(), Verified: true, Foreign: true, Claims: claims}, ActorServer, env)
	if made.Err != nil {
		return made
	}
	clientID := ""
	if st.Interaction != nil {
		clientID = st.Interaction.Request.ClientID
	}
	made.Changes = append(made.Changes,
		signUpCounted(name, counter, env),
		record.PutLink{Link: record.Link{
			ID: env.Seed.ID("link"), Issuer: who.Issuer, Subject: who.Subject, UserID: made.Answer.ID, MadeAt: env.Now, UsedAt: env.Now,
		}},
		audited(record.Audit{
			Event: "signed_up", Actor: ActorServer, UserID: made.Answer.ID, ClientID: clientID, Detail: "upstream " + st.Upstream.ID,
		}, env))
	return made
}

// maxForeignName bounds a name, in code points, as an administrator's are.
const maxForeignName = 200

// claims are the names of a new user. One that is too long or not plain text is left
// out: it is no reason to turn somebody away.
func (u *ForeignUser) claims() (json.RawMessage, error) {
	said := map[string]string{}
	for name, value := range map[string]string{"name": u.Name, "given_name": u.GivenName, "family_name": u.FamilyName} {
		strange := strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
		if value != "" && !strange && utf8.RuneCountInString(value) <= maxForeignName && strings.TrimSpace(value) == value {
			said[name] = value
		}
	}
	return json.Marshal(said)
}
