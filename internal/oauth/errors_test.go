package oauth

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"
)

// constantsOf reads the string constants of a named type out of this package's source.
func constantsOf(t *testing.T, file, typeName string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typeName {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, file)
	}
	return values
}

func TestEveryCodeHasAStatusAndNoStatusIsLeftOver(t *testing.T) {
	codes := constantsOf(t, "errors.go", "Code")
	for _, code := range codes {
		if _, ok := statuses[Code(code)]; !ok {
			t.Errorf("%s has no status", code)
		}
	}
	if len(codes) != len(statuses) {
		t.Errorf("%d codes, %d statuses", len(codes), len(statuses))
	}
}

func TestEveryReasonHasOneCompleteRow(t *testing.T) {
	words := constantsOf(t, "reason_words.go", "Reason")
	if len(words) != len(reasonTable) || len(reasonIndex) != len(reasonTable) {
		t.Fatalf("%d words, %d rows, %d different", len(words), len(reasonTable), len(reasonIndex))
	}
	for _, word := range words {
		info, ok := Lookup(Reason(word))
		if !ok || info.Reason != Reason(word) {
			t.Errorf("%s is not in the table", word)
			continue
		}
		if _, known := statuses[info.Code]; !known || info.Description == "" || !strings.HasSuffix(info.Rule, ".") {
			t.Errorf("%s: incomplete row %+v", word, info)
		}
	}
}

func TestMarksAreUniqueAndFindTheirReason(t *testing.T) {
	for _, reason := range Reasons() {
		if found, ok := ReasonByMark(reason.Mark()); !ok || found != reason {
			t.Errorf("the mark of %s leads to %q", reason, found)
		}
	}
	if found, ok := ReasonByMark(Reason("no such word").Mark()); ok {
		t.Errorf("a foreign mark leads to %s", found)
	}
}

// RFC 6749 §5.2: error_description consists of %x20-21 / %x23-5B / %x5D-7E.
func TestWireTextsFitTheirAlphabet(t *testing.T) {
	for _, reason := range Reasons() {
		text := Refuse(reason).With("code_challenge_method").Description
		for _, c := range []byte(text) {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("%s: %q", reason, text)
			}
		}
	}
}

func TestAClientCannotTellWhyItsGrantOrItsAuthenticationFailed(t *testing.T) {
	texts := map[Code]map[string]bool{}
	for _, info := range reasonTable {
		if texts[info.Code] == nil {
			texts[info.Code] = map[string]bool{}
		}
		texts[info.Code][info.Description] = true
	}
	for _, code := range []Code{InvalidClient, InvalidGrant, InvalidScope, InvalidTarget, ServerError} {
		if len(texts[code]) != 1 {
			t.Errorf("%s has %d texts", code, len(texts[code]))
		}
	}
}

func TestStatusOfARefusal(t *testing.T) {
	for reason, status := range map[Reason]int{
		ReasonParameterMissing:       400, // RFC 6749 §5.2
		ReasonClientSecretWrong:      401, // RFC 6749 §5.2
		ReasonClientDisabled:         401,
		ReasonGrantNotAllowed:        400,
		ReasonGrantTypeUnknown:       400,
		ReasonRefreshReplayed:        400,
		ReasonScopeUnknown:           400,
		ReasonResourceUnknown:        400, // RFC 8707 §2
		ReasonTokenExpired:           401, // RFC 6750 §3.1
		ReasonTokenScopeInsufficient: 403, // RFC 6750 §3.1
		ReasonTokenInQuery:           400, // RFC 6750 §3.1
		ReasonTokenTypeUnsupported:   400, // RFC 7009 §2.2.1
		ReasonBodyTooLarge:           413,
		ReasonContentType:            415,
		ReasonMethod:                 405,
		ReasonHostUnknown:            421,
		ReasonTooManyAttempts:        429,
		ReasonCredentialsWrong:       401,
		ReasonOriginForeign:          403,
		ReasonDatabaseUnavailable:    503,
		ReasonNodeBehind:             503,
		ReasonOverloaded:             503,
		ReasonConflictPersists:       503,
		ReasonSignerFailed:           500,
		Reason("not in the table"):   500,
	} {
		if got := Refuse(reason).Status(); got != status {
			t.Errorf("%s: %d, want %d", reason, got, status)
		}
	}
}

func TestTroubleOfOursAsksForARetry(t *testing.T) {
	for _, reason := range Reasons() {
		if e := Refuse(reason); e.Code == TemporarilyUnavailable && e.RetryAfter <= 0 {
			t.Errorf("%s has no Retry-After", reason)
		}
	}
}

func TestModifiersCopy(t *testing.T) {
	cause := errors.New("disk full")
	first := Refuse(ReasonParameterMissing)
	last := first.With("code").Because(cause).About(Detail{Client: "app", Seen: 3}).After(time.Second)
	if first.Param != "" || first.Err != nil || first.Detail != (Detail{}) || first.RetryAfter != 0 {
		t.Errorf("the original changed: %+v", first)
	}
	if last.Description != "A required parameter is missing (code)" || !errors.Is(last, cause) || last.RetryAfter != time.Second {
		t.Errorf("modifier lost: %+v", last)
	}
	if got, want := last.Error(), "invalid_request: parameter_missing (code): disk full"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// RFC 6750 §3.1: a protected resource knows invalid_token, not invalid_grant.
func TestAtAResourceADeadGrantIsAnInvalidToken(t *testing.T) {
	e := Refuse(ReasonGrantEnded).AtResource()
	if e.Code != InvalidToken || e.Status() != 401 || e.Reason != ReasonGrantEnded || e.Description != Refuse(ReasonTokenExpired).Description {
		t.Errorf("%+v", e)
	}
	if other := Refuse(ReasonOverloaded).AtResource(); other.Code != TemporarilyUnavailable {
		t.Errorf("trouble of ours became %s", other.Code)
	}
}

// RFC 6749 §4.1.2.1; RFC 9207 §2: iss also in errors.
func TestAnErrorGoesBackWithStateAndIssuer(t *testing.T) {
	issuer := mustIssuer(t, "https://id.example/t1")
	to, _ := MatchRedirectURI([]string{"https://app.example/cb?x=1"}, "", false)
	got := Refuse(ReasonUserDenied).Redirect(to, "a b&c=d", issuer)
	want := "https://app.example/cb?x=1&error=access_denied&error_description=The+user+denied+the+request" +
		"&state=a+b%26c%3Dd&iss=https%3A%2F%2Fid.example%2Ft1"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if nowhere := Refuse(ReasonUserDenied).Redirect(RedirectURI{}, "s", issuer); nowhere != "" {
		t.Errorf("without a matched redirect URI the error went to %s", nowhere)
	}
}
