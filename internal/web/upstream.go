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
