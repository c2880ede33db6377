package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
)

func (a *administration) revoke(ctx context.Context, r *http.Request, in *admin.Revocation) (any, error) {
	wait, err := adminWait(r)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		wait = 0
	}
	var revoked engine.Revoked
	got, err := receiptAfter(ctx, a.Feed, wait, func() (err error) {
		revoked, err = a.Engine.RevokeFor(ctx, engine.RevocationOrder{
			Kind: in.Kind, IDs: in.IDs, Reason: in.Reason, DryRun: in.DryRun, KeepSignIns: in.KeepSignIns,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	answer := admin.RevocationResult{
		Already: revoked.Already, Again: revoked.Again, DryRun: in.DryRun,
		Sessions: revoked.Sessions, Grants: revoked.Grants, Clients: revoked.Clients, More: revoked.More,
	}
	if got == nil {
		return answer, nil
	}
	receipt := admin.Receipt(receiptOf(*got))
	answer.Receipt = &receipt
	if query(r, "wait_ms") == "" {
		return preferred{answer, wait}, nil
	}
	return answer, nil
}

// preferred is an answer that kept a preference.
type preferred struct {
	answer any
	wait   time.Duration
}

// adminWait is how long an administrator would wait for a receipt. The preference
// of the standard counts too, in whole seconds.
func adminWait(r *http.Request) (time.Duration, error) {
	text := query(r, "wait_ms")
	if text == "" {
		return preferredWait(r.Header), nil
	}
	ms, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, &admin.Problem{
			Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest,
			Errors: []admin.FieldError{{Field: "wait_ms", Message: "is a number of milliseconds"}},
		}
	}
	return min(longestWait, time.Duration(ms)*time.Millisecond), nil
}

func (a *administration) verifiers(_ context.Context, r *http.Request) (any, error) {
	var rows []feed.Verifier
	if a.Feed != nil {
		rows = a.Feed.Verifiers()
	}
	// No character of a client_id comes before the one between.
	rows, next := pageAfter(rows, query(r, "after"), func(v feed.Verifier) string { return v.ClientID + "!" + v.Name })
	return pageOf(rows, next, wireVerifier), nil
}

func wireVerifier(v feed.Verifier) admin.Verifier {
	return admin.Verifier{
		Name: v.Name, ClientID: v.ClientID, Version: v.Version, Node: v.Node, Policy: v.Policy, State: v.State, Connected: v.Connected,
		Seq: v.Seq, Lag: v.Lag, Entries: v.Entries, ConnectedSince: v.Since.UTC(), SeenAt: v.Seen.UTC(),
	}
}
