package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// site is Mintmark running on a data directory of its own.
type site struct {
	*process
	binary string
	data   string
	issuer string
	flags  []string // of serve, beside those that every site has
	rows   *cluster // nil: a file in data
	before []string // what runs the server, as taskset does; most sites have nothing
}

// newSite makes a data directory and chooses an address; it starts nothing.
func newSite(binary, directory, name string) (*site, error) {
	data := filepath.Join(directory, name)
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("making a data directory: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return &site{
		process: &process{address: address, log: filepath.Join(directory, name+".log")},
		binary:  binary, data: data, issuer: "http://" + address,
	}, nil
}

// start runs the server on the data directory, with its log in a file beside it, and waits until it is ready.
func (s *site) start(ctx context.Context) error {
	if err := s.launch(ctx); err != nil {
		return err
	}
	if err := s.await(ctx, s.ready); err != nil {
		_ = s.stop() // the reason is the error at hand
		return err
	}
	return nil
}

// launch starts the server without waiting for it.
func (s *site) launch(ctx context.Context) error {
	flags := append([]string{"serve", "--listen", s.address, "--issuer", s.issuer, "--data", s.data}, s.flags...)
	if s.rows != nil {
		flags = append(flags, "--database", s.rows.url(), "--drain", "0s")
	}
	command := slices.Concat(s.before, []string{s.binary}, flags)
	p, err := launch(ctx, s.address, s.log, command[0], command[1:]...)
	if err != nil {
		return err
	}
	p.cluster, s.process = s.rows, p
	return nil
}

func (s *site) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.issuer+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("/readyz says %s", response.Status)
	}
	return nil
}

// cli runs the administrator's command line against the server, and decodes what it prints.
func (s *site) cli(ctx context.Context, stdin string, into any, args ...string) error {
	command := exec.CommandContext(ctx, s.binary, append([]string{"--data", s.data}, append(args, "--json")...)...)
	var complaint bytes.Buffer
	command.Stdin, command.Stderr = strings.NewReader(stdin), &complaint
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("mintmark %s: %w: %s%s", strings.Join(args, " "), err, complaint.Bytes(), out)
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("mintmark %s: reading %q: %w", strings.Join(args, " "), out, err)
	}
	return nil
}

// client is a registered client; its secret is empty if it is public.
type client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func (s *site) createClient(ctx context.Context, id string, flags ...string) (client, error) {
	var c client
	err := s.cli(ctx, "", &c, append([]string{"client", "create", "--name", id, "--id", id}, flags...)...)
	return c, err
}

// person is a user who can sign in.
type person struct {
	email, password string
}

func (s *site) createPerson(ctx context.Context, email string) (person, error) {
	p := person{email: email, password: "otter-lantern-92-quarry"}
	var made struct {
		Subject string `json:"sub"`
	}
	err := s.cli(ctx, p.password, &made, "user", "create", "--email", email, "--password-stdin", "--verified")
	return p, err
}
