//go:build external

// Package browser holds the pages to a real browser: headless Chromium against
// the real binary, with scripts and without.
package browser

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) {
	os.Exit(server.Main(func() int {
		c, err := chromium()
		if err != nil {
			fmt.Fprintln(os.Stderr, "starting Chromium:", err)
			return 1
		}
		defer c.stop()
		return m.Run()
	}))
}

// chromium is the one browser process of this package. What looks like several
// browsers are profiles of it that share nothing.
var chromium = sync.OnceValues(launch)

type process struct {
	ctx   context.Context //nolint:containedctx // chromedp's handle of a process is a context
	chain *server.Chain   // of servers over https, whose key it trusts
	stop  func()
}

func launch() (process, error) {
	profile, err := os.MkdirTemp("", "mintmark-chromium")
	if err != nil {
		return process{}, fmt.Errorf("making a profile: %w", err)
	}
	chain, err := server.NewChain(profile)
	if err != nil {
		return process{}, err
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath("chromium"),
		chromedp.UserDataDir(profile),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, // in a container as root there is none
		chromedp.Headless,
		chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("ignore-certificate-errors-spki-list", chain.SPKI), // of this key, and of no other
		chromedp.WSURLReadTimeout(time.Minute),
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, quit := chromedp.NewContext(allocator)
	stop := func() {
		quit()
		release()
		_ = os.RemoveAll(profile) // of a temporary directory
	}
	if err := chromedp.Run(ctx); err != nil {
		stop()
		return process{}, err
	}
	return process{ctx: ctx, chain: chain, stop: stop}, nil
}
