package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// authorize is the authorization endpoint. RFC 6749 §3.1, OpenID Connect Core
// §3.1.2.1: GET and POST alike.
func (s *site) authorize(v *visit) {
	form, fault := v.parameters()
	if fault == nil && s.again(v, oauth.PathAuthorize) {
		return
	}
	form, bad := s.engine.Unfold(v.r.Context(), form)
	request, fault := oauth.ParseAuthorizationRequest(form)
	if bad != nil && (fault == nil || !fault.StaysHere()) {
		fault = bad
	}
	v.clientID, v.uiLocales = request.ClientID, request.UILocales
	b, known := s.browserSent(v)
	answer, err := s.engine.Authorize(v.r.Context(), &request, fault, b)
	if !known && answer.Page != engine.PageNone {
		s.remember(v, b) // only a page that waits must be answered in the browser that it was shown in
	}
	s.goOn(v, answer, err)
}

// parameters reads those of a GET from its query and those of a POST from its
// body.
func (v *visit) parameters() (oauth.Form, *oauth.Error) {
	if v.r.Method == http.MethodPost {
		return oauth.ParseForm(v.body)
	}
	return oauth.ParseForm(v.r.URL.RawQuery)
}

// again turns a post without a session into a GET of the same request: our
// cookies are Lax, so a cross-site post comes without them though they may be
// there. What does not fit into a URL goes on as somebody not signed in.
func (s *site) again(v *visit, path string) bool {
	if v.r.Method != http.MethodPost || s.cookie(v, s.cookies.session) != "" {
		return false
	}
	address := s.issuer.Path() + path + "?" + printable(v.body)
	if len(address) > maxURL {
		return false
	}
	s.redirect(v, address)
	return true
}

// printable makes a form's text fit for a URL: the parser is less strict.
func printable(text string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c >= 0x7f, c == '"', c == '#', c == '<', c == '>', c == '\\', c == '^', c == '`', c == '{', c == '|', c == '}':
			b = append(b, '%', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// goOn takes a browser to where its authorization request leads: to a page of
// ours, or back to the client with a code or an error, or nowhere.
func (s *site) goOn(v *visit, answer engine.AuthorizeAnswer, err *oauth.Error) {
	v.clientID = oneOf(v.clientID, answer.ClientID)
	switch {
	case err != nil && !answer.CanRedirect:
		s.refuse(v, err) // RFC 6749 §4.1.2.1: never a redirect
	case err != nil:
		s.note(v, err)
		s.answer(v, answer, err.Params(answer.State, s.issuer))
	case answer.Page == engine.PageLogin:
		s.toLogin(v, answer.Interaction, "")
	case answer.Page == engine.PageSignUp:
		s.goTo(v, pages.PathSignUp, oauth.Param{Name: pages.FieldInteraction, Value: answer.Interaction})
	case answer.Page == engine.PageConsent:
		s.goTo(v, pages.PathConsent, oauth.Param{Name: pages.FieldInteraction, Value: answer.Interaction})
	case answer.Page == engine.PageChoose:
		s.goTo(v, pages.PathChoose, oauth.Param{Name: pages.FieldInteraction, Value: answer.Interaction})
	default:
		s.answer(v, answer, s.codeParams(answer))
	}
}

// codeParams: RFC 6749 §4.1.2, state returned exactly; RFC 9207 §2, iss.
func (s *site) codeParams(answer engine.AuthorizeAnswer) []oauth.Param {
	params := []oauth.Param{{Name: "code", Value: answer.Code}}
	if answer.State != "" {
		params = append(params, oauth.Param{Name: "state", Value: answer.State})
	}
	return append(params, oauth.Param{Name: "iss", Value: s.issuer.String()})
}

// answer sends the authorization response in the mode that the client asked for.
func (s *site) answer(v *visit, answer engine.AuthorizeAnswer, params []oauth.Param) {
	if answer.Mode != oauth.ResponseFormPost && v.onward {
		s.page(v, http.StatusOK, pages.NewOnward(answer.To.WithQuery(params)))
		return
	}
	if answer.Mode != oauth.ResponseFormPost {
		s.redirect(v, answer.To.WithQuery(params))
		return
	}
	fields := make([]pages.Parameter, len(params))
	for i, p := range params {
		fields[i] = pages.Parameter{Name: p.Name, Value: p.Value}
	}
	page, err := pages.NewFormPost(answer.To.String(), fields)
	if err != nil { // an application's own scheme: no browser posts there
		s.refuse(v, oauth.Refuse(oauth.ReasonResponseModeUnsupported).With("response_mode").Because(err))
		return
	}
	s.page(v, http.StatusOK, page)
}
