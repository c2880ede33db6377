//go:build external

package browser

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// patience is how long anything may take on a busy machine. Nothing waits for it
// to pass.
const patience = 30 * time.Second

// tab is a tab of a browser, and what was seen in it. Whatever Chromium has to
// complain about in it fails the test: errors and warnings on the console, CSP
// violations, exceptions, issues, insecure content.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp's handle of a tab is a context
	at  document        // the page that was arrived at

	profile cdp.BrowserContextID // the browser that it belongs to

	mu     sync.Mutex
	next   document      // is being loaded
	loaded chan document // were loaded, in order
	faults []string
}

// document is a page and the status that it came with.
type document struct {
	url    string
	status int
}

// newTab opens a tab in a browser of its own: nobody is signed in.
func newTab(t *testing.T, scripts bool) *tab {
	t.Helper()
	c, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	asked := cdp.WithExecutor(c.ctx, chromedp.FromContext(c.ctx).Browser)
	profile, err := target.CreateBrowserContext().Do(asked)
	if err != nil {
		t.Fatalf("making a profile: %v", err)
	}
	t.Cleanup(func() {
		if err := target.DisposeBrowserContext(profile).Do(asked); err != nil {
			t.Errorf("removing a profile: %v", err)
		}
	})
	return openTab(c.ctx, t, profile, scripts)
}

// another opens a second tab of the same browser.
func (b *tab) another(scripts bool) *tab {
	b.t.Helper()
	return openTab(b.ctx, b.t, b.profile, scripts)
}

// openTab makes the tab itself: Chromium wants a window for the first one of a
// profile, and chromedp does not ask for it.
func openTab(parent context.Context, t *testing.T, profile cdp.BrowserContextID, scripts bool) *tab {
	t.Helper()
	asked := cdp.WithExecutor(parent, chromedp.FromContext(parent).Browser)
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(asked)
	if err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithTargetID(id))
	b := &tab{t: t, ctx: ctx, profile: profile, loaded: make(chan document, 100)}
	t.Cleanup(func() {
		closeTab()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			t.Errorf("Chromium complains: %s", fault)
		}
	})
	chromedp.ListenTarget(ctx, b.see)
	err = chromedp.Run(ctx, audits.Enable(), security.Enable(),
		emulation.SetFocusEmulationEnabled(true), // each tab thinks that it is in front
		emulation.SetScriptExecutionDisabled(!scripts))
	if err != nil {
		t.Fatalf("preparing a tab: %v", err)
	}
	return b
}

// see takes an event from Chromium.
func (b *tab) see(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complain := func(format string, args ...any) {
		b.faults = append(b.faults, fmt.Sprintf(format, args...)+" (on "+b.next.url+")")
	}
	switch e := event.(type) {
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.next.status = int(e.Response.Status)
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			b.next.url = e.Frame.URL
		}
	case *page.EventLoadEventFired:
		b.loaded <- b.next
	case *runtime.EventConsoleAPICalled:
		complain("console.%s %v", e.Type, e.Args)
	case *runtime.EventExceptionThrown:
		complain("exception: %v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level != log.LevelInfo && !b.saysStatusOfPage(e.Entry) {
			complain("%s: %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeBounceTrackingIssue {
			break // a redirect without a page, which is what prompt=none asks for
		}
		complain("issue %s: %+v", e.Issue.Code, e.Issue.Details)
	case *security.EventVisibleSecurityStateChanged:
		if s := e.VisibleSecurityState; s.SecurityState == security.StateInsecureBroken {
			complain("security: %s %v", s.SecurityState, s.SecurityStateIssueIDs)
		}
	}
}

// saysStatusOfPage is the entry that Chromium logs for each page with an error's
// status. The tests look at those statuses themselves; of a stylesheet or an
// image such an entry stays a fault.
func (b *tab) saysStatusOfPage(e *log.Entry) bool {
	return e.Source == log.SourceNetwork && b.next.status >= http.StatusBadRequest &&
		strings.Contains(e.Text, fmt.Sprintf("the server responded with a status of %d", b.next.status)) &&
		!strings.Contains(e.URL, "/assets/")
}

// run does something in the tab.
func (b *tab) run(what string, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%s on %s: %v\n%s", what, b.at.url, err, b.html())
	}
}

// html is the page as it is now, for a failure.
func (b *tab) html() (text string) {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.OuterHTML("html", &text, chromedp.ByQuery)) // nothing is all that is known then
	return text
}

// arrive does something that leads to an address, and waits until a page whose
// address begins so is loaded. Others may come before it.
func (b *tab) arrive(want, what string, actions ...chromedp.Action) {
	b.t.Helper()
	for len(b.loaded) > 0 {
		<-b.loaded
	}
	b.run(what, actions...)
	var others []document
	for {
		select {
		case b.at = <-b.loaded:
			if strings.HasPrefix(b.at.url, want) {
				return
			}
			others = append(others, b.at)
		case <-time.After(patience):
			b.t.Fatalf("%s did not lead to %s but to %v\n%s", what, want, others, b.html())
		}
	}
}

// open types an address into the address bar.
func (b *tab) open(address, want string) {
	b.t.Helper()
	b.arrive(want, "opening "+address, chromedp.ActionFunc(func(ctx context.Context) error {
		_, _, _, _, err := page.Navigate(address).Do(ctx)
		return err
	}))
}

// click clicks with the mouse on what has the id.
func (b *tab) click(id, want string) {
	b.t.Helper()
	b.clickOn("#"+id, want)
}

func (b *tab) clickOn(selector, want string) {
	b.t.Helper()
	b.arrive(want, "clicking "+selector, chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

// enter replaces what is in a field, as pasting does.
func (b *tab) enter(id, text string) {
	b.t.Helper()
	b.run("typing into "+id,
		chromedp.Click("#"+id, chromedp.ByQuery, chromedp.NodeVisible),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)),
		input.InsertText(text),
	)
	if got := b.value(id); got != text {
		b.t.Fatalf("typed %q into %s, which has %q", text, id, got)
	}
}

// press presses keys, wherever the focus is.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run("pressing a key", chromedp.KeyEvent(keys))
}

// focus says what has the focus: its id, else its text. It must be seen to have
// it.
func (b *tab) focus() string {
	b.t.Helper()
	var f struct {
		Name  string
		Shown bool
	}
	b.run("looking for the focus", chromedp.Evaluate(`(() => {
		const e = document.activeElement, s = getComputedStyle(e)
		return {name: e.id || e.textContent.trim(), shown: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2}
	})()`, &f))
	if !f.Shown {
		b.t.Errorf("%s has the focus and does not show it", f.Name)
	}
	return f.Name
}

// text is the text of the first element that a selector finds; it must be there.
func (b *tab) text(selector string) (text string) {
	b.t.Helper()
	b.run("reading "+selector, chromedp.Text(selector, &text, chromedp.ByQuery, chromedp.NodeVisible))
	return strings.Join(strings.Fields(text), " ")
}

// value is what is in a field.
func (b *tab) value(id string) (text string) {
	b.t.Helper()
	b.run("reading "+id, chromedp.Value("#"+id, &text, chromedp.ByQuery))
	return text
}

// count is how many elements a selector finds.
func (b *tab) count(selector string) int {
	b.t.Helper()
	var found []*cdp.Node
	b.run("counting "+selector, chromedp.Nodes(selector, &found, chromedp.ByQueryAll, chromedp.AtLeast(0)))
	return len(found)
}

// shows holds the page to a title and a status.
func (b *tab) shows(title string, status int) {
	b.t.Helper()
	var got string
	b.run("reading the title", chromedp.Title(&got))
	if got != title+" · Mintmark" || b.at.status != status {
		b.t.Fatalf("%s is %q with status %d; want %q with %d\n%s", b.at.url, got, b.at.status, title, status, b.html())
	}
}
