package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mintmark-id/mintmark/admin"
)

// Step is what has to be done about an item.
type Step struct {
	Item     *Item
	Act      string // "create", "update" or "keep"
	Changes  []Change
	Warnings []string // what the server allows, and is probably not meant
	Dangers  []string // what is not to be done without being told

	key     string
	version int64
}

// The acts.
const (
	Create = "create"
	Update = "update"
	Keep   = "keep"
)

// Change is a field that will be another. From is empty where there was nothing.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// Plan compares a file with the server, and has the server try each change
// without making it. An error is trouble on the way; what is wrong with the file
// is a problem.
func Plan(ctx context.Context, server *admin.Client, items []*Item) ([]Step, []Problem, error) {
	var steps []Step
	var problems []Problem
	coming := map[string]bool{}
	for _, i := range items {
		step, err := plan(ctx, server, i, coming)
		if problem, ok := errors.AsType[*admin.Problem](err); ok && problem.Status < 500 {
			problems = append(problems, problemsOf(i, problem)...)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", i.What(), err)
		}
		if i.Kind == "resource" && step.Act == Create {
			coming[i.ID] = true
		}
		steps = append(steps, step)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return steps, problems, nil
}

// problemsOf gives the server's words the lines of the file.
func problemsOf(i *Item, refused *admin.Problem) []Problem {
	if len(refused.Errors) == 0 {
		return []Problem{{Line: i.Line, What: i.What(), Wrong: refused.Error()}}
	}
	var all []Problem
	for _, e := range refused.Errors {
		all = append(all, Problem{i.at(e.Field), i.What(), e.Field, e.Message})
	}
	return all
}

func plan(ctx context.Context, server *admin.Client, i *Item, coming map[string]bool) (Step, error) {
	k, step := kindOf(i), Step{Item: i, Act: Create}
	tried, err := i.without(coming)
	if err != nil {
		return step, err
	}
	found, key, version, err := k.find(ctx, server, i.ID)
	if problem, ok := errors.AsType[*admin.Problem](err); errors.Is(err, errNone) || ok && problem.Type == admin.ProblemNotFound {
		after, err := k.create(ctx, server.DryRun(), tried)
		if err != nil {
			return step, err
		}
		step.Changes, err = differences(struct{}{}, after, i)
		step.Warnings, step.Dangers = warnings(after), dangers(after)
		return step, err
	}
	if err != nil {
		return step, err
	}
	step.Act, step.key, step.version = Update, key, version
	after, err := k.update(ctx, server.DryRun(), key, version, tried)
	if err != nil {
		return step, err
	}
	if step.Changes, err = differences(found, after, i); err != nil {
		return step, err
	}
	if len(step.Changes) == 0 {
		step.Act = Keep
		return step, nil
	}
	step.Warnings, step.Dangers = warnings(after), dangers(after)
	return step, nil
}

func warnings(after any) []string {
	if client, ok := after.(admin.RegisteredClient); ok {
		return client.Warnings
	}
	return nil
}

// without is the item as the server can try it: resources that the same file is
// about to make are not there yet.
func (i *Item) without(coming map[string]bool) ([]byte, error) {
	if i.Kind != "client" || len(coming) == 0 {
		return i.body, nil
	}
	var in admin.NewClient
	if err := json.Unmarshal(i.body, &in); err != nil {
		return nil, err
	}
	in.Resources = slices.DeleteFunc(in.Resources, func(aud string) bool { return coming[aud] })
	if coming[in.DefaultResource] {
		in.DefaultResource = ""
	}
	return json.Marshal(in)
}

// unsaid are fields that no file says.
func unsaid(field string) bool {
	return slices.Contains([]string{
		"version", "client_secret", "password", "created_at", "secrets", "sub", "status", "enabled", "warnings",
	}, field)
}

// differences lists what will be another. What a client says of resources that are
// not there yet is the file's word.
func differences(before, after any, i *Item) ([]Change, error) {
	old, err := fieldsOf(before)
	if err != nil {
		return nil, err
	}
	fresh, err := fieldsOf(after)
	if err != nil {
		return nil, err
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(i.body, &said); err != nil {
		return nil, err
	}
	for _, field := range []string{"resources", "default_resource"} {
		if text, ok := said[field]; ok && i.Kind == "client" {
			fresh[field] = text
		}
	}
	for field := range old {
		if _, ok := fresh[field]; !ok {
			fresh[field] = nil
		}
	}
	var changes []Change
	for _, field := range slices.Sorted(maps.Keys(fresh)) {
		if from, to := string(old[field]), string(fresh[field]); from != to && !unsaid(field) {
			changes = append(changes, Change{field, from, to})
		}
	}
	return changes, nil
}

func fieldsOf(v any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	return fields, json.Unmarshal(text, &fields)
}

// Do takes the step, and gives what the server made of it: for what is new a secret
// or a password may be in it, and never again.
func (s *Step) Do(ctx context.Context, server *admin.Client) (any, error) {
	k := kindOf(s.Item)
	if s.Act == Create {
		return k.create(ctx, server, s.Item.body)
	}
	return k.update(ctx, server, s.key, s.version, s.Item.body)
}
