// Command gendocs writes the reference pages, docs/reference, from the tables that
// the code itself runs by: there is no second list that could grow stale. A test
// compares what is committed with what this would write.
//
//	go generate ./...
package main

//go:generate go run .

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

// reference is where the pages are, below the root of the tree.
const reference = "docs/reference"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := rewrite(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// rewrite writes every page that is not as it should be.
func rewrite(ctx context.Context) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	pages, err := render(ctx, root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, reference), 0o755); err != nil {
		return err
	}
	for _, p := range pages {
		path := filepath.Join(root, reference, p.name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, p.text) {
			continue
		}
		if err := os.WriteFile(path, p.text, 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	return nil
}

// findRoot looks for the module's root from here upwards: go generate starts in
// this package's directory, go run where its caller stands.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = filepath.Dir(dir)
	}
}
