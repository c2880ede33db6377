package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// receipt tells the server what has been applied. It informs; nothing here or
// there depends on its arrival.
type receipt struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Policy  string `json:"policy"`
	State   string `json:"state"`
	Log     string `json:"log"`
	Seq     int64  `json:"seq"`
	Entries int    `json:"entries"`
	Head    string `json:"head,omitempty"` // the last good one, when the server does not go on from it
}

// version of the verifier, as receipts carry it.
const version = "1"

// report leaves a receipt to be sent; one that waits is replaced, for the later
// says more.
func (v *Verifier) report(t *tail) {
	next := receipt{
		Name: v.settings.name, Version: "go/" + version, Policy: v.settings.policy.String(),
		State: v.state(v.view.Load(), time.Now()).String(), Log: t.log, Seq: t.seq, Entries: t.table.Len(),
	}
	select {
	case <-v.receipts:
	default:
	}
	v.receipts <- next // room for one, and the follower is the only one who puts it there
}

// show leaves a receipt with the last good head, because what the server says does
// not go on from it. If the server's database was put back, that head proves it.
func (v *Verifier) show(t *tail) {
	if last := v.last.Load(); last != nil {
		v.shown.Store(&last.raw)
		v.report(t)
	}
}

func (v *Verifier) sendReceipts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-v.receipts:
			if err := v.sendReceipt(ctx, r); err != nil {
				v.settings.log.DebugContext(ctx, "sending a receipt failed", "error", err)
			}
		}
	}
}

func (v *Verifier) sendReceipt(ctx context.Context, r receipt) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	shown := v.shown.Load() // also if a later receipt came in the place of its own
	if shown != nil {
		r.Head = *shown
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.issuer+pathReceipt, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := v.remote.authorized(req)
	if err != nil {
		return err
	}
	v.shown.CompareAndSwap(shown, nil)
	return res.Body.Close()
}
