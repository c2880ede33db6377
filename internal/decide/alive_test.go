package decide

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// tokens.md, part 2: one function, every parent, the largest cutoff wins.
func TestEveryParentCanEndAChild(t *testing.T) {
	const rvs = tokenLC
	session := func(p *record.Parents) { p.ClientID, p.ClientEnabled = "", false }
	cases := []struct {
		name   string
		change func(p *record.Parents)
		reason oauth.Reason
	}{
		{"all is well", func(*record.Parents) {}, ""},
		{"every cutoff at the rvs", func(p *record.Parents) {
			p.AllCut, p.UserCut, p.ClientCut, p.ConsentCut, p.ResourceCuts = rvs, rvs, rvs, rvs, []int64{rvs, rvs}
		}, ""},
		{"all", func(p *record.Parents) { p.AllCut = rvs + 1 }, oauth.ReasonAllCut},
		{"key", func(p *record.Parents) { p.KeyStatus = record.KeyCompromised }, oauth.ReasonKeyCompromised},
		{"a retired key signs no more, but what it signed lives", func(p *record.Parents) { p.KeyStatus = record.KeyRetired }, ""},
		{"jti", func(p *record.Parents) { p.JTIRevoked = true }, oauth.ReasonJTIRevoked},
		{"user disabled", func(p *record.Parents) { p.UserStatus = record.UserDisabled }, oauth.ReasonUserDisabled},
		{"user gone", func(p *record.Parents) { p.UserStatus = "" }, oauth.ReasonUserDisabled},
		{"a status of a later version", func(p *record.Parents) { p.UserStatus = "suspended" }, oauth.ReasonUserDisabled},
		{"user cut", func(p *record.Parents) { p.UserCut = rvs + 1 }, oauth.ReasonUserCut},
		{"no user above", func(p *record.Parents) { p.UserID, p.UserStatus, p.UserCut = "", "", rvs+1 }, ""},
		{"client disabled", func(p *record.Parents) { p.ClientEnabled = false }, oauth.ReasonClientDisabled},
		{"client cut", func(p *record.Parents) { p.ClientCut = rvs + 1 }, oauth.ReasonClientCut},
		{"consent cut", func(p *record.Parents) { p.ConsentCut = rvs + 1 }, oauth.ReasonConsentCut},
		{"the second resource cut", func(p *record.Parents) { p.ResourceCuts = []int64{0, rvs + 1} }, oauth.ReasonResourceCut},
		{"grant ended", func(p *record.Parents) { p.GID, p.GrantEndedAt = "g", 1 }, oauth.ReasonGrantEnded},
		{"no grant above", func(p *record.Parents) { p.GrantEndedAt = 1 }, ""},
		{"session ended", func(p *record.Parents) { p.SessionEndedAt = 1 }, oauth.ReasonSessionEnded},
		{"no session above", func(p *record.Parents) { p.SID, p.SessionEndedAt = "", 1 }, ""},
		{"session at its absolute limit", func(p *record.Parents) { p.SessionAbsUntil = tokenNow }, oauth.ReasonSessionExpired},
		{"a grant lives on an idle session", func(p *record.Parents) { p.SessionIdleUntil = tokenNow }, ""},
		{"an idle session itself does not", func(p *record.Parents) { session(p); p.SessionIdleUntil = tokenNow }, oauth.ReasonSessionExpired},
		{"a session has no client above", session, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parents := tokenParents()
			c.change(&parents)
			if reason := Alive(rvs, &parents, tokenNow); reason != c.reason {
				t.Errorf("%q, want %q", reason, c.reason)
			}
		})
	}
}

// L5, tokens.md part 2: once dead, a child stays dead whatever else is cut, ends
// or passes, and no later rvs is deader than an earlier one.
func TestNothingRevivesWhatIsDead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := rapid.Int64Range(0, 6)
		parents := record.Parents{
			AllCut:     clock.Draw(t, "all"),
			UserID:     rapid.SampledFrom([]string{"", "ana"}).Draw(t, "user"),
			UserStatus: rapid.SampledFrom([]record.UserStatus{record.UserActive, record.UserActive, record.UserDisabled}).Draw(t, "status"),
			UserCut:    clock.Draw(t, "user cut"),
			ClientID:   rapid.SampledFrom([]string{"", "shop"}).Draw(t, "client"), ClientEnabled: rapid.Bool().Draw(t, "enabled"),
			ClientCut: clock.Draw(t, "client cut"), ConsentCut: clock.Draw(t, "consent cut"),
			ResourceCuts: rapid.SliceOfN(clock, 0, 2).Draw(t, "resource cuts"),
			SID:          rapid.SampledFrom([]string{"", "session"}).Draw(t, "sid"), SessionEndedAt: rapid.Int64Range(0, 1).Draw(t, "session ended"),
			SessionIdleUntil: clock.Draw(t, "idle"), SessionAbsUntil: clock.Draw(t, "abs"),
			GID: rapid.SampledFrom([]string{"", "grant"}).Draw(t, "gid"), GrantEndedAt: rapid.Int64Range(0, 1).Draw(t, "grant ended"),
			JTIRevoked: rapid.Bool().Draw(t, "jti"),
		}
		rvs, now := clock.Draw(t, "rvs"), clock.Draw(t, "now")
		alive := Alive(rvs, &parents, now) == ""

		if alive && Alive(rvs+1, &parents, now) != "" {
			t.Fatal("a later rvs is dead where an earlier one lives")
		}
		worse := worsen(t, parents)
		if !alive && Alive(rvs, &worse, now+rapid.Int64Range(0, 3).Draw(t, "later")) == "" {
			t.Fatalf("dead under %+v, alive under %+v", parents, worse)
		}
	})
}

// worsen raises one cutoff or ends one parent.
func worsen(t *rapid.T, p record.Parents) record.Parents {
	p.ResourceCuts = append([]int64(nil), p.ResourceCuts...)
	steps := []func(){
		func() { p.AllCut++ },
		func() { p.UserCut++ },
		func() { p.ClientCut++ },
		func() { p.ConsentCut++ },
		func() { p.ResourceCuts = append(p.ResourceCuts, 7) },
		func() { p.UserStatus = record.UserDisabled },
		func() { p.ClientEnabled = false },
		func() { p.SessionEndedAt = 1 },
		func() { p.GrantEndedAt = 1 },
		func() { p.KeyStatus = record.KeyCompromised },
		func() { p.JTIRevoked = true },
	}
	rapid.SampledFrom(steps).Draw(t, "worse")()
	return p
}
