package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// verifierMain is "verifier ISSUER AUDIENCE CLIENT SECRET POLICY NAME...": APIs
// protected by verifiers of that policy, until it is told to end. Once all are
// live it prints where they are.
func verifierMain() {
	issuer, audience, client, secret := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	policy := map[string]verify.Policy{"strict": verify.Strict, "balanced": verify.Balanced, "available": verify.Available}[os.Args[5]]
	for _, name := range os.Args[6:] {
		v, err := verify.New(ctx, issuer, audience, verify.WithClient(client, secret), verify.WithName(name),
			verify.WithPolicy(policy), verify.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			fail("%v", err)
		}
		deadline := time.After(patience)
		for v.Status().State != verify.Live {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-deadline:
				fail("%s is not live: %+v", name, v.Status())
			}
		}
		api := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, "let in")
		})))
		fmt.Println(name, "at", api.URL)
	}
	fmt.Println("live")
	<-ctx.Done()
}
