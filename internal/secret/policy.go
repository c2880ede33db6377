package secret

import (
	"unicode/utf8"
)

// PasswordReason is why a new password is refused; it is the error that
// PasswordPolicy.Check returns, comparable with ==.
type PasswordReason string

// Reasons for refusing a new password.
const (
	PasswordTooShort PasswordReason = "too_short" // fewer code points than the policy asks for
	PasswordTooLong  PasswordReason = "too_long"  // more than 256 code points or 1024 bytes
	PasswordCommon   PasswordReason = "common"    // among the passwords everyone tries first
	PasswordContext  PasswordReason = "context"   // made of words known to whoever knows the account
)

// Error returns the reason's word.
func (r PasswordReason) Error() string { return string(r) }

const (
	maxPasswordLength = 256  // code points
	maxPasswordBytes  = 1024 // as sent
)

// PasswordPolicy is what a new password must satisfy. There are no composition
// rules and no expiry (NIST SP 800-63B-4 §3.1.1.2).
type PasswordPolicy struct {
	MinLength int // code points
}

// PasswordPolicyNamed returns a policy by its name in the configuration:
// "default" (8 characters and more) or "nist" (15 and more, what
// NIST SP 800-63B-4 §3.1.1.2 asks where the password is the only factor).
func PasswordPolicyNamed(name string) (PasswordPolicy, bool) {
	switch name {
	case "default":
		return PasswordPolicy{MinLength: 8}, true
	case "nist":
		return PasswordPolicy{MinLength: 15}, true
	default:
		return PasswordPolicy{}, false
	}
}

// Check returns nil or the PasswordReason against a new password. contextWords
// are what is known around the account: e-mail address, name, the names of
// product and client. Length counts code points of the password as received; no
// normalisation is applied, here or when the password is checked.
func (p PasswordPolicy) Check(password string, contextWords []string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case length < p.MinLength:
		return PasswordTooShort
	case length > maxPasswordLength || len(password) > maxPasswordBytes:
		return PasswordTooLong
	case isCommon(password):
		return PasswordCommon
	case isContext(password, contextWords):
		return PasswordContext
	default:
		return nil
	}
}
