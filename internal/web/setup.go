package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// linkToken is the query parameter of the setup link.
const linkToken = "token"

// SetupLink is the address at which the first user is made, to be printed once.
func SetupLink(issuer oauth.Issuer, token string) string {
	return issuer.Endpoint(pages.PathSetup) + "?" + linkToken + "=" + queryEscape(token)
}

// setupPage asks for the first user.
func (s *site) setupPage(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	token := query.Get(linkToken)
	if err := s.engine.SetupOpen(v.r.Context(), token); err != nil {
		s.refuse(v, err)
		return
	}
	s.page(v, http.StatusOK, s.setupFor(s.browserOf(v), token, ""))
}

func (s *site) setupFor(b engine.Browser, token, email string) pages.Setup {
	return pages.Setup{
		Form:            s.form(forSetup, b, ""),
		SetupToken:      token,
		Email:           email,
		PasswordMinimum: s.engine.PasswordMinimum(),
	}
}

// setup makes the first user.
func (s *site) setup(v *visit) {
	form, b, err := s.posted(v, forSetup)
	if err != nil {
		s.refuse(v, err)
		return
	}
	asked := engine.SetupForm{
		Token:    form.Get(pages.FieldSetupToken),
		Email:    form.Get(pages.FieldEmail),
		Password: form.Get(pages.FieldNewPassword),
	}
	page := s.setupFor(b, asked.Token, asked.Email)
	if asked.Password != form.Get(pages.FieldConfirmPassword) {
		// Not before the token: a stranger learns nothing here.
		if err := s.engine.SetupOpen(v.r.Context(), asked.Token); err != nil {
			s.refuse(v, err)
			return
		}
		page.Problem = pages.Problem{Kind: pages.ProblemMismatch}
		s.page(v, http.StatusUnprocessableEntity, page)
		return
	}
	err = s.engine.Setup(v.r.Context(), asked)
	if err == nil {
		s.goTo(v, pages.PathSetupDone) // loading that again does not send the form again
		return
	}
	problem, status := s.setupProblem(err)
	if status == 0 {
		s.refuse(v, err)
		return
	}
	s.note(v, err)
	page.Problem = problem
	s.page(v, status, page)
}

// setupProblem is problemOf for a form that makes a user.
func (s *site) setupProblem(err *oauth.Error) (pages.Problem, int) {
	if err.Param == pages.FieldEmail {
		return pages.Problem{Kind: pages.ProblemEmail}, http.StatusUnprocessableEntity
	}
	problem, status := problemOf(err)
	problem.Minimum = s.engine.PasswordMinimum()
	return problem, status
}

// setupDone says what to do next. There is nothing secret on it.
func (s *site) setupDone(v *visit) { s.page(v, http.StatusOK, pages.SetupDone{}) }
