package secret

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrMalformedHash is returned for a stored password hash that is not a PHC
// string of argon2id within the bounds below.
var ErrMalformedHash = errors.New("malformed password hash")

// Cost of a password hash: the first of the settings that the OWASP Password
// Storage Cheat Sheet gives for argon2id.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32 // bytes
	argonSalt    = 16 // bytes
)

// Bounds for stored hashes, which may have been imported: a bad row must not be
// able to exhaust memory or time.
const (
	maxArgonMemory  = 128 * 1024 // KiB
	maxArgonTime    = 10
	maxArgonThreads = 8
	minArgonField   = 8  // bytes of salt, and half of the least key
	maxArgonField   = 64 // bytes of salt or key
)

// DummyHash has the cost of a real hash and matches no password: its 32 bytes
// were drawn at random. Checking it for an unknown user makes that answer take
// the time of any other.
const DummyHash = "$argon2id$v=19$m=19456,t=2,p=1$RXVDF8KhAVCItnrLuV6ioQ$Ma0FDMpdxzKi4w0by0nIDSWgCIUgZ7ll5EvqzGs4YoM"

// phcHash is an argon2id hash taken apart.
type phcHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// HashPassword returns what is stored of a password: argon2id (RFC 9106) as a
// PHC string. The salt is drawn at random for every call. It takes tens of ms
// and 19 MiB: callers hold a slot.
func HashPassword(password string, salt [16]byte) string {
	h := phcHash{memory: argonMemory, time: argonTime, threads: argonThreads, salt: salt[:]}
	h.key = h.derive(password, argonKey)
	return h.String()
}

// CheckPassword reports whether the password is the one that was hashed, and if
// so whether it should be hashed anew because its cost is not today's. The
// password is taken whole and as received: no trimming, no normalisation
// (NIST SP 800-63B-4 §3.1.1.2). The error is ErrMalformedHash.
func CheckPassword(password, phc string) (ok, rehash bool, err error) {
	h, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	if subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) != 1 {
		return false, false, nil
	}
	return true, !h.current(), nil
}

func (h phcHash) derive(password string, size int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(size))
}

func (h phcHash) current() bool {
	return h.memory == argonMemory && h.time == argonTime && h.threads == argonThreads &&
		len(h.salt) == argonSalt && len(h.key) == argonKey
}

func (h phcHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

// parsePHC accepts exactly what String writes, within the bounds.
func parsePHC(phc string) (phcHash, error) {
	var h phcHash
	if len(phc) > 256 {
		return h, ErrMalformedHash
	}
	fields := strings.Split(phc, "$")
	if len(fields) != 6 {
		return h, ErrMalformedHash
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, ErrMalformedHash
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(fields[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(fields[5])
	if saltErr != nil || keyErr != nil || !h.bounded() || h.String() != phc {
		return h, ErrMalformedHash
	}
	return h, nil
}

func (h phcHash) bounded() bool {
	return h.time >= 1 && h.time <= maxArgonTime &&
		h.threads >= 1 && h.threads <= maxArgonThreads &&
		h.memory >= 8*uint32(h.threads) && h.memory <= maxArgonMemory && // RFC 9106 §3.1: at least 8 KiB a lane
		len(h.salt) >= minArgonField && len(h.salt) <= maxArgonField &&
		len(h.key) >= 2*minArgonField && len(h.key) <= maxArgonField
}

// Factor is a way of proving who one is.
type Factor string

// FactorPassword is a password known to the user.
const FactorPassword Factor = "password"

// Verified is the evidence that a factor was checked and held. Only this package
// makes one, so whoever holds one has checked. The zero Verified proves nothing.
type Verified struct {
	factor Factor
	at     int64
	rehash bool
}

// Factor returns what was checked; "" for the zero Verified.
func (v Verified) Factor() Factor { return v.factor }

// At returns when it was checked, in the unit of the clock it was given.
func (v Verified) At() int64 { return v.at }

// Rehash reports whether the stored hash should be replaced (see CheckPassword).
func (v Verified) Rehash() bool { return v.rehash }

// VerifyPassword is CheckPassword with evidence. A malformed hash matches nothing.
func VerifyPassword(password, phc string, at int64) (Verified, bool) {
	ok, rehash, err := CheckPassword(password, phc)
	if err != nil || !ok {
		return Verified{}, false
	}
	return Verified{factor: FactorPassword, at: at, rehash: rehash}, true
}
