package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
)

// maxRetryWindow bounds what a client may set (tokens.md, part 4).
const maxRetryWindow = 300 * second

// accessTTL is the lifetime of an access token in seconds: what the client's
// token profile was set to, else the shortest that one of its resources asks
// for, else the default, and never more than the server's longest.
func accessTTL(client *record.Client, resources []*record.Resource, policy *Policy) int64 {
	ttl := client.Settings.AccessTTL
	if ttl == 0 {
		for _, resource := range resources {
			if own := resource.Settings.AccessTTL; own > 0 && (ttl == 0 || own < ttl) {
				ttl = own
			}
		}
	}
	return orDefault(ttl, policy.AccessTTL, policy.LongestTTL)
}

// idTTL is the lifetime of an ID token in seconds.
func idTTL(client *record.Client, policy *Policy) int64 {
	return orDefault(client.Settings.IDTTL, policy.IDTTL, policy.LongestTTL)
}

// orDefault takes a setting in seconds, and default and limit in milliseconds.
func orDefault(setting, otherwise, longest int64) int64 {
	if setting <= 0 {
		setting = otherwise / second
	}
	return min(setting, longest/second)
}

// jittered shortens a lifetime in seconds by up to 5 % at random, so that the
// tokens of many clients, made at the same moment, do not run out at the same
// moment (tokens.md, part 1).
func jittered(ttl int64, env Env) int64 {
	return ttl - int64(env.Seed.Uint32n("access token lifetime", uint32(ttl/20)+1)) //nolint:gosec // at most LongestTTL
}

// refreshAbsUntil is when a grant made now ends at the latest, in Unix ms.
func refreshAbsUntil(client *record.Client, env Env) int64 {
	if own := client.Settings.RefreshAbsoluteTTL; own > 0 {
		return env.Now + own*second
	}
	return env.Now + env.Policy.RefreshAbsolute
}

// refreshIdle is how long a client's refresh tokens may lie unused, in ms.
func refreshIdle(client *record.Client, policy *Policy) int64 {
	if own := client.Settings.RefreshIdleTTL; own > 0 {
		return own * second
	}
	return policy.RefreshIdle
}

// retryWindow is how long the predecessor of a rotated refresh token still gets
// the same successor for nothing, in ms.
func retryWindow(client *record.Client, policy *Policy) int64 {
	if own := client.Settings.RetryWindow; own != nil {
		return min(max(0, *own*second), maxRetryWindow)
	}
	return policy.RetryWindow
}

// accessAlg is the algorithm that all the token's resources ask for; where they
// do not agree or ask for none, ES256.
func accessAlg(resources []*record.Resource) string {
	alg := ""
	for _, resource := range resources {
		own := resource.Settings.Alg
		if own == "" || alg != "" && own != alg {
			return string(jose.ES256)
		}
		alg = own
	}
	if alg == "" {
		return string(jose.ES256)
	}
	return alg
}

// opaque decides whether an access token is sealed: if its client or one of its
// resources wants it so. Whoever wants a token that tells nothing to its holder
// must not get another one because somebody else does not care.
func opaque(client *record.Client, resources []*record.Resource) bool {
	return client.Settings.AccessFormat == record.AccessOpaque ||
		slices.ContainsFunc(resources, func(r *record.Resource) bool {
			return r.Settings.AccessFormat == record.AccessOpaque
		})
}

func idAlg(client *record.Client) string { return client.IDTokenAlg() }

// askedResources are the audiences that a request without an earlier one to
// narrow is for: those it names (RFC 8707 §2), else the client's default
// resource. None means that the issuer is the audience.
func askedResources(asked []string, st *record.ClientState) ([]string, *oauth.Error) {
	if len(asked) == 0 && st.Client.Settings.DefaultResource != "" {
		asked = []string{st.Client.Settings.DefaultResource}
	}
	for _, aud := range asked {
		if reason := resourceRefusal(aud, st); reason != "" {
			return nil, oauth.Refuse(reason).With("resource")
		}
	}
	return asked, nil
}

// resourceRefusal says why a client may not have tokens for an audience; "" if
// it may.
func resourceRefusal(aud string, st *record.ClientState) oauth.Reason {
	settings := &st.Client.Settings
	switch {
	case st.Resources[aud] == nil:
		return oauth.ReasonResourceUnknown
	case aud != settings.DefaultResource && !slices.Contains(settings.Resources, aud):
		return oauth.ReasonResourceNotAllowed
	}
	return ""
}

// narrowedResources are the audiences of one access token of a grant: those
// asked for, which must be among the granted ones (RFC 8707 §2.2), else all.
// What has meanwhile been taken from the client, or deleted, is left out; that
// nothing is left is an error, because none would mean the issuer.
func narrowedResources(asked, granted []string, st *record.ClientState) ([]string, *oauth.Error) {
	for _, aud := range asked {
		if !slices.Contains(granted, aud) {
			return nil, oauth.Refuse(oauth.ReasonResourceWidened).With("resource")
		}
	}
	if len(asked) == 0 {
		asked = granted
	}
	var left []string
	var reason oauth.Reason
	for _, aud := range asked {
		if refusal := resourceRefusal(aud, st); refusal != "" {
			reason = refusal
			continue
		}
		left = append(left, aud)
	}
	if len(left) == 0 && reason != "" {
		return nil, oauth.Refuse(reason).With("resource")
	}
	return left, nil
}

// audience is the aud of an access token. The issuer stands in for a resource
// where there is none, and openid adds it, because userinfo asks for it.
func audience(resources []string, scope oauth.Scopes, issuer string) []string {
	if len(resources) == 0 {
		return []string{issuer}
	}
	if scope.Has(oauth.ScopeOpenID) && !slices.Contains(resources, issuer) {
		return append(slices.Clone(resources), issuer)
	}
	return resources
}

// scopeRefusal says why a client may not have a scope; "" if it may. The
// resources are those of the request: a scope is known if OpenID Connect, one of
// them or the client's own list has it.
func scopeRefusal(word string, client *record.Client, resources []*record.Resource) oauth.Reason {
	if !slices.Contains(client.ScopeList, word) {
		declares := func(r *record.Resource) bool { return slices.Contains(r.Settings.Scopes, word) }
		if oauth.StandardScopes().Has(word) || slices.ContainsFunc(resources, declares) {
			return oauth.ReasonScopeNotAllowed
		}
		return oauth.ReasonScopeUnknown
	}
	for _, attribute := range oauth.AttributesOf(word) {
		if !client.Reads(attribute) {
			return oauth.ReasonScopeAttributesUnreadable
		}
	}
	return ""
}

// allowedScopes narrows a set to what the client may have: how an authorization
// request is answered that asks for more (RFC 6749 §3.3 lets the server ignore a
// part, and then say which scope it gave).
func allowedScopes(asked oauth.Scopes, client *record.Client) oauth.Scopes {
	var allowed oauth.Scopes
	for _, word := range asked {
		if scopeRefusal(word, client, nil) == "" {
			allowed = append(allowed, word)
		}
	}
	return allowed
}

// narrowedScope is the scope of one access token of a grant: what is asked for,
// never more than was granted, else all of it; less what has meanwhile been
// taken from the client.
func narrowedScope(asked, granted oauth.Scopes, client *record.Client) (oauth.Scopes, *oauth.Error) {
	if len(asked) == 0 {
		asked = granted
	}
	if !asked.Within(granted) {
		return nil, oauth.Refuse(oauth.ReasonScopeWidened).With("scope") // RFC 6749 §6
	}
	allowed := allowedScopes(asked, client)
	if len(allowed) == 0 && len(asked) > 0 {
		return nil, oauth.Refuse(oauth.ReasonScopeNotAllowed).With("scope")
	}
	return allowed, nil
}

// resourceRows gives the rows of audiences that were found allowed, and so known.
func resourceRows(auds []string, st *record.ClientState) []*record.Resource {
	if len(auds) == 0 {
		return nil
	}
	found := make([]*record.Resource, len(auds))
	for i, aud := range auds {
		found[i] = st.Resources[aud]
	}
	return found
}
