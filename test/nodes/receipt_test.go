package nodes_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/verify"
)

// listed counts the connected verifiers by the server that they report to, as a node
// lists them.
func (c *cluster) listed(node int) map[string]int {
	c.Helper()
	office := c.nodes[node].Admin()
	defer office.Close()
	byNode := map[string]int{}
	for v, err := range office.Verifiers(c.Context()) {
		c.must(err)
		if v.Connected {
			byNode[v.Node[strings.LastIndex(v.Node, ":"):]]++
		}
	}
	return byNode
}

// port is how the list tells the nodes of this machine apart.
func (c *cluster) port(node int) string {
	listen := c.nodes[node].Listen()
	return listen[strings.LastIndex(listen, ":"):]
}

// A receipt counts the verifiers that report to other nodes too, soon; and what a node
// that dies had, it says is gone, with its name.
func TestAReceiptCountsTheVerifiersOfAllNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	const each = 5
	for i := range 3 * each {
		transport := pinned{c.nodes[i%3].Listen(), &http.Transport{}}
		v, err := c.Verifier(t.Context(), verify.WithHTTPClient(&http.Client{Transport: transport}), verify.WithName(fmt.Sprint("orders-", i)))
		c.must(err)
		t.Cleanup(func() { c.must(v.Close()) })
	}
	for node := range c.nodes {
		c.await("each node lists all", func() bool {
			list := c.listed(node)
			return list[c.port(0)] == each && list[c.port(1)] == each && list[c.port(2)] == each
		})
	}
	office := c.nodes[0].Admin()
	defer office.Close()
	again := admin.Revocation{Kind: "user", IDs: []string{c.Ana.Sub}, Reason: "a test"}
	var slowest time.Duration
	for range size(10, 100) {
		got, err := office.Revoke(t.Context(), again, patience)
		c.must(err)
		if r := got.Receipt; r == nil || !r.Complete || r.Connected != 3*each || r.Applied != 3*each {
			t.Fatalf("the receipt of all: %+v", r)
		}
		slowest = max(slowest, time.Duration(got.Receipt.Millis)*time.Millisecond)
	}
	found(t, "until a receipt had counted verifiers on three nodes, the slowest", slowest.String(), within.String(), slowest <= within)

	name := c.port(2)
	c.must(c.nodes[2].Kill())
	c.await("what it had is gone", func() bool { list := c.listed(0); return list[name] == 0 && list[c.port(1)] == each })
	got, err := office.Revoke(t.Context(), again, patience)
	c.must(err)
	if r := got.Receipt; r == nil || !r.Complete || r.Connected != 2*each ||
		!strings.Contains(r.Sentence, name+") is disconnected and will refuse") || !strings.Contains(r.Sentence, name+" was last heard at ") {
		t.Errorf("the receipt without a node: %+v", r)
	}
}

// within is in what time all verifiers have confirmed: promise 2 of tokens.md, and what
// it takes to tell.
const within = 2 * time.Second
