package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of this tree.
const release = "0.1.0-dev"

type versionCommand struct{}

// build is what --json prints.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	Target  string `json:"target"`
}

// thisBuild says what this executable was made from.
func thisBuild() build {
	b := build{Version: release, Go: runtime.Version(), Target: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision":
				b.Commit = setting.Value
			case setting.Key == "vcs.modified" && setting.Value == "true":
				b.Commit += "+changes"
			}
		}
	}
	return b
}

func (*versionCommand) Run(i *invocation) error {
	b := thisBuild()
	if i.json {
		return i.printJSON(b)
	}
	commit := b.Commit
	if commit == "" {
		commit = "commit unknown"
	}
	_, err := fmt.Fprintf(i.out, "mintmark %s (%s, %s, %s)\n", b.Version, commit, b.Go, b.Target)
	return err
}
