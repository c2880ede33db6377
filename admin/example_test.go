package admin_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mintmark-id/mintmark/admin"
)

// Registering a service that gets tokens for itself.
func Example() {
	server := admin.Dial(filepath.Join("mintmark-data", "admin.sock"))
	defer server.Close()

	client, err := server.CreateClient(context.Background(), admin.NewClient{ClientMetadata: admin.ClientMetadata{
		Name:       "Nightly report",
		GrantTypes: []string{"client_credentials"},
	}})
	problem, refused := errors.AsType[*admin.Problem](err)
	switch {
	case errors.Is(err, admin.ErrNotReached):
		fmt.Println("is the server running?")
	case refused:
		fmt.Println(problem) // everything that is wrong, a line each
	case err == nil:
		fmt.Println(client.ClientID, client.ClientSecret) // the secret is never shown again
	}
	// Output: is the server running?
}
