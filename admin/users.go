package admin

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// UserProfile is what an administrator may set about a user: the claims of OpenID
// Connect Core §5.1. E-mail and phone number are also what the user signs in with.
type UserProfile struct {
	Email               string   `json:"email,omitempty"`
	EmailVerified       bool     `json:"email_verified,omitempty"`
	PhoneNumber         string   `json:"phone_number,omitempty"` // E.164, as in +4930123456
	PhoneNumberVerified bool     `json:"phone_number_verified,omitempty"`
	Name                string   `json:"name,omitempty"`
	GivenName           string   `json:"given_name,omitempty"`
	FamilyName          string   `json:"family_name,omitempty"`
	MiddleName          string   `json:"middle_name,omitempty"`
	Nickname            string   `json:"nickname,omitempty"`
	PreferredUsername   string   `json:"preferred_username,omitempty"`
	Profile             string   `json:"profile,omitempty"` // URL
	Picture             string   `json:"picture,omitempty"` // URL
	Website             string   `json:"website,omitempty"` // URL
	Gender              string   `json:"gender,omitempty"`
	Birthdate           string   `json:"birthdate,omitempty"` // YYYY-MM-DD, 0000-MM-DD or YYYY
	Zoneinfo            string   `json:"zoneinfo,omitempty"`  // as in Europe/Paris
	Locale              string   `json:"locale,omitempty"`    // as in en-GB
	Address             *Address `json:"address,omitempty"`
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

// NewUser is a user to create.
type NewUser struct {
	UserProfile
	// Password; empty: the server makes one, which is in the answer.
	Password string `json:"password,omitempty"`
}

// User is a user as the server has it.
type User struct {
	Sub string `json:"sub"`
	// Password is in the answer of the act that generated it, and never again.
	Password string `json:"password,omitempty"`
	Status   string `json:"status"` // "active" or "disabled"
	UserProfile
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"`
	// Links are the accounts elsewhere that the user signs in with; in the answer about
	// one user alone.
	Links []Link `json:"links,omitempty"`
}

// Link is an account at an upstream, which is its issuer and subject there.
type Link struct {
	ID        string    `json:"id"`
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"` // the last sign-in with it
}

// UserUpdate replaces a user's profile.
type UserUpdate struct {
	UserProfile
	// Version is the one that was read; zero replaces whatever is there.
	Version int64 `json:"version,omitempty"`
}

// NewPassword is the body that sets a password.
type NewPassword struct {
	Password string `json:"password,omitempty"` // empty: the server makes one
}

// UserFilter narrows a list of users.
type UserFilter struct {
	Email string // empty: all users
}

// CreateUser adds a user.
func (c *Client) CreateUser(ctx context.Context, user NewUser) (User, error) {
	return call[User](ctx, c, http.MethodPost, "users", user)
}

// Users lists users, in the order of their subs.
func (c *Client) Users(ctx context.Context, filter UserFilter) iter.Seq2[User, error] {
	return list[User](ctx, c, "users", url.Values{"email": {filter.Email}})
}

// ShowUser gives one user.
func (c *Client) ShowUser(ctx context.Context, sub string) (User, error) {
	return call[User](ctx, c, http.MethodGet, at("users", sub), nil)
}

// UpdateUser replaces a user's profile.
func (c *Client) UpdateUser(ctx context.Context, sub string, update UserUpdate) (User, error) {
	return call[User](ctx, c, http.MethodPut, at("users", sub), update)
}

// SetPassword gives a user another password and ends all their sessions, grants
// and tokens. An empty one is made by the server and is in the answer.
func (c *Client) SetPassword(ctx context.Context, sub, password string) (User, error) {
	return call[User](ctx, c, http.MethodPost, at("users", sub, "password"), NewPassword{Password: password})
}

// DisableUser keeps a user from signing in and ends all that they have.
func (c *Client) DisableUser(ctx context.Context, sub string) (User, error) {
	return call[User](ctx, c, http.MethodPost, at("users", sub, "disable"), nil)
}

// EnableUser lets a user sign in again. What ended stays ended.
func (c *Client) EnableUser(ctx context.Context, sub string) (User, error) {
	return call[User](ctx, c, http.MethodPost, at("users", sub, "enable"), nil)
}

// UnlinkUser takes an account elsewhere from a user, the last way in too, and ends all
// that the user has.
func (c *Client) UnlinkUser(ctx context.Context, sub, link string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("users", sub, "links", link), nil)
	return err
}

// DeleteUser removes a user and ends all that they have.
func (c *Client) DeleteUser(ctx context.Context, sub string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("users", sub), nil)
	return err
}
