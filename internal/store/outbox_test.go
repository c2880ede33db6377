package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// listening is a client that wants to hear of logouts.
func listening(id string) record.PutClient {
	c := app()
	c.ID, c.Secrets, c.Settings.BackchannelLogoutURI = id, nil, "https://"+id+".example/logout"
	return record.PutClient{Client: c}
}

// signedIn is a session of a user with a grant for each client, in the order of
// their names; a name with a star is of an offline grant, one with a dagger of a
// grant that has ended.
func signedIn(t *testing.T, s *Store, sid, userID string, clients ...string) {
	t.Helper()
	x := session()
	x.ID, x.CookieHash, x.UserID, x.RVS = sid, []byte(sid), userID, head(t, s).LC
	changes := []record.Change{record.PutSession{Session: x}}
	for i, name := range clients {
		g := grant()
		g.ID, g.UserID, g.ClientID, g.SID, g.Origin, g.RVS = fmt.Sprint(sid, i), userID, name, sid, sid, x.RVS
		switch name[len(name)-1] {
		case '*':
			g.ClientID, g.SID = name[:len(name)-1], ""
		case '!':
			g.ClientID, g.EndedAt = name[:len(name)-1], noon
		}
		changes = append(changes, record.PutGrant{Grant: g, SessionID: sid})
	}
	commit(t, s, changes...)
}

// told gives who is to hear of the end of which session.
func told(t *testing.T, s *Store) (list []string) {
	t.Helper()
	for _, d := range must[[]record.Delivery](t)(s.DueDeliveries(t.Context(), noon+day, nil, 99)) {
		list = append(list, d.About+" "+d.Receiver+" "+d.Payload)
	}
	slices.Sort(list)
	return list
}

func house(t *testing.T) *Store {
	t.Helper()
	s := world(t)
	commit(t, s, listening("mail"), listening("shop"), record.PutUser{User: record.User{ID: "bob", Status: record.UserActive}})
	signedIn(t, s, "a1", "ana", "shop", "shop", "mail*", "app", "gone")
	signedIn(t, s, "a2", "ana", "mail!")
	signedIn(t, s, "a3", "ana")
	signedIn(t, s, "b1", "bob", "shop")
	return s
}

// OpenID Connect Back-Channel Logout 1.0 §2.3: every client that was signed in to
// in the session hears of its end, whatever became of its tokens; a client that
// named no address, and one that is gone, do not.
func TestTheEndOfASessionTellsItsClients(t *testing.T) {
	var (
		a1 = []string{"a1 mail ana", "a1 shop ana"}
		a2 = []string{"a2 mail ana"}
		b1 = []string{"b1 shop bob"}
	)
	endSub := []record.Change{
		record.Append{Target: revocation.ForSub("ana")}, record.TellClients{Of: revocation.ForSub("ana"), At: noon}, record.CutUser{UserID: "ana"},
	}
	endAll := []record.Change{
		record.Append{Target: revocation.ForAll()}, record.TellClients{Of: revocation.ForAll(), At: noon}, record.CutAll{},
	}
	endSession := func(sid string) []record.Change {
		return []record.Change{
			record.Append{Target: revocation.ForSID(sid)}, record.TellClients{Of: revocation.ForSID(sid), At: noon}, record.EndSession{ID: sid, At: noon},
		}
	}
	for name, c := range map[string]struct {
		plans [][]record.Change
		want  []string
	}{
		"a session":                   {[][]record.Change{endSession("a1")}, a1},
		"a session, twice":            {[][]record.Change{endSession("a1"), endSession("a1")}, a1},
		"a session without clients":   {[][]record.Change{endSession("a3")}, nil},
		"a user":                      {[][]record.Change{endSub}, slices.Concat(a1, a2)},
		"a user, after a session":     {[][]record.Change{endSession("a1"), endSub}, slices.Concat(a1, a2)},
		"a user and one of hers":      {[][]record.Change{append(slices.Clone(endSub), endSession("a2")...)}, slices.Concat(a1, a2)},
		"all others, marked last":     {[][]record.Change{append(slices.Clone(endSub), record.MarkSession{ID: "a2"})}, a1},
		"all others, marked first":    {[][]record.Change{append([]record.Change{record.MarkSession{ID: "a2"}}, endSub...)}, a1},
		"a user who is deleted":       {[][]record.Change{append(slices.Clone(endSub), record.DeleteUser{UserID: "ana", At: noon})}, slices.Concat(a1, a2)},
		"everything":                  {[][]record.Change{endAll}, slices.Concat(a1, a2, b1)},
		"everything, after a user":    {[][]record.Change{endSub, endAll}, slices.Concat(a1, a2, b1)},
		"a grant":                     {[][]record.Change{{record.Append{Target: revocation.ForGID("a10")}, record.EndGrant{ID: "a10", At: noon}}}, nil},
		"a user whom nobody finds":    {[][]record.Change{{record.TellClients{Of: revocation.ForSub("nobody"), At: noon}}}, nil},
		"a session that nobody finds": {[][]record.Change{endSession("nobody's")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := house(t)
			for _, plan := range c.plans {
				commit(t, s, plan...)
			}
			same(t, "told", told(t, s), c.want)
		})
	}
}

// What was told is not told again when the outbox has forgotten it.
func TestAnEndIsToldOnce(t *testing.T) {
	s := house(t)
	cut := []record.Change{
		record.Append{Target: revocation.ForSub("ana")}, record.TellClients{Of: revocation.ForSub("ana"), At: noon}, record.CutUser{UserID: "ana"},
	}
	commit(t, s, cut...)
	onWriter(t, s, `DELETE FROM outbox`)
	commit(t, s, cut...)
	commit(t, s, record.TellClients{Of: revocation.ForAll(), At: noon}, record.CutAll{})
	same(t, "told", told(t, s), []string{"b1 shop bob"})
}

// A plan that conflicts tells nobody.
func TestAPlanThatConflictsTellsNobody(t *testing.T) {
	s := house(t)
	conflict(t, s, record.TellClients{Of: revocation.ForSID("a1"), At: noon}, record.UseInteraction{IDHash: []byte("none")})
	same(t, "told", told(t, s), []string(nil))
}

func TestALeaseKeepsOthersAway(t *testing.T) {
	s := house(t)
	commit(t, s, record.TellClients{Of: revocation.ForSID("a1"), At: noon})
	due := func(now int64, busy ...string) []record.Delivery {
		t.Helper()
		return must[[]record.Delivery](t)(s.DueDeliveries(t.Context(), now, busy, 9))
	}
	first := due(noon)
	if len(first) != 2 || len(due(noon-1)) != 0 || len(due(noon, "mail")) != 1 || len(due(noon, "mail", "shop")) != 0 {
		t.Fatalf("due are %+v", first)
	}
	held := must[record.Delivery](t)(s.LeaseDelivery(t.Context(), first[0], noon+10))
	if _, err := s.LeaseDelivery(t.Context(), first[0], noon+20); err != ErrConflict { //nolint:errorlint // as it is
		t.Errorf("a second lease: %v", err)
	}
	if left := due(noon + 9); len(left) != 1 || left[0].ID == held.ID {
		t.Errorf("while it is leased, due are %+v", left)
	}
	later := due(noon + 10)
	if len(later) != 2 || later[0].Tries+later[1].Tries != 1 {
		t.Errorf("when the lease has run out, due are %+v", later)
	}
	again := must[record.Delivery](t)(s.LeaseDelivery(t.Context(), held, noon+30))
	for what, err := range map[string]error{
		"ends":      s.EndDelivery(t.Context(), held),
		"postpones": s.PostponeDelivery(t.Context(), held),
	} {
		if err != ErrConflict { //nolint:errorlint // as it is
			t.Errorf("whoever has lost the lease %s the delivery: %v", what, err)
		}
	}
	again.DueAt, again.Answer = noon+50, "answered 500"
	if err := s.PostponeDelivery(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if left := due(noon + 49); len(left) != 1 {
		t.Errorf("after it was postponed, due are %+v", left)
	}
	last := must[record.Delivery](t)(s.LeaseDelivery(t.Context(), due(noon + 50)[1], noon+60))
	last.DoneAt, last.Outcome, last.Answer = noon+55, record.GivenUp, "answered 400"
	row := record.Audit{ID: "a", At: noon, Event: "logout_not_delivered", Actor: "server"}
	if err := s.EndDelivery(t.Context(), last, row); err != nil {
		t.Fatal(err)
	}
	last.LeasedUntil = 0
	about := must[[]record.Delivery](t)(s.DeliveriesAbout(t.Context(), "a1", 9))
	if !slices.Contains(about, last) || last.Tries != 3 || len(due(noon+day)) != 1 {
		t.Errorf("in the end there are %+v, want %+v", about, last)
	}
	if trail := must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "", 9)); len(trail) != 1 {
		t.Errorf("the audit trail is %+v", trail)
	}
}

func TestTheGrantsOfASessionAreThoseThatItMade(t *testing.T) {
	s := house(t)
	var ids []string
	for after, page := "", 0; page < 3; page++ {
		for _, g := range must[[]record.Grant](t)(s.GrantsOfSession(t.Context(), "a1", after, 2)) {
			ids, after = append(ids, g.ID), g.ID
		}
	}
	same(t, "grants", ids, []string{"a10", "a11", "a12", "a13", "a14"})
}
