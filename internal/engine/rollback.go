package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/store"
)

// mostCompared bounds how much of the log a head that was shown is compared with.
const mostCompared = 10_000

// HeadShown takes a head of the revocation log from a verifier that was told
// something which does not fit it. If this server signed it, and it proves that an
// older copy of the database was put back, the log begins anew before this returns
// (tokens.md I8). Anything else is no error, and changes nothing. The error is
// trouble of ours: the verifier is to show its head again.
func (e *Engine) HeadShown(ctx context.Context, head string) *oauth.Error {
	shown, err := e.readHead(head)
	if err != nil {
		e.log.Warn("a verifier shows a head of the revocation log that is not known to be ours", "error", err)
		return nil
	}
	err = e.restartLogIf(ctx, func(ctx context.Context) (revocation.LogID, string, error) {
		after, err := e.store.LogAfter(ctx, shown.Seq, mostCompared)
		if err != nil {
			return "", "", err
		}
		return after.Head.LogID, decide.RolledBack(shown, &after), nil
	})
	if err != nil {
		return trouble(err)
	}
	return nil
}

// readHead reads a head that one of our keys has signed
// (docs/reference/revocation-feed.md).
func (e *Engine) readHead(head string) (decide.ShownHead, error) {
	payload, err := e.Ring().VerifyHead(head)
	if err != nil {
		return decide.ShownHead{}, fmt.Errorf("verifying a head: %w", err)
	}
	var claims struct {
		Issuer string           `json:"iss"`
		Log    revocation.LogID `json:"log"`
		Seq    int64            `json:"seq"`
		LC     int64            `json:"lc"`
		Chain  string           `json:"h"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return decide.ShownHead{}, fmt.Errorf("reading a head: %w", err)
	}
	shown := decide.ShownHead{Log: claims.Log, Seq: claims.Seq, LC: claims.LC}
	chain, err := base64.RawURLEncoding.DecodeString(claims.Chain)
	if err != nil || len(chain) != len(shown.Chain) || claims.Issuer != e.policy.Issuer.String() {
		return decide.ShownHead{}, errors.New("reading a head: it is of another issuer, or has no chain")
	}
	copy(shown.Chain[:], chain)
	return shown, nil
}

// refreshedFromFuture makes the cut that follows on a genuine refresh token of a
// generation that its grant has not reached. It returns the refusal that stands,
// or trouble of ours: the token is then to be shown again.
func (e *Engine) refreshedFromFuture(ctx context.Context, req *oauth.TokenRequest, refused *oauth.Error) *oauth.Error {
	again := e.refresh(req, new(record.SignedTokens))
	err := e.restartLogIf(ctx, func(ctx context.Context) (revocation.LogID, string, error) {
		head, err := e.store.Head(ctx) // before the grant, which is dead once this log has ended
		if err != nil {
			return "", "", err
		}
		st, err := again.load(ctx)
		if err != nil {
			return "", "", err
		}
		st.Proof.Spent = false // by this very request
		out := again.decide(st, e.env())
		if out.Err == nil || out.Err.Reason != oauth.ReasonRefreshFromFuture {
			return "", "", nil
		}
		return head.LogID, fmt.Sprintf("a refresh token has the generation %d, its grant %d", out.Err.Detail.Seen, out.Err.Detail.Expected), nil
	})
	if err != nil {
		return trouble(err)
	}
	return refused
}

// restartLogIf begins the log anew if something proves that it was rolled back.
// prove names the log that its evidence is about; no evidence, no cut. It is asked
// again when another log has begun meanwhile.
func (e *Engine) restartLogIf(ctx context.Context, prove func(context.Context) (revocation.LogID, string, error)) error {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // whoever has brought the proof may go away
	for range maxAttempts {
		log, evidence, err := prove(ctx)
		if err != nil || evidence == "" {
			return err
		}
		switch err := e.restartLog(ctx, decide.NewRestart, log, evidence); {
		case err == nil:
			e.log.Error("an older copy of the database was put back, and nobody declared it",
				"proof", evidence,
				"ended", "all sessions, grants and tokens: everyone signs in again; the revocation log "+string(log)+" begins anew, with new signing keys",
				"do", "find out who put the database back; what was changed in between is lost: users, clients, passwords and who was disabled")
			return e.loadRing(ctx)
		case !errors.Is(err, store.ErrConflict):
			return fmt.Errorf("beginning the revocation log anew: %w", err)
		}
	}
	return &Refusal{Kind: Conflict}
}

// Restored makes the cut for a database that an administrator has put back from a
// backup, before anybody is served from it (tokens.md I8): everyone signs in again,
// and what was revoked since the backup was made does not come back to life.
func (e *Engine) Restored(ctx context.Context, which string) error {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	head, err := e.store.Head(ctx)
	if err != nil {
		return err
	}
	declared := func(from revocation.LogID, evidence string, keys []record.SigningKey, tokenAlgs, feedAlgs []string) decide.Restart {
		return decide.NewRestart(from, evidence, keys, tokenAlgs, feedAlgs).Declared()
	}
	if err := e.restartLog(ctx, declared, head.LogID, which); err != nil {
		return fmt.Errorf("beginning the revocation log anew: %w", err)
	}
	return e.loadRing(ctx)
}

// newRestart plans a cut: decide.NewRestart, or one that was declared.
type newRestart func(from revocation.LogID, evidence string, keys []record.SigningKey, tokenAlgs, feedAlgs []string) decide.Restart

func (e *Engine) restartLog(ctx context.Context, plan newRestart, log revocation.LogID, evidence string) error {
	keys, err := e.store.Keys(ctx)
	if err != nil {
		return err
	}
	env := e.env()
	restart := plan(log, evidence, keys, algsInUse(keys), feedAlgs)
	var fresh [2][]record.SigningKey
	for i, plan := range []decide.KeyPlan{restart.Tokens, restart.Feed} {
		if fresh[i], err = e.freshKeys(plan, env); err != nil {
			return err
		}
	}
	roots, err := e.endedRoots(ctx, decide.KeysRestart, restart.Actor, env)
	if err != nil {
		return err
	}
	return e.commit(ctx, append(decide.RestartLog(restart, keys, fresh, env), roots...))
}
