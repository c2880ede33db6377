package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

type userCommand struct {
	Create  userCreate  `cmd:"" help:"Add a user; a password that is made is shown once."`
	List    userList    `cmd:"" help:"List users."`
	Show    userShow    `cmd:"" help:"Show one user."`
	Update  userUpdate  `cmd:"" help:"Change what is given, and nothing else."`
	Disable userDisable `cmd:"" help:"Keep a user from signing in, and end all that they have."`
	Enable  userEnable  `cmd:"" help:"Let a disabled user sign in again."`
	Unlink  userUnlink  `cmd:"" help:"Take an account elsewhere from a user, and end all that they have."`
	Delete  userDelete  `cmd:"" help:"Remove a user, and end all that they have."`
}

const passwordOnce = "The password is shown this once: only its hash is stored."

// longestLine is more than any password may have.
const longestLine = 4096

// userFlags are what can be said about a user.
type userFlags struct {
	Email         *string `placeholder:"E" help:"E-mail address to sign in with."`
	Verified      *bool   `help:"The address is known to be theirs." negatable:""`
	Phone         *string `placeholder:"P" help:"Phone number, as in +4930123456."`
	PhoneVerified *bool   `help:"The number is known to be theirs." negatable:""`
	Name          *string `help:"Full name."`
	GivenName     *string `placeholder:"N" help:"Given name."`
	FamilyName    *string `placeholder:"N" help:"Family name."`
	MiddleName    *string `placeholder:"N" help:"Middle name."`
	Nickname      *string `placeholder:"N" help:"Nickname."`
	Username      *string `placeholder:"N" help:"preferred_username."`
	Profile       *string `placeholder:"URL" help:"Profile page."`
	Picture       *string `placeholder:"URL" help:"Portrait."`
	Website       *string `placeholder:"URL" help:"Home page or blog."`
	Gender        *string `placeholder:"G" help:"Gender."`
	Birthdate     *string `placeholder:"D" help:"As in 1990-12-31."`
	Zoneinfo      *string `placeholder:"Z" help:"As in Europe/Paris."`
	Locale        *string `placeholder:"L" help:"As in en-GB."`
	Address       *string `placeholder:"A" help:"Postal address in one text; replaces its parts, and they it."`
	Street        *string `placeholder:"S" help:"Street and number; lines are separated by line breaks."`
	Locality      *string `placeholder:"C" help:"City."`
	Region        *string `placeholder:"R" help:"State or province."`
	PostalCode    *string `placeholder:"P" help:"Postal code."`
	Country       *string `placeholder:"C" help:"Country."`
	PasswordStdin bool    `help:"Read the password from standard input: its first line."`
}

func (f *userFlags) apply(p *admin.UserProfile) {
	replace(&p.Email, f.Email)
	replace(&p.EmailVerified, f.Verified)
	replace(&p.PhoneNumber, f.Phone)
	replace(&p.PhoneNumberVerified, f.PhoneVerified)
	replace(&p.Name, f.Name)
	replace(&p.GivenName, f.GivenName)
	replace(&p.FamilyName, f.FamilyName)
	replace(&p.MiddleName, f.MiddleName)
	replace(&p.Nickname, f.Nickname)
	replace(&p.PreferredUsername, f.Username)
	replace(&p.Profile, f.Profile)
	replace(&p.Picture, f.Picture)
	replace(&p.Website, f.Website)
	replace(&p.Gender, f.Gender)
	replace(&p.Birthdate, f.Birthdate)
	replace(&p.Zoneinfo, f.Zoneinfo)
	replace(&p.Locale, f.Locale)
	f.applyAddress(p)
}

// applyAddress: the one text would not say the same as parts that are changed
// beside it, so the one drops the other.
func (f *userFlags) applyAddress(p *admin.UserProfile) {
	if f.Address != nil {
		p.Address = &admin.Address{Formatted: *f.Address}
	}
	parts := admin.Address{}
	if p.Address != nil {
		parts = *p.Address
	}
	for _, part := range []struct{ field, given *string }{
		{&parts.StreetAddress, f.Street},
		{&parts.Locality, f.Locality},
		{&parts.Region, f.Region},
		{&parts.PostalCode, f.PostalCode},
		{&parts.Country, f.Country},
	} {
		if part.given != nil {
			*part.field, parts.Formatted = *part.given, ""
		}
	}
	p.Address = nil
	if parts != (admin.Address{}) {
		p.Address = &parts
	}
}

// password reads the password, if so asked. Its spaces are its own.
func (f *userFlags) password(i *invocation) (string, error) {
	if !f.PasswordStdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(i.in, longestLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", usagef("there is no password on standard input")
	}
	return line, nil
}

// printUser prints a user, and the password if it is in the answer.
func (i *invocation) printUser(user admin.User) error {
	var sentences []string
	if user.Password != "" {
		sentences = append(sentences, passwordOnce)
	}
	return i.printObject(user, sentences...)
}

type userCreate struct {
	userFlags
	onceFlag
}

func (c *userCreate) Run(i *invocation, server *admin.Client) error {
	var asked admin.NewUser
	c.apply(&asked.UserProfile)
	var err error
	if asked.Password, err = c.password(i); err != nil {
		return err
	}
	made, err := c.of(server).CreateUser(i.ctx, asked)
	if err != nil {
		return err
	}
	return i.printUser(made)
}

type userList struct {
	Email string `placeholder:"E" help:"Only the user with this address."`
}

func (c *userList) Run(i *invocation, server *admin.Client) error {
	users := server.Users(i.ctx, admin.UserFilter{Email: c.Email})
	return printList(i, users, "SUB EMAIL NAME STATUS", func(u admin.User) []string {
		return []string{u.Sub, u.Email, u.Name, u.Status}
	})
}

// userID is the argument of the verbs for one user.
type userID struct {
	ID string `arg:"" name:"sub" help:"The user's sub, or e-mail address."`
}

func (u *userID) sub(i *invocation, server *admin.Client) (string, error) {
	return i.sub(server, u.ID)
}

// sub turns an e-mail address into a sub.
func (i *invocation) sub(server *admin.Client, text string) (string, error) {
	if !strings.Contains(text, "@") {
		return text, nil
	}
	for user, err := range server.Users(i.ctx, admin.UserFilter{Email: text}) {
		return user.Sub, err
	}
	return "", fmt.Errorf("no user has the address %s", text)
}

type userShow struct{ userID }

func (c *userShow) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	user, err := server.ShowUser(i.ctx, sub)
	if err != nil {
		return err
	}
	return i.printUser(user)
}

type userUpdate struct {
	userID
	userFlags
	NewPassword bool `xor:"password" help:"Make a new password, and end all sessions, grants and tokens."`
}

func (c *userUpdate) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	password, err := c.password(i)
	if err != nil {
		return err
	}
	user, err := server.ShowUser(i.ctx, sub)
	if err != nil {
		return err
	}
	c.apply(&user.UserProfile)
	user, err = server.UpdateUser(i.ctx, sub, admin.UserUpdate{UserProfile: user.UserProfile, Version: user.Version})
	if err == nil && (c.NewPassword || password != "") {
		user, err = server.SetPassword(i.ctx, sub, password)
	}
	if err != nil {
		return err
	}
	return i.printUser(user)
}

type userDisable struct{ userID }

func (c *userDisable) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	user, err := server.DisableUser(i.ctx, sub)
	if err != nil {
		return err
	}
	return i.printUser(user)
}

type userEnable struct{ userID }

func (c *userEnable) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	user, err := server.EnableUser(i.ctx, sub)
	if err != nil {
		return err
	}
	return i.printUser(user)
}

type userUnlink struct {
	userID
	Link string `arg:"" name:"link" help:"Its id, as user show has it."`
}

func (c *userUnlink) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	if err := server.UnlinkUser(i.ctx, sub, c.Link); err != nil {
		return err
	}
	return i.done("Unlinked %s from user %s; all that they had has ended.", c.Link, c.ID)
}

type userDelete struct{ userID }

func (c *userDelete) Run(i *invocation, server *admin.Client) error {
	sub, err := c.sub(i, server)
	if err != nil {
		return err
	}
	if err := server.DeleteUser(i.ctx, sub); err != nil {
		return err
	}
	return i.done("Deleted user %s; all that they had has ended.", c.ID)
}
