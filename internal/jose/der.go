package jose

import "errors"

// intLen is the length of r and of s in an ES256 signature (RFC 7518 §3.4).
const intLen = 32

var errDER = errors.New("signer returned no ECDSA signature in DER")

// rawSignature turns the ECDSA signature of a crypto.Signer, SEQUENCE{r, s} in
// DER (RFC 3279 §2.2.3), into the r || s that a token carries. Strict: minimal
// lengths and integers, nothing left over.
func rawSignature(der []byte) ([]byte, error) {
	if len(der) < 2 || der[0] != 0x30 || der[1] > 0x7f || int(der[1]) != len(der)-2 {
		return nil, errDER
	}
	raw := make([]byte, 2*intLen)
	rest, ok := readInt(raw[:intLen], der[2:])
	if !ok {
		return nil, errDER
	}
	rest, ok = readInt(raw[intLen:], rest)
	if !ok || len(rest) > 0 {
		return nil, errDER
	}
	return raw, nil
}

// readInt reads one positive INTEGER from der into out, right-aligned.
func readInt(out, der []byte) (rest []byte, ok bool) {
	if len(der) < 3 || der[0] != 0x02 || int(der[1]) > len(der)-2 || der[1] == 0 {
		return nil, false
	}
	n, rest := der[2:2+der[1]], der[2+der[1]:]
	if n[0]&0x80 != 0 { // negative
		return nil, false
	}
	if n[0] == 0 {
		if len(n) > 1 && n[1]&0x80 == 0 { // not minimal
			return nil, false
		}
		n = n[1:]
	}
	if len(n) > len(out) {
		return nil, false
	}
	copy(out[len(out)-len(n):], n)
	return rest, true
}

// appendDER is the way back, for crypto/ecdsa verifies DER only. It returns nil
// for a signature of another length.
func appendDER(buf, raw []byte) []byte {
	if len(raw) != 2*intLen {
		return nil
	}
	buf = append(buf, 0x30, 0)
	buf = appendInt(buf, raw[:intLen])
	buf = appendInt(buf, raw[intLen:])
	buf[1] = byte(len(buf) - 2)
	return buf
}

func appendInt(buf, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	pad := int(n[0] >> 7) // a leading zero keeps it positive
	buf = append(buf, 0x02, byte(len(n)+pad))
	return append(append(buf, make([]byte, pad)...), n...)
}
