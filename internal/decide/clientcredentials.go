package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ClientCredentials decides on a token for the client itself (RFC 6749 §4.4):
// sub is the client_id, there is no user, session or grant, and no refresh
// token (§4.4.3).
func ClientCredentials(req *oauth.TokenRequest, st *record.ClientState, env Env) Outcome[record.Tokens] {
	return authenticatedFor(req, oauth.GrantClientCredentials, st, env, func(client *record.Client) Outcome[record.Tokens] {
		return clientCredentials(req, client, st, env)
	})
}

func clientCredentials(req *oauth.TokenRequest, client *record.Client, st *record.ClientState, env Env) Outcome[record.Tokens] {
	if client.Public() {
		// RFC 6749 §4.4: "MUST only be used by confidential clients", whatever is registered.
		return refuse[record.Tokens](refuseClient(oauth.ReasonGrantNotAllowed, req.Credentials))
	}
	auds, err := askedResources(req.Resources, st)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	resources := resourceRows(auds, st)
	if reason := Alive(st.LC, clientParents(st, resources), env.Now); reason != "" {
		return refuse[record.Tokens](refuseClient(reason, req.Credentials))
	}
	scope, err := ownScope(req.Scope, client, resources)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	from := &basis{
		client:    client,
		subject:   client.ID,
		scope:     scope,
		audience:  audience(auds, scope, env.Policy.Issuer.String()),
		resources: resources,
		rvs:       st.LC,
		bound:     boundTo(client, req.Credentials),
	}
	return Outcome[record.Tokens]{Answer: from.issue(nil, env)}
}

// clientParents is what a client's own token hangs from: the client, the
// resources it is for, and everything's cutoff.
func clientParents(st *record.ClientState, resources []*record.Resource) *record.Parents {
	parents := &record.Parents{
		LC:            st.LC,
		AllCut:        st.AllCut,
		ClientID:      st.Client.ID,
		ClientEnabled: st.Client.Enabled,
		ClientCut:     st.Client.Cut,
	}
	for _, resource := range resources {
		parents.ResourceCuts = append(parents.ResourceCuts, resource.Cut)
	}
	return parents
}

// ownScope is the scope of a client's own token: what it asks for, all of which
// it must be allowed, else all that it may have. The scopes of OpenID Connect are
// about a user, and there is none.
func ownScope(asked oauth.Scopes, client *record.Client, resources []*record.Resource) (oauth.Scopes, *oauth.Error) {
	standard := oauth.StandardScopes()
	if len(asked) == 0 {
		own := slices.DeleteFunc(slices.Clone(client.ScopeList), standard.Has)
		return oauth.NewScopes(own...), nil
	}
	for _, word := range asked {
		reason := scopeRefusal(word, client, resources)
		if reason == "" && standard.Has(word) {
			reason = oauth.ReasonScopeNotAllowed
		}
		if reason != "" {
			return nil, oauth.Refuse(reason).With("scope") // RFC 6749 §5.2; refused whole, not narrowed
		}
	}
	return asked, nil
}
