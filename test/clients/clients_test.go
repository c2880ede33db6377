//go:build external

// Package clients holds the server to clients that nobody here wrote, as they
// come from their registries.
package clients

import (
	"os"
	"testing"

	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

// callback is where the clients of these tests are called back. Nothing listens
// there: a person stops where a redirect leads away from the server.
const callback = "http://127.0.0.1:9/callback"
