package jose

import (
	"strings"
	"testing"
)

// Decoders of the standard library skip line breaks, so that one value would have many
// spellings (RFC 7515 §2, Appendix C).
func TestALineBreakIsRefusedWhereverItStands(t *testing.T) {
	for n := range 13 {
		text := strings.Repeat("A", n)
		if _, err := decodeBase64(text); (err == nil) != (n%4 != 1) {
			t.Errorf("%d characters: %v", n, err)
		}
		for at := range n + 1 {
			for _, breaks := range []string{"\n", "\r", "\r\n", "\n\n\n", "\n\r\n\r", "\n\n\n\n\n"} {
				if got, err := decodeBase64(text[:at] + breaks + text[at:]); err == nil {
					t.Errorf("%d characters with %q at %d: %x", n, breaks, at, got)
				}
			}
		}
	}
}
