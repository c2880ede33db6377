package oauth

import (
	"errors"
	"fmt"
	"strings"
)

// The paths of the endpoints, below the issuer's own path.
const (
	PathAuthorize  = "/oauth2/authorize"
	PathToken      = "/oauth2/token"
	PathRevoke     = "/oauth2/revoke"
	PathIntrospect = "/oauth2/introspect"
	PathUserinfo   = "/oauth2/userinfo"
	PathEndSession = "/oauth2/logout"
	PathRegister   = "/oauth2/register"
	PathJWKS       = "/.well-known/jwks.json"

	// Of the revocation feed: docs/reference/revocation-feed.md.
	PathFeedSnapshot = "/revocations/snapshot"
	PathFeedStream   = "/revocations/stream"
	PathFeedPoll     = "/revocations/poll"
	PathFeedReceipt  = "/revocations/receipt"
	PathFeedJWKS     = "/revocations/jwks.json"

	wellKnownOpenID = "/.well-known/openid-configuration"
	wellKnownOAuth  = "/.well-known/oauth-authorization-server"
)

// Issuer is the identifier of this server, kept exactly as it was configured; clients compare it as a string. Only
// ParseIssuer makes one that is not empty.
type Issuer struct{ scheme, authority, path string }

// ParseIssuer reads an issuer: https, or http on loopback; a host, perhaps a port and a path; no query, fragment or
// userinfo (RFC 8414 §2). A slash at the end is refused, because then the discovery address would be ambiguous
// (OpenID Connect Discovery §4 removes it, RFC 8414 §3.1 too, while clients compare the issuer with it).
func ParseIssuer(text string) (Issuer, error) {
	if strings.ContainsAny(text, "?#") {
		return Issuer{}, errors.New("issuer: no query and no fragment")
	}
	if strings.HasSuffix(text, "/") {
		return Issuer{}, errors.New("issuer: no slash at the end")
	}
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "https" && scheme != "http" {
		return Issuer{}, errors.New("issuer: https, or http on loopback")
	}
	if err := CheckRegistrable(text); err != nil {
		return Issuer{}, fmt.Errorf("issuer: judged like a redirect URI: %w", err)
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if hasPath {
		path = "/" + path
	}
	if authority != strings.ToLower(authority) || strings.Contains(path, "//") || strings.Contains(path, "%") {
		return Issuer{}, errors.New("issuer: host in lower case, path without escapes and empty segments")
	}
	return Issuer{scheme: scheme, authority: authority, path: path}, nil
}

// String is the issuer as configured; "" for the zero Issuer.
func (i Issuer) String() string {
	if i.scheme == "" {
		return ""
	}
	return i.scheme + "://" + i.authority + i.path
}

// Origin is scheme, host and port, as a browser sends it in Origin.
func (i Issuer) Origin() string { return i.scheme + "://" + i.authority }

// Host is the host and, if configured, the port: the only value of Host that is answered.
func (i Issuer) Host() string { return i.authority }

// Path is the issuer's path, "" or beginning with a slash.
func (i Issuer) Path() string { return i.path }

// IsHTTPS is false for an issuer on loopback http, where cookies go without Secure.
func (i Issuer) IsHTTPS() bool { return i.scheme == "https" }

// IsLoopback reports whether the host is this machine: no other knows it as the issuer.
func (i Issuer) IsLoopback() bool {
	host, err := checkAuthority(i.authority)
	return err == nil && isLoopback(host)
}

// Endpoint is the address of a path below the issuer.
func (i Issuer) Endpoint(path string) string { return i.String() + path }

// MetadataPaths are the paths, on the issuer's host, that serve the metadata: OpenID Connect Discovery §4 appends its name
// to the issuer's path, RFC 8414 §3.1 inserts its name before it, and RFC 8414 §5 does so also with OpenID's name.
func (i Issuer) MetadataPaths() []string {
	paths := []string{i.path + wellKnownOpenID, wellKnownOAuth + i.path}
	if i.path != "" {
		paths = append(paths, wellKnownOpenID+i.path)
	}
	return paths
}

// IsOpenIDPath reports whether a path of MetadataPaths is OpenID Connect's own.
func (i Issuer) IsOpenIDPath(path string) bool { return path != wellKnownOAuth+i.path }
