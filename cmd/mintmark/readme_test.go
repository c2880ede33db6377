package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// The quickstart of the README runs as it stands, but for two things: the program
// is there already, and the port is a free one.
func TestTheQuickstartOfTheReadmeRuns(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- quickstart -->\n```sh\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no quickstart")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	script := strings.ReplaceAll(string(block[1]), "8484", port)
	script = strings.Replace(script, "go build -o mintmark ./cmd/mintmark", "ln -s "+filepath.Join(binary(t), "mintmark")+" mintmark", 1)
	// The server ends with the script, whichever way that ends.
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "trap 'kill %1; wait' EXIT\n"+script)
	shell.Dir = work
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "MINTMARK_LISTEN=127.0.0.1:" + port}
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"setup ", "http://localhost:" + port + "/setup?token=mst_", // step 1
		"access token, ", "orders:read", // step 4
		"ana@example.com", "The password is shown this once", // step 5
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if _, err := admin.Dial(filepath.Join(work, "mintmark-data", "admin.sock")).Status(t.Context()); err == nil {
		t.Error("the server still runs")
	}
}
