// Floors is the least that the work of a token server costs: bare net/http handlers, the standard library, and SQLite
// through database/sql or PostgreSQL through pgx, with prepared statements. No client is authenticated, nothing is revoked, nothing is logged.
// The benchmark runs it as a process of its own and states Mintmark's figures as multiples of these.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8480", "`address` to listen on; with -nothing also unix:PATH")
	nothing := flag.Bool("nothing", false, "answer 204 to everything, without a database")
	data := flag.String("data", "", "`directory` for the database")
	url := flag.String("database", "", "`URL` of an empty PostgreSQL database, in the place of SQLite")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *nothing {
		err = answerNothing(ctx, *listen)
	} else {
		err = serve(ctx, *listen, *data, *url)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "floors:", err)
		os.Exit(1)
	}
}

// answerNothing is the least that whoever is asked about a request could do.
func answerNothing(ctx context.Context, listen string) error {
	network := "tcp"
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		network, listen = "unix", path
	}
	var options net.ListenConfig
	listener, err := options.Listen(ctx, network, listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func serve(ctx context.Context, listen, data, url string) error {
	if data == "" {
		return errors.New("-data is missing")
	}
	floors, err := newFloors(data, url)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: floors.routes()}
	drained := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(drained)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // what it could not wait for ends with the process
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	<-drained
	floors.close()
	return nil
}
