package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewServer sets the limits of a server on the public network: a client that is
// slow or sends too much is cut off. The longest honest wait is a sign-in behind
// a queue of others.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers do to TLS and HTTP
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c.RemoteAddr().String()))
		},
		// "OPTIONS *" is answered like everything else.
		DisableGeneralOptionsHandler: true,
	}
}
