package decide

import (
	"encoding/json"
	"math"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// SetupForm is what the page behind the setup link sends: the link's token and
// the first user.
type SetupForm struct {
	Token, Email, Password string
}

// SetupState is what a setup is decided from: what was issued, and whether it is
// still of use.
type SetupState struct {
	TokenHash []byte // of the setup token last printed; nil: none
	Users     int64
}

// SetupOpen decides whether a setup link still works.
func SetupOpen(token string, st SetupState) *oauth.Error {
	switch {
	case st.Users > 0:
		return oauth.Refuse(oauth.ReasonSetupDone)
	case len(st.TokenHash) == 0 || !secret.Matches(token, st.TokenHash):
		return oauth.Refuse(oauth.ReasonSetupTokenWrong)
	}
	return nil
}

// SetupBegin decides whether a setup may go on, before its password is hashed.
func SetupBegin(form SetupForm, st SetupState, env Env) Outcome[struct{}] {
	if err := SetupOpen(form.Token, st); err != nil {
		return refuse[struct{}](err)
	}
	email, ok := CanonicalEmail(form.Email)
	if !ok {
		return refuse[struct{}](oauth.Refuse(oauth.ReasonParameterMalformed).With("email"))
	}
	return Outcome[struct{}]{Err: passwordRefusal(form.Password, email, env.Policy)}
}

// SetupFinish makes the first user, once: the token is spent in the same plan.
// There is no account before it and no default password (ASVS 6.3.2).
func SetupFinish(form SetupForm, phc string, st SetupState, env Env) Outcome[record.User] {
	if begin := SetupBegin(form, st, env); begin.Err != nil {
		return refuse[record.User](begin.Err)
	}
	made := NewUser(NewAccount{Email: form.Email, Verified: true, PHC: phc}, ActorServer, env)
	spend := record.Spend{KeyHash: st.TokenHash, EndsAt: math.MaxInt64} // for good
	made.Changes = append([]record.Change{spend}, made.Changes...)
	made.Changes = append(made.Changes, audited(record.Audit{
		Event: "setup_done", Actor: ActorServer, UserID: made.Answer.ID,
	}, env))
	return made
}

// NewAccount is what a user is made from.
type NewAccount struct {
	Email    string // as typed
	Verified bool   // the address is known to be the user's
	PHC      string // of the password; empty: the user has none yet
	Foreign  bool   // they sign in at an upstream, and need no address
	Claims   json.RawMessage
}

// NewUser is the one maker of users. actor is who makes it, for the audit trail.
func NewUser(account NewAccount, actor string, env Env) Outcome[record.User] {
	email, ok := CanonicalEmail(account.Email)
	without := account.Email == "" && account.Foreign
	if !ok && !without {
		return refuse[record.User](oauth.Refuse(oauth.ReasonParameterMalformed).With("email"))
	}
	user := record.User{
		ID:      env.Seed.ID("sub"),
		Status:  record.UserActive,
		Claims:  account.Claims,
		MadeAt:  env.Now,
		Version: 1,
	}
	if len(user.Claims) == 0 {
		user.Claims = json.RawMessage("{}")
	}
	changes := []record.Change{record.PutUser{User: user}}
	if !without {
		user.Email = &record.Identifier{Kind: record.IdentifierEmail, Value: email, UserID: user.ID}
		if account.Verified {
			user.Email.VerifiedAt = env.Now // OpenID Connect Core §5.7: said to be verified only if it was
		}
		changes = append(changes, record.PutIdentifier{Identifier: *user.Email})
	}
	if account.PHC != "" {
		changes = append(changes, record.PutFactor{Factor: record.Factor{
			ID: env.Seed.ID("factor"), UserID: user.ID, Kind: record.FactorPassword, Data: account.PHC, MadeAt: env.Now,
		}})
	}
	changes = append(changes, audited(record.Audit{Event: "user_created", Actor: actor, UserID: user.ID}, env))
	return Outcome[record.User]{Changes: changes, Answer: user}
}
