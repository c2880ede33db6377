package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// PresentedRefresh is a refresh token as it was presented: what it says, or why
// it says nothing (refresh_malformed, refresh_forged).
type PresentedRefresh struct {
	Token  secret.Refresh
	Reason oauth.Reason // empty: the tag is valid
}

// maxLateRun is how many generations in a row may be reached while their
// predecessor is replayed after the retry window. An owner whose answers get
// lost needs one or two; a thief and an owner taking turns need them all.
const maxLateRun = 2

// Refresh decides what a refresh token is worth (RFC 6749 §6): the next
// generation, the same one again for whoever did not get the answer, or the end
// of the grant (tokens.md, part 4).
func Refresh(req *oauth.TokenRequest, presented PresentedRefresh, st *record.RefreshState, env Env) Outcome[record.Tokens] {
	return authenticatedFor(req, oauth.GrantRefreshToken, &st.ClientState, env, func(client *record.Client) Outcome[record.Tokens] {
		return refresh(req, presented, client, st, env)
	})
}

func refresh(
	req *oauth.TokenRequest, presented PresentedRefresh, client *record.Client, st *record.RefreshState, env Env,
) Outcome[record.Tokens] {
	if err := grantUsable(presented, st, env.Now); err != nil {
		return refuse[record.Tokens](err)
	}
	if !refreshes(st.Grant, req.Credentials) {
		return refuse[record.Tokens](refuseRefresh(oauth.ReasonRefreshCertificate, st.Grant, 0, 0)) // without effect
	}
	next := succession(presented.Token.Generation, st.Grant, client, env)
	if next.reason != "" {
		return Outcome[record.Tokens]{
			Changes: next.changes,
			Err:     refuseRefresh(next.reason, st.Grant, st.Grant.Gen, presented.Token.Generation),
		}
	}
	scope, err := narrowedScope(req.Scope, oauth.NewScopes(st.Grant.Scope...), client)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	auds, err := narrowedResources(req.Resources, st.Grant.Resources, &st.ClientState)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	// OpenID Connect Core §12.2: the same sub and auth_time as the first ID token; no nonce.
	from := grantBasis(st.Grant, scope, auds, &st.ClientState, env)
	from.until, from.user = sessionUntil(st.Grant, &st.Parents), st.User
	from.bound = boundTo(client, req.Credentials)
	var refresh *record.RefreshFacts
	if next.generation != presented.Token.Generation {
		refresh = &record.RefreshFacts{GID: st.Grant.ID, Generation: next.generation}
	}
	return Outcome[record.Tokens]{Changes: next.changes, Answer: from.issue(refresh, env)}
}

// grantUsable is everything about a refresh token but its generation: whose it
// is, how old, and whether all that it hangs from is alive.
func grantUsable(presented PresentedRefresh, st *record.RefreshState, now int64) *oauth.Error {
	grant := st.Grant
	switch {
	case presented.Reason != "":
		return oauth.Refuse(presented.Reason).About(oauth.Detail{Client: st.Client.ID})
	case grant == nil || grant.ID != presented.Token.GID:
		return oauth.Refuse(oauth.ReasonRefreshUnknown).About(oauth.Detail{Client: st.Client.ID, GID: presented.Token.GID})
	case grant.ClientID != st.Client.ID:
		return refuseRefresh(oauth.ReasonRefreshOfOtherClient, grant, 0, 0) // RFC 6749 §6, §10.4; without effect
	}
	if reason := Alive(grant.RVS, &st.Parents, now); reason != "" {
		return refuseRefresh(reason, grant, st.LC, grant.RVS)
	}
	switch {
	case now >= grant.AbsUntil:
		return refuseRefresh(oauth.ReasonRefreshExpiredAbsolute, grant, grant.AbsUntil, now)
	case now >= grant.IdleUntil:
		return refuseRefresh(oauth.ReasonRefreshExpiredIdle, grant, grant.IdleUntil, now)
	}
	return nil
}

func refuseRefresh(reason oauth.Reason, grant *record.Grant, expected, seen int64) *oauth.Error {
	return oauth.Refuse(reason).About(oauth.Detail{Client: grant.ClientID, GID: grant.ID, Expected: expected, Seen: seen})
}

// successor is what follows on a generation that was presented.
type successor struct {
	generation int64 // the client goes on with
	changes    []record.Change
	reason     oauth.Reason // why nothing follows
}

// succession decides by the generation that was presented and the one the grant
// stands at. It is tokens.md, part 4, steps 2 to 5.
func succession(presented int64, grant *record.Grant, client *record.Client, env Env) successor {
	switch {
	case presented == grant.Gen:
		return nextGeneration(grant, client, env)
	case presented > grant.Gen:
		return successor{reason: oauth.ReasonRefreshFromFuture, changes: []record.Change{alarm(grant, env)}}
	case presented == grant.Gen-1:
		return sameSuccessor(grant, client, env)
	}
	return replayedRefresh(oauth.ReasonRefreshReplayed, grant, env)
}

// nextGeneration rotates for the clients that do. For the others the token stays
// as it is and only its idle limit moves, written when it moves far enough: at
// most hourly, or at a twentieth of an idle lifetime of less than a day.
func nextGeneration(grant *record.Grant, client *record.Client, env Env) successor {
	idle := refreshIdle(client, env.Policy)
	idleUntil := min(env.Now+idle, grant.AbsUntil) // rotation does not extend the absolute lifetime
	if client.Rotates() {
		rotate := record.RotateGrant{ID: grant.ID, From: grant.Gen, At: env.Now, IdleUntil: idleUntil}
		return successor{generation: grant.Gen + 1, changes: []record.Change{rotate}}
	}
	same := successor{generation: grant.Gen}
	if idleUntil-grant.IdleUntil >= min(hour, idle/20) {
		same.changes = []record.Change{record.TouchGrant{ID: grant.ID, IdleUntil: idleUntil}}
	}
	return same
}

// sameSuccessor answers the immediate predecessor, whose answer may have been
// lost: in the retry window for nothing, later while at most maxLateRun
// generations in a row needed it. Generations are counted, not requests: five
// minutes of lost answers are one generation, however often the client tries.
func sameSuccessor(grant *record.Grant, client *record.Client, env Env) successor {
	same := successor{generation: grant.Gen}
	if env.Now < grant.RotatedAt+retryWindow(client, env.Policy) || grant.LateGen == grant.Gen {
		return same
	}
	run := int64(1)
	if grant.LateGen == grant.Gen-1 {
		run = grant.LateRun + 1
	}
	if run > maxLateRun {
		return replayedRefresh(oauth.ReasonRefreshLateTooOften, grant, env)
	}
	same.changes = []record.Change{record.NoteLate{
		ID: grant.ID, Gen: grant.Gen,
		WasGen: grant.LateGen, WasRun: grant.LateRun,
		LateGen: grant.Gen, LateRun: run,
	}}
	return same
}

// replayedRefresh: RFC 9700 §4.14.2, the server cannot tell who of two is the
// thief, so the tokens of both end.
func replayedRefresh(reason oauth.Reason, grant *record.Grant, env Env) successor {
	return successor{reason: reason, changes: End(Ending{
		Target:   revocation.ForGID(grant.ID),
		Reason:   string(reason),
		Actor:    ActorServer,
		UserID:   grant.UserID,
		ClientID: grant.ClientID,
	}, env)}
}

// alarm records that a genuine token is ahead of the database: somebody rolled
// it back (tokens.md I8). One row a minute for each grant.
func alarm(grant *record.Grant, env Env) record.Audit {
	return audited(record.Audit{
		Key:    string(oauth.ReasonRefreshFromFuture) + " " + grant.ID,
		Event:  "rollback_suspected",
		Actor:  ActorServer,
		UserID: grant.UserID, ClientID: grant.ClientID, GID: grant.ID,
		Detail: string(oauth.ReasonRefreshFromFuture),
	}, env)
}
