package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// The revocation feed: docs/reference/revocation-feed.md.

const (
	// readersWidth is how many verifiers follow the feed at a time.
	readersWidth = 4096
	// readerChecked is how often it is looked at whether a stream's token still lives.
	readerChecked = 10 * time.Second
	// writeWithin is how long a reader may take for what it is sent at a time.
	writeWithin = 30 * time.Second
	// longestPoll is how long a poll may wait.
	longestPoll = 25 * time.Second
)

// feedReader is the token of a client that may follow the feed.
func (s *site) feedReader(v *visit) (token string, err *oauth.Error) {
	authorization, err := v.authorization(oauth.ReasonTokenPresentedTwice)
	if err != nil {
		return "", err
	}
	query, _ := oauth.ParseForm(v.r.URL.RawQuery) // the form remembers its fault
	if token, err = oauth.BearerToken(authorization, oauth.Form{}, query); err != nil {
		return "", err
	}
	reader, err := s.engine.FeedReader(v.r.Context(), token)
	v.clientID = reader.ClientID
	return token, err
}

// cursor is where a reader goes on: what an EventSource has seen last counts more
// than the address that it began with.
func (v *visit) cursor() (feed.Cursor, *oauth.Error) {
	text := v.r.Header.Get("Last-Event-ID")
	if text == "" {
		text = v.r.URL.Query().Get("cursor")
	}
	if text == "" {
		return feed.Cursor{}, oauth.Refuse(oauth.ReasonParameterMissing).With("cursor")
	}
	at, err := feed.ParseCursor(text)
	if err != nil {
		return feed.Cursor{}, oauth.Refuse(oauth.ReasonCursorMalformed)
	}
	return at, nil
}

func feedRefusal(err error) *oauth.Error {
	if errors.Is(err, feed.ErrGone) {
		return oauth.Refuse(oauth.ReasonCursorGone)
	}
	return oauth.Refuse(oauth.ReasonDatabaseUnavailable).Because(err)
}

// feedKeys is the key set of the feed.
func (s *site) feedKeys(v *visit) {
	body := s.engine.FeedJWKS()
	keys := s.ofFeed.Load()
	if keys == nil || !sameBytes(keys.body, body) {
		keys = newDocument(body, keysCacheControl)
		s.ofFeed.Store(keys)
	}
	s.serveDocument(v, keys)
}

func (s *site) feedSnapshot(v *visit) {
	if _, err := s.feedReader(v); err != nil {
		s.refuse(v, err)
		return
	}
	body, failed := s.feed.Snapshot(v.r.Context())
	if failed != nil {
		s.refuse(v, feedRefusal(failed))
		return
	}
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h.Set("Content-Type", feed.SnapshotType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.WriteHeader(http.StatusOK)
	_ = v.pieces(v.r.Context(), body) // a reader that has gone is no fault of ours
}

// pieces writes a long answer, each piece of it in due time.
func (v *visit) pieces(ctx context.Context, body []byte) error {
	const piece = 256 << 10
	control := http.NewResponseController(v)
	for len(body) > 0 {
		if err := control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // after the deadline was set: whoever cancels sets one that has passed
			return err
		}
		n, err := v.Write(body[:min(len(body), piece)])
		if err != nil {
			return err
		}
		body = body[n:]
	}
	return control.Flush()
}

func (s *site) feedStream(v *visit) {
	token, err := s.feedReader(v)
	if err != nil {
		s.refuse(v, err)
		return
	}
	from, err := v.cursor()
	if err != nil {
		s.refuse(v, err)
		return
	}
	ctx, cancel := context.WithCancel(v.r.Context())
	defer cancel()
	stream, failed := s.feed.Stream(ctx, from)
	if failed != nil {
		s.refuse(v, feedRefusal(failed))
		return
	}
	defer stream.Close()
	control := http.NewResponseController(v)
	_ = control.SetReadDeadline(time.Time{}) // the server's is for requests that end
	stop := context.AfterFunc(ctx, func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	go s.watchReader(ctx, cancel, token, stream.Slow())

	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would be the delay
	v.WriteHeader(http.StatusOK)
	for v.r.Method != http.MethodHead {
		text, failed := stream.Next(ctx)
		if failed != nil || v.pieces(ctx, text) != nil {
			return
		}
	}
}

// watchReader ends a stream whose reader does not read, and one whose token dies.
// When that cannot be found out, the stream goes on: it is the feed that falls
// silent then.
func (s *site) watchReader(ctx context.Context, end context.CancelFunc, token string, slow <-chan struct{}) {
	defer end()
	tick := time.NewTicker(readerChecked)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-slow:
			return
		case <-tick.C:
		}
		if _, err := s.engine.FeedReader(ctx, token); err != nil && err.Status() < http.StatusInternalServerError {
			return
		}
	}
}

func (s *site) feedPoll(v *visit) {
	if _, err := s.feedReader(v); err != nil {
		s.refuse(v, err)
		return
	}
	from, err := v.cursor()
	if err != nil {
		s.refuse(v, err)
		return
	}
	wait := longestPoll
	if text := v.r.URL.Query().Get("wait"); text != "" {
		n, bad := strconv.ParseUint(text, 10, 16)
		if bad != nil {
			s.refuse(v, oauth.Refuse(oauth.ReasonParameterMalformed).With("wait"))
			return
		}
		wait = min(wait, time.Duration(n)*time.Second)
	}
	control := http.NewResponseController(v)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Now().Add(wait + writeWithin))
	body, failed := s.feed.Poll(v.r.Context(), from, wait)
	if failed != nil {
		s.refuse(v, feedRefusal(failed))
		return
	}
	s.sendJSON(v, http.StatusOK, body)
}

// feedReceipt takes what a verifier says of itself.
func (s *site) feedReceipt(v *visit) {
	if _, err := s.feedReader(v); err != nil {
		s.refuse(v, err)
		return
	}
	var report feed.Report
	if json.Unmarshal([]byte(v.body), &report) != nil || s.feed.Report(v.clientID, report) != nil {
		s.refuse(v, oauth.Refuse(oauth.ReasonReportMalformed))
		return
	}
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	v.WriteHeader(http.StatusNoContent)
}
