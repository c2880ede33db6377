package record

import "github.com/mintmark-id/mintmark/internal/oauth"

// Interaction is a pending login or consent page. Its id is in the page's URL
// and only hashed here; it is bound to the browser that started it.
type Interaction struct {
	IDHash      []byte
	BrowserHash []byte
	Request     oauth.AuthorizationRequest
	Chosen      string // the user who was chosen on the page that asks which; empty: nobody yet
	MadeAt      int64
	UsedAt      int64
	EndsAt      int64
}
