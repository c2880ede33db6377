package feed

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// SnapshotType is the content type of a snapshot.
const SnapshotType = "application/vnd.mintmark.revocations"

// snapshotAge is for how long a snapshot is handed out again while nothing is
// revoked: a fleet that starts at once is served from one.
const snapshotAge = 10 * time.Second

// snapshots keeps the last snapshot.
type snapshots struct {
	mu   sync.Mutex // one is made at a time
	from Cursor
	at   time.Time
	body []byte
}

// snapshotHeader is the first line of a snapshot.
type snapshotHeader struct {
	Issuer string           `json:"iss"`
	Log    revocation.LogID `json:"log"`
	Seq    int64            `json:"seq"`
	LC     int64            `json:"lc"`
	Base   int64            `json:"base"`
	N      int              `json:"n"`
	Chain  string           `json:"h"`
	Kinds  []string         `json:"kinds"`
	Key    string           `json:"key"`
}

// Snapshot gives what a verifier that starts must know. Its bytes are shared and
// must not be changed.
func (f *Feed) Snapshot(ctx context.Context) ([]byte, error) {
	s := &f.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	f.mu.Lock()
	at := Cursor{f.tail.log, f.tail.seq}
	f.mu.Unlock()
	now := f.Now()
	if s.body != nil && s.from == at && now.Sub(s.at) < snapshotAge {
		return s.body, nil
	}
	part, err := f.Store.LiveLog(ctx, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	body, err := f.renderSnapshot(&part)
	if err != nil {
		return nil, err
	}
	s.from, s.at, s.body = Cursor{part.Head.LogID, part.Seq}, now, body
	f.awaitTail(ctx, s.from)
	return body, nil
}

// awaitTail waits until a reader can go on from a place, at most for a beat: the
// database, which a snapshot is read from, is ahead of the tail for a moment, and the
// reader would be sent for another snapshot.
func (f *Feed) awaitTail(ctx context.Context, at Cursor) {
	timer := time.NewTimer(beat)
	defer timer.Stop()
	for {
		f.mu.Lock()
		there, news := f.tail.log == at.Log && f.tail.seq >= at.Seq, f.readme
		f.mu.Unlock()
		if there {
			return
		}
		select {
		case <-news:
		case <-timer.C:
			return
		case <-f.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *Feed) renderSnapshot(part *record.LogPart) ([]byte, error) {
	h, base := &part.Head, baseOf(part)
	header, err := json.Marshal(snapshotHeader{
		Issuer: f.Issuer, Log: h.LogID, Seq: part.Seq, LC: h.LC, Base: base, N: len(part.Entries),
		Chain: base64url(h.Chain[:]), Kinds: kinds, Key: base64url(h.FeedKey[:]),
	})
	if err != nil {
		return nil, fmt.Errorf("rendering a snapshot: %w", err)
	}
	body := make([]byte, 0, len(header)+len(part.Entries)*revocation.RecordSize+1024)
	body = append(append(body, header...), '\n')
	for _, e := range part.Entries {
		body = revocation.AppendRecord(body, base, e)
	}
	sum := sha256.Sum256(body)
	payload, err := json.Marshal(map[string]string{"iss": f.Issuer, "sha256": base64url(sum[:])})
	if err != nil {
		return nil, fmt.Errorf("rendering a snapshot: %w", err)
	}
	signature, err := f.Ring().SignSnapshot(payload)
	if err != nil {
		return nil, err
	}
	return append(append(body, signature...), '\n'), nil
}

// baseOf is the time that the records count from: no cutoff is before it.
func baseOf(part *record.LogPart) int64 {
	base := part.Head.LC
	for _, e := range part.Entries {
		base = min(base, e.Cut, e.Until)
	}
	return base
}
