package store

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// A copy that is made while others write is of one moment: the log's head and its
// entries agree, whichever moment it was.
func TestABackupIsOfOneMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mintmark.db")
	s := open(t, func(o *Options) { o.Path, o.Issuer = path, "https://id.example.com" })
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := s.Commit(t.Context(), []record.Change{record.Append{Target: revocation.ForSub(fmt.Sprint(n)), At: noon}}); err != nil {
				done <- err
				return
			}
		}
	}()
	for n := range 5 {
		into := filepath.Join(t.TempDir(), "copy.db")
		has, err := BackUp(t.Context(), path, into)
		if err != nil {
			t.Fatal(err)
		}
		if has.Rows["revlog"] != has.Seq || has.LogID != head(t, s).LogID || has.Schema == 0 || has.Issuer == "" {
			t.Errorf("copy %d has %+v", n, has)
		}
		again, err := TakeInventory(t.Context(), into)
		if err != nil || !maps.Equal(again.Rows, has.Rows) {
			t.Errorf("it is counted again as %+v, %v", again, err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoDatabaseOfOursHasNoInventory(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.db")
	if _, err := TakeInventory(t.Context(), empty); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an empty database: %v", err)
	}
}

func TestTheLatestSchemaIsTheOneThatAStoreHas(t *testing.T) {
	latest, err := LatestSchema()
	if err != nil {
		t.Fatal(err)
	}
	steps, err := open(t).MigrationStatus(t.Context())
	if err != nil || steps[len(steps)-1].Version != latest {
		t.Errorf("%d, and %v %v", latest, steps, err)
	}
}
