package mintmark_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A decision is cited by its number, so no two have one, and none is left out.
func TestDecisionsAreNumberedInTurn(t *testing.T) {
	pages, err := filepath.Glob("docs/decisions/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no decisions: %v", err)
	}
	for i, page := range pages {
		number := fmt.Sprintf("%04d", i+1)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(page); !strings.HasPrefix(name, number+"-") || !strings.HasPrefix(string(text), "# "+number+": ") {
			t.Errorf("%s should be number %s, in its name and its heading", page, number)
		}
	}
}
