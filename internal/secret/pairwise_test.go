package secret

import (
	"testing"

	"pgregory.net/rapid"
)

// OpenID Connect Core §8.1: the same for ever; of one sector; never reassigned; not reversible by others.
func TestAPairwiseSubjectIsOfOneUserInOneSector(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := PairwiseKey(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		id := func(name string) string {
			return Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name)).ID("user")
		}
		ana, bob := id("ana"), id("bob")
		one, two := rapid.String().Draw(t, "sector"), rapid.String().Draw(t, "another")
		sub := key.Subject(one, ana)
		if !ValidID(sub) || sub == ana || sub != key.Subject(one, ana) || key.User(one, sub) != ana {
			t.Fatalf("%s in %q is %s, which is %s", ana, one, sub, key.User(one, sub))
		}
		if ana != bob && sub == key.Subject(one, bob) {
			t.Fatalf("%s and %s are both %s", ana, bob, sub)
		}
		if one != two && (sub == key.Subject(two, ana) || key.User(two, sub) == ana) {
			t.Fatalf("%s says in %q who it is in %q", sub, two, one)
		}
		other := key
		other[0] ^= 1
		if sub == other.Subject(one, ana) {
			t.Fatal("the key does not matter")
		}
	})
}

// What was given out once is given out by every later release.
func TestAPairwiseSubjectStaysWhatItWas(t *testing.T) {
	if got := (PairwiseKey{1, 2, 3}).Subject("app.example", "AAAAAAAAAAAAAAAAAAAAAA"); got != "SHEfx4NhctBwpEJeOBgxOg" {
		t.Errorf("it is %s", got)
	}
}

func TestWhatIsNoIDHasNoSubjectAndIsNobodys(t *testing.T) {
	for _, text := range []string{"", "ana", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA", "ÄAAAAAAAAAAAAAAAAAAAAA"} {
		if sub, user := (PairwiseKey{}).Subject("s", text), (PairwiseKey{}).User("s", text); sub != "" || user != "" {
			t.Errorf("%q: %q, %q", text, sub, user)
		}
	}
}
