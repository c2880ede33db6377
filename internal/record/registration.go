package record

// Registration says how a client came that registered itself (RFC 7591); a client
// without one was made by an administrator.
type Registration struct {
	ClientID string
	// TokenHash is that of its registration access token (RFC 7592); nil: it has none.
	TokenHash []byte
	By        string // id of the initial access token; empty: registration was open
	MadeAt    int64
	// EndsAt is when the client is forgotten, unless somebody lets it in before; zero:
	// somebody has.
	EndsAt int64
}

// InitialToken lets whoever shows it register clients (RFC 7591 §1.2).
type InitialToken struct {
	ID     string
	Hash   []byte // SHA-256
	Name   string // whom it was given to, in the administrator's words
	MadeAt int64
	EndsAt int64
	Most   int64 // how many clients; zero: as many as they like
	Used   int64 // how many there were
}

// RegistrationState is what a registration is decided from.
type RegistrationState struct {
	LC       int64
	Token    *InitialToken // that was shown; nil: there is none such
	Client   *Client       // that has the id already
	Counters map[string]Counter
}
