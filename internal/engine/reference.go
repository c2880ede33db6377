package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Reference seals what a refusal was about into the code that goes with it, in
// the Error-Reference header and on error pages. Nothing is stored.
func (e *Engine) Reference(err *oauth.Error) string {
	ref := secret.Reference{
		Reason:   secret.ReasonID(string(err.Reason)),
		At:       e.Now().Unix(),
		Expected: err.Detail.Expected,
		Seen:     err.Detail.Seen,
	}
	if err.Detail.Client != "" {
		ref.Client = clientMark(err.Detail.Client)
	}
	if gid, bad := secret.RawID(err.Detail.GID); bad == nil {
		ref.GID = gid
	}
	if kid, bad := base64.RawURLEncoding.DecodeString(err.Detail.KID); bad == nil {
		copy(ref.KID[:], kid)
	}
	return e.reference.Seal(ref, nonce())
}

// clientMark stands for a client_id of any length in eight bytes.
func clientMark(clientID string) [8]byte {
	sum := sha256.Sum256([]byte(clientID))
	return [8]byte(sum[:8])
}

// Explanation is what a reference code says, for an administrator.
type Explanation struct {
	Reason   oauth.Reason
	Rule     string
	Claim    string
	Unit     string
	At       time.Time
	ClientID string // empty: the client is unknown or gone
	GID      string
	KID      string
	Expected int64
	Seen     int64
}

// Explain opens a reference code of this server. Its error is a *Refusal.
func (e *Engine) Explain(ctx context.Context, code string) (Explanation, error) {
	ref, err := e.reference.Open(code)
	if err != nil {
		return Explanation{}, invalid("reference", "is not a reference code of this server")
	}
	explained := Explanation{At: time.Unix(ref.At, 0).UTC(), Expected: ref.Expected, Seen: ref.Seen}
	if reason, ok := oauth.ReasonByMark(ref.Reason); ok {
		info, _ := oauth.Lookup(reason)
		explained.Reason, explained.Rule, explained.Claim, explained.Unit = reason, info.Rule, info.Claim, string(info.Unit)
	}
	if ref.GID != [16]byte{} {
		explained.GID = base64.RawURLEncoding.EncodeToString(ref.GID[:])
	}
	if ref.KID != [8]byte{} {
		explained.KID = base64.RawURLEncoding.EncodeToString(ref.KID[:])
	}
	explained.ClientID, err = e.clientOf(ctx, ref.Client)
	return explained, refusalOf(err)
}

// clientOf finds the client that a mark stands for.
func (e *Engine) clientOf(ctx context.Context, mark [8]byte) (string, error) {
	if mark == [8]byte{} {
		return "", nil
	}
	after := ""
	for {
		page, err := e.store.ClientList(ctx, after, listPage)
		if err != nil || len(page) == 0 {
			return "", err
		}
		for _, client := range page {
			if clientMark(client.ID) == mark {
				return client.ID, nil
			}
		}
		after = page[len(page)-1].ID
	}
}

// listPage is how many rows a list reads at a time.
const listPage = 200
