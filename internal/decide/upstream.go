package decide

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Trip is a browser's way to an upstream and back. It travels sealed in the state
// parameter, which opens in that browser alone, and counts once.
type Trip struct {
	Upstream    string `json:"u"`
	Issuer      string `json:"o"` // as it was configured then
	Interaction string `json:"i,omitempty"`
	// Link is the session whose user links an account there; empty: it is a sign-in.
	Link     string `json:"l,omitempty"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	At       int64  `json:"t"`
	// MaxAge is how long ago, in seconds, the user may have signed in there; nil: no
	// matter. Zero: it must be on this trip.
	MaxAge *int64 `json:"m,omitempty"`
}

// ToAccount reports whether the trip ends on the account page.
func (t *Trip) ToAccount() bool { return t.Interaction == "" }

// key is the name of a trip among what is spent.
func (t *Trip) key() []byte { return secret.Hash("trip\x00" + t.Nonce) }

// TripKey is the name of a trip among what is spent, for whoever loads that; nil for
// no trip.
func TripKey(t *Trip) []byte {
	if t == nil {
		return nil
	}
	return t.key()
}

// Departure is a trip that begins, and what goes to the authorization endpoint with
// its state.
type Departure struct {
	Trip   Trip
	Params []oauth.Param
}

// Depart decides whether a browser may be sent to an upstream to sign in there.
// Nothing is written: what must be known again goes with the browser. interaction is
// the raw id of the page that waits; empty: it is a sign-in to the account page.
func Depart(interaction string, by Browser, st *record.ArrivalState, env Env) Outcome[Departure] {
	form := LoginForm{ToAccount: interaction == ""}
	if err := mayLogIn(form, by, &st.LoginState, env.Now); err != nil {
		return refuse[Departure](err)
	}
	if st.Upstream == nil {
		return refuse[Departure](oauth.Refuse(oauth.ReasonUpstreamUnknown))
	}
	s := &st.Upstream.Settings
	trip := Trip{
		Upstream: st.Upstream.ID, Issuer: s.Issuer, Interaction: interaction,
		Nonce: secret.NewOpaque(env.Seed, "upstream nonce"), Verifier: secret.NewOpaque(env.Seed, "upstream verifier"),
		At: env.Now, MaxAge: askedAge(st, env),
	}
	params := []oauth.Param{
		{Name: "response_type", Value: oauth.ResponseTypeCode},
		{Name: "client_id", Value: s.ClientID},
		{Name: "redirect_uri", Value: UpstreamCallback(env.Policy.Issuer, st.Upstream.ID)},
		{Name: "scope", Value: strings.Join(UpstreamScopes(s), " ")},
		{Name: "nonce", Value: trip.Nonce},
		{Name: "code_challenge", Value: oauth.ChallengeOf(trip.Verifier)},
		{Name: "code_challenge_method", Value: oauth.ChallengeMethodS256},
	}
	if trip.MaxAge != nil {
		params = append(params, oauth.Param{Name: "max_age", Value: strconv.FormatInt(*trip.MaxAge, 10)})
	}
	if prompt := askedPrompt(&trip, st.Interaction); prompt != "" {
		params = append(params, oauth.Param{Name: "prompt", Value: prompt})
	}
	return Outcome[Departure]{Answer: Departure{Trip: trip, Params: params}}
}

// PathUpstreamCallback is where upstreams send browsers back to, with the id of the
// upstream behind it. RFC 9700 §4.4.2.2: each has an address of its own, so that the
// answer of one is never taken for that of another, also where an upstream does not
// say in iss who it is (RFC 9207).
const PathUpstreamCallback = "/login/upstream/"

// UpstreamCallback is the redirect URI to register at an upstream.
func UpstreamCallback(issuer oauth.Issuer, id string) string {
	return issuer.Endpoint(PathUpstreamCallback + id)
}

// UpstreamScopes are those that an upstream is asked for.
func UpstreamScopes(s *record.UpstreamSettings) []string {
	if len(s.Scopes) == 0 {
		return []string{oauth.ScopeOpenID, "email", "profile"}
	}
	return s.Scopes
}

// askedAge is how old the upstream's own sign-in may be. What a client asks of us
// (prompt=login, max_age) is asked of the upstream, or an old sign-in there would pass
// for a fresh one here. Whoever is signed in here already is to prove it anew.
func askedAge(st *record.ArrivalState, env Env) *int64 {
	now := int64(0)
	if st.Interaction == nil {
		if st.Current != nil && Alive(st.Current.RVS, &st.CurrentParents, env.Now) == "" {
			return &now
		}
		return nil
	}
	req := &st.Interaction.Request
	if req.Prompts(oauth.PromptLogin) || req.Prompts(oauth.PromptCreate) {
		return &now
	}
	if req.MaxAge == nil && st.Client != nil {
		return st.Client.Settings.DefaultMaxAge
	}
	return req.MaxAge
}

func askedPrompt(trip *Trip, waiting *record.Interaction) string {
	switch {
	case trip.MaxAge != nil && *trip.MaxAge == 0:
		return oauth.PromptLogin
	case waiting != nil && waiting.Request.Prompts(oauth.PromptSelectAccount):
		return oauth.PromptSelectAccount
	}
	return ""
}

// UpstreamMetadata is what is used of an upstream's discovery document.
type UpstreamMetadata struct {
	Authorization string
	Token         string
	JWKS          string
	Userinfo      string // empty: it has none
	Algs          []string
	SendsIss      bool // RFC 9207 §3
}

// ReadUpstream reads the discovery document of an upstream, whose issuer must be the
// configured one to the letter (OpenID Connect Discovery §4.3). Where an address leads
// is judged when it is called.
func ReadUpstream(document []byte, s *record.UpstreamSettings) (UpstreamMetadata, oauth.Reason) {
	var m UpstreamMetadata
	o, err := jose.DecodeObject(document)
	if err != nil {
		return m, oauth.ReasonUpstreamUnusable
	}
	if issuer, err := o.String("issuer"); err != nil || issuer != s.Issuer {
		return m, oauth.ReasonUpstreamUnusable
	}
	for name, into := range map[string]*string{
		"authorization_endpoint": &m.Authorization, "token_endpoint": &m.Token, "jwks_uri": &m.JWKS,
	} {
		if *into, err = o.String(name); err != nil || *into == "" {
			return m, oauth.ReasonUpstreamUnusable
		}
	}
	m.Userinfo, _ = o.String("userinfo_endpoint")
	m.SendsIss, _ = o.Bool("authorization_response_iss_parameter_supported")
	said, _ := o.Strings("id_token_signing_alg_values_supported")
	m.Algs = upstreamAlgs(s, said)
	if len(m.Algs) == 0 {
		return m, oauth.ReasonUpstreamUnusable
	}
	return m, ""
}

// upstreamAlgs are those that the administrator allows, else those that the upstream
// says of itself; of both only what is asymmetric and verified here, never none and
// never HS256, whose key would be the client secret (OpenID Connect Core §10.1).
func upstreamAlgs(s *record.UpstreamSettings, said []string) []string {
	allowed := s.Algs
	if len(allowed) == 0 {
		allowed = said
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(alg string) bool { return !slices.Contains(SigningAlgs(), alg) })
}
