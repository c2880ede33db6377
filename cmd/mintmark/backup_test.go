package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	started "github.com/mintmark-id/mintmark/test/server"
)

// agekeyMain is "agekey FILE": it makes an identity, as age-keygen does, and prints
// whom to encrypt to.
func agekeyMain() {
	identity, err := age.GenerateX25519Identity()
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(identity.String()+"\n"), 0o600)
	}
	if err != nil {
		fail("%v", err)
	}
	fmt.Println(identity.Recipient())
}

// The drill of docs/operations.md runs as it stands, beside a server that serves.
func TestTheDrillOfTheDocumentationRuns(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- drill -->\n```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("docs/operations.md has no drill")
	}
	programs, work := binary(t), t.TempDir()
	t.Setenv("MINTMARK_BINARY", programs+"/mintmark")
	if err := os.Mkdir(work+"/mintmark-data", 0o700); err != nil {
		t.Fatal(err)
	}
	running := started.StartOn(t, work+"/mintmark-data")
	user := running.NewUser("ana@example.com", "--verified")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("https://id.example.com", running.Issuer, "127.0.0.1:8585", free).Replace(string(block[1]))
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	shell.Dir = work
	shell.Env = []string{"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + work}
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"Backed up mintmark-data/mintmark.db", "Everyone signs in again", "Restored drill/mintmark.db", user.Sub, "log_restarted", "The drill is over"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	left, err := os.ReadDir(work)
	if err != nil || len(left) != 1 {
		t.Errorf("the drill leaves behind %v %v", left, err)
	}
}
