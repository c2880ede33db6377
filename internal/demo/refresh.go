package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// renewal is what a refresh changed.
type renewal struct {
	Hop     hop
	Checks  []Check
	Changed []difference
	Same    []string // what did not
}

// difference is one thing before and after a refresh.
type difference struct {
	Token, Name   string
	Before, After string
	Says          string
}

// replay is what an older refresh token brought.
type replay struct {
	Title     string
	Hop       hop
	Code      string // the error; empty: it was answered
	Reference string // what mintmark explain takes
	Data      string // and where it finds the server
	Ended     bool
}

// refreshView is what may be tried with refresh tokens.
type refreshView struct {
	Old    int // how many were replaced
	Last   *renewal
	Replay *replay
	Ends   string // the access token does
}

func refreshBody(_ *App, v *visit) any {
	here := v.here
	return refreshView{Old: len(here.old), Last: here.renewal, Replay: here.replay, Ends: endOf(here.tokens.Access)}
}

// endOf is when a token expires, in words.
func endOf(token string) string {
	report, err := inspect.Token(token, time.Now())
	if err != nil {
		return "nobody can say when"
	}
	ends, _ := member(report.Claims, "exp")
	return orNone(ends.Words)
}

// refresh trades the refresh token for new tokens.
func (a *App) refresh(v *visit) {
	before := v.here.tokens
	got, err := a.renew(v.r.Context(), before.Refresh)
	if err != nil {
		a.unreached(v, err)
		return
	}
	if got.status != http.StatusOK {
		a.refusedRefresh(v, got)
		return
	}
	after, err := tokensOf(got, before)
	if err != nil {
		a.unreached(v, err)
		return
	}
	_, held, err := a.provider.checkIDToken(v.r.Context(), after.ID, expected{
		clientID: a.config.ClientID, nonce: v.here.nonce, subject: v.here.subject, authTime: v.here.authTime, access: after.Access,
	}, time.Now())
	if err != nil {
		a.unreached(v, err)
		return
	}
	if !held.allHold() {
		a.fail(v, http.StatusBadGateway, failure{Title: "The new ID token is not what it should be", Checks: held, Says: "The application keeps what it had."})
		return
	}
	v.took(after)
	v.here.replay = nil
	v.here.renewal = compare(before, after, time.Now())
	v.here.renewal.Checks = held
	v.here.renewal.Hop = refreshHop("The refresh token and the client's secret: whoever has only one of them gets nothing.", got.status)
	http.Redirect(v, v.r, "/refresh#result", http.StatusSeeOther)
}

func refreshHop(says string, status int) hop {
	return hop{From: "The app", To: "Mintmark", Line: "POST " + oauth.PathToken + " grant_type=refresh_token", Says: says, Status: status}
}

// took replaces the tokens and remembers what it replaced, for the curious. A real
// application forgets it.
func (v *visit) took(after tokens) {
	here := v.here
	if after.Refresh != here.tokens.Refresh {
		here.old = append(here.old, here.tokens.Refresh)
		if len(here.old) > maxOldTokens {
			here.old = slices.Delete(here.old, 1, 2)
		}
	}
	here.tokens = after
	v.session.line.renew(after.Access)
}

// renew presents a refresh token.
func (a *App) renew(ctx context.Context, token string) (*reply, error) {
	metadata, err := a.provider.discover(ctx)
	if err != nil {
		return nil, err
	}
	got, err := a.ask(ctx, metadata.TokenEndpoint, url.Values{
		"grant_type":    {oauth.GrantRefreshToken},
		"refresh_token": {token},
	})
	if err != nil {
		return nil, fmt.Errorf("refreshing: %w", err)
	}
	return got, nil
}

// refusedRefresh: invalid_grant ends the sign-in here too; anything else is
// passing, and the tokens are kept.
func (a *App) refusedRefresh(v *visit, got *reply) {
	if got.failure() != string(oauth.InvalidGrant) {
		a.unreached(v, fmt.Errorf("refreshing: %s", got.failure()))
		return
	}
	v.here.over = true
	v.here.replay = &replay{
		Title: "The refresh token was refused", Code: got.failure(), Reference: got.reference, Data: a.config.Data, Ended: true,
		Hop: refreshHop("What it hangs from has ended: the sign-in, the permission, or the account.", got.status),
	}
	http.Redirect(v, v.r, "/refresh#replay", http.StatusSeeOther)
}

// replayOldest presents a refresh token that was replaced: the last one, as after
// a lost answer, or the first one, as a thief would.
func (a *App) replayOldest(v *visit) {
	var token string
	tried := replay{Data: a.config.Data}
	switch old, choice := v.here.old, v.r.PostFormValue("choice"); {
	case choice == "previous" && len(old) > 0:
		token, tried.Title = old[len(old)-1], "The one before, again"
	case choice == "first" && len(old) > 1:
		token, tried.Title = old[0], "The first one, again"
	default:
		a.fail(v, http.StatusBadRequest, failure{Title: "There is no such token", Says: "Refresh first: then there is an older one to try."})
		return
	}
	got, err := a.renew(v.r.Context(), token)
	if err != nil {
		a.unreached(v, err)
		return
	}
	tried.Reference = got.reference
	switch {
	case got.status == http.StatusOK:
		after, err := tokensOf(got, v.here.tokens)
		if err != nil {
			a.unreached(v, err)
			return
		}
		v.took(after)
		tried.Hop = refreshHop("It was replaced a moment ago, so the app may simply not have got the answer. It gets the very same successor again: no second line of tokens begins, and nobody is signed out for a lost packet.", got.status)
	case got.failure() == string(oauth.InvalidGrant):
		v.here.over, tried.Ended, tried.Code = true, true, got.failure()
		tried.Hop = refreshHop("It was replaced more than once: somebody holds a copy. Mintmark cannot tell the owner from the thief, so it ends the grant: no token of it works any more, the newest included, neither at Mintmark nor at the API.", got.status)
	default:
		a.unreached(v, fmt.Errorf("refreshing: %s", got.failure()))
		return
	}
	v.here.replay = &tried
	http.Redirect(v, v.r, "/refresh#replay", http.StatusSeeOther)
}

// compare says what a refresh changed, claim by claim.
func compare(before, after tokens, now time.Time) *renewal {
	r := &renewal{}
	r.token("Access token", before.Access, after.Access, now)
	r.token("ID token", before.ID, after.ID, now)
	r.token("Refresh token", before.Refresh, after.Refresh, now)
	return r
}

// changes says why a claim is another one after a refresh.
var changes = map[string]string{
	"iat":        "made just now",
	"exp":        "a new lifetime; those of access tokens differ by up to a twentieth, so that not all apps refresh at once",
	"jti":        "another token, with a name of its own",
	"rvs":        "everything it hangs from was looked at again, as of now",
	"at_hash":    "it goes with the new access token",
	"nonce":      "only the first ID token answers a request of the browser",
	"generation": "the one before is used up",
}

func (r *renewal) token(name, before, after string, now time.Time) {
	if before == after {
		r.Same = append(r.Same, "the whole "+name)
		return
	}
	old, oldErr := inspect.Token(before, now)
	made, newErr := inspect.Token(after, now)
	if oldErr != nil || newErr != nil {
		r.Changed = append(r.Changed, difference{Token: name, Name: "all of it", Before: short(before), After: short(after)})
		return
	}
	for _, m := range made.Claims {
		switch was, found := member(old.Claims, m.Name); {
		case m.Name == "tag" || m.Name == "checksum": // of the refresh token; they follow from the rest
		case !found || said(was) != said(m):
			r.Changed = append(r.Changed, difference{name, m.Name, orNone(said(was)), said(m), changes[m.Name]})
		case !slices.Contains(r.Same, m.Name):
			r.Same = append(r.Same, m.Name)
		}
	}
	for _, was := range old.Claims {
		if _, found := member(made.Claims, was.Name); !found {
			r.Changed = append(r.Changed, difference{name, was.Name, said(was), "none", changes[was.Name]})
		}
	}
}

func member(list []inspect.Member, name string) (inspect.Member, bool) {
	i := slices.IndexFunc(list, func(m inspect.Member) bool { return m.Name == name })
	if i < 0 {
		return inspect.Member{}, false
	}
	return list[i], true
}

// said is what a member says, a time in words.
func said(m inspect.Member) string {
	if m.Words != "" {
		return m.Words
	}
	return m.Value
}
