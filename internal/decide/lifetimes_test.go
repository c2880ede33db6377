package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Contract, defaults: the token profile if it sets them, else the resource, else
// the default; never above the server's longest lifetime.
func TestTheMostSpecificLifetimeRulesWithinTheLongest(t *testing.T) {
	resource := func(ttl int64, alg string) *record.Resource {
		return &record.Resource{Settings: record.ResourceSettings{AccessTTL: ttl, Alg: alg}}
	}
	cases := []struct {
		name      string
		client    int64
		resources []*record.Resource
		ttl       int64
		alg       string
	}{
		{"the default", 0, nil, 900, "ES256"},
		{"a resource without a wish", 0, []*record.Resource{resource(0, "")}, 900, "ES256"},
		{"a resource with one", 0, []*record.Resource{resource(300, "RS256")}, 300, "RS256"},
		{"the shortest of two", 0, []*record.Resource{resource(600, "RS256"), resource(300, "RS256")}, 300, "RS256"},
		{"two that do not agree on the algorithm", 0, []*record.Resource{resource(0, "RS256"), resource(600, "Ed25519")}, 600, "ES256"},
		{"one of which has no wish", 0, []*record.Resource{resource(600, "RS256"), resource(0, "")}, 600, "ES256"},
		{"the client's before the resource's", 1200, []*record.Resource{resource(300, "Ed25519")}, 1200, "Ed25519"},
		{"never longer than a day", 100_000, nil, 86_400, "ES256"},
		{"not by a resource either", 0, []*record.Resource{resource(100_000, "")}, 86_400, "ES256"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := tokenClient()
			client.Settings.AccessTTL = c.client
			if ttl := accessTTL(client, c.resources, tokenEnv().Policy); ttl != c.ttl {
				t.Errorf("%d s, want %d", ttl, c.ttl)
			}
			if alg := accessAlg(c.resources); alg != c.alg {
				t.Errorf("%s, want %s", alg, c.alg)
			}
		})
	}
	client := tokenClient()
	client.Settings.IDTTL = 100_000
	if ttl := idTTL(client, tokenEnv().Policy); ttl != 86_400 {
		t.Errorf("ID token: %d s, want a day at most", ttl)
	}
}

// tokens.md, part 1: an option per client or resource. Who wants a token that tells
// its holder nothing gets one, whatever the others want.
func TestAnAccessTokenIsOpaqueIfAnybodyThatItConcernsWantsIt(t *testing.T) {
	const unsaid, jwt, sealed = record.AccessFormat(""), record.AccessJWT, record.AccessOpaque
	for _, c := range []struct {
		name      string
		client    record.AccessFormat
		resources []record.AccessFormat
		want      bool
	}{
		{"nobody says anything", unsaid, nil, false},
		{"nor does the resource", unsaid, []record.AccessFormat{unsaid}, false},
		{"the client wants a JWT", jwt, []record.AccessFormat{unsaid}, false},
		{"the client wants it", sealed, nil, true},
		{"the client wants it, the resource a JWT", sealed, []record.AccessFormat{jwt}, true},
		{"the resource wants it", unsaid, []record.AccessFormat{sealed}, true},
		{"the resource wants it, the client a JWT", jwt, []record.AccessFormat{sealed}, true},
		{"the second of two resources wants it", unsaid, []record.AccessFormat{jwt, sealed}, true},
		{"both resources want JWTs", unsaid, []record.AccessFormat{jwt, jwt}, false},
	} {
		client := tokenClient()
		client.Settings.AccessFormat = c.client
		var resources []*record.Resource
		for _, format := range c.resources {
			resources = append(resources, &record.Resource{Settings: record.ResourceSettings{AccessFormat: format}})
		}
		b := &basis{client: client, resources: resources, scope: oauth.NewScopes("openid")}
		got := b.issue(&record.RefreshFacts{}, tokenEnv())
		if got.Access.Opaque != c.want {
			t.Errorf("%s: opaque is %v, want %v", c.name, got.Access.Opaque, c.want)
		}
		if got.ID == nil || got.ID.Alg != "ES256" || got.Refresh == nil {
			t.Errorf("%s: the ID token and the refresh token are %+v, %+v", c.name, got.ID, got.Refresh)
		}
	}
}

// tokens.md, part 1: shortened by up to 5 % at random.
func TestLifetimesAreSpreadOverTheLastTwentieth(t *testing.T) {
	seen := map[int64]bool{}
	env := tokenEnv()
	for i := range 1000 {
		env.Seed = secret.Seed{byte(i), byte(i >> 8)}
		ttl := jittered(900, env)
		if ttl < 855 || ttl > 900 {
			t.Fatalf("%d s of 900", ttl)
		}
		seen[ttl] = true
	}
	if len(seen) != 46 {
		t.Errorf("%d of 46 lifetimes seen", len(seen))
	}
	if ttl := jittered(1, env); ttl != 1 {
		t.Errorf("a lifetime of one second became %d", ttl)
	}
}

// RFC 6749 §3.3: an authorization request is narrowed, not refused.
func TestAScopeIsNarrowedToWhatTheClientMayHave(t *testing.T) {
	client := tokenClient()
	client.Settings.ReadAttributes = []string{"email", "email_verified", "name"}
	got := allowedScopes(oauth.NewScopes("openid", "email", "profile", "address", "orders:read", "pigs:fly"), client)
	if diff := cmp.Diff(oauth.Scopes{"email", "openid", "orders:read"}, got); diff != "" {
		t.Errorf("scope (-want +got):\n%s", diff)
	}
}

// No entry of the log says that a session has reached its absolute end, so its
// tokens say it: what looks at the log alone knows all that ends them.
func TestNoAccessTokenOutlivesItsSession(t *testing.T) {
	const left = 100 * second
	exchange, renewal := newExchange(tokenClient()), newRefresh(tokenClient(), 5)
	exchange.st.Parents.SessionAbsUntil = tokenNow + left
	renewal.st.Parents.SessionAbsUntil = tokenNow + left
	offline := newExchange(tokenClient())
	offline.st.Code.Request.Offline = true
	offline.st.Parents.SessionAbsUntil = tokenNow + left
	for _, c := range []struct {
		name  string
		out   Outcome[record.Tokens]
		bound bool
	}{
		{"of a code", exchange.run(), true},
		{"of a refresh", renewal.run(), true},
		{"of an offline grant, which has no session", offline.run(), false},
	} {
		wantRefusal(t, c.out.Err, "", "")
		got := c.out.Answer.Access.ExpiresAt
		if c.bound != (got == (tokenNow+left)/second) || c.out.Answer.ExpiresIn != got-tokenNow/second {
			t.Errorf("%s: it expires %d s from now, and says %d", c.name, got-tokenNow/second, c.out.Answer.ExpiresIn)
		}
	}
}
