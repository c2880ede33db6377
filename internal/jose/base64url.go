package jose

import (
	"bytes"
	"encoding/base64"
	"errors"
)

var errBase64 = errors.New("invalid base64url")

// strict refuses padding and non-zero trailing bits, so that one value has one
// spelling (RFC 7515 §2). It still skips line breaks: hence decodeBase64.
var strict = base64.RawURLEncoding.Strict()

func decodeBase64(s string) ([]byte, error) { return appendBase64(nil, []byte(s)) }

func appendBase64(dst, src []byte) ([]byte, error) {
	if bytes.ContainsAny(src, "\r\n") {
		return nil, errBase64
	}
	data, err := strict.AppendDecode(dst, src)
	if err != nil {
		return nil, errBase64
	}
	return data, nil
}
