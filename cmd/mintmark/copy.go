package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

type copyCommand struct {
	From    string `required:"" placeholder:"DIR|URL" help:"What to copy: a data directory, or the postgres:// address of a database. It stays as it is."`
	To      string `required:"" placeholder:"DIR|URL" help:"Where to: a data directory without a database, or the address of an empty database."`
	KekFile string `placeholder:"FILE" help:"${kek_file}"`
}

// copyReport is what --json prints.
type copyReport struct {
	From    string        `json:"from"`
	To      string        `json:"to"`
	Issuer  string        `json:"issuer"`
	LogID   string        `json:"log_id"`
	LogSeq  int64         `json:"log_seq"`
	Seconds float64       `json:"seconds"`
	Tables  []copiedTable `json:"tables"`
}

// copiedTable is a table that both sides have.
type copiedTable struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

const howToGoOn = `
Compared on both sides. Nothing that was given out changes: sessions, tokens and the revocation log go on in the copy.
  - Start servers on the copy with the issuer %s.
  - They need the same key-encryption key, which is not copied: %s.
  - Never start a server on %s again: it would bring back what is revoked from now on.
`

// Run copies a database that nobody uses into a place where nothing is.
func (c *copyCommand) Run(i *invocation) (err error) {
	from, errFrom := placeOf(c.From)
	to, errTo := placeOf(c.To)
	if err := errors.Join(errFrom, errTo); err != nil {
		return usageError{err}
	}
	for _, side := range []*config.Config{from, to} {
		if side.OnPostgres() {
			continue // it tells by itself
		}
		if err := notServed(i, side); err != nil {
			return err
		}
	}
	original, err := store.OpenOriginal(i.ctx, storeOptions(from, nil))
	if err != nil {
		return fmt.Errorf("%s: %w", from.DatabaseName(), err)
	}
	defer func() { err = errors.Join(err, original.Close()) }()
	whose, err := checkKEK(i, original, from, to)
	if err != nil {
		return err
	}
	began := time.Now()
	copied, err := original.CopyInto(i.ctx, storeOptions(to, nil), i.copyProgress())
	if err != nil {
		return fmt.Errorf("copying to %s: %w: nothing was put there", to.DatabaseName(), err)
	}
	report := copyReport{
		From: from.DatabaseName(), To: to.DatabaseName(), Issuer: original.Issuer, LogID: string(original.LogID), LogSeq: original.Seq,
		Seconds: time.Since(began).Seconds(),
	}
	for _, table := range copied {
		report.Tables = append(report.Tables, copiedTable{table.Name, table.Rows, table.Sum})
	}
	return i.printCopy(&report, whose)
}

// placeOf is one side of a copy.
func placeOf(name string) (*config.Config, error) {
	if strings.Contains(name, "://") {
		c := &config.Config{Database: name}
		if !c.OnPostgres() {
			return nil, errors.New("a place is a data directory, or an address that begins with postgres://")
		}
		return c, nil
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: name the data directory that it lies in", name)
	}
	return &config.Config{Data: name, Database: filepath.Join(name, "mintmark.db")}, nil
}

// checkKEK wants the key that opens what is copied, so that nobody finds out
// afterwards that they do not have it. It tells where that is.
func checkKEK(i *invocation, original *store.Original, from, to *config.Config) (found string, err error) {
	roots, err := original.Roots(i.ctx)
	if err != nil {
		return "", err
	}
	places, err := kekPlaces(i, from, to)
	if err != nil {
		return "", err
	}
	for _, place := range places {
		key, err := readKEK(place)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = engine.OpensRoots(key, roots)
		}
		if errors.Is(err, secret.ErrOtherKEK) {
			return "", fmt.Errorf("%s was sealed under another key-encryption key than %s: %w: name the one that it was made with, with --kek-file or MINTMARK_KEK",
				from.DatabaseName(), kekSource(place), err)
		}
		if err != nil {
			return "", err
		}
		found = cmp.Or(found, kekSource(place))
	}
	if found == "" && len(roots) > 0 {
		return "", fmt.Errorf("the key-encryption key of %s is not here, and the copy is of no use without it: name it with --kek-file or MINTMARK_KEK", from.DatabaseName())
	}
	return found, nil
}

// kekPlaces say where the key may be: where the settings say, and else in the
// directories that are copied from and to.
func kekPlaces(i *invocation, sides ...*config.Config) ([]*config.Config, error) {
	c, problems := config.Load(config.Sources{Flags: i.flags, Environ: i.environ, File: i.file})
	mine := slices.DeleteFunc(problems, func(p config.Problem) bool { return p.Setting != "kek" && p.Setting != "kek_file" })
	if len(mine) > 0 {
		i.printProblems(mine)
		return nil, usageError{errSaid}
	}
	if c.KEK != "" || c.Source("kek_file") != "default" {
		return []*config.Config{c}, nil
	}
	var places []*config.Config
	for _, side := range sides {
		if side.Data != "" {
			places = append(places, &config.Config{KEKFile: filepath.Join(side.Data, "kek")})
		}
	}
	return places, nil
}

// copyProgress tells of tables that are done, and each second of one that is not.
func (i *invocation) copyProgress() store.CopyProgress {
	said := time.Now()
	return func(table string, rows, of int64) {
		if rows < of && time.Since(said) < time.Second {
			return
		}
		said = time.Now()
		fmt.Fprintf(i.err, "%s: %d of %d rows\n", table, rows, of)
	}
}

func (i *invocation) printCopy(r *copyReport, kek string) error {
	if i.json {
		return i.printJSON(r)
	}
	rows := [][]string{{"TABLE", "ROWS", "SHA-256"}}
	var total int64
	for _, t := range r.Tables {
		rows = append(rows, []string{t.Table, fmt.Sprint(t.Rows), t.SHA256[:16]})
		total += t.Rows
	}
	if err := aligned(i.out, rows); err != nil {
		return err
	}
	if err := i.done("\nCopied %s to %s: %d rows in %.1f s, the log at %d.", r.From, r.To, total, r.Seconds, r.LogSeq); err != nil {
		return err
	}
	if kek == "" {
		kek = "none was made yet"
	}
	return i.done(strings.TrimSuffix(howToGoOn, "\n"), r.Issuer, kek, r.From)
}
