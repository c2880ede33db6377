// Package jose signs and verifies compact JSON Web Signatures (RFC 7515) and
// reads and writes their public keys (RFC 7517), and nothing else of JOSE.
//
// Everything a token can be made to say about how it should be checked is
// ignored or refused; the key decides. The threats of RFC 8725 §2, and what
// closes each of them here:
//
//   - §2.1 weak signatures, algorithm confusion: a key is bound to one
//     [Algorithm] when it is made, the caller hands in an allow-list, and the
//     header must agree with both. "none" and the HS family do not exist, so a
//     public key can never be taken for a shared secret.
//   - §2.2 weak symmetric keys: there are none.
//   - §2.3 composition of encryption and signature: five-part tokens get
//     [ErrEncrypted]; nothing here decrypts, and "zip" is refused.
//   - §2.4 plaintext leaks by length: nothing is encrypted or compressed.
//   - §2.5 invalid curve attacks and weak keys: points must be on the curve, RSA
//     keys have 2048 bits or more, an odd exponent above one and no ROCA
//     fingerprint, Ed25519 keys of small order are refused.
//   - §2.6 multiplicity of JSON encodings: UTF-8 only, names are compared byte
//     by byte, duplicate members are refused at every depth.
//   - §2.7 substitution, §2.8 cross-JWT confusion: [Header.HasType] compares
//     explicit types; a caller checks typ, iss and aud of what it was given.
//   - §2.9 indirect attacks on the server: jku, x5u, jwk and x5c in a header are
//     never looked at, and a kid is only compared, never resolved.
//   - RFC 7515 §4.1.11: any "crit" is refused, for no extension is understood.
//
// A token is at most [MaxToken] bytes, its base64url is strict (no padding, no
// stray bits, no line breaks), and its payload is not available before
// [Compact.Verify] has said yes, save through a method with a loud name.
package jose
