package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/verify"
)

const pathBrowsers = "/browsers"

// browsersView is the page with all browsers that one user is signed in with.
type browsersView struct {
	Lines    []lineView
	Verifier *standing // nil: the API does not answer
	Ending   *ending
	Data     string // the server's data directory
	Other    string // where the application has another name, and this browser another jar of cookies
	Shape    string // what is there: while it stays, only texts change
	Said     string // for those who hear the page
}

// lineView is one of the browsers.
type lineView struct {
	Number   int
	Host     string
	Mine     bool
	Again    string // where its user signs in again, if a link leads there
	Calls    int
	Refusals int
	Good     bool
	Says     string // of the last call
	Took     string // its check
}

// Name is what the page calls it.
func (l lineView) Name() string { return fmt.Sprintf("Browser %d", l.Number) }

// browsersBody calls the API for every browser of the user, and shows what came
// of it.
func browsersBody(a *App, v *visit) any {
	ctx, own := v.r.Context(), v.session.line
	lines := a.sessions.lines(own)
	for _, l := range lines {
		a.look(ctx, l)
	}
	if own.revoked() {
		v.here.over = true
	}
	page := browsersView{Data: a.config.Data}
	if a.other != "" {
		page.Other = a.other + "/login?from=" + pathBrowsers
	}
	for _, l := range lines {
		one, ended := l.view(own)
		page.Lines = append(page.Lines, one)
		if ended != nil && (page.Ending == nil || ended.at.After(page.Ending.at)) {
			page.Ending = ended
		}
		page.Shape += fmt.Sprintf("%d%t%s ", one.Number, one.Good, one.Says)
		page.Said += one.Name() + ": " + one.Says + " "
	}
	if page.Ending != nil {
		page.Shape += page.Ending.Verdict
	}
	page.Verifier = a.askVerifier(ctx)
	page.Shape += fmt.Sprint(page.Verifier != nil)
	return page
}

// view is what a page of the browser with the line own shows of this one.
func (l *line) view(own *line) (lineView, *ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := lineView{
		Number: l.number, Host: l.host, Mine: l == own, Calls: l.calls, Refusals: l.refusals,
		Good: l.last.good(), Says: inWords(l.last), Took: brief(l.last.Took),
	}
	if l == own || l.host != own.host { // by a link to its own name this browser would only sign in itself
		v.Again = "http://" + l.host + "/login?from=" + pathBrowsers
	}
	return v, l.ending
}

// inWords is what came of a call.
func inWords(t tried) string {
	switch {
	case t.good():
		return "The API accepts its token."
	case t.Status == 0:
		return "The API does not answer."
	case t.Outcome == string(verify.Revoked):
		return "Refused: the access token was revoked."
	case t.Outcome == string(verify.TokenExpired):
		return "Refused: the access token has expired. The page before this one can renew it."
	default:
		return "Not accepted: " + status(t.Status) + "."
	}
}

// callBrowsers calls the API again, and answers with the part of the page that
// shows it.
func (a *App) callBrowsers(v *visit) {
	var part bytes.Buffer
	if err := a.templates["browsers"].ExecuteTemplate(&part, "board", browsersBody(a, v)); err != nil {
		a.config.Log.Error("demo app", "error", err)
		http.Error(v, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	v.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = v.Write(part.Bytes()) // a browser that has gone is no fault of ours
}

// askVerifier asks the API how its verifier stands; nil if it does not answer.
func (a *App) askVerifier(ctx context.Context) *standing {
	body, err := a.provider.get(ctx, a.config.API+"/verifier")
	if err != nil {
		a.config.Log.Error("demo app", "error", err)
		return nil
	}
	var s standing
	if err := json.Unmarshal(body, &s); err != nil {
		a.config.Log.Error("demo app", "error", err)
		return nil
	}
	return &s
}

// front is an endpoint of the server by the name of this machine that the browser
// uses for the application too.
func (a *App) front(endpoint string) string {
	if rest, ok := strings.CutPrefix(endpoint, a.config.Issuer); ok {
		return a.server + rest
	}
	return endpoint
}
