package jose

import (
	"encoding/base64"
	"errors"
)

var errBase64 = errors.New("invalid base64url")

// strict refuses padding and non-zero trailing bits, so that one value has one
// spelling (RFC 7515 §2). It still skips line breaks: hence appendBase64.
var strict = base64.RawURLEncoding.Strict()

func decodeBase64(s string) ([]byte, error) { return appendBase64(nil, []byte(s)) }

func appendBase64(dst, src []byte) ([]byte, error) {
	data, err := strict.AppendDecode(dst, src)
	// Where line breaks were skipped, less came out than so many characters hold, or
	// one of them was a fifth, ninth, ... character, which holds nothing.
	if err != nil || len(src)%4 == 1 || len(data)-len(dst) != strict.DecodedLen(len(src)) {
		return nil, errBase64
	}
	return data, nil
}
