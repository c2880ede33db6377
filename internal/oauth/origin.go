package oauth

import "strings"

// OriginAmong reports whether a browser's Origin is where one of the registered redirect URIs leads: scheme, host and
// port, as RFC 6454 §6.2 writes them. For a native client the port of a loopback address may differ, as it may in the
// redirect URI itself (RFC 8252 §7.3). An opaque origin ("null") and an app's own scheme are never among them.
func OriginAmong(registered []string, origin string, native bool) bool {
	for _, uri := range registered {
		own := originOf(uri)
		if own != "" && (own == origin || native && sameButPort(own, origin)) {
			return true
		}
	}
	return false
}

// originOf is the origin of an http or https URI that is registrable; "" for any other.
func originOf(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "http" && scheme != "https" || CheckRegistrable(uri) != nil {
		return ""
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	// Browsers send a host in lower case and no port that the scheme implies.
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(rest), port)
}
