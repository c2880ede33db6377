package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// consentPage asks whether a client may have what it wants.
func (s *site) consentPage(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	b := s.browserOf(v)
	interaction := query.Get(pages.FieldInteraction)
	view, err := s.engine.ConsentPage(v.r.Context(), interaction, b)
	switch {
	case err != nil && err.Code == oauth.LoginRequired: // signed out meanwhile
		s.toLogin(v, interaction, pages.NoticeSessionExpired)
		return
	case err != nil:
		s.refuse(v, err)
		return
	}
	v.clientID, v.interaction, v.uiLocales = view.Client.ID, interaction, view.UILocales
	s.page(v, http.StatusOK, pages.Consent{
		Form:        s.form(forConsent, b, interaction),
		Client:      s.clientIn(v, view.Client),
		User:        userOf(view.User),
		Subject:     view.User.Sub,
		RedirectURI: view.RedirectURI,
		Scopes:      scopesOf(view.Scopes),
		Attributes:  view.Claims,
		Resources:   view.Resources,
		Lasts:       view.Lasts,
		Unassured:   view.Unassured,
	})
}

// consent takes the user's answer.
func (s *site) consent(v *visit) {
	form, b, err := s.posted(v, forConsent)
	if err != nil {
		s.refuse(v, err)
		return
	}
	interaction := form.Get(pages.FieldInteraction)
	switch decision := form.Get(pages.FieldDecision); decision {
	case pages.DecisionAllow, pages.DecisionDeny:
		answered := engine.ConsentForm{Allow: decision == pages.DecisionAllow, UserID: form.Get(pages.FieldUser)}
		answer, err := s.engine.Consent(v.r.Context(), interaction, answered, b)
		s.goOn(v, answer, err)
	case pages.DecisionSwitch:
		if err := s.engine.SwitchUser(v.r.Context(), b); err != nil && err.Code != oauth.LoginRequired {
			s.refuse(v, err)
			return
		}
		s.forget(v)
		s.toLogin(v, interaction, pages.NoticeSwitchAccount)
	default:
		s.refuse(v, oauth.Refuse(oauth.ReasonParameterMalformed))
	}
}
