package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/mintmark-id/mintmark/bench/load"
)

// Names of the floors, which are also their paths.
const (
	jsonFloor       = "json"
	signFloor       = "sign"
	verifyFloor     = "verify"
	verifyReadFloor = "verify-read"
	refreshFloor    = "refresh"
	passwordFloor   = "password"
)

// basicHeader has the length of a real client authentication. A floor receives what the server receives, and ignores it.
const basicHeader = "Authorization: Basic YmVuY2gtc2VydmljZTptY3NfMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5"

// floorSite is the running floors with a grant for each connection.
type floorSite struct {
	*process
	grants []floorGrant
}

type floorGrant struct {
	access  string
	refresh *chain
}

// openFloors starts the floors in a directory of their own, or on a cluster, and makes the grants.
func openFloors(ctx context.Context, binary, directory string, rows *cluster, grants int) (*floorSite, error) {
	data := filepath.Join(directory, "floors-data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("making the floors' directory: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	flags := []string{"-listen", address, "-data", data}
	if rows != nil {
		flags = append(flags, "-database", rows.url())
	}
	p, err := launch(ctx, address, filepath.Join(directory, "floors.log"), binary, flags...)
	if err != nil {
		return nil, err
	}
	p.cluster = rows
	f := &floorSite{process: p}
	if err := f.makeGrants(ctx, grants); err != nil {
		_ = p.stop() // the reason is the error at hand
		return nil, err
	}
	return f, nil
}

func (f *floorSite) makeGrants(ctx context.Context, n int) error {
	if err := f.await(ctx, f.accepts); err != nil {
		return err
	}
	for range n {
		grant, err := f.makeGrant(ctx)
		if err != nil {
			return fmt.Errorf("preparing the floors: %w", err)
		}
		f.grants = append(f.grants, grant)
	}
	return nil
}

func (f *floorSite) makeGrant(ctx context.Context) (floorGrant, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.address+"/grant", nil)
	if err != nil {
		return floorGrant{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return floorGrant{}, err
	}
	defer response.Body.Close()
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil {
		return floorGrant{}, fmt.Errorf("reading a grant: %w", err)
	}
	return floorGrant{tokens.Access, newChain(f.address, "/"+refreshFloor, webClient, tokens.Refresh)}, nil
}

// script is what one connection asks of a floor: as much as the server is asked for the same work.
func (f *floorSite) script(floor string, connection int) load.Script {
	grant := f.grants[connection%len(f.grants)]
	switch floor {
	case refreshFloor:
		return grant.refresh.script()
	case verifyFloor, verifyReadFloor:
		form := url.Values{"token": {grant.access}}
		return repeat(load.Post(f.address, "/"+floor, form, basicHeader), `"active":true`)
	default:
		form := url.Values{"grant_type": {"client_credentials"}}
		return repeat(load.Post(f.address, "/"+floor, form, basicHeader), `"access_token":"`)
	}
}

func (f *floorSite) scripts(floor string, n int) []load.Script {
	scripts := make([]load.Script, n)
	for i := range scripts {
		scripts[i] = f.script(floor, i)
	}
	return scripts
}
