package engine

import (
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

func TestAReferenceTellsWhatARefusalWasAbout(t *testing.T) {
	l := newLab(t)
	h := l.settleIn()
	keys, err := l.store.Keys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	about := oauth.Detail{Client: labApp, GID: h.app.ID, KID: keys[0].KID, Expected: 7, Seen: 1 << 40}
	for _, reason := range oauth.Reasons() {
		info, _ := oauth.Lookup(reason)
		before := time.Now().Truncate(time.Second)
		got, err := l.Explain(t.Context(), l.Reference(oauth.Refuse(reason).About(about)))
		if err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		want := Explanation{
			Reason: reason, Rule: info.Rule, Claim: info.Claim, Unit: string(info.Unit), At: got.At,
			ClientID: labApp, GID: h.app.ID, KID: keys[0].KID, Expected: 7, Seen: 1 << 40,
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", reason, got, want)
		}
		if got.At.Before(before) || got.At.After(time.Now()) {
			t.Errorf("%s: it is said to have been at %s", reason, got.At)
		}
	}
}

func TestAReferenceToNothingSaysSo(t *testing.T) {
	l := newLab(t)
	got, err := l.Explain(t.Context(), l.Reference(oauth.Refuse(oauth.ReasonCodeUnknown).About(oauth.Detail{Client: "nobody", GID: "x", KID: "y"})))
	if err != nil || got.Reason != oauth.ReasonCodeUnknown || got.ClientID != "" || got.GID != "" || got.KID != "" {
		t.Errorf("it says %+v: %v", got, err)
	}
	other := newLab(t)
	for _, code := range []string{"", "r1.", "junk", other.Reference(oauth.Refuse(oauth.ReasonCodeUnknown))} {
		if got, err := l.Explain(t.Context(), code); err == nil || got != (Explanation{}) {
			t.Errorf("%q says %+v", code, got)
		}
	}
}
