package verify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// position is where a log stands; heads and the headers of snapshots say it.
type position struct {
	log     string
	seq     int64
	lc      int64
	h       revocation.Chain
	unknown bool // it serves a kind that this version cannot compare
}

// head is a position that the issuer has signed, at a time.
type head struct {
	position
	t   int64  // the issuer's clock, unix ms
	raw string // the JWS
}

// maxTime bounds times from outside: within it no sum of ours overflows.
const maxTime = 1 << 42

// readHead checks a head's signature and issuer, and reads it.
func readHead(ctx context.Context, raw, issuer string, keys *keyring) (head, error) {
	o, err := readSigned(ctx, raw, "revhead+jwt", keys)
	if err != nil {
		return head{}, fmt.Errorf("reading head: %w", err)
	}
	h := head{raw: raw}
	if h.position, err = readPosition(o, issuer); err != nil {
		return head{}, fmt.Errorf("reading head: %w", err)
	}
	if h.t, err = o.Int64("t"); err != nil || h.t <= 0 || h.t > maxTime {
		return head{}, errors.New("reading head: no time")
	}
	return h, nil
}

// readSigned verifies a JWS of the feed. The type is always checked (RFC 8725
// §3.11): a head's key signs snapshots too.
func readSigned(ctx context.Context, raw, typ string, keys *keyring) (jose.Object, error) {
	token, err := jose.Parse(raw)
	if err != nil {
		return jose.Object{}, err
	}
	if !token.Header().HasType(typ) {
		return jose.Object{}, errors.New("of another type")
	}
	if token.Header().Kid == "" {
		return jose.Object{}, errors.New("without a kid")
	}
	payload, err := keys.verify(ctx, token, everyAlgorithm())
	if err != nil {
		return jose.Object{}, err
	}
	return jose.DecodeObject(payload)
}

func readPosition(o jose.Object, issuer string) (position, error) {
	var p position
	iss, err := o.String("iss")
	if err != nil || iss != issuer {
		return p, errors.New("of another issuer")
	}
	if p.log, err = o.String("log"); err != nil || p.log == "" {
		return p, errors.New("no log")
	}
	if p.seq, err = o.Int64("seq"); err != nil || p.seq < 0 {
		return p, errors.New("no seq")
	}
	if p.lc, err = o.Int64("lc"); err != nil || p.lc < 0 || p.lc > maxTime {
		return p, errors.New("no lc")
	}
	if err := readBytes(o, "h", p.h[:]); err != nil {
		return p, err
	}
	kinds, err := o.Strings("kinds")
	if err != nil {
		return p, errors.New("no kinds")
	}
	for _, name := range kinds {
		kind, err := revocation.ParseKind(name)
		if err != nil || kind == revocation.Touch {
			p.unknown = true
		}
	}
	return p, nil
}

// readBytes reads a member that is base64url of exactly as many bytes as to has.
func readBytes(o jose.Object, name string, to []byte) error {
	text, err := o.String(name)
	if err != nil {
		return err
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("%s is not %d bytes in base64url", name, len(to))
	}
	copy(to, b)
	return nil
}
