package oauth

import (
	"crypto/sha256"
	"time"
)

// Reason is the stable machine word for why a request was refused: in the log, the audit trail, the metrics, the tests
// and (sealed) the reference code. Several reasons share one wire error on purpose.
type Reason string

// Unit says what Detail.Expected and Detail.Seen count.
type Unit string

// The units of a Detail.
const (
	NoUnit     Unit = ""
	Generation Unit = "generation"
	UnixMillis Unit = "unix ms"
	LC         Unit = "lc" // the server's logical clock in ms
	Bytes      Unit = "bytes"
	Count      Unit = "count"
)

// Info is one row of the table of reasons.
type Info struct {
	Reason      Reason
	Code        Code
	Description string        // wire text
	Rule        string        // what `mintmark explain` says: the rule as a sentence, with its §
	Claim       string        // which claim, parameter or row field the rule looked at
	Unit        Unit          // of Expected and Seen
	Status      int           // HTTP status where it is not the code's own; 0 = the code's
	RetryAfter  time.Duration // default Retry-After
	Named       bool          // the wire text ends in the parameter's name
}

// Lookup gives a reason's row.
func Lookup(r Reason) (Info, bool) {
	i, ok := reasonIndex[r]
	if !ok {
		return Info{}, false
	}
	return reasonTable[i], true
}

// Reasons lists every reason, in the order of the table.
func Reasons() []Reason {
	all := make([]Reason, len(reasonTable))
	for i, info := range reasonTable {
		all[i] = info.Reason
	}
	return all
}

// Mark is the reason in three bytes, the first of its SHA-256, for places that have no room for the word. Marks are
// unique (a test says so).
func (r Reason) Mark() [3]byte {
	sum := sha256.Sum256([]byte(r))
	return [3]byte(sum[:3])
}

// ReasonByMark finds the reason again.
func ReasonByMark(mark [3]byte) (Reason, bool) {
	for _, info := range reasonTable {
		if info.Reason.Mark() == mark {
			return info.Reason, true
		}
	}
	return "", false
}

var reasonIndex = indexReasons()

func indexReasons() map[Reason]int {
	index := make(map[Reason]int, len(reasonTable))
	for i, info := range reasonTable {
		index[info.Reason] = i
	}
	return index
}
