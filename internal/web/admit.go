package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// Limits of a request. Those of a form's parameters are package oauth's.
const (
	maxBody        = 64 << 10
	maxURL         = 8 << 10
	maxHeaderBytes = 16 << 10
)

const formType = "application/x-www-form-urlencoded"

// admit makes the checks that come before any endpoint, in the order of the
// contract: method, Host, content type, size. A refusal that leaves a body
// unread ends the connection, or net/http would wait for the rest of it before
// it answers. A body in chunks ends it too: there may have been a length as well,
// which net/http drops unsaid (RFC 9112 §6.1).
func (s *site) admit(v *visit) (func(*visit), *oauth.Error) {
	handler, err := s.precheck(v)
	if err != nil && v.r.ContentLength != 0 || len(v.r.TransferEncoding) != 0 {
		v.Header().Set("Connection", "close")
	}
	return handler, err
}

func (s *site) precheck(v *visit) (func(*visit), *oauth.Error) {
	handler := v.route.handler(v.r.Method)
	if handler == nil && v.route != s.lost && v.route != s.notMutual {
		v.Header().Set("Allow", v.route.allow()) // RFC 9110 §15.5.6
		return nil, oauth.Refuse(oauth.ReasonMethod)
	}
	if !v.route.anyHost && !s.addressed(v) {
		return nil, oauth.Refuse(oauth.ReasonHostUnknown) // RFC 9110 §15.5.20
	}
	switch {
	case v.route == s.lost:
		return s.notFound, nil
	case v.route == s.notMutual:
		return s.nothing, nil
	case len(v.r.RequestURI) > maxURL:
		return nil, oauth.Refuse(oauth.ReasonParameterTooLong)
	case v.r.Method != http.MethodPost && v.r.Method != http.MethodPut:
		return handler, nil
	case v.route.isJSON:
		if !isJSON(v.r.Header) {
			return nil, oauth.Refuse(v.route.notJSON)
		}
		return handler, v.readBody()
	case v.route.anyForm && v.r.ContentLength == 0:
		return handler, nil
	case !isForm(v.r.Header):
		return nil, oauth.Refuse(oauth.ReasonContentType)
	}
	return handler, v.readBody()
}

// isForm: RFC 6749 §3.2, appendix B. A body in a coding that we would have to
// undo first is none, and neither is one in another character set.
func isForm(h http.Header) bool {
	types := h["Content-Type"]
	if len(types) != 1 || len(h["Content-Encoding"]) != 0 {
		return false
	}
	if types[0] == formType {
		return true
	}
	media, params, err := mime.ParseMediaType(types[0])
	charset, has := params["charset"]
	return err == nil && media == formType && (!has || strings.EqualFold(charset, "utf-8"))
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/json" && len(h["Content-Encoding"]) == 0
}

// bodies are buffers that a body is read into. What was in them may have been a
// password, so they are cleared before they are put back.
var bodies = sync.Pool{New: func() any { return new([maxBody + 1]byte) }}

// readBody reads the form of a post.
func (v *visit) readBody() *oauth.Error {
	if v.r.ContentLength > maxBody {
		return oauth.Refuse(oauth.ReasonBodyTooLarge)
	}
	buffer, _ := bodies.Get().(*[maxBody + 1]byte)
	n, err := readUp(v.r.Body, buffer[:])
	text := string(buffer[:n])
	clear(buffer[:n])
	bodies.Put(buffer)
	switch {
	case n > maxBody:
		return oauth.Refuse(oauth.ReasonBodyTooLarge)
	case !errors.Is(err, io.EOF):
		return oauth.Refuse(oauth.ReasonParameterMalformed).Because(err) // cut off, or too slow
	}
	v.body = text
	return nil
}

// readUp reads until the buffer is full or there is an error; io.EOF is the
// body's right end. io.ReadFull would not tell it from a body that was cut off.
func readUp(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}
