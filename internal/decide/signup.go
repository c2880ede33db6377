package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// How many accounts one network may ask for.
const (
	signUps      = 20
	signUpWindow = 60 * minute
)

// SignUpForm is what the sign-up page sends. It has no other fields: nobody says
// of themself that an address is verified (ASVS 15.3.3).
type SignUpForm struct {
	Email, Password string // as typed
	// Alone is a sign-up without a request that waits for it.
	Alone bool
}

// SignUpCounters names the counters that a sign-up is decided from.
func SignUpCounters(by Browser) []string { return []string{counterName("sign-up", by.Network)} }

// MaySignUp decides whether strangers may make accounts at all. Every way to one
// passes here.
func MaySignUp(policy *Policy) *oauth.Error {
	if !policy.SignUp {
		return oauth.Refuse(oauth.ReasonSignUpOff)
	}
	return nil
}

// SignUpBegin decides whether an account may be asked for, before its password
// is hashed, and counts the attempt. It does not look at whether the address is
// taken: what the form can be told is the same for all (ASVS 6.3.8).
func SignUpBegin(form SignUpForm, by Browser, st *record.SignUpState, env Env) Outcome[struct{}] {
	email, err := signUpEmail(form, by, st, env)
	if err != nil {
		return refuse[struct{}](err)
	}
	if err := passwordRefusal(form.Password, email, env.Policy); err != nil {
		return refuse[struct{}](err)
	}
	name := SignUpCounters(by)[0]
	counter := st.Counters[name]
	if counted(counter, env.Now) >= signUps {
		out := refuse[struct{}](tooMany(counter.WindowEnds - env.Now))
		out.Changes = []record.Change{audited(record.Audit{
			Event: "sign_up_refused", Actor: ActorServer, Key: string(out.Err.Reason) + " " + name, Detail: string(out.Err.Reason),
		}, env)}
		return out
	}
	return Outcome[struct{}]{Changes: []record.Change{signUpCounted(name, counter, env)}}
}

// signUpCounted counts an account that a network asks for, in a window that is not
// moved by it.
func signUpCounted(name string, counter record.Counter, env Env) record.CountAttempt {
	ends := counter.WindowEnds
	if env.Now >= ends {
		ends = env.Now + signUpWindow
	}
	return record.CountAttempt{Name: name, Limit: signUps, At: env.Now, WindowEnds: ends}
}

// signUpEmail is the address in its canonical form, if there may be a sign-up.
func signUpEmail(form SignUpForm, by Browser, st *record.SignUpState, env Env) (string, *oauth.Error) {
	if err := MaySignUp(env.Policy); err != nil {
		return "", err
	}
	if len(by.Hash) == 0 {
		return "", oauth.Refuse(oauth.ReasonInteractionOtherBrowser)
	}
	if !form.Alone {
		if err := usable(st.Interaction, by, env.Now); err != nil {
			return "", err
		}
	}
	email, ok := CanonicalEmail(form.Email)
	if !ok {
		return "", oauth.Refuse(oauth.ReasonParameterMalformed).With("email")
	}
	return email, nil
}

// SignUpFinish makes the account, unless somebody has the address: then nothing
// is made, their account is left as it is, and the answer is the same. Nobody is
// signed in by it; who knows the password signs in next, like anybody.
func SignUpFinish(form SignUpForm, phc string, by Browser, st *record.SignUpState, env Env) Outcome[struct{}] {
	email, err := signUpEmail(form, by, st, env)
	if err != nil {
		return refuse[struct{}](err)
	}
	clientID := ""
	if st.Interaction != nil {
		clientID = st.Interaction.Request.ClientID
	}
	if st.UserID != "" {
		return Outcome[struct{}]{Changes: []record.Change{audited(record.Audit{
			Event: "sign_up_taken", Key: "sign_up_taken " + counterName("login", email), Actor: ActorServer, UserID: st.UserID, ClientID: clientID,
		}, env)}}
	}
	made := NewUser(NewAccount{Email: email, PHC: phc}, ActorServer, env)
	if made.Err != nil {
		return refuse[struct{}](made.Err)
	}
	return Outcome[struct{}]{Changes: append(made.Changes,
		record.PutSignUp{UserID: made.Answer.ID, At: env.Now},
		audited(record.Audit{Event: "signed_up", Actor: ActorServer, UserID: made.Answer.ID, ClientID: clientID}, env))}
}

// ConfirmSignUp is what becomes of an account that a stranger made when its
// address is first seen to be its user's: who made it may have been somebody
// else, so the password that they set is removed, and all that they have ends.
func ConfirmSignUp(userID, actor string, env Env) []record.Change {
	act := userAct("sign_up_confirmed", actor, userID)
	changes := []record.Change{record.ConfirmSignUp{UserID: userID}, audited(act, env)}
	return append(changes, End(endingFor(revocation.ForSub(userID), act), env)...)
}
