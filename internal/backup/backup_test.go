package backup_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/backup"
)

const content = "SQLite format 3\x00 and the rest"

func write(t *testing.T, kek []byte, to ...age.Recipient) ([]byte, backup.Manifest) {
	t.Helper()
	var out bytes.Buffer
	m, err := backup.Write(&out, backup.Source{
		Manifest: backup.Manifest{MadeAt: time.Unix(1e9, 0).UTC(), Issuer: "https://id.example.com", LogSeq: 7, Rows: map[string]int64{"users": 3}},
		KEK:      kek, Database: strings.NewReader(content),
	}, to)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), m
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	made, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestABackupComesBackAsItWas(t *testing.T) {
	mine := identity(t)
	for what, c := range map[string]struct {
		kek []byte
		to  []age.Recipient
	}{
		"in clear": {}, "encrypted": {to: []age.Recipient{mine.Recipient()}}, "with the key": {[]byte("key"), []age.Recipient{identity(t).Recipient(), mine.Recipient()}},
	} {
		t.Run(what, func(t *testing.T) {
			text, m := write(t, c.kek, c.to...)
			if sealed := !bytes.Contains(text, []byte("SQLite")); sealed != (c.to != nil) {
				t.Error("it is not sealed as was asked for")
			}
			a, err := backup.Open(bytes.NewReader(text), []age.Identity{mine})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, a.Manifest); diff != "" || !bytes.Equal(a.KEK, c.kek) {
				t.Errorf("the manifest differs, or the key %q: %s", a.KEK, diff)
			}
			var out bytes.Buffer
			if err := a.Extract(&out); err != nil || out.String() != content {
				t.Errorf("%v, %q", err, out.String())
			}
		})
	}
}

func TestTheKeyIsInNoBackupUnlessAskedFor(t *testing.T) {
	text, m := write(t, nil)
	if m.KEK || bytes.Contains(text, []byte("kek\x00")) {
		t.Errorf("it is there: %v", m)
	}
}

// Every byte matters: whichever is another, the backup is refused, or what it gives
// is what went in.
func TestADamagedBackupIsRefused(t *testing.T) {
	mine := identity(t)
	for _, to := range [][]age.Recipient{nil, {mine.Recipient()}} {
		text, m := write(t, nil, to...)
		for i := range text {
			bent := bytes.Clone(text)
			bent[i] ^= 1
			read(t, bent, &m, mine)
		}
		for n := 0; n < len(text); n += 13 {
			read(t, text[:n], &m, mine)
		}
	}
}

func read(t *testing.T, text []byte, m *backup.Manifest, mine age.Identity) {
	t.Helper()
	a, err := backup.Open(bytes.NewReader(text), []age.Identity{mine})
	if err != nil {
		return
	}
	var out bytes.Buffer
	if err := a.Extract(&out); err == nil && a.Manifest.SHA256 == m.SHA256 && out.String() != content {
		t.Fatalf("it gives %q", out.String())
	}
}

func TestWhoHasNoIdentityReadsNothing(t *testing.T) {
	text, _ := write(t, nil, identity(t).Recipient())
	for what, identities := range map[string][]age.Identity{"none": nil, "another": {identity(t)}} {
		if _, err := backup.Open(bytes.NewReader(text), identities); err == nil {
			t.Errorf("with %s it opens", what)
		}
	}
	if _, err := backup.Recipients([]string{"age1x"}); err == nil {
		t.Error("a key that is none is taken")
	}
	if _, err := backup.Identities(strings.NewReader("x")); err == nil {
		t.Error("an identity that is none is taken")
	}
}
