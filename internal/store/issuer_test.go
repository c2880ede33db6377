package store

import (
	"path/filepath"
	"testing"
)

func TestADatabaseKeepsTheIssuerThatItWasMadeFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mintmark.db")
	for i, asked := range []string{"https://id.example", "https://other.example"} {
		s, err := Open(t.Context(), Options{Path: path, Unsafe: true, Issuer: asked})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Issuer(t.Context()); i == 0 && (got != "" || err != nil) {
			t.Errorf("before its schema: %q, %v", got, err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Issuer(t.Context()); got != "https://id.example" || err != nil {
			t.Errorf("opened for %s: %q, %v", asked, got, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
