package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// The revocation feed: docs/reference/revocation-feed.md.

const (
	// readersWidth is how many verifiers follow the feed at a time.
	readersWidth = 4096
	// writeWithin is how long a reader may take for what it is sent at a time.
	writeWithin = 30 * time.Second
	// longestPoll is how long a poll may wait.
	longestPoll = 25 * time.Second
)

// feedReader is the client that may follow the feed, by the token of the request.
func (s *site) feedReader(v *visit) (engine.FeedReader, *oauth.Error) {
	authorization, err := v.authorization(oauth.ReasonTokenPresentedTwice)
	if err != nil {
		return engine.FeedReader{}, err
	}
	query, _ := oauth.ParseForm(v.r.URL.RawQuery) // the form remembers its fault
	token, err := oauth.BearerToken(authorization, oauth.Form{}, query)
	if err != nil {
		return engine.FeedReader{}, err
	}
	shown, err := s.certificate(v)
	if err != nil {
		return engine.FeedReader{}, err
	}
	reader, err := s.engine.FeedReader(v.r.Context(), token, shown)
	v.clientID = reader.ClientID
	return reader, err
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
	if err := control.Flush(); err != nil {
		return err
	}
	return control.SetWriteDeadline(time.Time{}) // until there is more: HTTP/2 resets a stream whose deadline passes
}

func (s *site) feedStream(v *visit) {
	stream, err := s.openStream(v)
	if err != nil {
		s.refuse(v, err)
		return
	}
	defer stream.Close()
	control := http.NewResponseController(v)
	_ = control.SetReadDeadline(time.Time{}) // the server's is for requests that end
	stop := context.AfterFunc(stream.Context(), func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()

	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would be the delay
	v.WriteHeader(http.StatusOK)
	for v.r.Method != http.MethodHead {
		text, failed := stream.Next()
		if failed != nil || v.pieces(stream.Context(), text) != nil {
			return
		}
	}
}

// openStream opens a stream for a client that may follow the feed. The stream
// watches for whatever takes the token back once it is open, so the token is
// looked at once more after that.
func (s *site) openStream(v *visit) (*feed.Stream, *oauth.Error) {
	reader, err := s.feedReader(v)
	if err != nil {
		return nil, err
	}
	from, err := v.cursor()
	if err != nil {
		return nil, err
	}
	bearer := feed.Bearer{Until: reader.Until, RVS: reader.RVS, Targets: reader.Targets}
	stream, failed := s.feed.Stream(v.r.Context(), from, bearer)
	if failed != nil {
		return nil, feedRefusal(failed)
	}
	if _, err := s.feedReader(v); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
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
	if report.Head != "" {
		if err := s.engine.HeadShown(v.r.Context(), report.Head); err != nil {
			s.refuse(v, err)
			return
		}
	}
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	v.WriteHeader(http.StatusNoContent)
}
