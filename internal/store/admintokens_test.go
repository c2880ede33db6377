package store

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

func adminToken() record.AdminToken {
	return record.AdminToken{
		Name: "deploy", Hash: []byte("hash 1"), Scopes: []string{"clients:read", "clients:write"}, MadeAt: noon, EndsAt: noon + day,
	}
}

func TestAnAdminTokenIsFoundByItsHashUntilItIsDeleted(t *testing.T) {
	s := world(t)
	want := adminToken()
	shown := func(hash string) *record.AdminState {
		t.Helper()
		return must[*record.AdminState](t)(s.AdminState(t.Context(), []byte(hash), []string{"admin x"}))
	}
	commit(t, s, record.PutAdminToken{Token: want})
	same(t, "shown", shown("hash 1").Token, &want)
	same(t, "another", shown("hash 2").Token, (*record.AdminToken)(nil))
	same(t, "nothing shown", must[*record.AdminState](t)(s.AdminState(t.Context(), nil, nil)).Token, (*record.AdminToken)(nil))

	again := adminToken()
	again.Hash = []byte("hash 2")
	conflict(t, s, record.PutAdminToken{Token: again}) // the name is taken
	again.Name, again.Hash = "other", []byte("hash 1")
	conflict(t, s, record.PutAdminToken{Token: again}) // and so is the hash
	again.Hash = []byte("hash 2")
	commit(t, s, record.PutAdminToken{Token: again})
	same(t, "all", must[[]record.AdminToken](t)(s.AdminTokenList(t.Context(), "", 9)), []record.AdminToken{want, again})
	same(t, "the rest", must[[]record.AdminToken](t)(s.AdminTokenList(t.Context(), "deploy", 9)), []record.AdminToken{again})

	want.UsedAt = noon + 1
	commit(t, s, record.SeeAdminToken{Name: "deploy", At: noon + 1}, record.SeeAdminToken{Name: "nobody", At: noon})
	same(t, "used", must[*record.AdminToken](t)(s.AdminToken(t.Context(), "deploy")), &want)
	commit(t, s, record.CountAttempt{Name: "admin x", Limit: 9, At: noon, WindowEnds: noon + 1})
	same(t, "counted", shown("hash 1").Counters, map[string]record.Counter{"admin x": {Name: "admin x", N: 1, WindowEnds: noon + 1}})

	commit(t, s, record.DeleteAdminToken{Name: "deploy"})
	conflict(t, s, record.DeleteAdminToken{Name: "deploy"})
	same(t, "deleted", shown("hash 1").Token, (*record.AdminToken)(nil))
}

// What was taken back after the backup must not come back: I8.
func TestANewLogLeavesNoAdminToken(t *testing.T) {
	s := world(t)
	commit(t, s, record.PutAdminToken{Token: adminToken()})
	commit(t, s, record.RestartLog{From: head(t, s).LogID, LogID: "another log"})
	same(t, "left", must[[]record.AdminToken](t)(s.AdminTokenList(t.Context(), "", 9)), []record.AdminToken(nil))
}
