package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// DisableUser keeps a user from signing in and ends all that they have.
func DisableUser(user *record.User, actor string, env Env) []record.Change {
	act := userAct("user_disabled", actor, user.ID)
	changes := []record.Change{setStatus(user, record.UserDisabled), audited(act, env)}
	return append(changes, End(endingUser(user, act), env)...)
}

// EnableUser lets a user sign in again. What ended stays ended.
func EnableUser(user *record.User, actor string, env Env) []record.Change {
	return []record.Change{
		setStatus(user, record.UserActive),
		audited(userAct("user_enabled", actor, user.ID), env),
	}
}

func setStatus(user *record.User, status record.UserStatus) record.UpdateUser {
	return record.UpdateUser{UserID: user.ID, Status: status, Claims: user.Claims, Version: user.Version}
}

// DeleteUser removes a user. The log gets its entry first, because afterwards no
// row is left that could hold the cutoff.
func DeleteUser(user *record.User, actor string, env Env) []record.Change {
	act := userAct("user_deleted", actor, user.ID)
	changes := End(endingUser(user, act), env)
	return append(changes, record.DeleteUser{UserID: user.ID, At: env.Now, Version: user.Version}, audited(act, env))
}

// SetPassword gives a user another password, by its Argon2id hash, and ends all
// sign-ins and grants: whoever knew the old one is out.
func SetPassword(user *record.User, hash, actor string, env Env) []record.Change {
	act := userAct("password_set", actor, user.ID)
	changes := []record.Change{
		record.PutFactor{Factor: record.Factor{
			ID: env.Seed.ID("factor"), UserID: user.ID, Kind: record.FactorPassword, Data: hash, MadeAt: env.Now,
		}},
		audited(act, env),
	}
	return append(changes, End(endingUser(user, act), env)...)
}

// subjectsChange reports whether a client would know its users by other subs. What
// it has ends then: no token of before says who is meant afterwards.
func subjectsChange(before, after *record.ClientSettings) bool {
	return before.Sector() != after.Sector()
}

// UpdateClient replaces a client's name and settings. Nothing ends by it, unless
// its users get other subjects.
func UpdateClient(client *record.Client, name string, settings record.ClientSettings, actor string, env Env) []record.Change {
	act := clientAct("client_updated", actor, client.ID)
	changes := []record.Change{
		record.UpdateClient{ID: client.ID, Name: name, Settings: settings, Enabled: client.Enabled, Version: client.Version},
		audited(act, env),
	}
	if !subjectsChange(&client.Settings, &settings) {
		return changes
	}
	what := endingFor(revocation.ForClient(client.ID), act)
	what.Reason = "subjects_changed"
	return append(changes, End(what, env)...)
}

// DisableClient keeps a client from every endpoint and ends all that it has.
func DisableClient(client *record.Client, actor string, env Env) []record.Change {
	act := clientAct("client_disabled", actor, client.ID)
	changes := []record.Change{setEnabled(client, false), audited(act, env)}
	return append(changes, End(endingFor(revocation.ForClient(client.ID), act), env)...)
}

// EnableClient lets a client in again. What ended stays ended.
func EnableClient(client *record.Client, actor string, env Env) []record.Change {
	return []record.Change{
		setEnabled(client, true),
		audited(clientAct("client_enabled", actor, client.ID), env),
	}
}

func setEnabled(client *record.Client, enabled bool) record.UpdateClient {
	return record.UpdateClient{
		ID: client.ID, Name: client.Name, Settings: client.Settings, Enabled: enabled, Version: client.Version,
	}
}

// DeleteClient removes a client and ends all that it has.
func DeleteClient(client *record.Client, actor string, env Env) []record.Change {
	act := clientAct("client_deleted", actor, client.ID)
	changes := End(endingFor(revocation.ForClient(client.ID), act), env)
	return append(changes, record.DeleteClient{ID: client.ID, At: env.Now, Version: client.Version}, audited(act, env))
}

// RotateSecret gives a confidential client a new secret, which is the answer and
// is shown once. The older ones work for keep more milliseconds, so that the
// client's machines can change over one by one; zero ends them at once.
func RotateSecret(client *record.Client, keep int64, actor string, env Env) Outcome[string] {
	if client.Public() {
		return refuse[string](oauth.Refuse(oauth.ReasonClientAuthMethodWrong).About(oauth.Detail{Client: client.ID}))
	}
	text := secret.NewClientSecret(env.Seed, "client secret")
	return Outcome[string]{
		Changes: []record.Change{
			record.PutClientSecret{
				ClientID:  client.ID,
				Secret:    record.ClientSecret{Hash: secret.Hash(text), MadeAt: env.Now},
				OthersEnd: env.Now + max(0, keep),
			},
			audited(clientAct("secret_rotated", actor, client.ID), env),
		},
		Answer: text,
	}
}

// DeleteResource removes a resource server and ends all tokens for it.
func DeleteResource(resource *record.Resource, actor string, env Env) []record.Change {
	act := record.Audit{Event: "resource_deleted", Actor: actor, Detail: resource.Aud}
	changes := End(endingFor(revocation.ForAud(resource.Aud), act), env)
	return append(changes, record.DeleteResource{Aud: resource.Aud, Version: resource.Version}, audited(act, env))
}

// EndSessionByAdmin ends one sign-in and what hangs from it.
func EndSessionByAdmin(session *record.Session, actor string, env Env) []record.Change {
	if session.EndedAt != 0 {
		return nil
	}
	return End(endingFor(revocation.ForSID(session.ID), userAct("ended_by_admin", actor, session.UserID)), env)
}

// EndGrantByAdmin ends what one sign-in gave one client.
func EndGrantByAdmin(grant *record.Grant, actor string, env Env) []record.Change {
	if grant.EndedAt != 0 {
		return nil
	}
	what := endingFor(revocation.ForGID(grant.ID), userAct("ended_by_admin", actor, grant.UserID))
	what.ClientID = grant.ClientID
	return End(what, env)
}

// endingFor is the end that an act of an administrator brings.
func endingFor(target revocation.Target, act record.Audit) Ending {
	return Ending{Target: target, Reason: act.Event, Actor: act.Actor, UserID: act.UserID, ClientID: act.ClientID}
}

// endingUser is the end of all that a user has, under whatever name tokens know
// them.
func endingUser(user *record.User, act record.Audit) Ending {
	what := endingFor(revocation.ForSub(user.ID), act)
	what.Subs = user.Subs
	return what
}

func userAct(event, actor, userID string) record.Audit {
	return record.Audit{Event: event, Actor: actor, UserID: userID}
}

func clientAct(event, actor, clientID string) record.Audit {
	return record.Audit{Event: event, Actor: actor, ClientID: clientID}
}
