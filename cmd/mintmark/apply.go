package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/apply"
)

type applyCommand struct {
	File           string `arg:"" help:"TOML file with [[resource]], [[client]] and [[user]]."`
	DryRun         bool   `help:"Show the plan, and change nothing."`
	AllowDangerous bool   `help:"Do also what is dangerous: PKCE that is not required, long lifetimes, refresh tokens of public clients that do not rotate."`
}

// applied is what --json prints of an item.
type applied struct {
	Kind     string         `json:"kind"`
	ID       string         `json:"id"`
	Act      string         `json:"act"` // "create", "update" or "keep"
	Changes  []apply.Change `json:"changes,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Dangers  []string       `json:"dangers,omitempty"`
	Done     any            `json:"done,omitempty"` // as the server has it now
}

// Run shows the plan and does it.
func (c *applyCommand) Run(i *invocation, server *admin.Client) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return usageError{fmt.Errorf("reading the file: %w", err)}
	}
	items, problems := apply.Read(string(text))
	var steps []apply.Step
	if len(problems) == 0 {
		if steps, problems, err = apply.Plan(i.ctx, server, items); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return c.refuse(i, problems)
	}
	if err := c.judge(i, steps); err != nil {
		return err
	}
	for n := range steps {
		if err := c.do(i, server, &steps[n]); err != nil {
			return err
		}
	}
	return c.sum(i, steps)
}

func (c *applyCommand) refuse(i *invocation, problems []apply.Problem) error {
	for _, p := range problems {
		fmt.Fprintf(i.err, "%s:%s\n", filepath.Base(c.File), p)
	}
	fmt.Fprintf(i.err, "mintmark: %s; nothing was changed\n", counted(len(problems), "problem"))
	return errSaid
}

// judge refuses what is dangerous, all of it at once.
func (c *applyCommand) judge(i *invocation, steps []apply.Step) error {
	found := 0
	for _, s := range steps {
		for _, said := range slices.Concat(s.Warnings, s.Dangers) {
			fmt.Fprintf(i.err, "%s:%d: %s: %s\n", filepath.Base(c.File), s.Item.Line, s.Item.What(), said)
		}
		found += len(s.Dangers)
	}
	if found == 0 || c.AllowDangerous || c.DryRun {
		return nil
	}
	fmt.Fprintf(i.err, "mintmark: %s; nothing was changed. If it is meant: --allow-dangerous\n", counted(found, "danger"))
	return errSaid
}

// do says what a step is, and takes it.
func (c *applyCommand) do(i *invocation, server *admin.Client, s *apply.Step) error {
	line := applied{Kind: s.Item.Kind, ID: s.Item.ID, Act: s.Act, Changes: s.Changes, Warnings: s.Warnings, Dangers: s.Dangers}
	if !i.json {
		sign := map[string]string{apply.Create: "+", apply.Update: "~", apply.Keep: "="}[s.Act]
		if err := i.done("%s %s", sign, s.Item.What()); err != nil {
			return err
		}
		for _, change := range s.Changes {
			if err := i.done("    %s", changeText(change)); err != nil {
				return err
			}
		}
	}
	if s.Act != apply.Keep && !c.DryRun {
		made, err := s.Do(i.ctx, server)
		if err != nil {
			return fmt.Errorf("%s: %w; what stands before it is done: apply the file again", s.Item.What(), err)
		}
		line.Done = made
		if err := i.secretOf(made); err != nil {
			return err
		}
	}
	if i.json {
		return i.printJSON(line)
	}
	return nil
}

func changeText(c apply.Change) string {
	switch {
	case c.From == "":
		return c.Field + ": " + c.To
	case c.To == "":
		return c.Field + ": " + c.From + " -> (default)"
	}
	return c.Field + ": " + c.From + " -> " + c.To
}

// secretOf shows what is shown once.
func (i *invocation) secretOf(made any) error {
	switch made := made.(type) {
	case admin.RegisteredClient:
		if made.ClientSecret != "" {
			return i.done("    client_secret: %s (shown this once)", made.ClientSecret)
		}
	case admin.User:
		if made.Password != "" {
			return i.done("    password: %s (shown this once)", made.Password)
		}
	}
	return nil
}

func (c *applyCommand) sum(i *invocation, steps []apply.Step) error {
	changed := len(steps) - len(slices.DeleteFunc(slices.Clone(steps), func(s apply.Step) bool { return s.Act != apply.Keep }))
	switch {
	case changed == 0:
		return i.done("Nothing to change.")
	case c.DryRun:
		return i.done("%s of %d. Nothing was changed: this was a dry run.", counted(changed, "change"), len(steps))
	}
	return i.done("%s of %d made.", counted(changed, "change"), len(steps))
}
