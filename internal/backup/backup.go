// Package backup is the file that a backup is: a tar archive with a manifest, the
// database and, if it was asked for by name, the key-encryption key. It may be
// encrypted to age keys; both are formats that others' tools open.
package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
)

// Format is the version of the archive.
const Format = 1

// The names in the archive, in its order.
const (
	nameManifest = "manifest.json"
	nameKEK      = "kek"
	nameDatabase = "mintmark.db"
)

// Manifest says what a backup has.
type Manifest struct {
	Format  int              `json:"format"`
	MadeAt  time.Time        `json:"made_at"`
	Version string           `json:"version"` // of the program
	Issuer  string           `json:"issuer"`
	LogID   string           `json:"log_id"`
	LogSeq  int64            `json:"log_seq"`
	Schema  int64            `json:"schema"`
	Rows    map[string]int64 `json:"rows"` // by table
	Bytes   int64            `json:"bytes"`
	SHA256  string           `json:"sha256"` // of the database
	KEK     bool             `json:"kek"`    // the key-encryption key is in it
}

// Recipients reads age keys to encrypt to: age1...
func Recipients(keys []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, key := range keys {
		r, err := age.ParseX25519Recipient(key)
		if err != nil {
			return nil, fmt.Errorf("%q is no age key to encrypt to (age1...)", key)
		}
		all = append(all, r)
	}
	return all, nil
}

// Identities reads a file of age-keygen.
func Identities(file io.Reader) ([]age.Identity, error) {
	all, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("reading the identities: %w", err)
	}
	return all, nil
}

// Source is what goes into a backup. The manifest lacks what is measured of the
// database.
type Source struct {
	Manifest Manifest
	KEK      []byte // nil: not in it
	Database io.ReadSeeker
}

// Write writes a backup, encrypted if it is to somebody.
func Write(to io.Writer, from Source, recipients []age.Recipient) (Manifest, error) {
	m := from.Manifest
	sum := sha256.New()
	n, err := io.Copy(sum, from.Database)
	if err == nil {
		_, err = from.Database.Seek(0, io.SeekStart)
	}
	if err != nil {
		return m, fmt.Errorf("reading the copy of the database: %w", err)
	}
	m.Format, m.Bytes, m.SHA256, m.KEK = Format, n, hex.EncodeToString(sum.Sum(nil)), from.KEK != nil
	if len(recipients) == 0 {
		return m, writeArchive(to, &m, from)
	}
	sealed, err := age.Encrypt(to, recipients...)
	if err != nil {
		return m, fmt.Errorf("encrypting the backup: %w", err)
	}
	return m, errors.Join(writeArchive(sealed, &m, from), sealed.Close())
}

func writeArchive(to io.Writer, m *Manifest, from Source) error {
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	archive := tar.NewWriter(to)
	put := func(name string, size int64, content io.Reader) error {
		header := &tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.MadeAt, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.Copy(archive, content)
		return err
	}
	err = put(nameManifest, int64(len(manifest)), bytes.NewReader(manifest))
	if err == nil && m.KEK {
		err = put(nameKEK, int64(len(from.KEK)), bytes.NewReader(from.KEK))
	}
	if err == nil {
		err = put(nameDatabase, m.Bytes, from.Database)
	}
	if err = errors.Join(err, archive.Close()); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

// ErrSealed means that a backup is encrypted and no identity was given.
var ErrSealed = errors.New("the backup is encrypted: name the identity with --identity")

// Archive is a backup that is being read.
type Archive struct {
	Manifest Manifest
	KEK      []byte // nil: not in it
	tar      *tar.Reader
}

const (
	ageIntro = "age-encryption.org/"
	// mostManifest bounds what is read before anything has been checked.
	mostManifest = 1 << 20
)

// Open reads a backup up to its database.
func Open(from io.Reader, identities []age.Identity) (*Archive, error) {
	buffered := bufio.NewReader(from)
	var plain io.Reader = buffered
	if intro, _ := buffered.Peek(len(ageIntro)); string(intro) == ageIntro {
		if len(identities) == 0 {
			return nil, ErrSealed
		}
		var err error
		if plain, err = age.Decrypt(buffered, identities...); err != nil {
			return nil, fmt.Errorf("decrypting the backup: %w", err)
		}
	}
	a := &Archive{tar: tar.NewReader(plain)}
	text, err := a.next(nameManifest)
	if err == nil {
		err = json.Unmarshal(text, &a.Manifest)
	}
	if err != nil || a.Manifest.Format < 1 {
		return nil, errors.Join(errors.New("it is no backup of Mintmark's"), err)
	}
	if a.Manifest.Format > Format {
		return nil, fmt.Errorf("the backup has the format %d, and this release knows %d: use the one that made it, %s", a.Manifest.Format, Format, a.Manifest.Version)
	}
	if a.Manifest.KEK {
		if a.KEK, err = a.next(nameKEK); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// next reads a small file of the archive.
func (a *Archive) next(name string) ([]byte, error) {
	if err := a.at(name); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(a.tar, mostManifest))
	if err != nil {
		return nil, fmt.Errorf("reading the backup's %s: %w", name, err)
	}
	return text, nil
}

func (a *Archive) at(name string) error {
	header, err := a.tar.Next()
	if err == nil && header.Name != name {
		err = fmt.Errorf("%s stands in its place", header.Name)
	}
	if err != nil {
		return fmt.Errorf("looking for the backup's %s: %w", name, err)
	}
	return nil
}

// Extract writes the database, and says whether it is whole: what was written is
// worth nothing before that.
func (a *Archive) Extract(to io.Writer) error {
	if err := a.at(nameDatabase); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), a.tar)
	if err != nil {
		return fmt.Errorf("reading the backup's database: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != a.Manifest.Bytes || got != a.Manifest.SHA256 {
		return fmt.Errorf("the backup is damaged: its database has %d bytes and the checksum %s, not %d and %s", n, got, a.Manifest.Bytes, a.Manifest.SHA256)
	}
	return nil
}
