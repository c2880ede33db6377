package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// LoginForm is what the sign-in page sends.
type LoginForm struct {
	Identifier string // as typed
	Password   string // as typed: never trimmed
	// ToAccount is a sign-in to the account page itself: there is no interaction.
	ToAccount bool
	// Hint is the ID token hint of the request that waits, verified; nil: it has none.
	Hint *record.VerifiedToken
}

// PasswordCheck is what to check a password against, and what Finish must know
// of Begin: nothing that it reads later can make up for it.
type PasswordCheck struct {
	PHC      string   // secret.DummyHash where no password would do
	FactorID string   // the password's: a changed one has another, a hash at another cost keeps it
	UserID   string   // empty: the answer is no, whatever the password
	RVS      int64    // the logical clock read before the password was checked
	Reserved []string // the counters that the attempt was counted on
	Quiet    []string // the counters that it is counted on if it fails
}

// CheckedPassword is the password after it was checked. The zero Verified says
// that it was wrong.
type CheckedPassword struct {
	Check    PasswordCheck
	Verified secret.Verified
	NewPHC   string // a fresh hash of it, where Verified asks for one
}

// held reports whether the password was right.
func (c CheckedPassword) held() bool {
	return c.Check.UserID != "" && c.Verified.Factor() == secret.FactorPassword
}

// LoginAnswer is a sign-in that worked, and how the request that waited for it
// goes on.
type LoginAnswer struct {
	Cookie  string // the session cookie's new value
	UserID  string
	SID     string
	Next    AuthorizeAnswer // zero in a sign-in to the account page
	NextErr *oauth.Error
}

// loginCounters are the names of the counters of one sign-in.
type loginCounters struct {
	onNetwork string // the account's, from this network
	account   string // the account's, from all browsers that are not known
	inBrowser string // the account's, in this browser
	network   string // this network's misses
}

func countersOf(form LoginForm, by Browser) loginCounters {
	account, ok := CanonicalEmail(form.Identifier)
	if !ok {
		account = form.Identifier // nobody's; it is counted like anybody's
	}
	return loginCounters{
		onNetwork: counterName("login", account, "network", by.Network),
		account:   counterName("login", account),
		inBrowser: counterName("login", account, "browser", string(by.Hash)),
		network:   counterName("network", by.Network),
	}
}

// LoginCounters names the counters that a sign-in is decided from, for whoever
// loads them. The names do not say whose they are.
func LoginCounters(form LoginForm, by Browser) []string {
	c := countersOf(form, by)
	return []string{c.onNetwork, c.account, c.inBrowser, c.network}
}

// LoginBegin decides whether a password may be tried, and counts the attempt
// before it is made. One on a counter that stands at zero is counted only if it
// fails, which spares most sign-ins a commit: whoever holds a slot for hashing
// reads the counters and is counted before giving it up, so no more than there
// are slots can be tried on the same zero. Whether the account exists shows
// neither in the answer nor in the time that it takes (ASVS 6.3.8): for nobody
// there is a hash to check too.
func LoginBegin(form LoginForm, by Browser, st *record.LoginState, env Env) Outcome[PasswordCheck] {
	if err := mayLogIn(form, by, st, env.Now); err != nil {
		return refuse[PasswordCheck](err)
	}
	reserve, wait := reserveLogin(form, by, st, env.Now)
	if wait > 0 {
		out := refuse[PasswordCheck](tooMany(wait))
		out.Changes = []record.Change{loginRefused(out.Err, form, by, st, env)}
		return out
	}
	check := PasswordCheck{PHC: secret.DummyHash, RVS: st.LC}
	if st.User != nil && st.User.Status == record.UserActive && st.Password != nil {
		check.PHC, check.FactorID, check.UserID = st.Password.Data, st.Password.ID, st.User.ID
	}
	out := Outcome[PasswordCheck]{}
	for _, attempt := range reserve {
		if counted(st.Counters[attempt.Name], env.Now) == 0 {
			check.Quiet = append(check.Quiet, attempt.Name)
			continue
		}
		check.Reserved = append(check.Reserved, attempt.Name)
		out.Changes = append(out.Changes, attempt)
	}
	out.Answer = check
	return out
}

// mayLogIn decides whether there is a page to sign in on, in a browser that can
// be told from others.
func mayLogIn(form LoginForm, by Browser, st *record.LoginState, now int64) *oauth.Error {
	switch {
	case !form.ToAccount:
		return usable(st.Interaction, by, now)
	case len(by.Hash) == 0:
		return oauth.Refuse(oauth.ReasonInteractionOtherBrowser)
	}
	return nil
}

// reserveLogin counts the attempt: by itself in a browser that is known to the
// user, else on the account from this network and on the account altogether, if
// the network has not missed too often. The longest wait counts.
func reserveLogin(form LoginForm, by Browser, st *record.LoginState, now int64) ([]record.CountAttempt, int64) {
	names := countersOf(form, by)
	if st.Known {
		attempt, wait := slowed(st.Counters[names.inBrowser], names.inBrowser, now)
		return []record.CountAttempt{attempt}, wait
	}
	onNetwork, wait := slowed(st.Counters[names.onNetwork], names.onNetwork, now)
	onAccount, accountWait := bounded(st.Counters[names.account], names.account, accountTries, now)
	if misses := st.Counters[names.network]; counted(misses, now) >= networkMisses {
		wait = max(wait, misses.WindowEnds-now)
	}
	return []record.CountAttempt{onNetwork, onAccount}, max(wait, accountWait)
}

// loginRefused is the audit row of a sign-in that did not work, one a minute for
// each account and reason. What strangers can make up at no cost, names of nobody
// and networks, adds no rows: what a network tries that has missed too often is
// one row, whatever the accounts, and so is what names nobody, from wherever.
func loginRefused(err *oauth.Error, form LoginForm, by Browser, st *record.LoginState, env Env) record.Audit {
	row := record.Audit{Event: "sign_in_failed", Actor: ActorServer, Detail: string(err.Reason)}
	names := countersOf(form, by)
	switch {
	case !st.Known && counted(st.Counters[names.network], env.Now) >= networkMisses:
		row.Key = row.Detail + " " + names.network
	case st.User == nil:
		row.Key = row.Detail + " nobody"
	default:
		row.Key, row.UserID = row.Detail+" "+names.account, st.User.ID
	}
	if st.Interaction != nil {
		row.ClientID = st.Interaction.Request.ClientID
	}
	return audited(row, env)
}

// LoginFinish turns a password that was checked into a session, with which the
// request that waited goes on. st is what LoginBegin saw, because the session's
// guard finds a password that became another meanwhile, or was read anew: what
// had to be read before the check is in checked.
func LoginFinish(form LoginForm, by Browser, checked CheckedPassword, st *record.LoginState, env Env) Outcome[LoginAnswer] {
	if err := mayLogIn(form, by, st, env.Now); err != nil {
		return refuse[LoginAnswer](err)
	}
	unchanged := st.User != nil && st.User.ID == checked.Check.UserID && st.User.Status == record.UserActive &&
		st.Password != nil && st.Password.ID == checked.Check.FactorID // and not one that was changed while the hash ran
	if !checked.held() || !unchanged {
		network := countersOf(form, by).network
		out := refuse[LoginAnswer](oauth.Refuse(oauth.ReasonCredentialsWrong))
		for _, name := range checked.Check.Quiet {
			out.Changes = append(out.Changes, late(name, env.Now))
		}
		out.Changes = append(out.Changes,
			miss(st.Counters[network], network, env.Now),
			loginRefused(out.Err, form, by, st, env))
		return out
	}
	also := rehash(checked, st.Password)
	for _, name := range checked.Check.Reserved {
		also = append(also, record.ClearCounter{Name: name})
	}
	return enter(signingIn{
		form: form, by: by, rvs: checked.Check.RVS, factorID: checked.Check.FactorID, authTime: checked.Verified.At(),
		proof: record.Proof{Factor: record.FactorPassword, At: checked.Verified.At()}, also: also,
	}, st, env)
}

// signingIn is a sign-in whose user has been proven.
type signingIn struct {
	form     LoginForm
	by       Browser
	proof    record.Proof
	authTime int64
	rvs      int64  // the logical clock read before the proof was checked
	factorID string // that was checked; empty: none of ours
	also     []record.Change
	note     string // how, for the audit trail
}

// enter makes the session of a user who has been proven, with which the request that
// waited goes on.
func enter(in signingIn, st *record.LoginState, env Env) Outcome[LoginAnswer] {
	answer := LoginAnswer{Cookie: secret.NewOpaque(env.Seed, "session cookie"), UserID: st.User.ID}
	session, changes := signIn(answer.Cookie, in, st, env)
	answer.SID = session.ID
	changes = append(changes, in.also...)
	row := record.Audit{Event: "sign_in", Actor: ActorUser(st.User.ID), UserID: st.User.ID, Detail: "session " + answer.SID + in.note}
	if st.Interaction != nil {
		row.ClientID = st.Interaction.Request.ClientID
	}
	changes = append(changes, audited(row, env))
	if !in.form.ToAccount {
		next := Resume(signedInState(session, st), in.form.Hint, in.by, env)
		answer.Next, answer.NextErr = next.Answer, next.Err
		changes = append(changes, next.Changes...)
	}
	return Outcome[LoginAnswer]{Changes: changes, Answer: answer}
}

// signedInState is what the request that waited is decided from: the state of
// the sign-in with its session in it.
func signedInState(session record.Session, st *record.LoginState) *record.InteractionState {
	return &record.InteractionState{
		AuthorizeState: record.AuthorizeState{
			ClientState: st.ClientState, Session: &session, User: st.User, Consent: st.Consent,
			Parents: record.Parents{
				LC: st.LC, AllCut: st.AllCut,
				UserID: st.User.ID, UserStatus: st.User.Status, UserCut: st.User.Cut,
				SID: session.ID, SessionIdleUntil: session.IdleUntil, SessionAbsUntil: session.AbsUntil,
			},
		},
		Interaction: st.Interaction,
	}
}

// signIn makes a session, or renews this browser's if it is the same user's: its
// cookie is new each time (ASVS 7.2.4), its sid stays. Another user's session in
// this browser ends.
func signIn(cookie string, in signingIn, st *record.LoginState, env Env) (record.Session, []record.Change) {
	fresh := record.Session{
		ID:          env.Seed.ID("sid"),
		CookieHash:  secret.Hash(cookie),
		BrowserHash: in.by.Hash,
		UserID:      st.User.ID,
		Proofs:      []record.Proof{in.proof},
		AuthTime:    in.authTime,
		RVS:         in.rvs,
		Agent:       in.by.Agent,
		MadeAt:      env.Now,
		SeenAt:      env.Now,
		IdleUntil:   env.Now + min(env.Policy.SessionIdle, env.Policy.SessionAbsolute),
		AbsUntil:    env.Now + env.Policy.SessionAbsolute,
	}
	old := st.Current
	if old != nil && old.UserID == fresh.UserID && Alive(old.RVS, &st.CurrentParents, env.Now) == "" {
		return renew(*old, fresh, in.factorID, env)
	}
	var changes []record.Change
	if old != nil && old.UserID != fresh.UserID && old.EndedAt == 0 {
		changes = End(Ending{
			Target: revocation.ForSID(old.ID),
			Reason: "another_user_signed_in",
			Actor:  ActorUser(fresh.UserID),
			UserID: old.UserID,
		}, env)
	}
	return fresh, append(changes, record.PutSession{Session: fresh, FactorID: in.factorID})
}

// renew proves an old session again by what a fresh one would have.
func renew(old, fresh record.Session, factorID string, env Env) (record.Session, []record.Change) {
	change := record.RenewSession{
		ID:            old.ID,
		FactorID:      factorID,
		OldCookieHash: old.CookieHash,
		CookieHash:    fresh.CookieHash,
		Proofs:        fresh.Proofs,
		AuthTime:      fresh.AuthTime,
		RVS:           fresh.RVS,
		SeenAt:        fresh.SeenAt,
		IdleUntil:     min(env.Now+env.Policy.SessionIdle, old.AbsUntil),
	}
	old.CookieHash, old.Proofs, old.AuthTime, old.RVS = change.CookieHash, change.Proofs, change.AuthTime, change.RVS
	old.SeenAt, old.IdleUntil = change.SeenAt, change.IdleUntil
	return old, []record.Change{change}
}

// rehash stores the password's hash at today's cost, if it still is the one that
// was checked.
func rehash(checked CheckedPassword, stored *record.Factor) []record.Change {
	if !checked.Verified.Rehash() || checked.NewPHC == "" || stored == nil || stored.Data != checked.Check.PHC {
		return nil
	}
	fresh := *stored
	fresh.Data = checked.NewPHC
	return []record.Change{record.PutFactor{Factor: fresh, OldData: checked.Check.PHC}}
}

// acrPassword is the authentication context class of a password alone.
const acrPassword = "aal1"

// SessionFacts says how and when the session's user signed in, for the tokens
// that come from it. They follow from its proofs alone: a password is AAL1
// (NIST SP 800-63B-4 §2.1) and "pwd" (RFC 8176 §2). Of what an upstream has done
// nothing is said: no value of RFC 8176 means it, and nobody here has seen it.
func SessionFacts(s *record.Session) record.AuthnFacts {
	facts := record.AuthnFacts{AuthTime: s.AuthTime}
	isPassword := func(p record.Proof) bool { return p.Factor == record.FactorPassword }
	if slices.ContainsFunc(s.Proofs, isPassword) {
		facts.ACR, facts.AMR = acrPassword, []string{"pwd"}
	}
	return facts
}
