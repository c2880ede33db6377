package oauth

import (
	"strings"
	"testing"
)

// The example of RFC 7636 appendix B.
const (
	exampleVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	exampleChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestTheExampleOfThePKCESpecification(t *testing.T) {
	if got := ChallengeOf(exampleVerifier); got != exampleChallenge {
		t.Errorf("challenge %s", got)
	}
	if !VerifierMatches(exampleVerifier, exampleChallenge) {
		t.Error("the verifier does not match its challenge")
	}
}

func TestAnotherVerifierDoesNotMatch(t *testing.T) {
	for _, verifier := range []string{"", exampleVerifier[:42], exampleVerifier + "=", exampleVerifier + "A", exampleChallenge, strings.ToLower(exampleVerifier)} {
		if VerifierMatches(verifier, exampleChallenge) {
			t.Errorf("%q matched", verifier)
		}
	}
	if short := "short"; VerifierMatches(short, ChallengeOf(short)) { // RFC 7636 §4.1
		t.Error("a verifier of five characters matched")
	}
	if VerifierMatches(exampleVerifier, "") || VerifierMatches("", "") {
		t.Error("something matched nothing")
	}
}

func TestSyntaxOfVerifierAndChallenge(t *testing.T) {
	for value, want := range map[string]bool{ // RFC 7636 §4.1
		strings.Repeat("a", 42):        false,
		strings.Repeat("a", 43):        true,
		strings.Repeat("-._~", 32):     true,
		strings.Repeat("a", 129):       false,
		strings.Repeat("a", 42) + "+":  false,
		strings.Repeat("a", 42) + "\n": false,
		strings.Repeat("é", 30):        false,
	} {
		if got := IsVerifier(value); got != want {
			t.Errorf("verifier %q: %v", value, got)
		}
	}
	for value, want := range map[string]bool{ // RFC 7636 §4.2: 32 bytes in base64url
		exampleChallenge:              true,
		"":                            false,
		exampleChallenge[:42]:         false,
		exampleChallenge + "A":        false,
		exampleChallenge + "=":        false,
		exampleChallenge[:42] + "N":   false, // its unused bits are not zero
		exampleChallenge[:42] + ".":   false,
		exampleChallenge[:42] + "\n":  false,
		"\n" + exampleChallenge[:42]:  false,
		exampleChallenge[:42] + "M\n": false,
	} {
		if got := IsChallenge(value); got != want {
			t.Errorf("challenge %q: %v", value, got)
		}
	}
}
