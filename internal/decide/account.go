package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What a user does on their account page. Every one of these needs a session
// that is alive, and ends nothing but what is the user's own.

// PasswordForm is what the page sends that changes a password.
type PasswordForm struct {
	Current, New string // as typed
	KeepOthers   bool   // what is signed in elsewhere stays so; by default it does not
}

// PasswordCounters names the counters that a change of password is decided from.
// They are the session's: whoever got hold of one must not use it to guess the
// password, and cannot slow the user down in another.
func PasswordCounters(cookieHash []byte) []string {
	return []string{counterName("password", string(cookieHash))}
}

// ChangePasswordBegin decides whether the current password may be tried, and
// counts the attempt (ASVS 6.2.3: changing the password needs the current one).
func ChangePasswordBegin(form PasswordForm, st *record.SessionState, env Env) Outcome[PasswordCheck] {
	if err := signedIn(st, env.Now); err != nil {
		return refuse[PasswordCheck](err)
	}
	if err := passwordRefusal(form.New, emailOf(st.User), env.Policy); err != nil {
		return refuse[PasswordCheck](err)
	}
	name := PasswordCounters(st.Session.CookieHash)[0]
	reserve, wait := slowed(st.Counters[name], name, env.Now)
	if wait > 0 {
		return refuse[PasswordCheck](tooMany(wait))
	}
	check := PasswordCheck{PHC: secret.DummyHash, RVS: st.LC, Reserved: []string{name}}
	if st.Password != nil {
		check.PHC, check.FactorID, check.UserID = st.Password.Data, st.Password.ID, st.User.ID
	}
	return Outcome[PasswordCheck]{Changes: []record.Change{reserve}, Answer: check}
}

// ChangePasswordFinish stores the new password, whose hash is checked.NewPHC, if
// the one that was checked still is the user's. A sign-in may have hashed it anew.
// Unless the form says otherwise all that is signed in elsewhere ends
// (ASVS 7.4.3). The session that asks lives on either way, under a new cookie,
// which is the answer: to know the password is to sign in again (ASVS 7.2.4), and
// whoever copied the old cookie is out.
func ChangePasswordFinish(form PasswordForm, checked CheckedPassword, st *record.SessionState, env Env) Outcome[string] {
	if err := signedIn(st, env.Now); err != nil {
		return refuse[string](err)
	}
	if err := passwordRefusal(form.New, emailOf(st.User), env.Policy); err != nil {
		return refuse[string](err)
	}
	if !checked.held() || checked.Check.UserID != st.User.ID || st.Password == nil || st.Password.ID != checked.Check.FactorID {
		out := refuse[string](oauth.Refuse(oauth.ReasonPasswordCurrentWrong))
		out.Changes = []record.Change{audited(record.Audit{
			Key:   string(out.Err.Reason) + " " + st.User.ID,
			Event: "password_change_failed", Actor: ActorUser(st.User.ID), UserID: st.User.ID,
			Detail: string(out.Err.Reason),
		}, env)}
		return out
	}
	fresh := *st.Password
	fresh.ID, fresh.Data, fresh.MadeAt = env.Seed.ID("factor"), checked.NewPHC, env.Now
	changes := []record.Change{record.PutFactor{Factor: fresh, OldData: st.Password.Data}}
	if !form.KeepOthers {
		changes = append(changes, endEverything(st.User, "password_changed", env)...)
		changes = append(changes, record.MarkSession{ID: st.Session.ID})
	}
	cookie := secret.NewOpaque(env.Seed, "session cookie")
	changes = append(changes, provenAgain(st.Session, cookie, checked, env))
	for _, name := range checked.Check.Reserved {
		changes = append(changes, record.ClearCounter{Name: name})
	}
	return Outcome[string]{Answer: cookie, Changes: append(changes, audited(record.Audit{
		Event: "password_changed", Actor: ActorUser(st.User.ID), UserID: st.User.ID,
	}, env))}
}

// provenAgain gives a session whose user has shown the password once more what a
// sign-in would: a new cookie and a new auth_time; its sid stays.
func provenAgain(old *record.Session, cookie string, checked CheckedPassword, env Env) record.RenewSession {
	return record.RenewSession{
		ID:            old.ID,
		OldCookieHash: old.CookieHash,
		CookieHash:    secret.Hash(cookie),
		Proofs:        []record.Proof{{Factor: record.FactorPassword, At: checked.Verified.At()}},
		AuthTime:      checked.Verified.At(),
		RVS:           checked.Check.RVS,
		SeenAt:        env.Now,
		IdleUntil:     min(env.Now+env.Policy.SessionIdle, old.AbsUntil),
	}
}

// SignOutEverywhere ends all that the user has signed in to, this session too.
func SignOutEverywhere(st *record.SessionState, env Env) Outcome[struct{}] {
	if err := signedIn(st, env.Now); err != nil {
		return refuse[struct{}](err)
	}
	changes := endEverything(st.User, "signed_out_everywhere", env)
	return Outcome[struct{}]{Changes: append(changes, endOwnSession(st.Session, "signed_out_everywhere", env)...)}
}

// SignOut ends this session. There being none is no error: that is what was
// asked for.
func SignOut(st *record.SessionState, env Env) Outcome[struct{}] {
	if st.Session == nil || st.Session.EndedAt != 0 {
		return Outcome[struct{}]{}
	}
	return Outcome[struct{}]{Changes: endOwnSession(st.Session, "signed_out", env)}
}

// EndOwnSession ends another session of the same user. One that is not theirs is
// treated as one that does not exist, and that as one that has ended.
func EndOwnSession(target *record.Session, st *record.SessionState, env Env) Outcome[struct{}] {
	if err := signedIn(st, env.Now); err != nil {
		return refuse[struct{}](err)
	}
	if target == nil || target.UserID != st.User.ID || target.EndedAt != 0 {
		return Outcome[struct{}]{}
	}
	return Outcome[struct{}]{Changes: endOwnSession(target, "session_ended_by_user", env)}
}

// RemoveApp takes back what the user let a client do, and with it all that the
// client has. It may be allowed again, in the same session.
func RemoveApp(client *record.Client, st *record.SessionState, env Env) Outcome[struct{}] {
	if err := signedIn(st, env.Now); err != nil {
		return refuse[struct{}](err)
	}
	if client == nil {
		return Outcome[struct{}]{}
	}
	return Outcome[struct{}]{Changes: End(Ending{
		Target: revocation.ForConsent(st.User.ID, client.ID),
		Client: client,
		Reason: "app_removed",
		Actor:  ActorUser(st.User.ID),
	}, env)}
}

// signedIn decides whether the browser's session is alive.
func signedIn(st *record.SessionState, now int64) *oauth.Error {
	if st.Session == nil || st.User == nil || Alive(st.Session.RVS, &st.Parents, now) != "" {
		return oauth.Refuse(oauth.ReasonLoginRequired)
	}
	return nil
}

// endEverything ends what a user has, wherever, by their own wish.
func endEverything(user *record.User, reason string, env Env) []record.Change {
	return End(Ending{Target: revocation.ForSub(user.ID), Subs: user.Subs, Reason: reason, Actor: ActorUser(user.ID)}, env)
}

// passwordReasons translates why a policy refuses a password.
var passwordReasons = map[error]oauth.Reason{
	secret.PasswordTooShort: oauth.ReasonPasswordTooShort,
	secret.PasswordTooLong:  oauth.ReasonPasswordTooLong,
	secret.PasswordCommon:   oauth.ReasonPasswordCommon,
	secret.PasswordContext:  oauth.ReasonPasswordContext,
}

// passwordRefusal judges a new password (NIST SP 800-63B-4 §3.1.1.2). The words
// that it must not be made of are the account's address and our own name.
func passwordRefusal(password, email string, policy *Policy) *oauth.Error {
	if err := policy.Passwords.Check(password, []string{email, "mintmark"}); err != nil {
		return oauth.Refuse(passwordReasons[err])
	}
	return nil
}

func emailOf(user *record.User) string {
	if user.Email == nil {
		return ""
	}
	return user.Email.Value
}
