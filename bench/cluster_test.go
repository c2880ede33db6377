package main

import (
	"context"
	"os"
	"testing"
	"time"
)

// A statement that runs long, in a connection that stays and in one that ends: the cluster's time has both.
func TestTheTimeOfAClusterHasThatOfItsConnections(t *testing.T) {
	directory, err := os.MkdirTemp("", "mintmark-bench-") //nolint:usetesting // PostgreSQL's user must get to it
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	c, err := startCluster(context.WithoutCancel(t.Context()), directory, "rows")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.stop(); err != nil {
			t.Errorf("PostgreSQL ended with %v", err)
		}
	}()
	busy := `DO $$ BEGIN WHILE clock_timestamp() < now() + interval '500 ms' LOOP END LOOP; END $$`
	before, err := familyTime(c.pid())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.psql(t.Context(), busy); err != nil {
		t.Fatal(err)
	}
	after, err := familyTime(c.pid())
	if used := after - before; err != nil || used < 100*time.Millisecond {
		t.Errorf("%v, %v for half a second of work", used, err)
	}
}
