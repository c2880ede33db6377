package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func TestWhoShowsAnAdminTokenIsLetInOrRefusedAndOnRecord(t *testing.T) {
	env := tokenEnv()
	const network = "192.0.2.0/24"
	counter := AdminCounters(network)[0]
	token := func(change func(*record.AdminToken)) *record.AdminToken {
		x := &record.AdminToken{Name: "deploy", Scopes: []string{"clients:read"}, MadeAt: tokenNow - hour, EndsAt: tokenNow + 1, UsedAt: tokenNow}
		change(x)
		return x
	}
	row := func(event, actor, key, detail string) record.Audit {
		return audited(record.Audit{Event: event, Actor: actor, Key: key, Detail: detail}, env)
	}
	used := row("admin_token_used", "admin:deploy", "admin_token_used deploy "+network, "from "+network)
	stood := func(n, ends int64) map[string]record.Counter {
		return map[string]record.Counter{counter: {Name: counter, N: n, WindowEnds: ends}}
	}
	guess := row("admin_token_refused", "server", "admin_token_wrong from "+network, "admin_token_wrong: from "+network)
	for name, c := range map[string]struct {
		st      record.AdminState
		reason  oauth.Reason
		changes []record.Change
		wait    time.Duration
	}{
		"a token": {record.AdminState{Token: token(func(*record.AdminToken) {})}, "", []record.Change{used}, 0},
		"a token that was not used for a minute": {
			record.AdminState{Token: token(func(x *record.AdminToken) { x.UsedAt -= minute })},
			"",
			[]record.Change{record.SeeAdminToken{Name: "deploy", At: tokenNow - tokenNow%minute}, used},
			0,
		},
		"a token that has expired, which is no guess": {
			record.AdminState{Token: token(func(x *record.AdminToken) { x.EndsAt-- })},
			oauth.ReasonAdminTokenExpired,
			[]record.Change{row("admin_token_refused", "server", "admin_token_expired deploy from "+network, "admin_token_expired: deploy from "+network)},
			0,
		},
		"a guess": {
			record.AdminState{},
			oauth.ReasonAdminTokenWrong,
			[]record.Change{record.CountAttempt{Name: counter, Limit: 30, At: tokenNow, WindowEnds: tokenNow + 15*minute}, guess},
			0,
		},
		"another guess: the window does not move": {
			record.AdminState{Counters: stood(29, tokenNow+1)},
			oauth.ReasonAdminTokenWrong,
			[]record.Change{record.CountAttempt{Name: counter, Limit: 30, At: tokenNow, WindowEnds: tokenNow + 1}, guess},
			0,
		},
		"a guess after the window": {
			record.AdminState{Counters: stood(30, tokenNow)},
			oauth.ReasonAdminTokenWrong,
			[]record.Change{record.CountAttempt{Name: counter, Limit: 30, At: tokenNow, WindowEnds: tokenNow + 15*minute}, guess},
			0,
		},
		"a token from where others guess": { // they cannot lock it out
			record.AdminState{Token: token(func(*record.AdminToken) {}), Counters: stood(30, tokenNow+minute)}, "", []record.Change{used}, 0,
		},
		"one guess too many": {record.AdminState{Counters: stood(30, tokenNow+1500)}, oauth.ReasonTooManyAttempts, nil, 2 * time.Second},
	} {
		out := AdmitAdmin(network, &c.st, env)
		if diff := cmp.Diff(c.changes, out.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		switch {
		case c.reason == "" && (out.Err != nil || out.Answer.Name != "deploy"):
			t.Errorf("%s: %v %+v", name, out.Err, out.Answer)
		case c.reason != "" && (out.Err == nil || out.Err.Reason != c.reason || out.Err.RetryAfter != c.wait || out.Answer.Name != ""):
			t.Errorf("%s: %v", name, out.Err)
		}
	}
}
