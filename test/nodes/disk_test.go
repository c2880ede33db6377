//go:build external

package nodes_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/mintmark-id/mintmark/test/postgresql"
)

// diskSize is what PostgreSQL has for everything: enough to begin with.
const diskSize = "size=180m"

// A disk becomes full under load. There is 503 until there is room again, and then
// everything goes on; PostgreSQL itself may have to be started by somebody.
// It needs root, which may mount a small disk.
func TestTheDiskIsFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, diskSize); err != nil {
		t.Fatalf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	for dir := filepath.Dir(disk); dir != filepath.Dir(dir) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL is somebody else
			t.Fatal(err)
		}
	}
	database := postgresql.Start(t, disk, "min_wal_size=32MB", "max_wal_size=48MB")
	t.Cleanup(database.Stop)
	c := newClusterOn(t, database, 3, nil).crowd()
	l := c.startLot(8)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() { new(ledger).work(ctx, c, hand) })
	}
	for range size(1, 5) {
		l.goesOn("it works before")
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		told := c.told.Load() + l.refused.Load()
		c.await("503s while the disk is full", func() bool { return c.told.Load()+l.refused.Load() > told+8 })
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if database.Ended() {
			database.Start(t)
		}
		l.goesOn("it works after")
	}
	stop()
	all.Wait()
	l.end("a full disk")
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(file, zeros{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// zeros are without an end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}
