package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// maxAddressPart, in code points, bounds a part of an address.
const maxAddressPart = 500

// The forms that OpenID Connect Core §5.1 gives some claims.
var (
	phoneForm    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // E.164
	zoneinfoForm = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)
	localeForm   = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}$`)
	yearForm     = regexp.MustCompile(`^[0-9]{4}$`)
)

// checkProfile finds all that is wrong with a profile by itself. An e-mail
// address that is none stays as it is, another takes its one form.
func checkProfile(p *Profile) problems {
	var wrong problems
	if canonical, ok := decide.CanonicalEmail(p.Email); ok {
		p.Email = canonical
	} else {
		wrong.add("email", "is an e-mail address, and is needed")
	}
	if p.Phone != "" && !phoneForm.MatchString(p.Phone) {
		wrong.add("phone_number", "is a number of E.164, such as +4930123456")
	}
	if p.PhoneVerified && p.Phone == "" {
		wrong.add("phone_number_verified", "there is no phone number")
	}
	wrong.claims(&p.Claims)
	return wrong
}

// checkUpdate is checkProfile for a user who is there: one who came from an upstream
// without an address may go on without one.
func checkUpdate(p *Profile, row *record.User) problems {
	wrong := checkProfile(p)
	if row.Email == nil && p.Email == "" {
		wrong = slices.DeleteFunc(wrong, func(f FieldProblem) bool { return f.Field == "email" })
	}
	return wrong
}

func (p *problems) claims(c *Claims) {
	for _, claim := range []struct{ field, text string }{
		{"name", c.Name},
		{"given_name", c.GivenName},
		{"family_name", c.FamilyName},
		{"middle_name", c.MiddleName},
		{"nickname", c.Nickname},
		{"preferred_username", c.PreferredUsername},
		{"gender", c.Gender},
	} {
		if claim.text != "" {
			p.text(claim.field, claim.text)
		}
	}
	p.page("profile", c.Profile)
	p.page("picture", c.Picture)
	p.page("website", c.Website)
	if c.Birthdate != "" && !isBirthdate(c.Birthdate) {
		p.add("birthdate", "is a day (1990-12-31), a day without its year (0000-12-31) or a year (1990)")
	}
	if c.Zoneinfo != "" && !zoneinfoForm.MatchString(c.Zoneinfo) {
		p.add("zoneinfo", "is the name of a time zone, such as Europe/Paris")
	}
	if c.Locale != "" && !localeForm.MatchString(c.Locale) {
		p.add("locale", "is a language tag, such as en-GB")
	}
	if c.Address != nil {
		p.address(c.Address)
	}
}

func isBirthdate(text string) bool {
	if yearForm.MatchString(text) {
		return true
	}
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// page: an address that an application may show as a link.
func (p *problems) page(field, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(text) > maxLink {
		p.add(field, "is an http or https address")
	}
}

// address: OpenID Connect Core §5.1.1, some parts may have several lines.
func (p *problems) address(a *Address) {
	for _, part := range []struct{ field, text string }{
		{"address.formatted", a.Formatted},
		{"address.street_address", a.StreetAddress},
		{"address.locality", a.Locality},
		{"address.region", a.Region},
		{"address.postal_code", a.PostalCode},
		{"address.country", a.Country},
	} {
		invisible := func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\r' }
		switch {
		case !utf8.ValidString(part.text) || strings.ContainsFunc(part.text, invisible):
			p.add(part.field, "consists of visible characters and line breaks")
		case utf8.RuneCountInString(part.text) > maxAddressPart:
			p.add(part.field, "has at most %d characters", maxAddressPart)
		}
	}
}

// checkIdentifiers: an address or number is one user's. sub is who may have it.
func (e *Engine) checkIdentifiers(ctx context.Context, p *Profile, sub string, wrong *problems) error {
	for _, identifier := range []struct{ field, kind, value string }{
		{"email", record.IdentifierEmail, p.Email},
		{"phone_number", record.IdentifierPhone, p.Phone},
	} {
		if identifier.value == "" {
			continue
		}
		owner, err := e.store.UserByIdentifier(ctx, identifier.kind, identifier.value)
		if err != nil {
			return err
		}
		if owner != nil && owner.ID != sub {
			wrong.add(identifier.field, "another user has it")
		}
	}
	return nil
}

func profileOf(user ManagedUser) *Profile {
	profile := &Profile{Claims: user.Claims}
	if user.Email != nil {
		profile.Email = user.Email.Value
	}
	return profile
}

// contextOf is what whoever knows a user would try first.
func contextOf(p *Profile) []string {
	c := &p.Claims
	return []string{p.Email, c.Name, c.GivenName, c.FamilyName, c.Nickname, c.PreferredUsername, "mintmark"}
}

// passwordRule says which rule a password breaks.
func (e *Engine) passwordRule(broken error) string {
	switch reason, _ := errors.AsType[secret.PasswordReason](broken); reason {
	case secret.PasswordTooShort:
		return fmt.Sprintf("has at least %d characters", e.policy.Passwords.MinLength)
	case secret.PasswordTooLong:
		return "has at most 256 characters"
	case secret.PasswordCommon:
		return "is among those that everybody tries first"
	case secret.PasswordContext:
		return "is made of what is known about the user"
	}
	return "is refused"
}
