package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ActorAdminToken names an administrator who showed an admin token.
func ActorAdminToken(name string) string { return ActorAdmin + ":" + name }

// What is guessed is counted by network, for in a guess there is no name. So few
// suffice because nobody mistypes a token: it comes from a file.
const (
	adminMisses = 30
	adminWindow = 15 * minute
	// adminSeen is how exactly the last use of a token is known.
	adminSeen = minute
)

// AdminCounters names the counters that a request with an admin token is decided
// from.
func AdminCounters(network string) []string { return []string{adminCounter(network)} }

func adminCounter(network string) string { return counterName("admin", network) }

// AdmitAdmin decides whether a request with an admin token is an administrator's,
// and puts it on record: each use and each refusal of a token is a row of the audit
// trail, one a minute with a count. A network that guessed too often is told to wait
// (ASVS 6.3.1) before the next guess is counted and put on record; a right token is let in
// all the same: nobody guesses one of 256 bits, and whoever shares a network or a proxy
// with a stranger must not be locked out by them. A token that has expired is no guess.
func AdmitAdmin(network string, st *record.AdminState, env Env) Outcome[record.AdminToken] {
	if st.Token == nil {
		return adminGuess(network, st, env)
	}
	if env.Now >= st.Token.EndsAt {
		out := refuse[record.AdminToken](oauth.Refuse(oauth.ReasonAdminTokenExpired))
		out.Changes = []record.Change{adminRefused(out.Err, st.Token.Name+" from "+network, env)}
		return out
	}
	out := Outcome[record.AdminToken]{Answer: *st.Token}
	if env.Now-st.Token.UsedAt >= adminSeen {
		out.Changes = append(out.Changes, record.SeeAdminToken{Name: st.Token.Name, At: env.Now - env.Now%adminSeen})
	}
	out.Changes = append(out.Changes, audited(record.Audit{
		Key: "admin_token_used " + st.Token.Name + " " + network, Event: "admin_token_used",
		Actor: ActorAdminToken(st.Token.Name), Detail: "from " + network,
	}, env))
	return out
}

// adminGuess refuses a token that is none.
func adminGuess(network string, st *record.AdminState, env Env) Outcome[record.AdminToken] {
	name := adminCounter(network)
	counter := st.Counters[name]
	if counted(counter, env.Now) >= adminMisses {
		return refuse[record.AdminToken](tooMany(counter.WindowEnds - env.Now))
	}
	out := refuse[record.AdminToken](oauth.Refuse(oauth.ReasonAdminTokenWrong))
	ends := counter.WindowEnds
	if env.Now >= ends {
		ends = env.Now + adminWindow
	}
	out.Changes = []record.Change{
		record.CountAttempt{Name: name, Limit: adminMisses, At: env.Now, WindowEnds: ends},
		adminRefused(out.Err, "from "+network, env),
	}
	return out
}

func adminRefused(err *oauth.Error, what string, env Env) record.Audit {
	return audited(record.Audit{
		Key: string(err.Reason) + " " + what, Event: "admin_token_refused", Actor: ActorServer, Detail: string(err.Reason) + ": " + what,
	}, env)
}
