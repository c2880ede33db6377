package record

// AdminToken lets whoever shows it administer from elsewhere, as far as its scopes
// go.
type AdminToken struct {
	Name   string // names it in the audit trail
	Hash   []byte // SHA-256
	Scopes []string
	MadeAt int64
	EndsAt int64
	UsedAt int64 // to the minute; zero: never
}

// AdminState is what a request with an admin token is decided from.
type AdminState struct {
	Token    *AdminToken // that was shown; nil: there is none such
	Counters map[string]Counter
}

// AdminScopes are all scopes of admin tokens: a noun of the administration API, and
// whether it is read or changed.
func AdminScopes() []string {
	return []string{
		"audit:read", "clients:read", "clients:write", "grants:read", "grants:write", "keys:read", "keys:write",
		"registrations:read", "registrations:write", "resources:read", "resources:write", "revocations:write",
		"server:read", "server:write", "sessions:read", "sessions:write", "upstreams:read", "upstreams:write", "users:read", "users:write",
		"verifiers:read",
	}
}
