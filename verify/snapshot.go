package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

const (
	maxHeader  = 64 << 10
	maxEntries = 1 << 26 // in a snapshot: 1 GB at the other end
)

// snapshotHeader is the first line of a snapshot and of a seed.
type snapshotHeader struct {
	position
	base int64 // ms
	n    int64
	key  revocation.FeedKey
}

// readSnapshot reads a snapshot as it comes, without holding it: into a table of
// its own, which nobody uses before the signature at the end has been checked.
func readSnapshot(ctx context.Context, body io.Reader, issuer string, keys *keyring) (*tail, error) {
	sum := sha256.New()
	in := bufio.NewReaderSize(body, maxHeader)
	header, err := readSnapshotHeader(in, sum, issuer)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot: %w", err)
	}
	table, err := readRecords(in, sum, header)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot: %w", err)
	}
	signature, err := readLine(in)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot: its signature: %w", err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return nil, errors.New("reading snapshot: something follows its signature")
	}
	if err := checkSum(ctx, signature, issuer, sum, keys); err != nil {
		return nil, fmt.Errorf("reading snapshot: %w", err)
	}
	return &tail{position: header.position, attested: header.seq, key: header.key, table: table}, nil
}

func readSnapshotHeader(in *bufio.Reader, sum hash.Hash, issuer string) (snapshotHeader, error) {
	var h snapshotHeader
	line, err := readLine(in)
	if err != nil {
		return h, fmt.Errorf("its header: %w", err)
	}
	sum.Write([]byte(line))
	sum.Write([]byte{'\n'})
	o, err := jose.DecodeObject([]byte(line))
	if err != nil {
		return h, fmt.Errorf("its header: %w", err)
	}
	if h.position, err = readPosition(o, issuer); err != nil {
		return h, fmt.Errorf("its header: %w", err)
	}
	if h.base, err = o.Int64("base"); err != nil || h.base < 0 || h.base > maxTime {
		return h, errors.New("its header: no base")
	}
	if h.n, err = o.Int64("n"); err != nil || h.n < 0 || h.n > maxEntries {
		return h, errors.New("its header: no number of entries, or too many")
	}
	return h, readBytes(o, "key", h.key[:])
}

// readRecords fills a table of the size that the header names; memory that is
// not written to is not taken, so a header that lies costs nothing.
func readRecords(in io.Reader, sum hash.Hash, h snapshotHeader) (*revocation.Table, error) {
	table := revocation.NewTable(int(h.n), h.lc)
	buf := make([]byte, 4096*revocation.RecordSize)
	for left := int(h.n) * revocation.RecordSize; left > 0; {
		chunk := buf[:min(left, len(buf))]
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, fmt.Errorf("its entries: %w", err)
		}
		sum.Write(chunk)
		for at := 0; at < len(chunk); at += revocation.RecordSize {
			if !table.Put(revocation.ReadRecord(chunk[at:], h.base)) {
				return nil, errors.New("its entries: a cutoff beyond the clock")
			}
		}
		left -= len(chunk)
	}
	return table, nil
}

func checkSum(ctx context.Context, signature, issuer string, sum hash.Hash, keys *keyring) error {
	o, err := readSigned(ctx, signature, "revsnap+jwt", keys)
	if err != nil {
		return fmt.Errorf("its signature: %w", err)
	}
	if iss, err := o.String("iss"); err != nil || iss != issuer {
		return errors.New("its signature: of another issuer")
	}
	var signed [sha256.Size]byte
	if err := readBytes(o, "sha256", signed[:]); err != nil || signed != [sha256.Size]byte(sum.Sum(nil)) {
		return errors.New("its signature: over other bytes")
	}
	return nil
}

// readLine reads a line that fits the reader's buffer, without its end.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return string(line[:len(line)-1]), nil
}
