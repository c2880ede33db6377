package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// A script that runs wild is told to come back; the others are served again as soon
// as it is through.
func TestAdministratorsWaitTheirTurn(t *testing.T) {
	handler, ok := Admin(AdminConfig{}).(*administration)
	if !ok {
		t.Fatal("it is another handler")
	}
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, admin.Root+"nothing", nil))
		return w
	}
	for range adminWidth {
		if !handler.gate.enter() {
			t.Fatal("it is full too soon")
		}
	}
	if w := ask(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" ||
		w.Header().Get("Content-Type") != admin.ProblemType || !strings.Contains(w.Body.String(), admin.ProblemUnavailable) {
		t.Errorf("when it is full: %d %v %s", w.Code, w.Header(), w.Body)
	}
	handler.gate.exit()
	if w := ask(); w.Code != http.StatusNotFound {
		t.Errorf("when there is room again: %d", w.Code)
	}
	if handler.gate.inside.Load() != adminWidth-1 {
		t.Errorf("%d are inside, not %d", handler.gate.inside.Load(), adminWidth-1)
	}
}
