package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// writeCLI asks the real binary for the help of each command: a main package
// cannot be imported, and what people see is what they should read here.
func writeCLI(ctx context.Context, w *writer, root string) error {
	dir, err := os.MkdirTemp("", "gendocs")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's directory is swept anyway
	binary := filepath.Join(dir, "mintmark")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, "./cmd/mintmark")
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the binary: %w\n%s", err, said)
	}
	w.paragraph("The commands that administer speak to the running server through the socket in its data directory (`--data`), or to one elsewhere with an admin token (`--server URL --token-file FILE`; [operations.md](../operations.md#administration-from-elsewhere)). " +
		"Flags that take several values repeat, or take commas. Exit status: 0 done, 1 refused or not possible, 2 usage or settings, 3 no server there.")
	return writeCommand(ctx, w, binary, nil)
}

// subcommand is a line of the section Commands: the whole path, then what it is.
var subcommand = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?:  .*)?$`)

// writeCommand writes the help of a command and of all below it.
func writeCommand(ctx context.Context, w *writer, binary string, path []string) error {
	ask := exec.CommandContext(ctx, binary, append(path, "--help")...)
	ask.Env = []string{"COLUMNS=110"} // no setting, no home, no terminal of whoever runs this
	help, err := ask.Output()
	if err != nil {
		return fmt.Errorf("asking for the help of %q: %w", strings.Join(path, " "), err)
	}
	if len(path) > 0 {
		w.heading(min(len(path), 2)+1, "mintmark "+strings.Join(path, " "))
	}
	w.block(string(help))
	_, below, _ := strings.Cut(string(help), "\nCommands:\n")
	for _, found := range subcommand.FindAllStringSubmatch(below, -1) {
		next := strings.Fields(found[1])
		if len(next) != len(path)+1 {
			return fmt.Errorf("the help of %q lists %q, which is not one word more", strings.Join(path, " "), found[1])
		}
		if err := writeCommand(ctx, w, binary, next); err != nil {
			return err
		}
	}
	return nil
}
