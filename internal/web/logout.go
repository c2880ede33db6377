package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// endSession is the end-session endpoint. OpenID Connect RP-Initiated Logout §2:
// GET and POST alike.
func (s *site) endSession(v *visit) {
	form, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	if s.again(v, oauth.PathEndSession) {
		return
	}
	s.logOut(v, form, s.browserOf(v), false)
}

// logoutPage is the same for somebody who comes by themself.
func (s *site) logoutPage(v *visit) { s.logOut(v, oauth.Form{}, s.browserOf(v), false) }

// logout takes the answer of the confirmation page, in which the client's
// request has travelled.
func (s *site) logout(v *visit) {
	form, b, err := s.posted(v, forLogout)
	if err != nil {
		s.refuse(v, err)
		return
	}
	switch form.Get(pages.FieldDecision) {
	case pages.DecisionLogout:
		s.logOut(v, form, b, true)
	case pages.DecisionCancel:
		s.goTo(v, pages.PathAccount)
	default:
		s.refuse(v, oauth.Refuse(oauth.ReasonParameterMalformed))
	}
}

// logOut asks, or signs out and goes on to where the client wanted.
func (s *site) logOut(v *visit, form oauth.Form, b engine.Browser, confirmed bool) {
	request, err := oauth.ParseLogoutRequest(form)
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.uiLocales = request.UILocales
	answer, err := s.engine.Logout(v.r.Context(), &request, confirmed, b)
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.clientID = answer.Client.ID
	if answer.SignedOut {
		s.forget(v)
	}
	switch {
	case answer.Ask:
		if answer.Client.ID == "" {
			request.PostLogoutRedirectURI, request.State = "", "" // nobody's: neither is gone to, nor told again
		}
		s.page(v, http.StatusOK, pages.Logout{
			Form:       s.form(forLogout, b, ""),
			User:       userOf(answer.User),
			Client:     s.clientIn(v, answer.Client),
			Parameters: logoutParameters(&request),
		})
	case answer.To != "" && !confirmed:
		s.redirect(v, answer.To)
	default:
		// After a question the user goes on by a link: Chromium would hold a
		// redirect against the question's form-action.
		s.page(v, http.StatusOK, pages.SignedOut{Client: s.clientIn(v, answer.Client), Continue: answer.To})
	}
}

// logoutParameters is the request as the confirmation page carries it.
func logoutParameters(q *oauth.LogoutRequest) []pages.Parameter {
	var parameters []pages.Parameter
	for _, p := range []pages.Parameter{
		{Name: "id_token_hint", Value: q.IDTokenHint},
		{Name: "logout_hint", Value: q.LogoutHint},
		{Name: "client_id", Value: q.ClientID},
		{Name: "post_logout_redirect_uri", Value: q.PostLogoutRedirectURI},
		{Name: "state", Value: q.State},
		{Name: "ui_locales", Value: q.UILocales},
	} {
		if p.Value != "" {
			parameters = append(parameters, p)
		}
	}
	return parameters
}
