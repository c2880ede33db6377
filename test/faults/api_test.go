package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/verify"
)

// apiSettings names the environment variable that makes this program an API.
const apiSettings = "FAULTS_API"

// settings are of an API in a process of its own.
type settings struct {
	Issuer, ID, Secret, Seed string
	Policy                   verify.Policy
}

// api is this program, run once more as an API with a verifier and a seed.
type api struct {
	w       *world
	cmd     *exec.Cmd
	address string
}

// startAPI starts an API on a seed's directory.
func (w *world) startAPI(seed string, policy verify.Policy) *api {
	w.Helper()
	text, err := json.Marshal(settings{w.Issuer, w.APIs.ID, w.APIs.Secret, seed, policy})
	w.must(err)
	a := &api{w: w, cmd: exec.CommandContext(context.WithoutCancel(w.Context()), os.Args[0])}
	a.cmd.Env = append(os.Environ(), apiSettings+"="+string(text))
	a.cmd.Stderr = os.Stderr
	_, err = a.cmd.StdinPipe() // it ends when we do
	w.must(err)
	out, err := a.cmd.StdoutPipe()
	w.must(err)
	w.must(a.cmd.Start())
	w.Cleanup(func() { a.end(syscall.SIGKILL) })
	line, err := bufio.NewReader(out).ReadString('\n')
	w.must(err)
	a.address = strings.TrimSpace(line)
	return a
}

// end ends the process by a signal, and waits until it has.
func (a *api) end(s syscall.Signal) {
	_ = a.cmd.Process.Signal(s) // it may have ended
	_ = a.cmd.Wait()            // killed, as a rule
}

func (a *api) status() (s verify.Status) {
	a.w.Helper()
	request, err := http.NewRequestWithContext(a.w.Context(), http.MethodGet, a.address+"/status", http.NoBody)
	a.w.must(err)
	answer, err := http.DefaultClient.Do(request)
	a.w.must(err)
	defer answer.Body.Close()
	a.w.must(json.NewDecoder(answer.Body).Decode(&s))
	return s
}

func (a *api) call(method, token string) int {
	a.w.Helper()
	return a.w.call(method, a.address+"/orders", token).status
}

// beAPI is the process: it saves its seed when it is told to stop, and ends when
// whoever started it is gone.
func beAPI(text string) error {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // until it is closed
		cancel()
	}()
	v, err := verify.New(ctx, s.Issuer, app.Orders, verify.WithClient(s.ID, s.Secret), verify.WithSeed(s.Seed), verify.WithPolicy(s.Policy))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/orders", v.Middleware(http.HandlerFunc(answerOK)))
	mux.HandleFunc("/status", func(rw http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(rw).Encode(v.Status()) })
	serving := httptest.NewServer(mux)
	fmt.Println(serving.URL)
	<-ctx.Done()
	closed := time.AfterFunc(patience, serving.CloseClientConnections)
	defer closed.Stop()
	serving.Close()
	return v.Close()
}
