package revocation

import (
	"encoding/binary"
	"math"
)

// RecordSize is the length of an entry in a snapshot, in bytes.
const RecordSize = 16

// AppendRecord appends an entry as a snapshot of that base (ms) holds it:
// name u64, cut u32 in ms since base, until u32 in seconds since base, rounded
// up; all big-endian. A cut before the base is written as the base itself and
// one too far beyond it as Forever, which errs on the dead side: choose a base
// at or before the smallest cutoff.
func AppendRecord(dst []byte, base int64, e Entry) []byte {
	t := Table{base: base}
	cut, ok := t.relativeCut(e.Cut)
	if !ok {
		cut = cutForever
	}
	dst = binary.BigEndian.AppendUint64(dst, e.Name)
	dst = binary.BigEndian.AppendUint32(dst, uint32(cut))
	return binary.BigEndian.AppendUint32(dst, uint32(t.relativeUntil(e.Until)))
}

// ReadRecord is the inverse of AppendRecord; b holds at least RecordSize bytes.
// The sequence number, which records do not have, is 0.
func ReadRecord(b []byte, base int64) Entry {
	t := Table{base: base}
	value := uint64(binary.BigEndian.Uint32(b[8:]))<<32 | uint64(binary.BigEndian.Uint32(b[12:]))&math.MaxUint32
	return Entry{Name: binary.BigEndian.Uint64(b), Cut: t.cut(value), Until: t.until(value)}
}
