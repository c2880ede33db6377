package demo

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// NewFront makes a door to the server under the other name of this machine. The
// server answers to its own name alone, and browsers keep the cookies of the two
// names apart: who comes by this door is in another browser, as far as the server
// can tell.
func NewFront(issuer, address string, log *slog.Logger) (http.Handler, error) {
	server, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("making a second door: %w", err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(server) },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	host := hostOf(address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A name that an attacker points at this machine must not reach the server.
		if r.Host != host {
			http.Error(w, "This door answers at "+address+".", http.StatusMisdirectedRequest)
			return
		}
		proxy.ServeHTTP(w, r)
	}), nil
}
