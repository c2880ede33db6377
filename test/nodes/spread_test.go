package nodes_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/verify"
)

// pinned asks one node whatever address is asked for.
type pinned struct {
	node string
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (p pinned) RoundTrip(r *http.Request) (*http.Response, error) {
	there := r.Clone(r.Context())
	there.Host, there.URL.Host = r.URL.Host, p.node
	return p.RoundTripper.RoundTrip(there)
}

// following are verifiers, spread over the nodes.
const following = 100

// What is revoked on one node is refused by verifiers on all of them, soon; also when
// no node hears of another's commits, as behind a pooler.
func TestARevocationReachesAHundredVerifiersOnAllNodes(t *testing.T) {
	for _, way := range []struct {
		name   string
		reach  func(*testing.T, *postgresql.Server) string
		within time.Duration
	}{
		{"with NOTIFY", func(_ *testing.T, database *postgresql.Server) string { return database.URL("") }, 250 * time.Millisecond},
		{"with NOTIFY lost", func(t *testing.T, database *postgresql.Server) string { return database.Pooler(t) }, 750 * time.Millisecond},
	} {
		t.Run(way.name, func(t *testing.T) {
			at := ""
			c := newCluster(t, 3, func(database *postgresql.Server, _ int) string {
				if at == "" {
					at = way.reach(t, database)
				}
				return at
			})
			fleet := c.fleet()
			var took []time.Duration
			for round := range size(10, 200) {
				took = append(took, c.revokedAt(round%3, fleet)...)
			}
			p99 := quantile(took, 0.99)
			found(t, fmt.Sprintf("revoked on one node, refused by %d verifiers on three, p99, %s", following, way.name),
				fmt.Sprintf("%s (median %s, slowest %s)", p99.Round(time.Millisecond), quantile(took, 0.5).Round(time.Millisecond),
					quantile(took, 1).Round(time.Millisecond)), way.within.String(), p99 <= way.within)
		})
	}
}

func (c *cluster) fleet() (fleet []*verify.Verifier) {
	c.Helper()
	for i := range following {
		transport := pinned{c.nodes[i%len(c.nodes)].Listen(), &http.Transport{}}
		v, err := c.Verifier(c.Context(), verify.WithHTTPClient(&http.Client{Transport: transport}))
		c.must(err)
		c.Cleanup(func() { c.must(v.Close()) })
		fleet = append(fleet, v)
	}
	for _, v := range fleet {
		c.await("every verifier is live", func() bool { return v.Status().State == verify.Live })
	}
	return fleet
}

// revokedAt revokes a token on a node, and tells how long it took each verifier to
// refuse it, from when the revocation was sent.
func (c *cluster) revokedAt(node int, fleet []*verify.Verifier) []time.Duration {
	c.Helper()
	tokens := c.signIn()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	took := make([]time.Duration, len(fleet))
	var began time.Time
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, v := range fleet {
		seen, err := v.Watch(ctx, tokens.Access)
		c.must(err)
		all.Go(func() {
			<-start
			<-seen.Done()
			took[i] = time.Since(began)
		})
	}
	began = time.Now()
	close(start)
	c.must(c.at(c.Shop, node).Revoke(ctx, tokens.Refresh))
	all.Wait()
	for _, v := range fleet {
		if _, err := v.Check(c.Context(), tokens.Access); err == nil || strings.Contains(err.Error(), "unavailable") {
			c.Errorf("it is %v to a verifier", err)
		}
	}
	return took
}
