package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// MaxToken is the longest token that is looked at, in bytes.
const MaxToken = 16 << 10

// usualToken is room for most tokens, in bytes: what is read of one of them makes no
// work for the collector, which would cost more than the reading.
const usualToken = 1536

// Header is what a token says about itself. Before [Compact.Verify] has
// succeeded it is hearsay.
type Header struct {
	Alg Algorithm // whatever the token says, known or not
	Kid string    // empty if absent
	Typ string    // empty if absent
	Cty string    // empty if absent
}

// HasType reports whether typ is the media type typ, with or without its
// "application/" and in any case (RFC 7515 §4.1.9, RFC 9068 §4).
func (h Header) HasType(typ string) bool {
	const prefix = "application/"
	have := h.Typ
	if len(have) > len(prefix) && strings.EqualFold(have[:len(prefix)], prefix) {
		have = have[len(prefix):]
	}
	return have != "" && strings.EqualFold(have, typ)
}

// Compact is a token that was parsed, and not yet believed.
type Compact struct {
	header    Header
	input     string // what was signed: header and payload, as they were sent
	payload   string
	signature []byte
}

// Parse takes a compact JWS apart (RFC 7515 §7.1), strictly. It verifies
// nothing. Errors wrap [ErrMalformed], or [ErrEncrypted] for a compact JWE.
func Parse(token string) (*Compact, error) {
	c, err := parse(token, nil)
	return c, malformed(err)
}

func malformed(err error) error {
	if err == nil || errors.Is(err, ErrEncrypted) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// Parser is Parse for whoever gets many tokens of one issuer: they begin with the
// same header, to the letter, which is then read once. The zero Parser is ready to
// use, from many goroutines too.
type Parser struct{ last atomic.Pointer[readHeader] }

// readHeader is a header as it was sent, and what it says.
type readHeader struct {
	text string
	says Header
}

// Parse is [Parse].
func (p *Parser) Parse(token string) (*Compact, error) {
	last := p.last.Load()
	c, err := parse(token, last)
	if err != nil {
		return nil, malformed(err)
	}
	if head, _, _ := strings.Cut(token, "."); last == nil || head != last.text {
		p.last.Store(&readHeader{strings.Clone(head), c.header})
	}
	return c, nil
}

// ParseUnsecured takes a compact JWS apart that nobody signed (RFC 7515 appendix
// A.5): its algorithm is "none" and its signature empty. [Compact.Verify] refuses
// what it returns. Errors wrap [ErrMalformed].
//
// RFC 8725 §3.2: it is for where the sender was registered as one that does not
// sign, and never for a token that proves something.
func ParseUnsecured(token string) (*Compact, error) {
	// A signature is put where there is none, so that all else is read as strictly.
	unsigned, ok := strings.CutSuffix(token, ".")
	if !ok {
		return nil, fmt.Errorf("%w: signed", ErrMalformed)
	}
	c, err := parse(unsigned+".AA", nil)
	if err == nil && c.header.Alg != "none" {
		err = errors.New("unsigned, and another algorithm than none")
	}
	if err != nil {
		return nil, malformed(err)
	}
	c.signature = nil
	return c, nil
}

func parse(token string, last *readHeader) (*Compact, error) {
	if len(token) > MaxToken {
		return nil, errors.New("too long")
	}
	switch strings.Count(token, ".") {
	case 2:
	case 4: // RFC 7516 §9
		return nil, ErrEncrypted
	default:
		return nil, errors.New("not three parts")
	}
	head, rest, _ := strings.Cut(token, ".")
	body, tail, _ := strings.Cut(rest, ".")
	var text, room [usualToken]byte
	signed := len(head) + 1 + len(body)
	whole := append(text[:0], token...)
	c := &Compact{input: token[:signed]}
	if last != nil && head == last.text {
		c.header = last.says
	} else if err := c.readHeader(room[:0], whole[:len(head)]); err != nil {
		return nil, fmt.Errorf("reading header: %w", err)
	}
	decoded, err := appendBase64(room[:0], whole[len(head)+1:signed])
	if err != nil {
		return nil, fmt.Errorf("reading payload: %w", err)
	}
	c.payload = string(decoded)
	if c.signature, err = appendBase64(nil, whole[len(whole)-len(tail):]); err != nil || len(c.signature) == 0 {
		return nil, errors.New("reading signature: absent or not base64url")
	}
	return c, nil
}

func (c *Compact) readHeader(room, encoded []byte) error {
	decoded, err := appendBase64(room, encoded)
	if err == nil {
		c.header, err = parseHeader(decoded)
	}
	return err
}

func parseHeader(data []byte) (h Header, err error) {
	o, err := DecodeObject(data)
	if err != nil {
		return Header{}, err
	}
	// RFC 7515 §4.1.11: no extension is understood, so none can be critical;
	// RFC 7797 §3: b64 must be critical; RFC 8725 §3.6: no decompression.
	for _, refused := range [...]string{"crit", "b64", "zip"} {
		if o.Has(refused) {
			return Header{}, fmt.Errorf("member %q is not supported", refused)
		}
	}
	alg, err := o.String("alg")
	if err != nil {
		return Header{}, err
	}
	h.Alg = Algorithm(alg)
	if h.Kid, err = optional(o, "kid"); err != nil {
		return Header{}, err
	}
	if h.Typ, err = optional(o, "typ"); err != nil {
		return Header{}, err
	}
	if h.Cty, err = optional(o, "cty"); err != nil {
		return Header{}, err
	}
	return h, nil
}

// Header is what the token says about itself: use it to choose a key set, and
// to check typ.
func (c *Compact) Header() Header { return c.header }

// Verify checks the signature with the key of keys that the header names, and
// returns the payload. The header's alg must be among those allowed and be the
// key's own (RFC 8725 §3.1); with nothing allowed nothing verifies.
// Errors wrap [ErrAlgorithm], [ErrUnknownKey] or [ErrSignature].
func (c *Compact) Verify(keys KeySet, allowed ...Algorithm) (string, error) {
	if !slices.Contains(allowed, c.header.Alg) {
		return "", ErrAlgorithm
	}
	key, err := keys.find(c.header.Kid)
	if err != nil {
		return "", err
	}
	if key.alg != c.header.Alg.specified() {
		return "", fmt.Errorf("%w: not the key's", ErrAlgorithm)
	}
	var text [usualToken]byte
	if err := key.Verify(append(text[:0], c.input...), c.signature); err != nil {
		return "", err
	}
	return c.payload, nil
}

// UnverifiedPayload is the payload of a token that anybody may have written. It
// is for showing to people and for finding out whose keys to fetch.
func (c *Compact) UnverifiedPayload() string { return c.payload }

// Sign makes a token: payload under the header {"alg", "kid", "typ"} of key,
// without "typ" if it is empty. A payload that would make the token longer than
// [MaxToken] is an error. The header is written anew each time: a tenth of a
// microsecond beside a signature of 25 or more, too little to keep a cache for.
func Sign(key *PrivateKey, typ string, payload []byte) (string, error) {
	var room [256]byte
	w := BeginObject(room[:0])
	w.String("alg", string(key.public.alg))
	w.String("kid", key.public.kid)
	if typ != "" {
		w.String("typ", typ)
	}
	header := w.End()

	encoded := base64.RawURLEncoding.EncodedLen
	size := encoded(len(header)) + encoded(len(payload)) + encoded(key.public.signatureLen()) + 2
	if size > MaxToken {
		return "", errors.New("signing: payload too long for a token")
	}
	buf := make([]byte, 0, size)
	buf = base64.RawURLEncoding.AppendEncode(buf, header)
	buf = base64.RawURLEncoding.AppendEncode(append(buf, '.'), payload)
	signature, err := key.Sign(buf)
	if err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(append(buf, '.'), signature)), nil
}
