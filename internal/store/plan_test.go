package store

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
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
		if len(p.steps)+len(p.entries) == 0 {
			t.Errorf("%s is not planned", reflect.TypeOf(c))
		}
	}
}

func everyChange() []record.Change {
	return []record.Change{
		record.Append{},
		record.PutInteraction{},
		record.UseInteraction{},
		record.PutSession{},
		record.RenewSession{},
		record.SeeSession{},
		record.EndSession{},
		record.MarkSession{},
		record.PutConsent{},
		record.PutCode{},
		record.UseCode{},
		record.PutGrant{},
		record.RotateGrant{},
		record.NoteLate{},
		record.TouchGrant{},
		record.EndGrant{},
		record.CutUser{},
		record.CutClient{},
		record.CutConsent{},
		record.CutResource{},
		record.CutAll{},
		record.PutUser{},
		record.UpdateUser{},
		record.DeleteUser{},
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
		record.PutResource{Resource: api()},
		record.UpdateResource{},
		record.DeleteResource{},
		record.PutKey{},
		record.MoveKey{},
		record.PutRoot{},
		record.RaiseLongest{},
		record.Audit{},
	}
}
