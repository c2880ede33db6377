package main

import (
	"context"
	"testing"
)

// A crowd is what the server itself would have written: it starts on it, and those who were there before are served.
func TestACrowdIsMovedIn(t *testing.T) {
	directory := t.TempDir()
	binary, err := build(t.Context(), directory, "github.com/mintmark-id/mintmark/cmd/mintmark")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{options: options{users: 1200, database: onSQLite}, directory: directory, binary: binary}
	full, err := b.populatedSite(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := full.stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	tokens, err := full.grant(t.Context(), 0, offlineScope)
	if err != nil || tokens.Refresh == "" {
		t.Errorf("%+v, %v", tokens, err)
	}
	var crowd struct {
		Email string `json:"email"`
	}
	if err := full.cli(t.Context(), "", &crowd, "user", "show", "crowd-user100000001199"); err != nil || crowd.Email != "crowd1199@example.com" {
		t.Errorf("%+v, %v", crowd, err)
	}
}
