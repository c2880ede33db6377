package engine_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
)

func (o *office) order(kind string, ids ...string) engine.RevocationOrder {
	return engine.RevocationOrder{Kind: kind, IDs: ids, Reason: "test"}
}

func TestWhatAnAdministratorRevokesIsRefusedAtOnce(t *testing.T) {
	for _, kind := range []string{"user", "session", "grant", "consent", "client", "token", "key", "all"} {
		t.Run(kind, func(t *testing.T) {
			o := newOffice(t)
			tokens := o.signIn()
			grants, _, err := o.GrantPage(t.Context(), o.ana, "", "")
			o.must(err)
			grant := grants[0]
			ids := map[string][]string{
				"user": {o.ana}, "session": {grant.SID}, "grant": {grant.ID}, "consent": {o.ana, grant.ClientID},
				"client": {grant.ClientID}, "token": {tokens.Access}, "key": {o.kidOf(tokens.Access)},
			}[kind]
			order := o.order(kind, ids...)
			order.DryRun = true
			dry, err := o.RevokeFor(t.Context(), order)
			o.must(err)
			if !o.active(tokens.Access) {
				t.Fatal("a dry run ended it")
			}
			want := engine.Revoked{Sessions: 0, Grants: 1, Clients: []string{grant.ClientID}}
			switch kind {
			case "user", "session", "all":
				want.Sessions = 1
			case "token", "key":
				want = engine.Revoked{}
			}
			if !reflect.DeepEqual(dry, want) {
				t.Errorf("it would end %+v, want %+v", dry, want)
			}
			order.DryRun = false
			_, err = o.RevokeFor(t.Context(), order)
			o.must(err)
			if o.active(tokens.Access) {
				t.Error("it is active")
			}
		})
	}
}

// tokens.md, part 2: "end live tokens but keep sign-ins".
func TestARoleThatIsTakenAwayEndsTokensAndNoSignIn(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	order := o.order("user", o.ana)
	order.KeepSignIns = true
	_, err := o.RevokeFor(t.Context(), order)
	o.must(err)
	if o.active(tokens.Access) {
		t.Error("the access token is active")
	}
	sessions, _, err := o.SessionPage(t.Context(), o.ana, "")
	o.must(err)
	grants, _, err := o.GrantPage(t.Context(), o.ana, "", "")
	o.must(err)
	if len(sessions) != 1 || sessions[0].Dead != "" || len(grants) != 1 || grants[0].Dead != "" || !grants[0].Refreshes {
		t.Errorf("there are %+v and %+v", sessions, grants)
	}
	for _, kind := range []string{"session", "grant", "consent", "client", "token", "key", "audience", "all"} {
		order.Kind = kind
		_, err := o.RevokeFor(t.Context(), order)
		if refusal, ok := errors.AsType[*engine.Refusal](err); !ok || refusal.Kind != engine.Invalid {
			t.Errorf("%s without its sign-ins: %v", kind, err)
		}
	}
}

// tokens.md I7: what ended for ever does not end again; a cutoff is made again, for
// what was minted since. Either is said.
func TestI7WhoRevokesTwiceIsToldSo(t *testing.T) {
	o := newOffice(t)
	grant := func() engine.ManagedGrant {
		o.signIn()
		grants, _, err := o.GrantPage(t.Context(), o.ana, "", "")
		o.must(err)
		return grants[0]
	}
	for _, c := range []struct {
		kind    string
		ids     func() []string
		forever bool
	}{
		{"session", func() []string { return []string{grant().SID} }, true},
		{"grant", func() []string { return []string{grant().ID} }, true},
		{"token", func() []string { return []string{o.signIn().Access} }, true},
		{"user", func() []string { return []string{o.ana} }, false},
		{"consent", func() []string { return []string{o.ana, "shop"} }, false},
		{"client", func() []string { return []string{"shop"} }, false},
		{"audience", func() []string { return []string{officeAPI} }, false},
		{"all", func() []string { return nil }, false},
	} {
		order := o.order(c.kind, c.ids()...)
		first, err := o.RevokeFor(t.Context(), order)
		o.must(err)
		if first.Already || first.Again {
			t.Errorf("%s: at first it is %+v", c.kind, first)
		}
		head, err := o.store.Head(t.Context())
		o.must(err)
		order.DryRun = true
		dry, err := o.RevokeFor(t.Context(), order)
		o.must(err)
		order.DryRun = false
		second, err := o.RevokeFor(t.Context(), order)
		o.must(err)
		for _, got := range []engine.Revoked{dry, second} {
			if got.Already != c.forever || got.Again == c.forever {
				t.Errorf("%s: the second time it is %+v", c.kind, got)
			}
		}
		after, err := o.store.Head(t.Context())
		o.must(err)
		if (after.Seq == head.Seq) != c.forever {
			t.Errorf("%s: the log went from %d to %d", c.kind, head.Seq, after.Seq)
		}
	}
}

func TestAKeyThatIsRevokedIsReplacedByTheNext(t *testing.T) {
	o := newOffice(t)
	before, refused := o.machineToken(o.secret)
	o.fine(refused)
	_, err := o.RevokeFor(t.Context(), o.order("key", o.kidOf(before)))
	o.must(err)
	after, refused := o.machineToken(o.secret)
	o.fine(refused)
	if o.active(before) || !o.active(after) {
		t.Error("the old token lives, or the new one does not")
	}
	if count := o.keysBy(mint.ES256); count[record.KeyActive] != 1 || count[record.KeyNext] != 1 || count[record.KeyCompromised] != 1 {
		t.Errorf("the keys are %v", count)
	}
	again, err := o.RevokeFor(t.Context(), o.order("key", o.kidOf(before)))
	if err != nil || !again.Already {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

func TestARevocationThatNamesNothingIsRefused(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		order engine.RevocationOrder
		want  engine.RefusalKind
	}{
		{o.order("device", "x"), engine.Invalid},
		{o.order("user"), engine.Invalid},
		{o.order("all", "x"), engine.Invalid},
		{o.order("consent", o.ana), engine.Invalid},
		{o.order("token", "nonsense"), engine.Invalid},
		{o.order("user", ""), engine.Invalid},
		{engine.RevocationOrder{Kind: "all"}, engine.Invalid},
		{engine.RevocationOrder{Kind: "all", Reason: "\x1b"}, engine.Invalid},
		{o.order("user", "nobody"), engine.NotFound},
		{o.order("session", "x"), engine.NotFound},
		{o.order("grant", "x"), engine.NotFound},
		{o.order("client", "x"), engine.NotFound},
		{o.order("key", "x"), engine.NotFound},
		{o.order("audience", "x"), engine.NotFound},
		{o.order("consent", o.ana, "x"), engine.NotFound},
	} {
		before, err := o.store.Head(t.Context())
		o.must(err)
		_, err = o.RevokeFor(t.Context(), c.order)
		refusal, ok := errors.AsType[*engine.Refusal](err)
		after, failed := o.store.Head(t.Context())
		o.must(failed)
		if !ok || refusal.Kind != c.want || after != before {
			t.Errorf("%+v: %v", c.order, err)
		}
	}
}
