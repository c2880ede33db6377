package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestAListOfWordsTakesOnlyWords(t *testing.T) {
	s := world(t)
	before := dump(t, s)
	for _, scope := range [][]string{{"a b"}, {""}} {
		bad := consent()
		bad.Scope = scope
		err := s.Commit(t.Context(), []record.Change{record.PutConsent{Consent: bad}})
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: %v", scope, err)
		}
	}
	if dump(t, s) != before {
		t.Error("something was written")
	}
}

// Every change of the sealed set has a statement or an entry of the log.
func TestEveryChangeIsPlanned(t *testing.T) {
	source, err := os.ReadFile("../record/change.go")
	if err != nil {
		t.Fatal(err)
	}
	planned := map[string]bool{}
	for _, c := range everyChange() {
		planned[reflect.TypeOf(c).Name()] = true
	}
	if declared := strings.Count(string(source), ") change() "); declared != len(planned) {
		t.Errorf("record has %d changes, this test %d", declared, len(planned))
	}
	for _, c := range everyChange() {
		p := must[*plan](t)(newPlan([]record.Change{c}))
		if len(p.first)+len(p.steps)+len(p.entries) == 0 {
			t.Errorf("%s is not planned", reflect.TypeOf(c))
		}
	}
}

func everyChange() []record.Change {
	return []record.Change{
		record.Append{},
		record.PutInteraction{},
		record.UseInteraction{},
		record.ChooseAccount{},
		record.PutSession{},
		record.RenewSession{},
		record.SeeSession{},
		record.EndSession{},
		record.MarkSession{},
		record.TellClients{Of: revocation.ForSID("sid")},
		record.TellClients{Of: revocation.ForSub("ana")},
		record.TellClients{Of: revocation.ForAll()},
		record.PutConsent{},
		record.PutCode{},
		record.UseCode{},
		record.PutGrant{},
		record.RotateGrant{},
		record.NoteLate{},
		record.TouchGrant{},
		record.EndGrant{},
		record.CutUser{},
		record.GiveSubject{UserID: "ana", Sub: "sub"},
		record.CutClient{},
		record.CutConsent{},
		record.CutResource{},
		record.CutAll{},
		record.RestartLog{},
		record.PutUser{},
		record.UpdateUser{},
		record.DeleteUser{},
		record.PutSignUp{},
		record.ConfirmSignUp{},
		record.PutIdentifier{},
		record.ReplaceIdentifier{},
		record.DeleteIdentifier{},
		record.PutFactor{},
		record.PutFactor{OldData: "x"},
		record.CountAttempt{},
		record.ClearCounter{},
		record.Spend{},
		record.PutClient{},
		record.UpdateClient{},
		record.PutClientSecret{},
		record.DeleteClient{},
		record.PutRegistration{},
		record.ConfirmRegistration{},
		record.RenewRegistration{},
		record.ForgetRegistration{},
		record.ForgetConsents{},
		record.PutInitialToken{},
		record.UseInitialToken{},
		record.DeleteInitialToken{},
		record.PutAdminToken{},
		record.SeeAdminToken{},
		record.DeleteAdminToken{},
		record.PutAnswer{},
		record.PutUpstream{},
		record.UpdateUpstream{},
		record.DeleteUpstream{},
		record.PutLink{},
		record.UseLink{},
		record.DeleteLink{},
		record.PutResource{Resource: api()},
		record.UpdateResource{},
		record.DeleteResource{},
		record.PutKey{},
		record.MoveKey{},
		record.PutRoot{},
		record.DropRoot{},
		record.RaiseLongest{},
		record.Audit{},
	}
}

// bigTables grow with the users; everything else fits in a page or two, or is
// what a list is about.
var bigTables = regexp.MustCompile(`^SCAN (u|n|e|p|f|s|b|w|g|co|c|i|x|users|identifiers|factors|sessions|grants|consents|` +
	`sign_ups|codes|interactions|spent|counters|audit|revlog|client_secrets|o|outbox|registrations|l|links)\b`)

// Every statement finds its rows by an index, but those that are to see them all.
func TestStatementsUseIndexes(t *testing.T) {
	s := world(t)
	wholeTable := map[string]bool{countUsers: true, dropLog: true, tellOfAll: true}
	for _, text := range everyStatement(t, s) {
		for _, line := range explain(t, s, text) {
			if bigTables.MatchString(line) && !wholeTable[text] && !strings.Contains(line, "USING INDEX sqlite_autoindex_audit_1") {
				t.Errorf("%s\nin %s", line, text)
			}
			if strings.Contains(line, "TEMP B-TREE") && text != readKeys && text != readClient {
				t.Errorf("%s\nin %s", line, text)
			}
		}
	}
}

// everyStatement lists those that read or write, of a world on SQLite.
func everyStatement(t *testing.T, s *Store) []string {
	t.Helper()
	readEverything(t, s)
	texts := map[string]bool{}
	s.statements.Range(func(text, _ any) bool {
		texts[fmt.Sprint(text)] = true
		return true
	})
	reading := len(texts)
	for text := range sqliteWriter(t, s).statements { // of Purge and of the log
		if strings.HasPrefix(text, "INSERT") || strings.HasPrefix(text, "UPDATE") || strings.HasPrefix(text, "DELETE") {
			texts[text] = true
		}
	}
	for _, c := range everyChange() {
		p := must[*plan](t)(newPlan([]record.Change{c}))
		for _, step := range slices.Concat(p.first, p.steps) {
			texts[step.text] = true
		}
	}
	if writing := len(texts) - reading; reading < 32 || writing < 64 {
		t.Errorf("only %d statements that read and %d that write are known", reading, writing)
	}
	return slices.Collect(maps.Keys(texts))
}

// readEverything prepares every statement that reads, by using it.
func readEverything(t *testing.T, s *Store) {
	t.Helper()
	for _, err := range []error{
		errOf(s.ClientState(t.Context(), "none", []string{"none"})), errOf(s.CodeState(t.Context(), nil, "")),
		errOf(s.SignUpState(t.Context(), SignUpQuery{})), errOf(s.SignedUp(t.Context(), "none")),
		errOf(s.RefreshState(t.Context(), "", "")), errOf(s.TokenState(t.Context(), TokenQuery{Token: &record.VerifiedToken{Subject: "none"}, WithUser: true})),
		errOf(s.AuthorizeState(t.Context(), "", nil, nil)), errOf(s.InteractionState(t.Context(), nil, nil)),
		errOf(s.LoginState(t.Context(), LoginQuery{Counters: []string{"a"}})), errOf(s.SessionState(t.Context(), nil, nil)),
		errOf(s.User(t.Context(), "")), errOf(s.UserByIdentifier(t.Context(), "", "")), errOf(s.UserList(t.Context(), "", 1)),
		errOf(s.UserCount(t.Context())), errOf(s.Session(t.Context(), "")), errOf(s.SessionList(t.Context(), "")),
		errOf(s.SomeSessions(t.Context(), "", "", 1)), errOf(s.AllSessions(t.Context(), "", 1)), errOf(s.Grant(t.Context(), "")), errOf(s.GrantList(t.Context(), "", "", "", 1)),
		errOf(s.GrantList(t.Context(), "a", "", "", 1)), errOf(s.GrantList(t.Context(), "", "a", "", 1)),
		errOf(s.GrantList(t.Context(), "a", "a", "", 1)), errOf(s.ConsentList(t.Context(), "")), errOf(s.ClientList(t.Context(), "", 1)),
		errOf(s.ResourceList(t.Context(), "", 1)), errOf(s.Keys(t.Context())), errOf(s.Roots(t.Context())),
		errOf(s.AuditList(t.Context(), "", 1)), errOf(s.AuditList(t.Context(), "a", 1)), errOf(s.DueDeliveries(t.Context(), noon, nil, 1)),
		errOf(s.DeliveriesAbout(t.Context(), "a", 1)), errOf(s.GrantsOfSession(t.Context(), "a", "", 1)),
		errOf(s.RegistrationState(t.Context(), nil, "", nil)), errOf(s.InitialToken(t.Context(), "")), errOf(s.InitialTokenList(t.Context(), "", 1)),
		errOf(s.Upstream(t.Context(), "")), errOf(s.UpstreamList(t.Context(), "", 1)), errOf(s.LinkList(t.Context(), "", 1)), errOf(s.LinkCount(t.Context(), "")), errOf(s.LinksState(t.Context(), nil)),
		errOf(s.ArrivalState(t.Context(), ArrivalQuery{Email: "a"})),
		errOf(s.ForgottenClients(t.Context(), noon, 1)), s.Purge(t.Context(), noon, 1),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// explain gives the lines of SQLite's plan for a statement.
func explain(t *testing.T, s *Store, text string) (lines []string) {
	t.Helper()
	args := make([]any, strings.Count(text, "$")) // as many as it can have
	rows, err := s.readers.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	for rows.Next() {
		var id, parent, unused int64
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// On PostgreSQL the three are one statement: what holds for a guard holds there too.
func TestAnExchangeHappensAsAWholeOrNotAtAll(t *testing.T) {
	s := world(t)
	exchange := func(code, gid string) []record.Change {
		g := grant()
		g.ID = gid
		return []record.Change{
			record.UseCode{Hash: []byte(code), ClientID: "app", At: noon},
			record.PutGrant{Grant: g, SessionID: "sid"},
			record.Audit{ID: "audit of " + gid, At: noon, Event: "grant_made", Actor: "client:app", UserID: "ana", ClientID: "app", GID: gid},
		}
	}
	for _, hash := range []string{"first", "second", "third"} {
		c := code()
		c.Hash = []byte(hash)
		commit(t, s, record.PutCode{Code: c})
	}
	commit(t, s, exchange("first", "given")...)
	before := dump(t, s)
	conflict(t, s, exchange("first", "again")...)
	conflict(t, s, exchange("second", "given")...)
	conflict(t, s, exchange("unknown", "another")...)
	if got := dump(t, s); got != before {
		t.Errorf("something was written:\n%s\nbefore:\n%s", got, before)
	}
	commit(t, s, record.EndSession{ID: "sid", At: noon})
	before = dump(t, s)
	conflict(t, s, exchange("second", "late")...)
	if dump(t, s) != before {
		t.Error("something was written under a session that has ended")
	}
}
