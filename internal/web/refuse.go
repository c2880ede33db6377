package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// note takes an error into the visit's log line and sets the headers that go
// with it, wherever the answer leads.
func (s *site) note(v *visit, err *oauth.Error) {
	v.err, v.reference = err, s.engine.Reference(err)
	h := v.Header()
	h.Set("Error-Reference", v.reference)
	if err.RetryAfter > 0 {
		h.Set("Retry-After", retryAfter(err)) // RFC 9110 §10.2.3
	}
	if err.Reason == oauth.ReasonOverloaded {
		h.Set(headerComeBack, comeBack())
	}
}

// headerComeBack is a field of our own, beside Retry-After.
const headerComeBack = "Retry-After-Ms"

func retryAfter(err *oauth.Error) string { return strconv.FormatInt(seconds(err.RetryAfter), 10) }

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// refuse answers with an error in the style of the endpoint.
func (s *site) refuse(v *visit, err *oauth.Error) {
	switch v.route.style {
	case asJSON:
		s.note(v, err)
		if err.Code == oauth.InvalidClient {
			v.Header().Set("WWW-Authenticate", oauth.BasicChallenge(s.issuer.String())) // RFC 6749 §5.2
		}
		s.sendError(v, err)
	case asBearer:
		err = err.AtResource()
		s.note(v, err)
		if status := err.Status(); status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest {
			v.Header().Set("WWW-Authenticate", err.BearerChallenge(s.issuer.String(), v.neededScope(err))) // RFC 6750 §3
		}
		s.sendError(v, err)
	case asRegistration:
		s.note(v, err)
		if err.Status() == http.StatusUnauthorized {
			v.Header().Set("WWW-Authenticate", err.BearerChallenge(s.issuer.String(), nil)) // RFC 6750 §3
		}
		s.sendError(v, err)
	case asPage:
		s.note(v, err)
		s.failurePage(v, err)
	}
}

// neededScope: RFC 6750 §3.1, an insufficient_scope says what would do.
func (v *visit) neededScope(err *oauth.Error) oauth.Scopes {
	if err.Code != oauth.InsufficientScope {
		return nil
	}
	return oauth.NewScopes(v.route.scope)
}

// sendError writes the JSON of RFC 6749 §5.2.
func (s *site) sendError(v *visit, err *oauth.Error) {
	body := append(make([]byte, 0, 256), `{"error":"`...)
	body = append(body, err.Code...)
	body = append(body, `","error_description":"`...)
	body = append(body, err.Description...)
	s.sendJSON(v, err.Status(), append(body, `"}`...))
}

// failurePage is never 401: that asks for credentials of a scheme, and no browser
// has any to show here (RFC 9110 §15.5.2).
func (s *site) failurePage(v *visit, err *oauth.Error) {
	status := err.Status()
	if status == http.StatusUnauthorized {
		status = http.StatusBadRequest
	}
	s.page(v, status, pages.Failure{
		Code:        pageCode(err),
		Parameter:   err.Param,
		Description: err.Description,
		Reference:   v.reference,
	})
}

// pageCode is the machine word on an error page: the protocol's, or for what
// only happens on our own pages a word that the page has a sentence for.
func pageCode(err *oauth.Error) string {
	switch err.Reason {
	case oauth.ReasonInteractionUnknown, oauth.ReasonInteractionExpired, oauth.ReasonInteractionUsed, oauth.ReasonInteractionOtherBrowser,
		oauth.ReasonUpstreamState, oauth.ReasonUpstreamUnknown:
		return "interaction_expired"
	case oauth.ReasonFormTokenWrong, oauth.ReasonOriginForeign:
		return "form_expired"
	case oauth.ReasonSetupTokenWrong, oauth.ReasonSetupDone:
		return "invalid_setup_token"
	case oauth.ReasonSignUpOff:
		return "sign_up_off"
	}
	return string(err.Code)
}

// notFound answers for every path that is none of ours.
func (s *site) notFound(v *visit) {
	s.page(v, http.StatusNotFound, pages.Failure{Code: "not_found"})
}

// page sends a page. If it cannot be rendered the answer is bare, and the log
// has why.
func (s *site) page(v *visit, status int, page pages.Page) {
	s.keepLanguage(v)
	if err := s.pages.Write(v, status, s.languageOf(v), page); err != nil && v.status == 0 {
		s.note(v, oauth.Refuse(oauth.ReasonInternal).Because(err))
		s.sendError(v, v.err)
	}
}

// redirect sends a browser elsewhere, always with 303: after a form with a
// password no other status is safe. RFC 9700 §4.12.
func (s *site) redirect(v *visit, address string) {
	h := v.Header()
	pages.SecurityHeaders(h, s.issuer.IsHTTPS())
	h.Set("Location", address)
	h.Set("Content-Length", "0")
	v.WriteHeader(http.StatusSeeOther)
}

// goTo sends a browser to a page of ours. A relative address stays on the host
// that the browser already talks to.
func (s *site) goTo(v *visit, path string, query ...oauth.Param) {
	var b strings.Builder
	b.WriteString(s.issuer.Path() + path)
	for i, p := range query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(p.Name + "=" + queryEscape(p.Value))
	}
	s.redirect(v, b.String())
}
