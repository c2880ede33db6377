package feed

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// What goes over the wire: docs/reference/revocation-feed.md.

// ErrCursor means that a text is no cursor.
var ErrCursor = errors.New("malformed cursor")

// Cursor is a place in a log.
type Cursor struct {
	Log revocation.LogID
	Seq int64
}

// String is the cursor as readers send it back.
func (c Cursor) String() string { return string(c.Log) + "." + strconv.FormatInt(c.Seq, 10) }

// ParseCursor reads what String wrote, and nothing else.
func ParseCursor(text string) (Cursor, error) {
	log, number, _ := strings.Cut(text, ".")
	seq, err := strconv.ParseInt(number, 10, 64)
	c := Cursor{Log: revocation.LogID(log), Seq: seq}
	if id, bad := base64.RawURLEncoding.DecodeString(log); err != nil || bad != nil || len(id) != 12 || seq < 0 || c.String() != text {
		return Cursor{}, ErrCursor
	}
	return c, nil
}

// headClaims is the payload of a head.
type headClaims struct {
	Issuer string           `json:"iss"`
	Log    revocation.LogID `json:"log"`
	Seq    int64            `json:"seq"`
	LC     int64            `json:"lc"`
	T      int64            `json:"t"`
	Chain  string           `json:"h"`
	Kinds  []string         `json:"kinds"`
}

// signHead signs where the log stood when it was read.
func (f *Feed) signHead(h *record.Head, at time.Time) (string, error) {
	payload, err := json.Marshal(headClaims{
		Issuer: f.Issuer, Log: h.LogID, Seq: h.Seq, LC: h.LC, T: at.UnixMilli(), Chain: base64url(h.Chain[:]), Kinds: kinds,
	})
	if err != nil {
		return "", fmt.Errorf("rendering a head: %w", err)
	}
	return f.Ring().SignHead(payload)
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// appendEntries appends the event rv.
func appendEntries(b []byte, log revocation.LogID, seq int64, ask bool, entries []revocation.Entry) []byte {
	b = append(b, "event: rv\nid: "...)
	b = append(b, Cursor{log, seq}.String()...)
	b = append(b, "\ndata: {"...)
	b = appendBatch(b, seq, ask, entries)
	return append(b, "}\n\n"...)
}

// appendHead appends the event hb.
func appendHead(b []byte, head string) []byte {
	b = append(b, "event: hb\ndata: "...)
	b = append(b, head...)
	return append(b, "\n\n"...)
}

// appendReset appends the event reset.
func appendReset(b []byte, reason string) []byte {
	b = append(b, "event: reset\ndata: {\"reason\":\""...)
	b = append(b, reason...)
	return append(b, "\"}\n\n"...)
}

// appendBatch appends the members of a batch. Every number fits the 53 bits that
// JSON readers agree on (RFC 8259 §6): a name is hexadecimal, and the cutoff that
// never ends a word.
func appendBatch(b []byte, seq int64, ask bool, entries []revocation.Entry) []byte {
	b = append(b, `"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"ask":`...)
	b = strconv.AppendBool(b, ask)
	b = append(b, `,"entries":[`...)
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, e.Seq, 10)
		b = append(b, `,"`...)
		var name [8]byte
		binary.BigEndian.PutUint64(name[:], e.Name)
		b = hex.AppendEncode(b, name[:])
		b = append(b, `",`...)
		b = appendCut(b, e.Cut)
		b = append(b, ',')
		b = strconv.AppendInt(b, e.Until, 10)
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendCut(b []byte, cut int64) []byte {
	if cut == revocation.Forever {
		return append(b, `"forever"`...)
	}
	return strconv.AppendInt(b, cut, 10)
}
