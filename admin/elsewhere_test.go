package admin_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/web"
)

// branch is the same server as it is reached from elsewhere, with a token of all
// these scopes.
func (s *server) branch(scopes ...string) (server *httptest.Server, token string) {
	s.Helper()
	server = httptest.NewTLSServer(web.RemoteAdmin(web.AdminConfig{
		Engine: s.engine, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Figures: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "mintmark_x 7") }),
	}))
	s.Cleanup(server.Close)
	made, err := s.CreateAdminToken(s.Context(), admin.NewAdminToken{Name: "branch", Scopes: scopes, TTL: 3600})
	s.must(err)
	return server, made.Token
}

func TestFromElsewhereItIsTheSameClient(t *testing.T) {
	s := newServer(t)
	server, token := s.branch("clients:read", "clients:write", "server:read")
	away, err := admin.New(server.URL, token, admin.WithTransport(server.Client().Transport))
	s.must(err)
	defer away.Close()
	form := shop()
	form.Scope, form.Resources = "", nil
	made, err := away.CreateClient(t.Context(), form)
	s.must(err)
	if made.ClientSecret == "" {
		t.Error("there is no secret")
	}
	if all := collect(s, away.Clients(t.Context())); len(all) != 1 {
		t.Errorf("there are %v", all)
	}
	tried := form
	tried.ClientID = "tried"
	_, err = away.DryRun().CreateClient(t.Context(), tried)
	s.must(err)
	_, err = away.ShowClient(t.Context(), "tried")
	s.refused(err, http.StatusNotFound)
	figures, err := away.Metrics(t.Context())
	s.must(err)
	if len(figures) != 1 || figures[0].Value != 7 {
		t.Errorf("figures %v", figures)
	}
	_, err = away.ShowUser(t.Context(), "ana")
	problem := s.problem(err, http.StatusForbidden)
	if problem.Type != admin.ProblemScope || !strings.Contains(problem.Error(), "users:read") {
		t.Errorf("the problem is %+v", problem)
	}
	explained, err := s.Explain(t.Context(), problem.Reference)
	s.must(err)
	if explained.Reason != "token_scope_insufficient" {
		t.Errorf("explained as %+v", explained)
	}
	_, err = away.CreateAdminToken(t.Context(), admin.NewAdminToken{Name: "more", Scopes: []string{"keys:write"}, TTL: 60})
	s.refused(err, http.StatusForbidden)
	tokens := collect(s, s.AdminTokens(t.Context()))
	if len(tokens) != 1 || tokens[0].Name != "branch" || tokens[0].Token != "" || tokens[0].UsedAt.IsZero() {
		t.Errorf("the tokens are %+v", tokens)
	}
	s.must(s.DeleteAdminToken(t.Context(), "branch"))
	_, err = away.Status(t.Context())
	if problem := s.problem(err, http.StatusUnauthorized); problem.Type != admin.ProblemToken {
		t.Errorf("the problem is %+v", problem)
	}
}

// Whoever is told to come back is told when.
func TestARefusalSaysWhenToComeBack(t *testing.T) {
	s := newServer(t)
	server, _ := s.branch("clients:read")
	away, err := admin.New(server.URL, "mst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", admin.WithTransport(server.Client().Transport))
	s.must(err)
	defer away.Close()
	for range 30 {
		_, err = away.Status(t.Context())
		if problem := s.problem(err, http.StatusUnauthorized); problem.RetryAfter != 0 {
			t.Fatalf("a wrong token is %+v", problem)
		}
	}
	_, err = away.Status(t.Context())
	if problem := s.problem(err, http.StatusTooManyRequests); problem.Type != admin.ProblemTooMany || problem.RetryAfter < 14*time.Minute || problem.RetryAfter > 15*time.Minute {
		t.Errorf("the problem is %+v", problem)
	}
}

func TestATokenGoesToItsServerAloneAndNeverInTheClear(t *testing.T) {
	for _, server := range []string{
		"", "id.example", "ftp://id.example", "http://id.example:8485", "https://ana@id.example", "https://id.example/admin/v1", "https://id.example?x=y", "https://id.example#x", "https://[::1",
	} {
		if _, err := admin.New(server, "mst_x"); err == nil {
			t.Errorf("%q is taken", server)
		}
	}
	for _, token := range []string{"", "mst_x\r\nHost: evil", "mst x", "mst_é"} {
		if _, err := admin.New("https://id.example", token); err == nil || strings.Contains(err.Error(), "evil") {
			t.Errorf("%q is taken, or told: %v", token, err)
		}
	}
	got := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL+"/admin/v1/status", http.StatusTemporaryRedirect))
	defer server.Close()
	away, err := admin.New(server.URL, "mst_x") // plain http, on this machine
	if err != nil {
		t.Fatal(err)
	}
	_, err = away.Status(t.Context())
	if problem, ok := errors.AsType[*admin.Problem](err); !ok || problem.Status != http.StatusTemporaryRedirect {
		t.Errorf("a redirect is %v", err)
	}
	select {
	case shown := <-got:
		t.Errorf("another server was shown %q", shown)
	default:
	}
	server.Close()
	if _, err = away.Status(t.Context()); !errors.Is(err, admin.ErrNotReached) || strings.Contains(err.Error(), "mst_x") {
		t.Errorf("a server that is gone: %v", err)
	}
}
