package engine

import (
	"os"
	"testing"

	"github.com/mintmark-id/mintmark/test/postgresql"
)

func TestMain(m *testing.M) { os.Exit(postgresql.Main(m.Run)) }
