package nodes_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// An admin token that was deleted on one node is refused by all from the answer on, each
// of which has let it in before.
func TestAnAdminTokenThatOneNodeTakesBackIsRefusedByTheOthers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	for round := range size(3, 20) {
		name := fmt.Sprint("branch-", round)
		made, err := c.Office.CreateAdminToken(t.Context(), admin.NewAdminToken{Name: name, Scopes: []string{"clients:read"}, TTL: 3600})
		c.must(err)
		ask := func(node int) error {
			away, err := admin.New(c.nodes[node].Remote, made.Token)
			c.must(err)
			defer away.Close()
			_, err = away.ShowClient(t.Context(), c.Shop.ID)
			return err
		}
		for node := range c.nodes {
			c.must(ask(node))
		}
		office := c.nodes[round%3].Admin()
		c.must(office.DeleteAdminToken(t.Context(), name))
		office.Close()
		for node := range c.nodes {
			err := ask(node)
			if refused, ok := errors.AsType[*admin.Problem](err); !ok || refused.Status != http.StatusUnauthorized {
				t.Errorf("node %d: %v", node, err)
			}
		}
	}
}

// What a node mints for a client from memory, while it has not heard that another node
// disabled it, is refused wherever it is shown; and it hears soon.
func TestWhatIsMintedForADisabledClientIsWorthNothing(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		reach  func(*postgresql.Server) string
		within time.Duration
	}{
		"with NOTIFY":      {func(database *postgresql.Server) string { return database.URL("") }, 250 * time.Millisecond},
		"with NOTIFY lost": {func(database *postgresql.Server) string { return database.Pooler(t) }, 750 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			at := ""
			c := newCluster(t, 2, func(database *postgresql.Server, _ int) string {
				if at == "" {
					at = way.reach(database)
				}
				return at
			})
			robot, err := app.Register(t.Context(), c.Office, c.Issuer, admin.NewClient{ClientID: "robot", ClientMetadata: admin.ClientMetadata{
				GrantTypes: []string{"client_credentials"}, Resources: []string{app.Orders},
			}})
			c.must(err)
			office := c.nodes[1].Admin()
			defer office.Close()
			var slowest time.Duration
			for range size(3, 20) {
				_, err := c.at(robot, 0).Own(t.Context(), nil) // it is in memory now
				c.must(err)
				_, err = office.DisableClient(t.Context(), robot.ID)
				c.must(err)
				disabled := time.Now()
				var late []string
				for {
					token, err := c.at(robot, 0).Own(t.Context(), nil)
					if err != nil {
						break
					}
					late = append(late, token)
				}
				slowest = max(slowest, time.Since(disabled))
				for _, token := range late {
					for node := range c.nodes {
						active, err := c.at(c.APIs, node).Active(t.Context(), token)
						c.must(err)
						if active {
							t.Errorf("a token that was minted for the disabled client is active at node %d", node)
						}
					}
				}
				_, err = office.EnableClient(t.Context(), robot.ID)
				c.must(err)
				c.await("the client is let in again", func() bool { _, err := c.at(robot, 0).Own(t.Context(), nil); return err == nil })
			}
			found(t, "until another node gives a disabled client no token any more, the slowest, "+name,
				slowest.Round(time.Millisecond).String(), way.within.String(), slowest <= way.within)
		})
	}
}
