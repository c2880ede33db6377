package decide

import (
	"reflect"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// RegistrationPolicy is who may register clients, and how many.
type RegistrationPolicy struct {
	Mode       RegistrationMode
	PerNetwork int64 // clients of one network an hour, where nobody shows a token
	Keep       int64 // ms: after it a client is forgotten that nobody has let in
}

// RegistrationMode says who may register clients.
type RegistrationMode string

// The modes of registration.
const (
	RegistrationOff   RegistrationMode = "off"
	RegistrationToken RegistrationMode = "token" // whoever holds an initial access token
	RegistrationOpen  RegistrationMode = "open"  // everybody
)

// ActorAnyone stands for whoever it was that registered a client without a token.
const ActorAnyone = "anyone"

// ActorInitialToken names the initial access token that a client registered with.
func ActorInitialToken(id string) string { return "initial_token:" + id }

// registrationWindow is the time in which the registrations of a network are counted.
const registrationWindow = hour

// Registering is a client that registers itself.
type Registering struct {
	Shown    bool // an initial access token was shown; the state has it if it is one
	Network  string
	Metadata Metadata
}

// Registered is a client that registered itself, and what is known in clear only in
// the request that it answers.
type Registered struct {
	Client *record.Client
	Secret string // when it is made
	Token  string // its registration access token: when it is made, and whenever it is shown
}

// RegistrationCounters names the counters that a registration is decided from.
func RegistrationCounters(network string) []string {
	return []string{registrationCounter(network)}
}

func registrationCounter(network string) string { return counterName("registration", network) }

// MayRegister decides whether a client may register at all, before what it says of
// itself is looked at.
func MayRegister(r Registering, st *record.RegistrationState, env Env) *oauth.Error {
	policy := env.Policy.Registration
	switch {
	case r.Shown && !initialTokenAlive(st.Token, env.Now):
		return oauth.Refuse(oauth.ReasonRegistrationTokenWrong) // RFC 7591 §3: also where none is needed
	case r.Shown && policy.Mode != RegistrationOff, policy.Mode == RegistrationOpen:
		return nil
	}
	return oauth.Refuse(oauth.ReasonTokenMissing) // RFC 7591 §1.2, §3
}

func initialTokenAlive(token *record.InitialToken, now int64) bool {
	return token != nil && now < token.EndsAt && (token.Most == 0 || token.Used < token.Most)
}

// Register decides a registration (RFC 7591 §3): a new client, or for a public one
// that is there already that very client. A confidential client gets a secret and a
// registration access token, each of which is stored as its hash. A public one gets
// neither: it is whoever says the same of itself, so nobody may change it.
func Register(r Registering, st *record.RegistrationState, env Env) Outcome[Registered] {
	if err := MayRegister(r, st, env); err != nil {
		return refuse[Registered](err)
	}
	if err := judge(&r.Metadata.Settings, nil); err != nil {
		return refuse[Registered](err)
	}
	if !mayClaimName(&r.Metadata.Settings, nil, r.Shown) {
		return refuse[Registered](oauth.Refuse(oauth.ReasonRegistrationUnserved).With("token_endpoint_auth_method"))
	}
	if st.Client != nil {
		return registeredAgain(st.Client, env)
	}
	client := &record.Client{
		ID: PublicClientID(env.Policy.Issuer, &r.Metadata), Name: r.Metadata.Name, Settings: r.Metadata.Settings,
		Enabled: true, MadeAt: env.Now, Version: 1,
		Registration: &record.Registration{MadeAt: env.Now, EndsAt: env.Now + env.Policy.Registration.Keep},
	}
	answer := Registered{Client: client}
	if !client.Public() {
		client.ID = env.Seed.ID("client_id")
		answer.Token = secret.NewRegistrationToken(env.Seed, "registration access token")
		client.Registration.TokenHash = secret.Hash(answer.Token)
	}
	if client.HasSecret() {
		answer.Secret = secret.NewClientSecret(env.Seed, "client secret")
		client.Secrets = []record.ClientSecret{{Hash: secret.Hash(answer.Secret), MadeAt: env.Now}}
	}
	client.Registration.ClientID = client.ID
	admitted, actor, err := admit(r, st, env)
	if err != nil {
		return refuse[Registered](err)
	}
	if r.Shown {
		client.Registration.By = st.Token.ID
	}
	return Outcome[Registered]{Answer: answer, Changes: []record.Change{
		admitted,
		record.PutClient{Client: *client},
		record.PutRegistration{Registration: *client.Registration},
		audited(record.Audit{Event: "client_registered", Actor: actor, ClientID: client.ID}, env),
	}}
}

// admit counts a client that is to be added: on the token that was shown, else on
// the network that it comes from.
func admit(r Registering, st *record.RegistrationState, env Env) (record.Change, string, *oauth.Error) {
	if r.Shown {
		return record.UseInitialToken{ID: st.Token.ID, At: env.Now}, ActorInitialToken(st.Token.ID), nil
	}
	name := registrationCounter(r.Network)
	counter := st.Counters[name]
	ends := counter.WindowEnds
	if env.Now >= ends {
		ends = env.Now + registrationWindow
	}
	most := env.Policy.Registration.PerNetwork
	if counted(counter, env.Now) >= most {
		return nil, "", tooMany(ends - env.Now)
	}
	return record.CountAttempt{Name: name, Limit: most, At: env.Now, WindowEnds: ends}, ActorAnyone, nil
}

// registeredAgain answers with the client that is there. One that was never let in
// gets time again once half of it is over, so that it is not forgotten between its
// registration and its first sign-in.
func registeredAgain(client *record.Client, env Env) Outcome[Registered] {
	if !client.Enabled {
		return refuse[Registered](oauth.Refuse(oauth.ReasonRegistrationDisabled).About(oauth.Detail{Client: client.ID}))
	}
	out := Outcome[Registered]{Answer: Registered{Client: client}}
	keep := env.Policy.Registration.Keep
	if client.Unconfirmed() && client.Registration.EndsAt < env.Now+keep/2 {
		out.Changes = []record.Change{record.RenewRegistration{ClientID: client.ID, EndsAt: env.Now + keep}}
	}
	return out
}

// judge holds what a client would be to what one may be that nobody vouches for:
// the result, whichever way it came about (ASVS 10.4.7). before is what it may
// already, where an administrator has given it more; nil for a new client.
func judge(s, before *record.ClientSettings) *oauth.Error {
	grants, scope := []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, oauth.StandardScopes()
	if before != nil {
		grants = append(grants, before.GrantTypes...)
		scope = scope.Or(oauth.NewScopes(record.SplitScope(before.Scope)...))
	}
	switch {
	case slices.ContainsFunc(s.GrantTypes, func(grant string) bool { return !slices.Contains(grants, grant) }):
		return oauth.Refuse(oauth.ReasonRegistrationUnserved).With("grant_types")
	case !slices.Contains(s.GrantTypes, oauth.GrantAuthorizationCode):
		return oauth.Refuse(oauth.ReasonRegistrationField).With("grant_types") // RFC 7591 §2.1: what response_types asks for
	case !oauth.NewScopes(record.SplitScope(s.Scope)...).Within(scope):
		return oauth.Refuse(oauth.ReasonRegistrationField).With("scope")
	}
	return nil
}

// mayClaimName: a name in the operator's certificate authority is the operator's to
// give. A client that anybody could have registered cannot take one for its own; with
// an initial access token it can, or where an administrator gave it one already.
func mayClaimName(s, before *record.ClientSettings, vouched bool) bool {
	if s.TokenEndpointAuthMethod != string(oauth.AuthTLS) || vouched {
		return true
	}
	return before != nil && before.TokenEndpointAuthMethod == string(oauth.AuthTLS) && CertificateSubject(s) == CertificateSubject(before)
}

// Managing is a request of a client about its own registration (RFC 7592).
type Managing struct {
	Token    string // the registration access token that was shown
	Metadata Metadata
}

// Manages decides whether a request comes from the client whose registration it is
// about. Every refusal is the same (RFC 7592 §2): nobody learns which clients there
// are. A token is of its own client alone.
func Manages(token string, client *record.Client) *oauth.Error {
	switch {
	case client == nil || !client.Registered() || len(client.Registration.TokenHash) == 0,
		!secret.Matches(token, client.Registration.TokenHash), !client.Enabled:
		return oauth.Refuse(oauth.ReasonRegistrationTokenWrong)
	}
	return nil
}

// Resulting is what a client's settings are after an update: what the client says,
// and of what is not the client's to say what there is.
func Resulting(m *Metadata, before *record.ClientSettings) record.ClientSettings {
	s := m.Settings
	s.Resources, s.DefaultResource, s.ReadAttributes = before.Resources, before.DefaultResource, before.ReadAttributes
	s.TokenProfile, s.SecurityProfile, s.PKCE = before.TokenProfile, before.SecurityProfile, before.PKCE
	s.AccessTTL, s.IDTTL, s.AccessFormat = before.AccessTTL, before.IDTTL, before.AccessFormat
	s.RefreshIdleTTL, s.RefreshAbsoluteTTL = before.RefreshIdleTTL, before.RefreshAbsoluteTTL
	s.ResponseModes, s.RetryWindow, s.RotateRefresh = before.ResponseModes, before.RetryWindow, before.RotateRefresh
	return s
}

// UpdateRegistration decides an update (RFC 7592 §2.2): what is left out is gone.
// Whoever let the client in is asked again before it gets anything new, because it
// is another one now; what it has lives on. Its token stays the same, so that a lost
// answer locks nobody out.
func UpdateRegistration(m Managing, st *record.RegistrationState, env Env) Outcome[Registered] {
	client := st.Client
	if err := Manages(m.Token, client); err != nil {
		return refuse[Registered](err)
	}
	after := *client
	after.Name, after.Settings = m.Metadata.Name, Resulting(&m.Metadata, &client.Settings)
	if err := updatable(&m.Metadata, client, &after, env.Now); err != nil {
		return refuse[Registered](err.About(oauth.Detail{Client: client.ID}))
	}
	out := Outcome[Registered]{Answer: Registered{Client: &after, Token: m.Token}} // RFC 7592 §3: the token is REQUIRED in every answer
	if after.Name == client.Name && reflect.DeepEqual(after.Settings, client.Settings) {
		return out
	}
	after.Version++
	out.Changes = []record.Change{
		record.UpdateClient{ID: client.ID, Name: after.Name, Settings: after.Settings, Enabled: client.Enabled, Version: client.Version},
		record.ForgetConsents{ClientID: client.ID},
		audited(record.Audit{Event: "registration_updated", Actor: ActorClient(client.ID), ClientID: client.ID}, env),
	}
	if subjectsChange(&client.Settings, &after.Settings) {
		out.Changes = append(out.Changes, End(Ending{
			Target: revocation.ForClient(client.ID), Reason: "subjects_changed", Actor: ActorClient(client.ID),
		}, env)...)
	}
	return out
}

func updatable(m *Metadata, client, after *record.Client, now int64) *oauth.Error {
	switch {
	case m.ID != client.ID: // RFC 7592 §2.2: "MUST include its client_id field", and the same
		return oauth.Refuse(oauth.ReasonRegistrationField).With("client_id")
	case m.Secret != "" && !secretMatches(m.Secret, client.Secrets, now):
		return oauth.Refuse(oauth.ReasonRegistrationField).With("client_secret")
	case after.Public() != client.Public(), // RFC 6749 §2.1: the type says how its refresh tokens are bound to it
		after.HasSecret() && !client.HasSecret(), // it was given none, and an update gives none
		!mayClaimName(&after.Settings, &client.Settings, client.Registration.By != ""):
		return oauth.Refuse(oauth.ReasonRegistrationField).With("token_endpoint_auth_method")
	}
	return judge(&after.Settings, &client.Settings)
}

// DeleteRegistration decides that a client goes for good (RFC 7592 §2.3), and all
// that it has with it.
func DeleteRegistration(token string, st *record.RegistrationState, env Env) Outcome[struct{}] {
	if err := Manages(token, st.Client); err != nil {
		return refuse[struct{}](err)
	}
	return Outcome[struct{}]{Changes: DeleteClient(st.Client, ActorClient(st.Client.ID), env)}
}

// ForgetRegistrations decides that clients go which nobody has let in. Nothing was
// given to them, so nothing ends.
func ForgetRegistrations(clientIDs []string, env Env) []record.Change {
	var changes []record.Change
	for _, id := range clientIDs {
		changes = append(changes, record.ForgetRegistration{ClientID: id, At: env.Now})
	}
	if len(changes) == 0 {
		return nil
	}
	return append(changes, audited(record.Audit{
		Event: "clients_forgotten", Actor: ActorServer, Detail: strings.Join(clientIDs, " "),
	}, env))
}

// Confirm keeps a client for good that somebody lets in for the first time: a user,
// or an administrator who has it changed.
func Confirm(client *record.Client) []record.Change {
	if !client.Unconfirmed() {
		return nil
	}
	return []record.Change{record.ConfirmRegistration{ClientID: client.ID}}
}
