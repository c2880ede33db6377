package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// plan is a decision's changes as statements: a guard and what follows from it,
// committed together or not at all. It is made by the goroutine that commits, so
// that the one that writes only writes.
type plan struct {
	first   []step // before the head moves
	steps   []step
	before  int             // how many of steps see the rows as they were
	entries []record.Append // of the revocation log, touches included
	touched []cachedRow     // to be evicted once it is committed
	clocked bool            // it moves the logical clock
	cutsAll bool
	made    string   // the user whom this plan makes
	session string   // that it changes or holds; on PostgreSQL it orders the locks
	holds   bool     // it holds the session and changes nothing of it
	wide    bool     // it locks rows that other sessions lock too
	shares  string   // the row of the audit trail that it shares with other plans
	longest int64    // ms, of a RaiseLongest in this plan
	newLog  *logName // that a RestartLog of this plan begins
	err     error    // what could not be made a statement

	result  chan error
	written int64 // rows, set with the result
}

// step is one statement. A guard that finds no row is a conflict.
type step struct {
	text  string
	args  []any
	guard bool
}

// planClock and nodeClock stand among the arguments of a step for what is known
// only when it is written: the plan's logical clock, and the node's clock.
type (
	planClock struct{}
	nodeClock struct{}
)

func newPlan(changes []record.Change) (*plan, error) {
	p := &plan{result: make(chan error, 1)}
	for _, c := range changes {
		p.addOfPeople(c)
		p.addOfEstate(c)
	}
	if p.err != nil {
		return nil, unavailable("planning", p.err)
	}
	return p, nil
}

// one reports whether the plan is a single statement, which is atomic by itself.
func (p *plan) one() bool { return len(p.steps) == 1 && !p.clocked }

func (p *plan) do(text string, args ...any) { p.add(step{text: text, args: args}) }

func (p *plan) guard(text string, args ...any) { p.add(step{text: text, args: args, guard: true}) }

func (p *plan) add(s step) {
	p.steps = append(p.steps, s)
	for _, arg := range s.args {
		if _, ok := arg.(planClock); ok {
			p.clocked = true
		}
	}
}

// touch says that a row which nodes keep in memory changes. The entry tells the
// other nodes (tokens.md I1), and moves the clock.
func (p *plan) touch(table, id string) {
	if p.evict(table, id) {
		p.append(record.Append{Target: revocation.ForTouch(table, id)})
	}
}

// evict says that a row changes of which the log tells already. It is false where
// that was said before.
func (p *plan) evict(table, id string) bool {
	row := cachedRow{table, id}
	if slices.Contains(p.touched, row) {
		return false
	}
	p.touched = append(p.touched, row)
	return true
}

// changesSession and holdsSession say which session the plan is about.
func (p *plan) changesSession(id string) { p.session, p.holds = id, false }

func (p *plan) holdsSession(id string) {
	if p.session == "" {
		p.session, p.holds = id, true
	}
}

func (p *plan) append(entry record.Append) {
	p.entries = append(p.entries, entry)
	p.clocked = true
}

func (p *plan) words(list []string) string {
	for _, word := range list {
		if word == "" || strings.Contains(word, " ") {
			p.err = fmt.Errorf("%q cannot be in a list of words", word)
		}
	}
	return strings.Join(list, " ")
}

func (p *plan) json(value any) string {
	packed, err := json.Marshal(value)
	if err != nil {
		p.err = fmt.Errorf("packing %T: %w", value, err)
	}
	return string(packed)
}

// Both switches name every change, so that the check of sealed sets fails the
// build when a new one is in neither.

func (p *plan) addOfPeople(c record.Change) {
	switch c := c.(type) {
	case record.PutInteraction:
		p.putInteraction(c.Interaction)
	case record.UseInteraction:
		p.guard(useInteraction, c.At, bytesOf(c.IDHash))
	case record.ChooseAccount:
		p.guard(chooseAccount, c.UserID, bytesOf(c.IDHash))
	case record.PutSession:
		p.putSession(c.Session, c.FactorID)
	case record.RenewSession:
		p.renewSession(c)
	case record.SeeSession:
		p.onSession(c.ID, seeSession, c.SeenAt, c.IdleUntil, c.ID)
	case record.EndSession:
		p.onSession(c.ID, endSession, c.At, c.ID)
	case record.MarkSession:
		p.markSession(c.ID)
	case record.TellClients:
		p.tellClients(c)
	case record.PutConsent:
		p.putConsent(c.Consent)
	case record.CutConsent:
		p.cutConsent(c)
	case record.PutCode:
		p.putCode(c.Code)
	case record.UseCode:
		p.guard(useCode, c.At, bytesOf(c.Hash), c.ClientID)
	case record.PutGrant:
		p.putGrant(c.Grant, c.SessionID)
	case record.RotateGrant:
		p.guard(rotateGrant, c.At, c.IdleUntil, c.ID, c.From)
	case record.NoteLate:
		p.guard(noteLate, c.LateGen, c.LateRun, c.ID, c.Gen, c.WasGen, c.WasRun)
	case record.TouchGrant:
		p.guard(touchGrant, c.IdleUntil, c.ID)
	case record.EndGrant:
		p.do(endGrant, c.At, c.ID)
	case record.PutUser:
		p.putUser(c.User)
	case record.UpdateUser:
		p.updateUser(c)
	case record.CutUser:
		p.cutUser(c)
	case record.GiveSubject:
		p.giveSubject(c)
	case record.DeleteUser:
		p.deleteUser(c)
	case record.PutSignUp:
		p.guard(putSignUp, c.UserID, c.At)
	case record.ConfirmSignUp:
		p.confirmSignUp(c.UserID)
	case record.PutLink:
		p.putLink(c.Link)
	case record.UseLink:
		p.guard(useLink, c.At, c.Issuer, c.Subject, c.UserID)
	case record.DeleteLink:
		p.guard(deleteLink, c.ID, c.UserID, numberOf(c.NotLast))
	case record.PutIdentifier:
		p.putIdentifier(c.Identifier)
	case record.ReplaceIdentifier:
		p.replaceIdentifier(c.Identifier)
	case record.DeleteIdentifier:
		p.deleteIdentifier(c)
	case record.PutFactor:
		p.putFactor(c)
	case record.CountAttempt:
		p.guard(countAttempt, c.Name, c.WindowEnds, c.At, c.Limit)
	case record.ClearCounter:
		p.do(clearCounter, c.Name)
	case record.Spend:
		p.guard(spend, bytesOf(c.KeyHash), c.EndsAt)
	case record.Append, record.CutClient, record.CutResource, record.CutAll, record.RestartLog, record.PutClient,
		record.UpdateClient, record.PutClientSecret, record.DeleteClient, record.PutResource, record.UpdateResource, record.DeleteResource, record.PutKey, record.MoveKey, record.PutRoot, record.DropRoot, record.RaiseLongest, record.Audit,
		record.PutRegistration, record.ConfirmRegistration, record.RenewRegistration, record.ForgetRegistration, record.ForgetConsents,
		record.PutInitialToken, record.UseInitialToken, record.DeleteInitialToken,
		record.PutAdminToken, record.SeeAdminToken, record.DeleteAdminToken, record.PutAnswer, record.PutUpstream, record.UpdateUpstream, record.DeleteUpstream:
		// addOfEstate has these.
	}
}

func (p *plan) addOfEstate(c record.Change) {
	switch c := c.(type) {
	case record.Append:
		p.append(c)
	case record.CutAll:
		p.cutAll()
	case record.RestartLog:
		p.restartLog(c)
	case record.RaiseLongest:
		p.raiseLongest(c)
	case record.PutClient:
		p.putClient(c.Client)
	case record.UpdateClient:
		p.updateClient(c)
	case record.PutClientSecret:
		p.putClientSecret(c)
	case record.CutClient:
		p.cutClient(c)
	case record.DeleteClient:
		p.deleteClient(c)
	case record.PutRegistration:
		p.putRegistration(c.Registration)
	case record.ConfirmRegistration:
		p.confirmRegistration(c)
	case record.RenewRegistration:
		p.renewRegistration(c)
	case record.ForgetRegistration:
		p.forgetRegistration(c)
	case record.ForgetConsents:
		p.do(forgetConsents, c.ClientID)
	case record.PutInitialToken:
		p.putInitialToken(c.Token)
	case record.UseInitialToken:
		p.guard(useInitialToken, c.ID, c.At)
	case record.DeleteInitialToken:
		p.guard(deleteInitialToken, c.ID)
	case record.PutAdminToken:
		p.putAdminToken(c.Token)
	case record.SeeAdminToken:
		p.do(seeAdminToken, c.At, c.Name)
	case record.DeleteAdminToken:
		p.guard(deleteAdminToken, c.Name)
	case record.PutAnswer:
		p.guard(putAnswer, bytesOf(c.KeyHash), bytesOf(c.Sealed), c.EndsAt, c.At)
	case record.PutUpstream:
		p.putUpstream(c.Upstream)
	case record.UpdateUpstream:
		p.guard(updateUpstream, p.json(c.Settings), bytesOf(c.Sealed), c.ID, c.Version)
	case record.DeleteUpstream:
		p.guard(deleteUpstream, c.ID, c.Version)
	case record.PutResource:
		p.putResource(c.Resource)
	case record.UpdateResource:
		p.updateResource(c)
	case record.CutResource:
		p.cutResource(c)
	case record.DeleteResource:
		p.deleteResource(c)
	case record.PutKey:
		p.putKey(c.Key)
	case record.MoveKey:
		p.guard(moveKey, string(c.To), c.SignsFrom, c.PublishedUntil, c.KID, string(c.From))
		p.touch(tableKeys, c.KID)
	case record.PutRoot:
		p.guard(putRoot, c.Root.KeyID, c.Root.Use, bytesOf(c.Root.Sealed), c.Root.MadeAt)
	case record.DropRoot:
		p.guard(dropRoot, c.KeyID)
	case record.Audit:
		p.audit(c)
	case record.PutInteraction, record.UseInteraction, record.ChooseAccount, record.PutSession, record.RenewSession, record.SeeSession,
		record.EndSession, record.MarkSession, record.TellClients, record.PutConsent, record.CutConsent, record.PutCode, record.UseCode,
		record.PutGrant, record.RotateGrant, record.NoteLate, record.TouchGrant, record.EndGrant, record.PutUser,
		record.UpdateUser, record.CutUser, record.GiveSubject, record.DeleteUser, record.PutSignUp, record.ConfirmSignUp,
		record.PutIdentifier, record.ReplaceIdentifier, record.DeleteIdentifier,
		record.PutFactor, record.CountAttempt, record.ClearCounter, record.Spend, record.PutLink, record.UseLink, record.DeleteLink:
		// addOfPeople has these.
	}
}
