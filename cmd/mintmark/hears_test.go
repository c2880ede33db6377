package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/coreos/go-oidc/v3/oidc"
)

// hearsMain is "hears ADDRESS ISSUER CLIENT_ID STATUS...": a client's server that
// takes logout tokens, until it is told to end. It verifies each with the issuer's
// published keys, says whose session it ends, and answers with the next status; the
// last is repeated. The status 0 never answers.
func hearsMain() {
	address, issuer, client := os.Args[1], os.Args[2], os.Args[3]
	var statuses []int
	for _, text := range os.Args[4:] {
		code, err := strconv.Atoi(text)
		if err != nil {
			fail("%v", err)
		}
		statuses = append(statuses, code)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	var calls atomic.Int64
	go func() {
		fail("%v", http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := int(calls.Add(1))
			status := statuses[min(n, len(statuses))-1]
			fmt.Printf("call %d answered %d: %s\n", n, status, heard(r, issuer, client))
			if status == 0 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(status)
		})))
	}()
	<-ended
}

// heard reads a logout token as OpenID Connect Back-Channel Logout 1.0 §2.6 says.
func heard(r *http.Request, issuer, client string) string {
	provider, err := oidc.NewProvider(r.Context(), issuer)
	if err != nil {
		return err.Error()
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: client}).Verify(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		return err.Error()
	}
	var claims struct {
		SID    string         `json:"sid"`
		Events map[string]any `json:"events"`
		Nonce  *string        `json:"nonce"`
	}
	if err := token.Claims(&claims); err != nil {
		return err.Error()
	}
	if _, ok := claims.Events["http://schemas.openid.net/event/backchannel-logout"]; !ok || claims.Nonce != nil || r.Method != http.MethodPost {
		return "no logout token"
	}
	return fmt.Sprintf("%s is signed out of %s", token.Subject, claims.SID)
}
