package secret

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPasswordsAreRefusedForTheReasonsOfNIST80063B(t *testing.T) {
	known := []string{"Alice.Smith@example.com", "Web3 Wiki", "Mintmark"}
	for _, c := range []struct {
		policy, password string
		want             error
	}{
		// NIST SP 800-63B-4 §3.1.1.2: 15 characters where it is the only factor, and 8 otherwise.
		{"default", "tr4vc9x", PasswordTooShort},
		{"default", "tr4vc9xq", nil},
		{"nist", "correct horse ", PasswordTooShort},
		{"nist", "correct horse b", nil},
		// Length counts code points.
		{"default", "日本語日語本日", PasswordTooShort},
		{"default", "いろはにほへとち", nil},
		{"default", "🐎🔋🧷✅🌍🎈🎸", PasswordTooShort},
		// 64 characters and more are allowed, spaces and all of Unicode too.
		{"nist", "an owl, 3 bees & the Übergrößenträger" + strings.Repeat(" hum", 50), nil},
		{"default", varied(256), nil},
		{"default", varied(257), PasswordTooLong},
		{"default", strings.Repeat("日", 341) + "本x", PasswordTooLong},
		// Common ones, and the ways of dressing them up.
		{"default", "password", PasswordCommon},
		{"default", "PassWord", PasswordCommon},
		{"default", "P@ssw0rd", PasswordCommon},
		{"default", "P@$$w0rd2026!", PasswordCommon},
		{"default", "Footba11", PasswordCommon},
		{"default", "5unshine", PasswordCommon},
		{"default", "$unshine1", PasswordCommon},
		{"default", "!!sunshine!!", PasswordCommon},
		{"default", "1qaz2wsx", PasswordCommon},
		{"default", "12345678", PasswordCommon},
		{"default", "passwordpassword", PasswordCommon},
		{"nist", "aaaaaaaaaaaaaaaa", PasswordCommon},
		{"nist", "abc1abc1abc1abc1", PasswordCommon},
		{"nist", "passwordpasswordpassword", PasswordCommon},
		{"nist", "password 83749274 29", nil},
		{"nist", "sunshine over Antwerp", nil},
		// Words that whoever knows the account knows.
		{"default", "Mintmark", PasswordContext},
		{"default", "m1ntm4rk", PasswordContext},
		{"default", "mintmark2026", PasswordContext},
		{"default", "2026-Mintmark!", PasswordContext},
		{"default", "alice.smith@example.com", PasswordContext},
		{"default", "AliceSmith", PasswordContext},
		{"default", "a1ice_5mith", PasswordContext},
		{"default", "smith-alice-1999", PasswordContext},
		{"default", "web3wiki", PasswordContext},
		{"default", "webewiki", PasswordContext},
		{"nist", "mintmark.example.com", PasswordContext},
		{"default", "mintmark83749274", nil},
		{"default", "minty alice", nil},
	} {
		policy, ok := PasswordPolicyNamed(c.policy)
		if !ok {
			t.Fatalf("no policy %q", c.policy)
		}
		if got := policy.Check(c.password, known); !errors.Is(got, c.want) {
			t.Errorf("%s, %q: %v, want %v", c.policy, c.password, got, c.want)
		}
	}
}

func TestThereIsNoPolicyOfAnotherName(t *testing.T) {
	if got, ok := PasswordPolicyNamed("none"); ok || got != (PasswordPolicy{}) {
		t.Errorf("%+v", got)
	}
}

func TestWithoutContextNoWordIsContext(t *testing.T) {
	for _, known := range [][]string{nil, {}, {""}, {"a", "ab", "@", "  "}} {
		if isContext("ab2026ab", known) {
			t.Errorf("context %q", known)
		}
	}
}

// The search by halves needs the order; the length keeps the executable small.
func TestTheListOfCommonPasswordsIsSortedLowerCaseAndFoundInFull(t *testing.T) {
	words := strings.Split(strings.TrimSuffix(commonPasswords, "\n"), "\n")
	if len(words) < 10_000 || len(commonPasswords) > 150_000 || !slices.IsSorted(words) {
		t.Errorf("%d words, %d bytes, sorted: %v", len(words), len(commonPasswords), slices.IsSorted(words))
	}
	for _, word := range words {
		if !listed(word) || listed(word+"\n") || word != strings.ToLower(word) || len(word) < 8 {
			t.Fatalf("%q", word)
		}
	}
	for _, word := range []string{"", "\n", "passwor", "password\npassword1", "\x00", "zzzzzzzzzzzzzzz", "correct horse"} {
		if listed(word) {
			t.Errorf("%q is found", word)
		}
	}
}

func TestNoPasswordPassesIfItIsKnownAroundTheAccount(t *testing.T) {
	policy, _ := PasswordPolicyNamed("default")
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.OneOf(
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringN(8, 30, -1),
		).Draw(t, "password")
		known := rapid.SliceOf(rapid.String()).Draw(t, "known")
		if policy.Check(password, append(known, password)) == nil {
			t.Fatal("passes")
		}
	})
}

func TestAPolicyThatAsksForNothingTakesAnEmptyPassword(t *testing.T) {
	if err := (PasswordPolicy{}).Check("", []string{""}); err != nil {
		t.Error(err)
	}
}

// Pages and the admin API say the reason by its word.
func TestReasonsHaveTheirWords(t *testing.T) {
	for reason, word := range map[PasswordReason]string{
		PasswordTooShort: "too_short", PasswordTooLong: "too_long", PasswordCommon: "common", PasswordContext: "context",
	} {
		if reason.Error() != word {
			t.Errorf("%v, want %s", reason, word)
		}
	}
}

// varied returns n characters that repeat nothing.
func varied(n int) string {
	return strings.Repeat("tr4vc9x quux ", n)[:n-1] + "#"
}
