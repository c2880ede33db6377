package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// loginPage asks for identifier and password: for the request that waits, or
// for the account page if none does.
func (s *site) loginPage(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	b := s.browserOf(v)
	interaction := query.Get(pages.FieldInteraction)
	if interaction == "" && query.Get(pages.FieldAgain) == "" {
		if _, err := s.engine.Account(v.r.Context(), b); err == nil {
			s.goTo(v, pages.PathAccount)
			return
		}
	}
	page, err := s.loginFor(v, interaction, b)
	if err != nil {
		s.refuse(v, err)
		return
	}
	if why := pages.Notice(query.Get(fieldNotice)); page.Notice == "" || why.Overrides() {
		page.Notice = why
	}
	s.page(v, http.StatusOK, page)
}

// toLogin sends somebody to the sign-in page, for the request that waits if one
// does, and says why.
func (s *site) toLogin(v *visit, interaction string, why pages.Notice) {
	var query []oauth.Param
	if interaction != "" {
		query = append(query, oauth.Param{Name: pages.FieldInteraction, Value: interaction})
	}
	if why != "" {
		query = append(query, oauth.Param{Name: fieldNotice, Value: string(why)})
	}
	s.goTo(v, pages.PathLogin, query...)
}

// loginFor makes the page, with what the client hinted at.
func (s *site) loginFor(v *visit, interaction string, b engine.Browser) (pages.Login, *oauth.Error) {
	page := pages.Login{Form: s.form(forLogin, b, interaction), SignUp: s.engine.SignUpOpen() == nil}
	for _, u := range s.engine.Upstreams(v.r.Context()) {
		page.Upstreams = append(page.Upstreams, pages.Upstream{ID: u.ID, Name: u.Name})
	}
	if interaction == "" {
		return page, nil
	}
	view, err := s.engine.LoginPage(v.r.Context(), interaction, b)
	if err != nil {
		return pages.Login{}, err
	}
	v.clientID, v.interaction, v.uiLocales = view.Client.ID, interaction, view.UILocales
	page.Client, page.RedirectURI, page.Identifier = s.clientIn(v, view.Client), view.RedirectURI, view.LoginHint
	if view.Reauthenticate {
		page.Notice = pages.NoticeReauthenticate
	}
	return page, nil
}

// login takes the form of the sign-in page.
func (s *site) login(v *visit) {
	form, b, err := s.posted(v, forLogin)
	if err != nil {
		s.refuse(v, err)
		return
	}
	asked := engine.LoginForm{
		Interaction: form.Get(pages.FieldInteraction),
		Identifier:  form.Get(pages.FieldIdentifier),
		Password:    form.Get(pages.FieldPassword),
	}
	done, err := s.engine.Login(v.r.Context(), asked, b)
	if err != nil {
		s.loginAgain(v, asked, b, err)
		return
	}
	s.signIn(v, done.Cookie)
	if done.Account {
		s.goTo(v, pages.PathAccount)
		return
	}
	s.goOn(v, done.Next, done.NextErr)
}

// loginAgain shows the page once more with what went wrong. An unknown account
// and a wrong password look the same: of the request only the identifier that
// was typed comes back.
func (s *site) loginAgain(v *visit, asked engine.LoginForm, b engine.Browser, err *oauth.Error) {
	problem, status := problemOf(err)
	if status == 0 {
		s.refuse(v, err)
		return
	}
	page, gone := s.loginFor(v, asked.Interaction, b)
	if gone != nil {
		s.refuse(v, gone)
		return
	}
	s.note(v, err)
	page.Identifier, page.Problem, page.Notice = asked.Identifier, problem, ""
	s.page(v, status, page)
}

// problemOf turns an error into what a form says about it, and the status of the
// answer; 0 for an error that is no fault of the form's. It is 422 (RFC 9110
// §15.5.21), not 401: a form is no authentication scheme that WWW-Authenticate,
// obligatory with 401, could name; and not 200, so that no password manager
// takes it for a success.
func problemOf(err *oauth.Error) (pages.Problem, int) {
	kind := map[oauth.Reason]pages.ProblemKind{
		oauth.ReasonCredentialsWrong:     pages.ProblemCredentials,
		oauth.ReasonPasswordTooShort:     pages.ProblemTooShort,
		oauth.ReasonPasswordTooLong:      pages.ProblemTooLong,
		oauth.ReasonPasswordCommon:       pages.ProblemGuessable,
		oauth.ReasonPasswordContext:      pages.ProblemGuessable,
		oauth.ReasonPasswordCurrentWrong: pages.ProblemCurrentPassword,
	}[err.Reason]
	switch {
	case err.Reason == oauth.ReasonTooManyAttempts:
		return pages.Problem{Kind: pages.ProblemThrottled, Wait: err.RetryAfter}, err.Status()
	case kind == "":
		return pages.Problem{}, 0
	}
	return pages.Problem{Kind: kind}, http.StatusUnprocessableEntity
}

func userOf(view engine.UserView) pages.User {
	return pages.User{Name: view.Name, Identifier: view.Email}
}

func scopesOf(names []string) []pages.Scope {
	scopes := make([]pages.Scope, len(names))
	for i, name := range names {
		scopes[i].Name = name
	}
	return scopes
}
