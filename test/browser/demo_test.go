//go:build external

package browser

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// demo is a running `mintmark demo`: a server, an app and an API.
type demo struct {
	t    *testing.T
	said map[string]string // what it announced, by the first word of the line
}

// startDemo starts the demo and stops it as Ctrl-C does.
func startDemo(t *testing.T) *demo {
	t.Helper()
	d := &demo{t: t, said: map[string]string{}}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Getenv("MINTMARK_BINARY"), "demo")
	cmd.Env = []string{"HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("starting the demo: %v", err)
	}
	lines := bufio.NewScanner(out)
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Errorf("stopping the demo: %v", err)
		}
		for lines.Scan() { // to its end: Wait closes the pipe
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	})
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		d.said[name] = strings.TrimSpace(value)
		if name == "Open" {
			return d
		}
	}
	t.Fatal("the demo ended at once")
	return nil
}

// reported waits until the API's verifier has: from then on receipts count on it.
func (d *demo) reported() {
	d.t.Helper()
	for d.t.Context().Err() == nil {
		cmd := exec.CommandContext(d.t.Context(), os.Getenv("MINTMARK_BINARY"), "--data", d.said["data"], "verifiers")
		if list, err := cmd.Output(); err != nil {
			d.t.Fatalf("listing verifiers: %v", err)
		} else if strings.Contains(string(list), "demo-api") {
			return
		}
	}
}

// password answers the sign-in page that a tab shows, and what the app asks for
// if the user is asked.
func (d *demo) password(b *tab, app string) {
	d.t.Helper()
	b.enter("login-identifier", d.said["user"])
	b.enter("login-password", d.said["password"])
	b.click("login-submit", "http://")
	if strings.Contains(b.at.url, "/consent") {
		b.click("consent-allow", app+"/browsers")
	}
	if !strings.HasPrefix(b.at.url, app+"/browsers") {
		d.t.Fatalf("signing in ends at %s", b.at.url)
	}
}

// figure is a number on the page.
func (b *tab) figure(name string) int {
	b.t.Helper()
	text := b.text(`[data-figure="` + name + `"]`)
	n, err := strconv.Atoi(text)
	if err != nil {
		b.t.Fatalf("%s is %q", name, text)
	}
	return n
}

// counts waits until a number on the page has grown by itself.
func (b *tab) counts(name string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for start := b.figure(name); b.figure(name) < start+20; {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s stands at %d\n%s", name, start, b.html())
		}
	}
}

// shown waits until something is there.
func (b *tab) shown(selector string) {
	b.t.Helper()
	b.run("waiting for "+selector, chromedp.WaitVisible(selector, chromedp.ByQuery))
}

// refusedEverywhere: every browser on the page is refused, and the receipt says
// who has applied it.
func (b *tab) refusedEverywhere(browsers int) {
	b.t.Helper()
	b.shown("#receipt")
	if receipt := b.text(".receipt"); !strings.HasPrefix(receipt, "applied by 1 of 1 connected verifier in ") {
		b.t.Errorf("the receipt is %q", receipt)
	}
	if refused, good := b.count(".line-bad"), b.count(".line-good"); refused != browsers || good != 0 {
		b.t.Errorf("%d browsers are refused, %d are not\n%s", refused, good, b.html())
	}
	if says := b.text(".line-says"); says != "Refused: the access token was revoked." {
		b.t.Errorf("the page says %q", says)
	}
	if lookups := b.figure("lookups"); lookups != 0 {
		b.t.Errorf("the API made %d look-ups", lookups)
	}
}

// TestInTheDemoTheAPIRefusesWhoIsLoggedOutEverywhere, in two browsers, and in one
// that uses both names of the machine.
func TestInTheDemoTheAPIRefusesWhoIsLoggedOutEverywhere(t *testing.T) {
	checker, err := os.ReadFile(axe)
	if err != nil {
		t.Fatalf("%v: `./check browser` installs it", err)
	}
	d := startDemo(t)
	app := d.said["app"]
	first, second := newTab(t, true), newTab(t, true)
	for _, b := range []*tab{first, second} {
		b.open(app+"/login?from=/browsers", d.said["server"]+"/login")
		d.password(b, app)
	}
	var other string
	first.run("looking for the second door", chromedp.AttributeValue("#second", "href", &other, nil, chromedp.ByQuery))
	third := first.another(true)
	third.open(other, "http://127.0.0.1:") // which asks for the password again: it has no cookie of the first
	d.password(third, strings.TrimSuffix(other, "/login?from=/browsers"))

	first.shown(`[data-figure="calls-3"]`) // without being asked
	for _, name := range []string{"calls-1", "calls-2", "calls-3"} {
		first.counts(name)
	}
	second.counts("calls-1")
	first.isAccessible(string(checker), "two browsers")
	if lookups := first.figure("lookups"); lookups != 0 {
		t.Errorf("the API made %d look-ups", lookups)
	}

	d.reported()
	first.click("end", app+"/browsers")
	for _, b := range []*tab{first, second, third} { // the others without a click
		b.refusedEverywhere(3)
	}
	first.isAccessible(string(checker), "two browsers, refused")

	second.clickOn(".line-bad a:not([target])", d.said["server"]+"/login")
	d.password(second, app)
	second.counts("calls-2")
	if good := second.count(".line-good"); good != 1 {
		t.Errorf("%d browsers are accepted after one signed in again", good)
	}
}

// TestTheDemoCountsWithoutScripts: the page is loaded again instead.
func TestTheDemoCountsWithoutScripts(t *testing.T) {
	d := startDemo(t)
	app := d.said["app"]
	b := newTab(t, false)
	b.open(app+"/login?from=/browsers", d.said["server"]+"/login")
	d.password(b, app)
	before := b.figure("calls-1")
	b.click("again", app+"/browsers")
	if after := b.figure("calls-1"); after <= before {
		t.Errorf("%d calls, then %d", before, after)
	}
	d.reported()
	b.click("end", app+"/browsers")
	b.refusedEverywhere(1)
}
