package web

import (
	"net/http"
	"net/url"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// fieldNotice is what was just done, a word that the page knows a sentence for.
const fieldNotice = "notice"

// accountPage shows the user where they are signed in and what may act for them.
func (s *site) accountPage(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	b := s.browserOf(v)
	page, err := s.accountOf(v, b)
	if err != nil {
		s.refuseAccount(v, err)
		return
	}
	page.Notice = pages.Notice(query.Get(fieldNotice))
	s.page(v, http.StatusOK, page)
}

func (s *site) accountOf(v *visit, b engine.Browser) (pages.Account, *oauth.Error) {
	view, err := s.engine.Account(v.r.Context(), b)
	if err != nil {
		return pages.Account{}, err
	}
	page := pages.Account{
		Form:            s.form(forAccount, b, ""),
		Now:             s.engine.Now(),
		User:            userOf(view.User),
		Subject:         view.User.Sub,
		EmailVerified:   view.User.EmailVerified,
		PasswordMinimum: s.engine.PasswordMinimum(),
	}
	for _, x := range view.Sessions {
		page.Sessions = append(page.Sessions, pages.Session{
			ID: x.ID, UserAgent: x.Agent, SignedIn: x.SignedIn, Seen: x.Seen, Current: x.Current,
		})
	}
	page.Password, page.Lately = view.Password, view.Lately
	for _, x := range view.Links {
		page.Links = append(page.Links, pages.Link{ID: x.ID, Name: x.Name, Since: x.Since})
	}
	for _, x := range view.Upstreams {
		page.Upstreams = append(page.Upstreams, pages.Upstream{ID: x.ID, Name: x.Name})
	}
	for _, x := range view.Apps {
		page.Apps = append(page.Apps, pages.App{
			ID: x.Client.ID, Client: s.clientIn(v, x.Client), Scopes: scopesOf(x.Scopes), Attributes: x.Claims, Since: x.Since,
			Start: s.startAt(x.Client.InitiateLoginURI),
		})
	}
	return page, nil
}

// startAt is where a user goes who wants to begin at a client: OpenID Connect Core
// §4, "iss REQUIRED. Issuer Identifier for the Issuer that the RP is to send the
// Authentication Request to". Empty: the client has no such place.
func (s *site) startAt(initiateLoginURI string) string {
	u, err := url.Parse(initiateLoginURI)
	if err != nil || initiateLoginURI == "" {
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "iss=" + queryEscape(s.issuer.String())
	return u.String()
}

// refuseAccount sends somebody who is not signed in, or no longer, to the
// sign-in page.
func (s *site) refuseAccount(v *visit, err *oauth.Error) {
	if err.Code != oauth.LoginRequired {
		s.refuse(v, err)
		return
	}
	var why pages.Notice
	if s.cookie(v, s.cookies.session) != "" {
		why = pages.NoticeSessionExpired
	}
	s.forget(v)
	s.toLogin(v, "", why)
}

// act runs one act on the account, and shows the page again with a notice.
func (s *site) act(v *visit, notice pages.Notice, run func(oauth.Form, engine.Browser) *oauth.Error) {
	form, b, err := s.posted(v, forAccount)
	if err != nil {
		s.refuse(v, err)
		return
	}
	if err := run(form, b); err != nil {
		s.refuseAccount(v, err)
		return
	}
	s.goTo(v, pages.PathAccount, oauth.Param{Name: fieldNotice, Value: string(notice)})
}

// endOwnSession ends one of the user's browsers.
func (s *site) endOwnSession(v *visit) {
	s.act(v, pages.NoticeSessionEnded, func(form oauth.Form, b engine.Browser) *oauth.Error {
		return s.engine.EndOwnSession(v.r.Context(), form.Get(pages.FieldSession), b)
	})
}

// removeApp takes back what the user lets a client do.
func (s *site) removeApp(v *visit) {
	s.act(v, pages.NoticeAppRemoved, func(form oauth.Form, b engine.Browser) *oauth.Error {
		return s.engine.RemoveApp(v.r.Context(), form.Get(pages.FieldClient), b)
	})
}

// changePassword replaces the password.
func (s *site) changePassword(v *visit) {
	form, b, err := s.posted(v, forAccount)
	if err != nil {
		s.refuse(v, err)
		return
	}
	asked := engine.ChangePasswordForm{
		Current:       form.Get(pages.FieldCurrentPassword),
		New:           form.Get(pages.FieldNewPassword),
		SignOutOthers: form.Get(pages.FieldSignOutOthers) == pages.Checked,
	}
	cookie, err := s.engine.ChangePassword(v.r.Context(), asked, b)
	if err != nil {
		s.accountAgain(v, b, err)
		return
	}
	s.signIn(v, cookie)
	notice := pages.NoticePasswordChanged
	if asked.SignOutOthers {
		notice = pages.NoticeOthersSignedOut
	}
	s.goTo(v, pages.PathAccount, oauth.Param{Name: fieldNotice, Value: string(notice)})
}

// accountAgain shows the page once more with what is wrong with the change.
func (s *site) accountAgain(v *visit, b engine.Browser, err *oauth.Error) {
	problem, status := problemOf(err)
	if status == 0 {
		s.refuseAccount(v, err)
		return
	}
	page, gone := s.accountOf(v, b)
	if gone != nil {
		s.refuseAccount(v, gone)
		return
	}
	s.note(v, err)
	page.Problem = problem
	page.Problem.Minimum = s.engine.PasswordMinimum()
	s.page(v, status, page)
}

// signOut ends this browser's session, or everything of the user everywhere.
func (s *site) signOut(v *visit) {
	form, b, err := s.posted(v, forAccount)
	if err != nil {
		s.refuse(v, err)
		return
	}
	switch form.Get(pages.FieldSignOut) {
	case pages.SignOutHere:
		err = s.engine.SignOut(v.r.Context(), b)
	case pages.SignOutEverywhere:
		err = s.engine.SignOutEverywhere(v.r.Context(), b)
	default:
		err = oauth.Refuse(oauth.ReasonParameterMalformed)
	}
	if err != nil {
		s.refuseAccount(v, err)
		return
	}
	s.forget(v)
	s.page(v, http.StatusOK, pages.SignedOut{})
}
