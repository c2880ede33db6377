package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Revoke ends a token for the client that has it (RFC 7009). A refresh token of
// any generation ends its grant, and with it every access token (§2.1); an
// access token ends alone. What is unknown, expired or ended is no error (§2.2).
func Revoke(req *oauth.RevocationRequest, tok Presented, st *record.TokenState, env Env) Outcome[struct{}] {
	return authenticated(req.Credentials, &st.ClientState, env, func(caller *record.Client) Outcome[struct{}] {
		return revoke(tok, caller, st, env)
	})
}

func revoke(tok Presented, caller *record.Client, st *record.TokenState, env Env) Outcome[struct{}] {
	var what *Ending
	var err *oauth.Error
	switch {
	case tok.Reason == oauth.ReasonTokenWrongType: // an ID token of ours, which nothing here accepts anyway
		return refuse[struct{}](oauth.Refuse(oauth.ReasonTokenTypeUnsupported)) // RFC 7009 §2.2.1
	case tok.Reason != "":
	case tok.Refresh != nil:
		what, err = endingOfRefresh(st.Grant, caller)
	case tok.Access != nil:
		what, err = endingOfAccess(tok.Access, caller, st, env)
	}
	if err != nil || what == nil {
		return Outcome[struct{}]{Err: err}
	}
	what.Reason, what.Actor = "revoked", ActorClient(caller.ID)
	return Outcome[struct{}]{Changes: End(*what, env)}
}

// endingOfRefresh: RFC 7009 §2.1, the server "verifies whether the token was
// issued to the client making the revocation request". Nil: nothing is left to
// end.
func endingOfRefresh(grant *record.Grant, caller *record.Client) (*Ending, *oauth.Error) {
	switch {
	case grant == nil:
		return nil, nil
	case grant.ClientID != caller.ID:
		return nil, oauth.Refuse(oauth.ReasonTokenOfOtherClient).About(oauth.Detail{Client: caller.ID, GID: grant.ID})
	case grant.EndedAt != 0:
		return nil, nil
	}
	return &Ending{Target: revocation.ForGID(grant.ID), UserID: grant.UserID, ClientID: grant.ClientID}, nil
}

func endingOfAccess(tok *record.VerifiedToken, caller *record.Client, st *record.TokenState, env Env) (*Ending, *oauth.Error) {
	if tok.ClientID != caller.ID {
		return nil, oauth.Refuse(oauth.ReasonTokenOfOtherClient).About(oauth.Detail{Client: caller.ID, GID: tok.GID})
	}
	if accessDead(tok, st, env) != "" {
		return nil, nil
	}
	what := &Ending{Target: revocation.ForJTI(tok.JTI), ClientID: tok.ClientID}
	if tok.Subject != tok.ClientID {
		what.UserID = env.UserOf(caller, tok.Subject)
	}
	return what, nil
}
