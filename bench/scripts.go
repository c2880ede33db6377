package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/mintmark-id/mintmark/bench/load"
)

// repeat sends the same request again and again; every answer must be 200 and contain the text.
func repeat(request []byte, text string) load.Script {
	wanted := []byte(text)
	return load.Script{
		Next: func() []byte { return request },
		Check: func(r load.Response) error {
			if r.Status != 200 || !bytes.Contains(r.Body, wanted) {
				return unexpected(r, "200 with "+text)
			}
			return nil
		},
	}
}

// unexpected describes an answer that should have been another.
func unexpected(r load.Response, wanted string) error {
	return fmt.Errorf("status %d %q %.300q, wanted %s", r.Status, r.Location, r.Body, wanted)
}

// chain is a grant that is refreshed with the token that its last refresh gave.
type chain struct {
	head, body []byte // what precedes the length and the token
	token      []byte
	request    []byte
}

// newChain refreshes at path of host as a public client, starting with a refresh token.
func newChain(host, path, client, token string) *chain {
	head := load.Get(host, path, "Content-Type: application/x-www-form-urlencoded")
	head = append([]byte("POST"), head[len("GET"):len(head)-len("\r\n")]...)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}}
	return &chain{
		head:  append(head, "Content-Length: "...),
		body:  []byte(form.Encode() + "&refresh_token="), // of unreserved characters, in both kinds of token
		token: []byte(token),
	}
}

func (c *chain) next() []byte {
	c.request = append(c.request[:0], c.head...)
	c.request = strconv.AppendInt(c.request, int64(len(c.body)+len(c.token)), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	c.request = append(c.request, c.body...)
	c.request = append(c.request, c.token...)
	return c.request
}

var errNotRotated = errors.New("a refresh answered the token that it was given")

// check takes the successor from the answer. It must have come with both of the other tokens.
func (c *chain) check(r load.Response) error {
	successor := member(r.Body, "refresh_token")
	if r.Status != 200 || successor == nil || member(r.Body, "access_token") == nil || member(r.Body, "id_token") == nil {
		return unexpected(r, "200 with three tokens")
	}
	if bytes.Equal(successor, c.token) {
		return errNotRotated
	}
	c.token = append(c.token[:0], successor...)
	return nil
}

func (c *chain) script() load.Script { return load.Script{Next: c.next, Check: c.check} }

// member finds a string member of a flat JSON object whose value has nothing escaped, which holds for tokens. It is
// the generator's shortcut: decoding every answer would cost more than the server's work.
func member(object []byte, name string) []byte {
	_, after, found := bytes.Cut(object, []byte(`"`+name+`":"`))
	value, _, closed := bytes.Cut(after, []byte(`"`))
	if !found || !closed || len(value) == 0 {
		return nil
	}
	return value
}

// limit ends a script after n requests.
func limit(script load.Script, n int) load.Script {
	next := script.Next
	script.Next = func() []byte {
		if n--; n < 0 {
			return nil
		}
		return next()
	}
	return script
}
