package web

import (
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// depart sends a browser to an upstream, to sign in there. It goes by a page: a policy
// holds form-action against redirects too, and where the upstream sends the browser on
// to is not ours to know.
func (s *site) depart(v *visit) {
	form, b, err := s.posted(v, forLogin)
	if err != nil {
		s.refuse(v, err)
		return
	}
	interaction := form.Get(pages.FieldInteraction)
	v.exit() // from here on it waits for somebody else, who has places of their own
	to, err := s.engine.Depart(v.r.Context(), form.Get(pages.FieldUpstream), interaction, b)
	if err != nil {
		s.upstreamFailed(v, interaction, err)
		return
	}
	s.page(v, http.StatusOK, pages.NewOnward(to))
}

// arrive takes the answer of an upstream, at the address that is that upstream's
// alone.
func (s *site) arrive(v *visit) {
	query, err := v.parameters()
	if err != nil {
		s.refuse(v, err)
		return
	}
	b, _ := s.browserSent(v)
	form := engine.ArrivalForm{
		Upstream: strings.TrimPrefix(v.r.URL.Path, s.arrivals), State: query.Get("state"), Code: query.Get("code"),
		Error: query.Get("error"), Issuer: query.Get("iss"),
	}
	v.exit()
	done, err := s.engine.Arrive(v.r.Context(), form, b)
	switch {
	case done.Link:
		s.linked(v, err)
		return
	case err != nil && done.OnTrip:
		s.upstreamFailed(v, done.Interaction, err)
		return
	case err != nil:
		s.refuse(v, err)
		return
	}
	s.signIn(v, done.Cookie)
	if done.Account {
		s.goTo(v, pages.PathAccount)
		return
	}
	v.onward = true
	s.goOn(v, done.Next, done.NextErr)
}

// upstreamFailed shows the sign-in page again, which says in a sentence of ours what
// the trouble was. Nothing that the upstream wrote is shown.
func (s *site) upstreamFailed(v *visit, interaction string, err *oauth.Error) {
	why := noticeOf(err)
	if why == "" {
		s.refuse(v, err)
		return
	}
	s.note(v, err)
	s.toLogin(v, interaction, why)
}

// noticeOf is what the sign-in page says about trouble with an upstream; "" for an
// error that the page is no help with.
func noticeOf(err *oauth.Error) pages.Notice {
	switch err.Reason {
	case oauth.ReasonUpstreamDenied:
		return pages.NoticeUpstreamDenied
	case oauth.ReasonUpstreamAway:
		return pages.NoticeUpstreamAway
	case oauth.ReasonForeignAccountUnknown, oauth.ReasonUserDisabled:
		return pages.NoticeUpstreamNobody
	case oauth.ReasonForeignAddressTaken:
		return pages.NoticeUpstreamTaken
	case oauth.ReasonForeignTokenAuthTime:
		return pages.NoticeUpstreamStale
	case oauth.ReasonTooManyAttempts:
		return pages.NoticeUpstreamSlow
	case oauth.ReasonUpstreamState, oauth.ReasonInteractionUnknown, oauth.ReasonInteractionExpired, oauth.ReasonInteractionUsed,
		oauth.ReasonInteractionOtherBrowser, oauth.ReasonDatabaseUnavailable, oauth.ReasonConflictPersists, oauth.ReasonInternal:
		return ""
	}
	return pages.NoticeUpstreamFailed
}

// departToLink sends a browser to an upstream, to link the account there.
func (s *site) departToLink(v *visit) {
	form, b, err := s.posted(v, forAccount)
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.exit()
	to, err := s.engine.DepartToLink(v.r.Context(), form.Get(pages.FieldUpstream), b)
	if err != nil {
		s.linked(v, err)
		return
	}
	s.page(v, http.StatusOK, pages.NewOnward(to))
}

// linked shows the account page after a trip to link an account, and says what came
// of it.
func (s *site) linked(v *visit, err *oauth.Error) {
	if err == nil {
		s.toAccount(v, pages.NoticeLinked)
		return
	}
	s.linkFailed(v, err, pages.NoticeLinkFailed)
}

func (s *site) linkFailed(v *visit, err *oauth.Error, why pages.Notice) {
	switch {
	case err.Reason == oauth.ReasonSignInNotRecent:
		s.note(v, err)
		s.goTo(v, pages.PathLogin, oauth.Param{Name: pages.FieldAgain, Value: pages.Checked}, oauth.Param{Name: fieldNotice, Value: string(pages.NoticeReauthenticate)})
		return
	case err.Code == oauth.LoginRequired:
		s.note(v, err)
		s.refuseAccount(v, err)
		return
	case err.Reason == oauth.ReasonUpstreamState, err.Code == oauth.ServerError, err.Reason == oauth.ReasonDatabaseUnavailable:
		s.refuse(v, err)
		return
	case err.Reason == oauth.ReasonForeignAccountLinked:
		why = pages.NoticeLinkTaken
	case err.Reason == oauth.ReasonLastWayIn:
		why = pages.NoticeLastWayIn
	}
	s.note(v, err)
	s.toAccount(v, why)
}

func (s *site) toAccount(v *visit, why pages.Notice) {
	s.goTo(v, pages.PathAccount, oauth.Param{Name: fieldNotice, Value: string(why)})
}

// unlink takes a foreign account from the user.
func (s *site) unlink(v *visit) {
	form, b, err := s.posted(v, forAccount)
	if err != nil {
		s.refuse(v, err)
		return
	}
	if err := s.engine.Unlink(v.r.Context(), form.Get(pages.FieldLink), b); err != nil {
		s.linkFailed(v, err, pages.NoticeLinkFailed)
		return
	}
	s.toAccount(v, pages.NoticeUnlinked)
}
