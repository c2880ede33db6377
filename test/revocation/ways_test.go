package revocation_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/verify"
)

// cast is everybody who holds something when something is taken back.
type cast struct {
	*world
	ana           admin.User
	phone, laptop *person.Person // Ana's browsers
	holds         map[string]*holding
}

// everybody holds a token that an API takes: Ana's phone is signed in to the shop,
// to the desk, to the shop for another API and for one with opaque tokens, and to
// mail, which goes on when she signs out; her laptop and Bob to the shop; and the
// robot acts for itself, once with an opaque token.
func everybody(w *world) *cast {
	w.Helper()
	c := &cast{world: w, ana: w.newUser("ana@example.com")}
	c.phone, c.laptop = w.browserOf(c.ana), w.browserOf(c.ana)
	bob := w.browserOf(w.newUser("bob@example.com"))
	shop, desk := w.apps["shop"], w.apps["desk"]
	c.holds = map[string]*holding{
		"phone":  shop.signIn(c.phone, orders, "openid"),
		"desk":   desk.signIn(c.phone, orders, "openid"),
		"stock":  shop.signIn(c.phone, stock, "openid"),
		"mail":   desk.signIn(c.phone, orders, "openid offline_access"),
		"laptop": shop.signIn(c.laptop, orders, "openid"),
		"bob":    shop.signIn(bob, orders, "openid"),
		"robot":  w.apps["robot"].own(orders),
		"vault":  shop.signIn(c.phone, vault, "openid"),
		"safe":   w.apps["robot"].own(vault),
	}
	return c
}

func (c *cast) cli(args ...string) {
	c.Helper()
	c.server.CLI(args...)
}

func (c *cast) revoke(kind string, ids ...string) {
	c.Helper()
	c.cli(append(append([]string{"revoke", kind}, ids...), "--reason", "test", "--wait", "0s")...)
}

// account presses a button of the account page.
func (c *cast) account(who *person.Person, button func(person.Page) string, fields map[string]string) {
	c.Helper()
	page := who.Get(c.server.Issuer + "/account")
	if !page.Has("account-signout") {
		c.Fatalf("the account page shows\n%s", page.Text)
	}
	who.Press(page, button(page), fields)
}

func named(id string) func(person.Page) string { return func(person.Page) string { return id } }

// inRow finds a button by a pattern, in the row of a list that says something or
// does not.
func inRow(pattern, text string, says bool) func(person.Page) string {
	return func(page person.Page) string {
		for _, row := range strings.Split(page.Text, "<li>") {
			found := regexp.MustCompile(`id="(` + pattern + `)"`).FindStringSubmatch(row)
			if found != nil && strings.Contains(row, text) == says {
				return found[1]
			}
		}
		return "no such row"
	}
}

// newPassword changes it on the phone.
func (c *cast) newPassword(fields map[string]string) {
	c.Helper()
	fresh := rand.Text()
	fields["account-password-current"], fields["account-password-new"] = c.ana.Password, fresh
	c.account(c.phone, named("account-password-submit"), fields)
	c.ana.Password = fresh
}

// everyone are all in the cast, but for some.
func everyone(but ...string) string {
	all := []string{"phone", "desk", "stock", "mail", "laptop", "bob", "robot", "vault", "safe"}
	return strings.Join(slices.DeleteFunc(all, func(name string) bool { return slices.Contains(but, name) }), " ")
}

// way is one way to take something back.
type way struct {
	name string
	act  func(*cast)
	dead string // whose tokens die, the refresh token too
	// short: whose access tokens die, while the refresh token brings another
	short string
	// again: Ana signs in anew at once, and is let in
	again bool
}

func ways() []way {
	anas := everyone("bob", "robot", "safe")
	return slices.Concat([]way{
		{name: "revoke user", act: func(c *cast) { c.revoke("user", "ana@example.com") }, dead: anas, again: true},
		{name: "revoke session", act: func(c *cast) { c.revoke("session", c.holds["phone"].claim("sid")) }, dead: "phone desk stock vault", again: true},
		{name: "revoke grant", act: func(c *cast) { c.revoke("grant", c.holds["phone"].claim("gid")) }, dead: "phone", again: true},
		{name: "revoke consent", act: func(c *cast) { c.revoke("consent", c.ana.Sub, "shop") }, dead: "phone stock laptop vault", again: true},
		{name: "revoke client", act: func(c *cast) { c.revoke("client", "shop") }, dead: "phone stock laptop bob vault", again: true},
		{name: "revoke token", act: func(c *cast) { c.revoke("token", c.holds["phone"].access) }, short: "phone", again: true},
		{name: "revoke token, a refresh token", act: func(c *cast) { c.revoke("token", c.holds["phone"].refresh) }, dead: "phone", again: true},
		{name: "revoke token, by its jti", act: func(c *cast) { c.revoke("token", c.holds["robot"].claim("jti")) }, short: "robot", again: true},
		{name: "revoke token, an opaque one", act: func(c *cast) { c.revoke("token", c.holds["vault"].access) }, short: "vault", again: true},
		{name: "revoke key", act: func(c *cast) {
			c.revoke("key", c.holds["phone"].claim("kid"))
		}, short: everyone("vault", "safe"), again: true},
		{name: "revoke audience", act: func(c *cast) { c.revoke("audience", stock) }, dead: "stock", again: true},
		{name: "revoke audience of opaque tokens", act: func(c *cast) { c.revoke("audience", vault) }, dead: "vault", short: "safe", again: true},
		{name: "revoke all", act: func(c *cast) { c.revoke("all") }, dead: everyone("robot", "safe"), short: "robot safe", again: true},
		{name: "key rotate --emergency", act: func(c *cast) { c.cli("key", "rotate", "--emergency") }, short: everyone(), again: true},
		{name: "user disable", act: func(c *cast) { c.cli("user", "disable", c.ana.Sub) }, dead: anas},
		{name: "user delete", act: func(c *cast) { c.cli("user", "delete", c.ana.Sub) }, dead: anas},
		{name: "client disable", act: func(c *cast) { c.cli("client", "disable", "shop") }, dead: "phone stock laptop bob vault"},
		{name: "client delete", act: func(c *cast) { c.cli("client", "delete", "shop") }, dead: "phone stock laptop bob vault"},
		{name: "resource delete", act: func(c *cast) { c.cli("resource", "delete", stock) }, dead: "stock", again: true},
	}, waysOfUsers(anas), waysOfClients())
}

func waysOfUsers(anas string) []way {
	return []way{
		{name: "logout by a client", act: func(c *cast) {
			page := c.phone.Get(c.server.Issuer + oauth.PathEndSession + "?" + url.Values{"id_token_hint": {c.holds["phone"].id}}.Encode())
			if page.Has("logout-confirm") {
				c.phone.Press(page, "logout-confirm", nil)
			}
		}, dead: "phone desk stock vault", again: true},
		{name: "sign out", act: func(c *cast) { c.account(c.phone, named("account-signout"), nil) }, dead: "phone desk stock vault", again: true},
		{name: "end another browser's session", act: func(c *cast) {
			c.account(c.laptop, inRow("account-session-end-[^\"]*", "this browser", false), nil)
		}, dead: "phone desk stock vault", again: true},
		{name: "sign out everywhere", act: func(c *cast) { c.account(c.phone, named("account-signout-all"), nil) }, dead: anas, again: true},
		{name: "change the password and sign out elsewhere", act: func(c *cast) {
			c.newPassword(map[string]string{})
		}, dead: "laptop mail", short: "phone desk stock vault", again: true},
		{name: "change the password alone", act: func(c *cast) {
			c.newPassword(map[string]string{"account-password-others": ""})
		}, again: true},
		{name: "remove an app", act: func(c *cast) {
			c.account(c.laptop, inRow("account-app-remove-[^\"]*", `value="shop"`, true), nil)
		}, dead: "phone stock laptop vault", again: true},
	}
}

func waysOfClients() []way {
	return []way{
		{name: "RFC 7009, an access token", act: func(c *cast) {
			c.apps["shop"].revoke(c.holds["phone"].access)
		}, short: "phone", again: true},
		{name: "RFC 7009, an opaque access token", act: func(c *cast) {
			c.apps["shop"].revoke(c.holds["vault"].access)
		}, short: "vault", again: true},
		{name: "RFC 7009, a refresh token", act: func(c *cast) {
			c.apps["desk"].revoke(c.holds["desk"].refresh)
		}, dead: "desk", again: true},
		{name: "a code used twice", act: func(c *cast) {
			if again := c.holds["phone"].exchange(); again.status != http.StatusBadRequest {
				c.Fatalf("it is answered with %d %s", again.status, again.body)
			}
		}, dead: "phone", again: true},
		{name: "a refresh token replayed", act: func(c *cast) {
			h := c.holds["desk"]
			thief := *h
			for range 2 {
				if !h.renew() {
					c.Fatal("it does not refresh")
				}
			}
			if thief.renew() {
				c.Fatal("a token from two rotations ago refreshes")
			}
		}, dead: "desk", again: true},
	}
}

// RFC 7009 §2, RFC 9700 §4.14.2, OpenID Connect RP-Initiated Logout §2; tokens.md,
// part 3, promises 1 and 4: in each way that there is, what is taken back is
// refused by the server from the moment of the answer and by every verifier that
// follows the log; what is not, lives; and what is minted afterwards lives too.
func TestWhatIsTakenBackIsRefusedEverywhereAndNothingElseIs(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.protect("orders-1", orders, verify.Balanced)
			w.protect("orders-2", orders, verify.Strict)
			w.protect("stock-1", stock, verify.Available)
			c := everybody(w)
			for name, h := range c.holds {
				c.lives(name, h)
			}
			way.act(c)
			dead, short := strings.Fields(way.dead), strings.Fields(way.short)
			for _, name := range slices.Concat(dead, short) {
				c.refusedAtOnce(name, slices.Contains(dead, name))
			}
			if way.again {
				c.lives("ana, who signed in anew", w.apps["shop"].signIn(w.browserOf(c.ana), orders, "openid"))
			}
			for _, name := range slices.Concat(dead, short) {
				c.refusedByVerifiers(name)
			}
			for name, h := range c.holds {
				if slices.Contains(dead, name) {
					continue
				}
				if slices.Contains(short, name) {
					c.replace(name, h)
				}
				c.lives(name, h)
			}
		})
	}
}

// An opaque token is no token to a verifier, which says so: to whoever calls, and
// to whoever asks it.
func TestAVerifierSaysThatAnOpaqueTokenIsOne(t *testing.T) {
	w := newWorld(t)
	api := w.protect("vault-1", vault, verify.Strict)
	token := w.apps["robot"].own(vault).access
	if status, why := api.call(token); status != http.StatusUnauthorized || !strings.Contains(why, "the access token is opaque, and this API takes JWTs") {
		t.Errorf("it answers %d %s", status, why)
	}
	_, err := api.verifier.Check(t.Context(), token)
	refused, ok := errors.AsType[*verify.RefusedError](err)
	if !ok || refused.Reason != verify.Opaque || !strings.Contains(err.Error(), "introspection") {
		t.Errorf("the verifier says %v", err)
	}
}

// lives checks that a token is good wherever it is shown, and refreshes.
func (c *cast) lives(name string, h *holding) {
	c.Helper()
	c.acceptedByVerifiers(name, h)
	if !c.active(h.access) {
		c.Errorf("%s: introspection says that the token is not active", name)
	}
	if h.id != "" && c.userinfo(h.access) != http.StatusOK {
		c.Errorf("%s: userinfo refuses the token", name)
	}
	if h.refresh == "" {
		return
	}
	if !h.renew() {
		c.Errorf("%s: it does not refresh", name)
	}
	c.acceptedByVerifiers(name+", refreshed", h)
}

func (c *cast) acceptedByVerifiers(name string, h *holding) {
	c.Helper()
	for _, a := range c.apis[h.aud] {
		if status, why := a.call(h.access); status != http.StatusOK {
			c.Errorf("%s: %s answers %d %s", name, a.name, status, why)
		}
	}
}

// refusedAtOnce: tokens.md, part 3, promise 1.
func (c *cast) refusedAtOnce(name string, refreshes bool) {
	c.Helper()
	h := c.holds[name]
	if c.active(h.access) {
		c.Errorf("%s: introspection still says active", name)
	}
	if h.id != "" && c.userinfo(h.access) != http.StatusUnauthorized {
		c.Errorf("%s: userinfo still answers", name)
	}
	if refreshes {
		if before := *h; before.renew() {
			c.Errorf("%s: it still refreshes", name)
		}
	}
}

// refusedByVerifiers: promise 2, but for how soon.
func (c *cast) refusedByVerifiers(name string) {
	c.Helper()
	h := c.holds[name]
	for _, a := range c.apis[h.aud] {
		c.await(name+": "+a.name+" refuses", func() bool { return a.refuses(h.access) })
	}
}

// replace gets another token in the place of one that is dead.
func (c *cast) replace(name string, h *holding) {
	c.Helper()
	if h.refresh == "" {
		*h = *h.app.own(h.aud)
		return
	}
	if !h.renew() {
		c.Errorf("%s: the refresh token died too", name)
	}
}
