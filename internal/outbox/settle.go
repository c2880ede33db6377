package outbox

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

const (
	firstPause   = 5 * time.Second
	longestPause = time.Hour
	// patience is how long after it was committed a delivery is still tried.
	patience = 24 * time.Hour
)

// result is what came of an attempt. An empty outcome says that it is to be tried
// again.
type result struct {
	outcome record.DeliveryOutcome
	answer  string // in words of ours, for whoever asks what became of it
	err     error  // for the log
}

// deliver makes one attempt.
func (o *Outbox) deliver(ctx context.Context, d *record.Delivery) result {
	switch d.Kind {
	case record.DeliveryLogout:
		return o.deliverLogout(ctx, d)
	}
	return result{answer: "this release does not know what it is"} // a newer one does
}

// pause is how long to wait after so many attempts: longer each time, and never
// just as long as everybody else. chance is random.
func pause(tries int64, chance uint32) time.Duration {
	whole := longestPause
	if tries < 10 { // before 2^10 times the first it is the longest
		whole = min(firstPause<<max(0, tries-1), longestPause)
	}
	more := uint64(chance) * uint64((whole / 2).Milliseconds()) >> 32
	return whole/2 + time.Duration(more)*time.Millisecond //nolint:gosec // less than an hour
}

// verdict says how a delivery goes on after an attempt that ended at now.
func verdict(d record.Delivery, r result, now int64, chance uint32) record.Delivery {
	d.Answer = r.answer
	switch {
	case r.outcome != "":
		d.Outcome, d.DoneAt = r.outcome, now
	case now-d.MadeAt >= patience.Milliseconds():
		d.Outcome, d.DoneAt = record.GivenUp, now
	default:
		d.DueAt = now + pause(d.Tries, chance).Milliseconds()
	}
	return d
}

// settle writes down what came of an attempt, also while the server stops.
func (o *Outbox) settle(ctx context.Context, d record.Delivery, r result) {
	stopping := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	var chance [4]byte
	_, _ = rand.Read(chance[:]) // crypto/rand.Read never fails
	after := verdict(d, r, o.now(), binary.BigEndian.Uint32(chance[:]))
	var err error
	switch {
	case after.Outcome == record.GivenUp:
		o.Log.Warn("a delivery was given up",
			"kind", d.Kind, "receiver", d.Receiver, "about", d.About, "tries", d.Tries, "answer", r.answer, "error", r.err)
		err = o.Store.EndDelivery(ctx, after, audited(record.Audit{
			Event: "delivery_given_up", Actor: "server", UserID: d.Payload, ClientID: d.Receiver,
			Detail: fmt.Sprintf("%s of session %s, after %d attempts: %s", d.Kind, d.About, d.Tries, r.answer),
		}, after.DoneAt))
	case after.Outcome != "":
		err = o.Store.EndDelivery(ctx, after)
	default:
		o.Log.Debug("a delivery was not acknowledged",
			"kind", d.Kind, "receiver", d.Receiver, "about", d.About, "tries", d.Tries, "answer", r.answer, "error", r.err)
		if stopping {
			after.DueAt = d.DueAt // cut off by us: whoever starts next need not wait
		}
		err = o.Store.PostponeDelivery(ctx, after)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) { // the lease runs out, and it is tried again
		o.Log.Error("writing to the outbox", "error", err)
	}
}

// audited dates an audit row and gives it its id, which begins with the time.
func audited(row record.Audit, now int64) record.Audit {
	row.At = now
	row.ID = fmt.Sprintf("%012x", now) + randomID()
	return row
}

// randomID is 16 random bytes in base64url.
func randomID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}
