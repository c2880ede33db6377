package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// signUpPage asks for the address and the password of a new account: for the
// request that waits, or for the account page if none does.
func (s *site) signUpPage(v *visit) {
	query, err := v.parameters()
	if err == nil {
		err = s.engine.SignUpOpen()
	}
	if err != nil {
		s.refuse(v, err)
		return
	}
	page, err := s.signUpFor(v, query.Get(pages.FieldInteraction), s.browserOf(v))
	if err != nil {
		s.refuse(v, err)
		return
	}
	s.page(v, http.StatusOK, page)
}

// signUpFor makes the page. What it says of the client is what the sign-in page
// says.
func (s *site) signUpFor(v *visit, interaction string, b engine.Browser) (pages.SignUp, *oauth.Error) {
	login, err := s.loginFor(v, interaction, b)
	return pages.SignUp{
		Form:            s.form(forSignUp, b, interaction),
		Client:          login.Client,
		RedirectURI:     login.RedirectURI,
		Email:           login.Identifier,
		PasswordMinimum: s.engine.PasswordMinimum(),
	}, err
}

// signUp takes the form. Whether the account was made or the address was taken,
// the next page is the same: the one to sign in on.
func (s *site) signUp(v *visit) {
	form, b, err := s.posted(v, forSignUp)
	if err != nil {
		s.refuse(v, err)
		return
	}
	asked := engine.SignUpForm{
		Interaction: form.Get(pages.FieldInteraction),
		Email:       form.Get(pages.FieldEmail),
		Password:    form.Get(pages.FieldNewPassword),
	}
	if err := s.engine.SignUp(v.r.Context(), asked, b); err != nil {
		s.signUpAgain(v, asked, b, err)
		return
	}
	page, err := s.loginFor(v, asked.Interaction, b)
	if err != nil {
		s.refuse(v, err)
		return
	}
	page.Identifier, page.Notice = asked.Email, pages.NoticeSignedUp
	s.page(v, http.StatusOK, page)
}

// signUpAgain shows the page once more with what is wrong.
func (s *site) signUpAgain(v *visit, asked engine.SignUpForm, b engine.Browser, err *oauth.Error) {
	problem, status := s.setupProblem(err)
	if status == 0 {
		s.refuse(v, err)
		return
	}
	page, gone := s.signUpFor(v, asked.Interaction, b)
	if gone != nil {
		s.refuse(v, gone)
		return
	}
	s.note(v, err)
	page.Email, page.Problem = asked.Email, problem
	s.page(v, status, page)
}
