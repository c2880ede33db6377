package verify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// A seed file is a line of JSON, records as in a snapshot, and the SHA-256 of
// all of that. The hash tells a file that was cut short or damaged; who may
// write it is the file system's to say, as with the API's own program.

const (
	seedEvery = 30 * time.Second
	// seedBehind: the records are based so far before the clock that cutoffs of
	// the last 24 days keep their value; older ones matter to no token.
	seedBehind = int64(1) << 31
)

// vouched is what the last good head stood for. The table may know more by now,
// which does no harm: its entries come again.
type vouched struct {
	head
	key   revocation.FeedKey
	table *revocation.Table
}

func (v *Verifier) seedPath() string {
	sum := sha256.Sum256([]byte(v.issuer))
	return filepath.Join(v.settings.seedDir, "mintmark-"+hex.EncodeToString(sum[:8])+".seed")
}

// keepSeed saves now and then, and when the news stops: an API that is restarted
// during an outage needs the head from just before it.
func (v *Verifier) keepSeed(ctx context.Context) {
	var saved *vouched
	save := func() {
		last := v.last.Load()
		if last == nil || last == saved {
			return
		}
		if err := v.saveSeed(last); err != nil {
			v.settings.log.WarnContext(ctx, "saving the seed failed", "error", err)
			return
		}
		saved = last
	}
	next, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			save()
			return
		case <-tick.C:
			now := time.Now()
			if now.Before(next) && v.state(v.view.Load(), now) != Stale {
				continue
			}
			save()
			next = now.Add(max(seedEvery, 20*time.Since(now))) // a large table is saved less often
		}
	}
}

// saveSeed writes the file anew and puts it in the old one's place.
func (v *Verifier) saveSeed(last *vouched) (err error) {
	file, err := os.CreateTemp(v.settings.seedDir, ".mintmark-*") // mode 0600: it holds the log's key
	if err != nil {
		return fmt.Errorf("saving the seed: %w", err)
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("saving the seed: %w", err)
		}
	}()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<16)
	base := max(max(last.lc, last.t)-seedBehind, 0)
	_, _ = out.Write(v.seedHeader(last, base)) // a failure comes back from Flush
	record := make([]byte, 0, revocation.RecordSize)
	for e := range last.table.All {
		_, _ = out.Write(revocation.AppendRecord(record, base, e))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if _, err := file.Write(sum.Sum(nil)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Rename(file.Name(), v.seedPath())
}

func (v *Verifier) seedHeader(last *vouched, base int64) []byte {
	w := jose.BeginObject(nil)
	w.String("iss", v.issuer)
	w.Int("base", base)
	w.Int("saved", time.Now().UnixMilli())
	w.String("head", last.raw)
	w.String("key", base64.RawURLEncoding.EncodeToString(last.key[:]))
	w.String("keys", string(v.keys.raw()))
	w.String("head_keys", string(v.headKeys.raw()))
	return append(w.End(), '\n')
}

// sow starts from the seed, if there is a good one: in the state of its age.
func (v *Verifier) sow(f *follower) {
	data, err := os.ReadFile(v.seedPath())
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = v.readSeed(data, f, time.Now())
	}
	if err != nil {
		v.settings.log.WarnContext(v.life, "the seed cannot be used", "error", err)
	}
}

func (v *Verifier) readSeed(data []byte, f *follower, now time.Time) error {
	body := len(data) - sha256.Size
	line := bytes.IndexByte(data, '\n')
	if line < 0 || body <= line || (body-line-1)%revocation.RecordSize != 0 || sha256.Sum256(data[:body]) != [sha256.Size]byte(data[body:]) {
		return errors.New("reading the seed: damaged")
	}
	o, err := jose.DecodeObject(data[:line])
	if err != nil {
		return fmt.Errorf("reading the seed: %w", err)
	}
	h, saved, err := v.readSeedHead(o, now)
	if err != nil {
		return fmt.Errorf("reading the seed: %w", err)
	}
	base, err := o.Int64("base")
	if err != nil || base < 0 || base > maxTime {
		return errors.New("reading the seed: no base")
	}
	t := &tail{position: h.position, attested: h.seq, t: h.t}
	if err := readBytes(o, "key", t.key[:]); err != nil {
		return fmt.Errorf("reading the seed: %w", err)
	}
	t.table = revocation.NewTable((body-line)/revocation.RecordSize, max(h.lc, h.t))
	for at := line + 1; at < body; at += revocation.RecordSize {
		t.put(revocation.ReadRecord(data[at:], base))
	}
	age := time.Duration(max(now.UnixMilli()-h.t, 0)) * time.Millisecond
	if now.UnixMilli() < saved {
		age = max(age, expiredAt) // our clock went back: nobody knows how long ago that was
	}
	f.tail, f.epochs = t, 1
	v.last.Store(&vouched{head: h, key: t.key, table: t.table})
	f.publish(view{table: t.table, names: t.key.Namer(), epoch: 1, at: now.Add(-age), t: h.t, stale: h.unknown}, true)
	return nil
}

// readSeedHead takes the saved keys and reads the saved head with them.
func (v *Verifier) readSeedHead(o jose.Object, now time.Time) (h head, saved int64, err error) {
	text := map[string]string{}
	for _, name := range []string{"iss", "head", "keys", "head_keys"} {
		if text[name], err = o.String(name); err != nil {
			return h, 0, err
		}
	}
	if saved, err = o.Int64("saved"); err != nil {
		return h, 0, err
	}
	if err := v.headKeys.take([]byte(text["head_keys"]), now); err != nil {
		return h, 0, err
	}
	if text["keys"] != "" {
		if err := v.keys.take([]byte(text["keys"]), now); err != nil {
			return h, 0, err
		}
	}
	h, err = readHead(v.life, text["head"], v.issuer, &v.headKeys)
	return h, saved, err
}
