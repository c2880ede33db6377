package metrics_test

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// busy is a server that has counted something of everything.
func busy(t *testing.T) *metrics.Metrics {
	t.Helper()
	m := metrics.New("1.2.3")
	m.Watch(func() metrics.Reading {
		return metrics.Reading{CommitQueue: 1, Hashing: 2, HashWaiting: 3, Readers: 4, Seq: 5, Verifiers: map[string]int{"live": 6}, Lag: 7}
	})
	m.Gate("tokens", 512, func() int { return 8 })
	m.Route("/oauth2/token", false).Answered(200, 3*time.Millisecond)
	m.Route("/revocations/stream", true).Answered(200, time.Hour)
	m.Refused("code_used")
	m.Granted("refresh_token")
	m.Committed(9, time.Millisecond)
	m.Conflicted()
	m.Constant("nonce")
	m.Reported()
	m.Confirmed(time.Millisecond)
	return m
}

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatIsServedIsWhatTheTableLists(t *testing.T) {
	text := scrape(t, busy(t))
	var served []string
	for _, found := range regexp.MustCompile(`(?m)^# HELP (mintmark_\w+) (.*)\n# TYPE \w+ (\w+)$`).FindAllStringSubmatch(text, -1) {
		served = append(served, found[1]+" "+found[3]+" "+found[2])
	}
	var listed []string
	for _, f := range metrics.Table() {
		listed = append(listed, f.Name+" "+f.Kind+" "+f.About)
	}
	slices.Sort(listed)
	if !slices.Equal(served, listed) {
		t.Errorf("served:\n%s\nlisted:\n%s", strings.Join(served, "\n"), strings.Join(listed, "\n"))
	}
	for _, line := range []string{
		`mintmark_requests_total{route="/oauth2/token",status="2xx"} 1`,
		`mintmark_requests_total{route="/revocations/stream",status="2xx"} 1`,
		`mintmark_request_seconds_bucket{route="/oauth2/token",le="0.005"} 1`,
		`mintmark_commit_plans_sum 9`, `mintmark_commit_queue 1`, `mintmark_password_hashes_running 2`, `mintmark_password_hashes_waiting 3`,
		`mintmark_feed_readers 4`, `mintmark_revocation_log_seq 5`, `mintmark_verifiers{state="live"} 6`, `mintmark_verifier_lag_max 7`,
		`mintmark_gate_requests{gate="tokens"} 8`, `mintmark_gate_width{gate="tokens"} 512`, `mintmark_build_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	if strings.Contains(text, `mintmark_request_seconds_count{route="/revocations/stream"}`) {
		t.Error("an answer without an end is timed")
	}
}

// A dashboard that asks for names which do not exist shows empty panels, and
// nobody notices until they are needed.
func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana/mintmark.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^(\w+)[ {]`).FindAllStringSubmatch(scrape(t, busy(t)), -1) {
		served[found[1]] = true
	}
	asked := map[string]bool{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			for _, name := range regexp.MustCompile(`\b(?:mintmark|go|process)_\w+`).FindAllString(target.Expr, -1) {
				asked[name] = true
				if !served[name] {
					t.Errorf("the panel %q asks for %s", panel.Title, name)
				}
			}
		}
	}
	for _, f := range metrics.Table() {
		if !asked[f.Name] && !asked[f.Name+"_bucket"] && !asked[f.Name+"_sum"] {
			t.Errorf("no panel shows %s", f.Name)
		}
	}
}

func TestNobodyCountsIsNoTrouble(t *testing.T) {
	var m *metrics.Metrics
	m.Route("/", false).Answered(200, 0)
	m.Refused("x")
	m.Granted("x")
	m.Committed(1, 0)
	m.Conflicted()
	m.Constant("nonce")
	m.Reported()
	m.Confirmed(0)
	m.Gate("x", 1, func() int { return 0 })
}

func TestAnAnswerIsCountedWithoutGarbage(t *testing.T) {
	m := metrics.New("1")
	route := m.Route("/oauth2/token", false)
	if n := testing.AllocsPerRun(1000, func() {
		route.Answered(200, time.Millisecond)
		m.Committed(3, time.Millisecond)
	}); n > 0 {
		t.Errorf("%v allocations for each answer", n)
	}
}
