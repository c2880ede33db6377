package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
)

// Profile is what an administrator says about a user. E-mail and phone are what
// they sign in with, and the only source of those claims.
type Profile struct {
	Email         string
	EmailVerified bool
	Phone         string
	PhoneVerified bool
	Claims        Claims
}

// Claims are the standard claims that are not identifiers, as they are stored
// (OpenID Connect Core §5.1).
type Claims struct {
	Name              string   `json:"name,omitempty"`
	GivenName         string   `json:"given_name,omitempty"`
	FamilyName        string   `json:"family_name,omitempty"`
	MiddleName        string   `json:"middle_name,omitempty"`
	Nickname          string   `json:"nickname,omitempty"`
	PreferredUsername string   `json:"preferred_username,omitempty"`
	Profile           string   `json:"profile,omitempty"`
	Picture           string   `json:"picture,omitempty"`
	Website           string   `json:"website,omitempty"`
	Gender            string   `json:"gender,omitempty"`
	Birthdate         string   `json:"birthdate,omitempty"`
	Zoneinfo          string   `json:"zoneinfo,omitempty"`
	Locale            string   `json:"locale,omitempty"`
	Address           *Address `json:"address,omitempty"`
	UpdatedAt         int64    `json:"updated_at,omitempty"` // Unix seconds
}

// Address is the address claim (OpenID Connect Core §5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// stored is the claims as the user's row holds them, dated.
func (c Claims) stored(now int64) (json.RawMessage, error) {
	c.UpdatedAt = now / 1000
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding claims: %w", err)
	}
	return text, nil
}

// ManagedUser is a user as an administrator sees it.
type ManagedUser struct {
	*record.User
	Claims   Claims
	Password string // only in the answer that generated it
}

func managedUser(row *record.User) (ManagedUser, error) {
	user := ManagedUser{User: row}
	if err := json.Unmarshal(row.Claims, &user.Claims); err != nil {
		return ManagedUser{}, fmt.Errorf("reading claims of user %s: %w", row.ID, err)
	}
	return user, nil
}

// UserPage lists users by sub, those after the given one; with an e-mail address,
// only the user who has it.
func (e *Engine) UserPage(ctx context.Context, email, after string) (page []ManagedUser, next string, err error) {
	var rows []record.User
	if email == "" {
		rows, err = e.store.UserList(ctx, after, listPage)
	} else {
		rows, err = e.userByEmail(ctx, email)
	}
	for i := range rows {
		user, bad := managedUser(&rows[i])
		if bad != nil {
			return nil, "", refusalOf(bad)
		}
		page = append(page, user)
	}
	if len(rows) == listPage {
		next = rows[listPage-1].ID
	}
	return page, next, refusalOf(err)
}

func (e *Engine) userByEmail(ctx context.Context, email string) ([]record.User, error) {
	canonical, ok := decide.CanonicalEmail(email)
	if !ok {
		return nil, invalid("email", "is an e-mail address")
	}
	row, err := e.store.UserByIdentifier(ctx, record.IdentifierEmail, canonical)
	if row == nil {
		return nil, err
	}
	return []record.User{*row}, err
}

// UserByID gives one user.
func (e *Engine) UserByID(ctx context.Context, sub string) (ManagedUser, error) {
	row, err := found(e.store.User(ctx, sub))
	if err != nil {
		return ManagedUser{}, refusalOf(err)
	}
	user, err := managedUser(row)
	return user, refusalOf(err)
}

// CreateUser adds a user. An empty password is replaced by a generated one.
func (e *Engine) CreateUser(ctx context.Context, profile Profile, password string) (ManagedUser, error) {
	wrong := checkProfile(&profile)
	if err := e.checkIdentifiers(ctx, &profile, "", &wrong); err != nil {
		return ManagedUser{}, refusalOf(err)
	}
	phc, generated, err := e.newPassword(ctx, password, &profile, wrong)
	if err != nil {
		return ManagedUser{}, refusalOf(err)
	}
	return administer(ctx, e, func(env decide.Env) (ManagedUser, []record.Change, error) {
		var taken problems
		if err := e.checkIdentifiers(ctx, &profile, "", &taken); err != nil {
			return ManagedUser{}, nil, err
		}
		if err := taken.refusal(); err != nil {
			return ManagedUser{}, nil, err
		}
		claims, err := profile.Claims.stored(env.Now)
		if err != nil {
			return ManagedUser{}, nil, err
		}
		made := decide.NewUser(decide.NewAccount{
			Email: profile.Email, Verified: profile.EmailVerified, PHC: phc, Claims: claims,
		}, actorOf(ctx), env)
		if made.Err != nil {
			return ManagedUser{}, nil, made.Err
		}
		row, changes := made.Answer, made.Changes
		if phone := identifierOf(record.IdentifierPhone, profile.Phone, profile.PhoneVerified, env.Now); phone != nil {
			phone.UserID, row.Phone = row.ID, phone
			changes = append(changes, record.PutIdentifier{Identifier: *phone})
		}
		user, err := managedUser(&row)
		user.Password = generated
		return user, changes, err
	})
}

// UpdateUser replaces a user's profile.
func (e *Engine) UpdateUser(ctx context.Context, sub string, profile Profile, version int64) (ManagedUser, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedUser, []record.Change, error) {
		row, err := found(e.store.User(ctx, sub))
		if err != nil {
			return ManagedUser{}, nil, err
		}
		if err := current(ctx, version, row.Version); err != nil {
			return ManagedUser{}, nil, err
		}
		wrong := checkUpdate(&profile, row)
		if err := e.checkIdentifiers(ctx, &profile, sub, &wrong); err != nil {
			return ManagedUser{}, nil, err
		}
		if err := wrong.refusal(); err != nil {
			return ManagedUser{}, nil, err
		}
		user, changes, err := updateUser(ctx, row, &profile, env)
		if err != nil || !becomesVerified(row, user.User) {
			return user, changes, err
		}
		strange, err := e.store.SignedUp(ctx, sub)
		if strange {
			changes = append(changes, decide.ConfirmSignUp(sub, actorOf(ctx), env)...)
		}
		return user, changes, err
	})
}

// becomesVerified reports whether an address or number is seen to be the user's
// that was not before.
func becomesVerified(before, after *record.User) bool {
	verified := func(i *record.Identifier) string {
		if i == nil || i.VerifiedAt == 0 {
			return ""
		}
		return i.Value
	}
	return verified(after.Email) != "" && verified(before.Email) != verified(after.Email) ||
		verified(after.Phone) != "" && verified(before.Phone) != verified(after.Phone)
}

// updateUser is the plan of UpdateUser. The row comes first: its version is the
// guard of the identifiers too.
func updateUser(ctx context.Context, row *record.User, profile *Profile, env decide.Env) (ManagedUser, []record.Change, error) {
	claims, err := profile.Claims.stored(env.Now)
	if err != nil {
		return ManagedUser{}, nil, err
	}
	after := *row
	after.Claims, after.Version = claims, row.Version+1
	after.Email = identifierOf(record.IdentifierEmail, profile.Email, profile.EmailVerified, env.Now)
	after.Phone = identifierOf(record.IdentifierPhone, profile.Phone, profile.PhoneVerified, env.Now)
	changes := []record.Change{
		record.UpdateUser{UserID: row.ID, Status: row.Status, Claims: claims, Version: row.Version},
		administered(ctx, record.Audit{Event: "user_updated", UserID: row.ID}, env),
	}
	for _, pair := range [][2]*record.Identifier{{row.Email, after.Email}, {row.Phone, after.Phone}} {
		if change := identifierChange(pair[0], pair[1], row.ID); change != nil {
			changes = append(changes, change)
		}
	}
	user, err := managedUser(&after)
	return user, changes, err
}

// identifierOf is an identifier as a form says it; nil: there is none.
func identifierOf(kind, value string, verified bool, now int64) *record.Identifier {
	if value == "" {
		return nil
	}
	identifier := &record.Identifier{Kind: kind, Value: value}
	if verified {
		identifier.VerifiedAt = now
	}
	return identifier
}

// identifierChange leads from one identifier of a kind to another. One that stays
// verified keeps the day on which it was.
func identifierChange(from, to *record.Identifier, userID string) record.Change {
	switch {
	case from == nil && to == nil:
		return nil
	case to == nil:
		return record.DeleteIdentifier{UserID: userID, Kind: from.Kind}
	}
	to.UserID = userID
	if from == nil {
		return record.PutIdentifier{Identifier: *to}
	}
	if from.Value == to.Value && from.VerifiedAt != 0 && to.VerifiedAt != 0 {
		to.VerifiedAt = from.VerifiedAt
	}
	return record.ReplaceIdentifier{Identifier: *to}
}

// SetPassword gives a user another password and ends all that they have. An empty
// one is replaced by a generated one.
func (e *Engine) SetPassword(ctx context.Context, sub, password string) (ManagedUser, error) {
	before, err := e.UserByID(ctx, sub)
	if err != nil {
		return ManagedUser{}, err
	}
	phc, generated, err := e.newPassword(ctx, password, profileOf(before), nil)
	if err != nil {
		return ManagedUser{}, refusalOf(err)
	}
	return administer(ctx, e, func(env decide.Env) (ManagedUser, []record.Change, error) {
		row, err := found(e.store.User(ctx, sub))
		if err != nil {
			return ManagedUser{}, nil, err
		}
		user, err := managedUser(row)
		user.Password = generated
		return user, decide.SetPassword(row, phc, actorOf(ctx), env), err
	})
}

// newPassword hashes a password that the policy lets pass, or a generated one.
// wrong is what is known to be wrong already: all of it is said at once, and
// nothing is hashed for a form that is refused.
func (e *Engine) newPassword(
	ctx context.Context, password string, of *Profile, wrong problems,
) (phc, generated string, err error) {
	if password == "" {
		generated = e.env().Seed.ID("generated password")
		password = generated
	} else if reason := e.policy.Passwords.Check(password, contextOf(of)); reason != nil {
		wrong.add("password", "%s", e.passwordRule(reason))
	}
	if err := wrong.refusal(); err != nil {
		return "", "", err
	}
	phc, refused := e.hashPassword(ctx, password)
	if refused != nil {
		return "", "", refused
	}
	return phc, generated, nil
}

// DisableUser keeps a user from signing in and ends all that they have.
func (e *Engine) DisableUser(ctx context.Context, sub string) error {
	return actOn(ctx, e, e.userRow(ctx, sub), func(row *record.User, env decide.Env) []record.Change {
		if row.Status == record.UserDisabled {
			return nil
		}
		return decide.DisableUser(row, actorOf(ctx), env)
	})
}

// EnableUser lets a user sign in again. What ended stays ended.
func (e *Engine) EnableUser(ctx context.Context, sub string) error {
	return actOn(ctx, e, e.userRow(ctx, sub), func(row *record.User, env decide.Env) []record.Change {
		if row.Status == record.UserActive {
			return nil
		}
		return decide.EnableUser(row, actorOf(ctx), env)
	})
}

// DeleteUser removes a user and ends all that they have.
func (e *Engine) DeleteUser(ctx context.Context, sub string) error {
	return actOn(ctx, e, e.userRow(ctx, sub), func(row *record.User, env decide.Env) []record.Change {
		return decide.DeleteUser(row, actorOf(ctx), env)
	})
}

func (e *Engine) userRow(ctx context.Context, sub string) func() (*record.User, error) {
	return func() (*record.User, error) {
		row, err := e.store.User(ctx, sub)
		if row != nil {
			err = current(ctx, 0, row.Version)
		}
		return row, err
	}
}
