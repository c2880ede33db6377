package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What the tests of the token side share: a client that may do everything, a
// code and a grant of it, and a moment at which all of that is alive.
const (
	tokenNow      = int64(1_750_000_000_000)
	tokenLC       = tokenNow - 5
	tokenIssuer   = "https://id.example"
	tokenAPI      = "https://api.example"
	tokenSecret   = "mcs_right"
	tokenVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	tokenRedirect = "https://shop.example/cb"
)

func tokenEnv() Env {
	issuer, err := oauth.ParseIssuer(tokenIssuer)
	if err != nil {
		panic(err)
	}
	return Env{Now: tokenNow, Seed: secret.Seed{7}, Policy: DefaultPolicy(issuer)}
}

func tokenClient() *record.Client {
	client := &record.Client{
		ID:      "shop",
		Name:    "Shop",
		Enabled: true,
		Version: 3,
		Settings: record.ClientSettings{
			GrantTypes:              []string{"authorization_code", "refresh_token", "client_credentials"},
			TokenEndpointAuthMethod: "client_secret_basic",
			Scope:                   "openid profile email phone offline_access orders:read orders:write",
			Resources:               []string{tokenAPI},
			TokenProfile:            record.StandardProfile,
		},
		Secrets: []record.ClientSecret{{Hash: secret.Hash(tokenSecret)}},
	}
	client.ScopeList = record.SplitScope(client.Settings.Scope)
	return client
}

func tokenPublic() *record.Client {
	client := tokenClient()
	client.Settings.TokenEndpointAuthMethod = "none"
	client.Secrets = nil
	return client
}

func tokenCredentials(client *record.Client) oauth.Credentials {
	if client.Public() {
		return oauth.Credentials{ClientID: client.ID, Method: oauth.AuthNone}
	}
	return oauth.Credentials{ClientID: client.ID, Secret: tokenSecret, Method: oauth.AuthBasic}
}

func tokenClientState(client *record.Client) record.ClientState {
	return record.ClientState{
		LC:     tokenLC,
		Client: client,
		Resources: map[string]*record.Resource{
			tokenAPI: {Aud: tokenAPI, Settings: record.ResourceSettings{Scopes: []string{"orders:read", "orders:cancel"}}},
		},
	}
}

func tokenParents() record.Parents {
	return record.Parents{
		LC:     tokenLC,
		UserID: "ana", UserStatus: record.UserActive,
		ClientID: "shop", ClientEnabled: true,
		SID: "session", SessionIdleUntil: tokenNow + hour, SessionAbsUntil: tokenNow + 2*hour,
	}
}

func tokenFacts() record.AuthnFacts {
	return record.AuthnFacts{AuthTime: tokenNow - minute, ACR: "1", AMR: []string{"pwd"}}
}

// tokenEnding is what End makes of a grant, a session or a token that ends.
func tokenEnding(target revocation.Target, reason, actor string, row record.Change, audit record.Audit) []record.Change {
	changes := []record.Change{record.Append{Target: target, Reason: reason, Actor: actor, At: tokenNow}}
	switch any(row).(type) {
	case record.EndSession, record.CutUser, record.CutAll: // what ends sessions
		changes = append(changes, record.TellClients{Of: target, At: tokenNow})
	}
	if row != nil {
		changes = append(changes, row)
	}
	audit.Actor, audit.At, audit.Detail = actor, tokenNow, reason+": "+target.String()
	return append(changes, audit)
}

// diffChanges compares plans; an audit row's id is random.
func diffChanges(want, got []record.Change) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(record.Audit{}, "ID"),
		cmp.Comparer(func(a, b revocation.Target) bool { return a == b }))
}

// wantRefusal fails the test unless err has the reason, or is absent for "".
func wantRefusal(t *testing.T, err *oauth.Error, reason oauth.Reason, code oauth.Code) {
	t.Helper()
	switch {
	case err == nil && reason == "":
	case err == nil:
		t.Fatalf("answered, want %s", reason)
	case err.Reason != reason || reason != "" && err.Code != code:
		t.Fatalf("refused with %s (%s), want %s (%s)", err.Reason, err.Code, reason, code)
	}
}
