package engine

import (
	"context"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// The requests of the schedules. Each walks the same journeys as its operation,
// in the same order, with its first step ready.

// settled is what a journey came to.
type settled[A any] struct {
	loaded  int // the moment of the load that it was decided from
	answer  A
	refused *oauth.Error
}

// walk is run, a step at a time: the first step of a journey, which goes on with
// what done gives at its end.
func walk[S, A any](w *world, j journey[S, A], done func(settled[A]) (string, step)) step {
	return loading(w, j, done, 1)
}

// walkFrom is runFrom, a step at a time: state was loaded at that moment.
func walkFrom[S, A any](w *world, j journey[S, A], state S, loaded int, done func(settled[A]) (string, step)) step {
	return settling(w, j, state, settled[A]{loaded: loaded}, done, 1)
}

func loading[S, A any](w *world, j journey[S, A], done func(settled[A]) (string, step), attempt int) step {
	return w.step(func() (string, step) {
		end := settled[A]{loaded: w.now}
		state, err := j.load(w.Context())
		if err != nil {
			end.refused = trouble(err)
			return done(end)
		}
		return "loads", settling(w, j, state, end, done, attempt)
	})
}

func settling[S, A any](w *world, j journey[S, A], state S, end settled[A], done func(settled[A]) (string, step), attempt int) step {
	return w.step(func() (string, step) {
		var changes []record.Change
		traced := j
		traced.decide = func(st S, env decide.Env) decide.Outcome[A] {
			out := j.decide(st, env)
			changes = out.Changes
			return out
		}
		var over bool
		end.answer, end.refused, over = settle(w.Context(), w.Engine, traced, func(context.Context) (S, error) { return state, nil })
		switch {
		case over:
			w.committed(end.loaded, changes)
		case attempt < maxAttempts:
			return "meets a conflict", loading(w, j, done, attempt+1)
		default:
			end.refused = oauth.Refuse(oauth.ReasonConflictPersists)
		}
		return done(end)
	})
}

// step counts a step.
func (w *world) step(do func() (string, step)) step {
	return func() (string, bool, step) {
		w.wrote = false
		did, next := do()
		w.now++
		return did, w.wrote, next
	}
}

// close notes the answer of a request and says it for people.
func (w *world) close(a answer) (string, step) {
	a.settled = w.now
	w.answers = append(w.answers, a)
	if a.refused != nil {
		return "is refused: " + string(a.refused.Reason), nil
	}
	return "is answered", nil
}

// under are the lives so far that hang from a target.
func (w *world) under(target revocation.Target) []*life {
	return slices.DeleteFunc(slices.Clone(w.lives), func(l *life) bool { return !slices.Contains(l.targets, target) })
}

// refreshing presents a refresh token of a grant.
func (w *world) refreshing(name string, grant *life, token string) *actor {
	presented, err := secret.ReadRefresh(token)
	if err != nil {
		w.Fatal(err)
	}
	var signed record.SignedTokens
	j := w.refresh(refreshRequest(grant.clientID, token), &signed)
	return &actor{name: name, alike: "refreshing " + token, next: walk(w, j, func(end settled[record.Tokens]) (string, step) {
		a := answer{name: name, loaded: end.loaded, refused: end.refused}
		replayed := w.generation(grant, end.loaded) > presented.Generation+1
		a.entitled = !w.dead(grant, end.loaded) && !replayed
		if replayed {
			a.ended = w.under(revocation.ForGID(grant.gid))
		}
		if end.refused == nil {
			if signed.Refresh != "" {
				grant.held = append(grant.held, signed.Refresh)
				a.successor, a.of = signed.Refresh, token
			}
			w.hasAccess("access token of "+name, grant, signed.Access, end.loaded)
		}
		return w.close(a)
	})}
}

// exchanging presents a code, by its own client and with the right verifier.
func (w *world) exchanging(name string, code *life) *actor {
	var signed record.SignedTokens
	j := w.exchange(exchangeRequest(code.clientID, code.text), &signed)
	return &actor{name: name, alike: "exchanging " + code.text, next: walk(w, j, func(end settled[record.Tokens]) (string, step) {
		a := answer{name: name, loaded: end.loaded, refused: end.refused}
		used := slices.ContainsFunc(w.spent, func(s turn) bool {
			return s.of == string(secret.Hash(code.text)) && s.at <= end.loaded
		})
		a.entitled = !used && !w.dead(code, end.loaded)
		if used {
			a.ended = w.under(revocation.ForGID(code.gid))
		}
		if end.refused == nil {
			row, err := w.store.Grant(w.Context(), code.gid)
			if err != nil || row == nil {
				w.Fatalf("%s was answered, and there is no grant: %v", name, err)
			}
			w.hasAccess("access token of "+name, w.hasGrant(row), signed.Access, end.loaded)
			if token := w.lives[len(w.lives)-2].held[0]; signed.Refresh != token {
				w.Fatalf("%s got a refresh token that is not its grant's", name)
			}
		}
		return w.close(a)
	})}
}

// revoking is RFC 7009 on a token of a client. what is the target it ends.
func (w *world) revoking(name, clientID, token string, what revocation.Target) *actor {
	j := w.revoke(&oauth.RevocationRequest{Credentials: credentials(clientID), Token: token})
	return &actor{name: name, next: walk(w, j, func(end settled[struct{}]) (string, step) {
		return w.close(answer{name: name, loaded: end.loaded, refused: end.refused, entitled: true, ended: w.under(what)})
	})}
}

// signingOut ends a session.
func (w *world) signingOut(name string, session *life) *actor {
	j := account(w.Engine, Browser{Session: session.cookie}, decide.SignOut)
	return &actor{name: name, alike: "signing out " + session.sid, next: walk(w, j, func(end settled[struct{}]) (string, step) {
		a := answer{name: name, loaded: end.loaded, refused: end.refused, entitled: true}
		if before(session.renewed, end.loaded) == 0 { // else it shows a cookie that no longer is the session's
			a.ended = w.under(revocation.ForSID(session.sid))
		}
		return w.close(a)
	})}
}

// signingOutEverywhere ends all that the user has.
func (w *world) signingOutEverywhere(name string, session *life) *actor {
	j := account(w.Engine, Browser{Session: session.cookie}, decide.SignOutEverywhere)
	return &actor{name: name, next: walk(w, j, func(end settled[struct{}]) (string, step) {
		a := answer{name: name, loaded: end.loaded, refused: end.refused, entitled: !w.dead(session, end.loaded)}
		if end.refused == nil {
			a.ended = w.others("")
		}
		return w.close(a)
	})}
}

// others are the lives so far but those that a session lifts.
func (w *world) others(kept string) []*life {
	return slices.DeleteFunc(slices.Clone(w.lives), func(l *life) bool { return kept != "" && l.lifted == kept })
}

// changing changes the old password to the new one, from a session.
func (w *world) changing(name string, session *life, signOutOthers bool) *actor {
	b := Browser{Session: session.cookie}
	asked := decide.PasswordForm{Current: oldPassword, New: newPassword, KeepOthers: !signOutOthers}
	signedIn := func(moment int) bool { return !w.dead(session, moment) && before(session.renewed, moment) == 0 }
	return &actor{name: name, next: walk(w, w.changeBegin(asked, b), func(begun settled[decide.PasswordCheck]) (string, step) {
		if begun.refused != nil {
			return w.close(answer{
				name: name, loaded: begun.loaded, refused: begun.refused, entitled: signedIn(begun.loaded),
			})
		}
		return "may try", w.step(func() (string, step) {
			checked := w.check(oldPassword, begun.answer)
			checked.NewPHC = w.another
			return "checks the password", walk(w, w.changeFinish(asked, checked, b), func(end settled[string]) (string, step) {
				a := answer{name: name, loaded: end.loaded, refused: end.refused}
				a.entitled = signedIn(end.loaded) && before(w.changes, end.loaded) == 0
				if end.refused == nil {
					session.former, session.cookie = append(session.former, session.cookie), end.answer
					session.renewed = append(session.renewed, w.now)
				}
				if end.refused == nil && signOutOthers {
					a.ended = w.others(session.sid)
				}
				return w.close(a)
			})
		})
	})}
}

// signingIn signs in to the account page, in a browser that nobody knows.
func (w *world) signingIn(name, password string) *actor {
	b := w.stranger(name, "somewhere")
	asked := w.loginForm(password)
	load := w.loginState(asked, "", b)
	return &actor{name: name, next: w.trying(name, password, b, func(st *record.LoginState, begun int, checked decide.CheckedPassword) step {
		right := checked.Verified.Factor() == secret.FactorPassword
		return walkFrom(w, w.loginFinish(asked, checked, load, b), st, begun, func(end settled[decide.LoginAnswer]) (string, step) {
			if end.refused == nil {
				w.hasSession("session of "+name, end.answer.SID, end.answer.Cookie, begun)
			}
			same := before(w.changes, end.loaded) == before(w.changes, begun) // as the password that was checked
			return w.close(answer{name: name, loaded: end.loaded, refused: end.refused, entitled: right && same})
		})
	})}
}

// guessing tries a wrong password, up to the check. All guesses are alike.
func (w *world) guessing(name, network string) *actor {
	return &actor{name: name, alike: "guessing", next: w.trying(name, "wrong", w.stranger(name, network),
		func(*record.LoginState, int, decide.CheckedPassword) step { return nil })}
}

// trying is the first half of a sign-in; then is the other, given the state for
// which the session will vouch, and its moment.
func (w *world) trying(
	name, password string, b Browser, then func(st *record.LoginState, begun int, checked decide.CheckedPassword) step,
) step {
	asked := w.loginForm(password)
	var st *record.LoginState
	begin := loginBegin(asked, func(ctx context.Context) (_ *record.LoginState, err error) {
		st, err = w.loginState(asked, "", b)(ctx)
		return st, err
	}, b)
	return walk(w, begin, func(begun settled[decide.PasswordCheck]) (string, step) {
		if begun.refused != nil {
			entitled := before(w.tries, begun.loaded) < w.allowed
			return w.close(answer{name: name, loaded: begun.loaded, refused: begun.refused, entitled: entitled})
		}
		w.tries = append(w.tries, w.now)
		return "may try", w.step(func() (string, step) {
			return "checks the password", then(st, begun.loaded, w.check(password, begun.answer))
		})
	})
}

func (w *world) loginForm(password string) decide.LoginForm {
	return decide.LoginForm{Identifier: w.email.Value, Password: password, ToAccount: true}
}

// stranger is a browser that nobody knows, in a network that only this schedule's
// requests come from.
func (w *world) stranger(name, network string) Browser {
	return Browser{Browser: "browser of " + name, Network: network + " of " + w.user.ID, Agent: name}
}

// check is checkPassword at another cost, and without its semaphore.
func (w *world) check(password string, check decide.PasswordCheck) decide.CheckedPassword {
	w.checks++
	checked := decide.CheckedPassword{Check: check, NewPHC: w.renewed[password]}
	checked.Verified, _ = secret.VerifyPassword(password, check.PHC, w.env().Now)
	return checked
}
