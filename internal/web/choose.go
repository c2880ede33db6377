package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// choosePage asks which account to go on with. A browser is signed in to one at a
// time: it is that one, or a sign-in with another.
func (s *site) choosePage(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	b := s.browserOf(v)
	interaction := query.Get(pages.FieldInteraction)
	view, err := s.engine.ChoosePage(v.r.Context(), interaction, b)
	switch {
	case err != nil && err.Code == oauth.LoginRequired: // signed out meanwhile
		s.toLogin(v, interaction, pages.NoticeSessionExpired)
		return
	case err != nil:
		s.refuse(v, err)
		return
	}
	v.clientID, v.interaction, v.uiLocales = view.Client.ID, interaction, view.UILocales
	s.page(v, http.StatusOK, pages.Choose{
		Form:        s.form(forChoice, b, interaction),
		Client:      s.clientIn(v, view.Client),
		User:        userOf(view.User),
		Subject:     view.User.Sub,
		RedirectURI: view.RedirectURI,
	})
}

// choose takes the answer. Another account is signed in to before the one that is
// there ends: whoever thinks better of it is still signed in.
func (s *site) choose(v *visit) {
	form, b, err := s.posted(v, forChoice)
	if err != nil {
		s.refuse(v, err)
		return
	}
	interaction := form.Get(pages.FieldInteraction)
	switch form.Get(pages.FieldDecision) {
	case pages.DecisionContinue:
		answer, err := s.engine.Choose(v.r.Context(), interaction, engine.ChooseForm{UserID: form.Get(pages.FieldUser)}, b)
		s.goOn(v, answer, err)
	case pages.DecisionSwitch:
		s.toLogin(v, interaction, pages.NoticeSwitchAccount)
	default:
		s.refuse(v, oauth.Refuse(oauth.ReasonParameterMalformed))
	}
}
