package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

func TestARefusedUserIsToldAllThatIsWrongAndLeavesNothing(t *testing.T) {
	o := newOffice(t)
	before, err := o.store.UserCount(t.Context())
	o.must(err)
	_, err = o.CreateUser(t.Context(), engine.Profile{
		Email: "not an address", Phone: "0123", PhoneVerified: true,
		Claims: engine.Claims{
			Name: "a\tb", GivenName: " a", FamilyName: strings.Repeat("x", 101), Nickname: "\u200b", Profile: "ftp://a.example",
			Picture: "javascript:alert(1)", Website: "a.example", Birthdate: "1990-02-30", Zoneinfo: "../etc/passwd", Locale: "english!",
			Address: &engine.Address{Country: "\x00"},
		},
	}, "short")
	o.refused(err, engine.Invalid, "email", "phone_number", "name", "given_name", "family_name", "nickname", "profile", "picture",
		"website", "birthdate", "zoneinfo", "locale", "address.country", "password")
	after, err := o.store.UserCount(t.Context())
	o.must(err)
	if after != before {
		t.Errorf("there are %d users, before there were %d", after, before)
	}
}

func TestWhichPasswordsAnAdministratorMaySet(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		password string
		fine     bool
	}{
		{"1234567", false},
		{"password1", false},
		{"ana@example.com", false},
		{strings.Repeat("x7#", 100), false},
		{"quiet copper spoon", true},
	} {
		_, err := o.SetPassword(t.Context(), o.ana, c.password)
		if c.fine {
			o.must(err)
			continue
		}
		o.refused(err, engine.Invalid, "password")
	}
	if _, err := o.login("quiet copper spoon"); err != nil {
		t.Errorf("the password that was set does not sign in: %v", err)
	}
}

func TestAGeneratedPasswordSignsInAndIsShownOnce(t *testing.T) {
	o := newOffice(t)
	ana, err := o.SetPassword(t.Context(), o.ana, "")
	o.must(err)
	if _, err := o.login(ana.Password); err != nil {
		t.Errorf("the generated password does not sign in: %v", err)
	}
	again, err := o.UserByID(t.Context(), o.ana)
	o.must(err)
	ben, err := o.CreateUser(t.Context(), engine.Profile{Email: "ben@example.com"}, "")
	o.must(err)
	if again.Password != "" || ben.Password == "" || ben.Password == ana.Password {
		t.Errorf("shown again: %q; of another user: %q", again.Password, ben.Password)
	}
}

func TestADisabledUsersTokensDieAtOnce(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	if !o.active(tokens.Access) || !o.active(tokens.Refresh) {
		t.Fatal("fresh tokens are not active")
	}
	o.must(o.DisableUser(t.Context(), o.ana))
	o.allDead(tokens)
	if _, err := o.login(goodPassword); err == nil {
		t.Error("a disabled user signs in")
	}
	o.must(o.DisableUser(t.Context(), o.ana)) // done already: no refusal, no second entry
	o.must(o.EnableUser(t.Context(), o.ana))
	o.allDead(tokens)
	if !o.active(o.signIn().Access) {
		t.Error("what an enabled user gets is dead")
	}
	o.audited("user_created", "user_disabled", "user_enabled")
}

func TestAPasswordThatIsSetEndsWhatTheOldOneOpened(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	_, err := o.SetPassword(t.Context(), o.ana, "quiet copper spoon")
	o.must(err)
	o.allDead(tokens)
	if _, err := o.login(goodPassword); err == nil {
		t.Error("the old password still signs in")
	}
	o.audited("password_set")
}

func TestADeletedUserIsGone(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	o.must(o.DeleteUser(t.Context(), o.ana))
	o.allDead(tokens)
	o.refused(o.DeleteUser(t.Context(), o.ana), engine.NotFound)
	again, err := o.CreateUser(t.Context(), engine.Profile{Email: "ana@example.com"}, goodPassword)
	o.must(err)
	if again.ID == o.ana {
		t.Error("an id was given twice")
	}
	o.allDead(tokens)
	o.audited("user_deleted")
}

func TestAProfileComesBackAsItWasSet(t *testing.T) {
	o := newOffice(t)
	claims := engine.Claims{
		Name: "Ana María", GivenName: "Ana", FamilyName: "María", MiddleName: "L.", Nickname: "an", PreferredUsername: "ana",
		Profile: "https://ana.example", Picture: "https://ana.example/p.png", Website: "http://ana.example", Gender: "female",
		Birthdate: "0000-02-29", Zoneinfo: "America/Argentina/Salta", Locale: "es-419",
		Address: &engine.Address{Formatted: "1 Road\nTown", Country: "AR"},
	}
	_, err := o.UpdateUser(t.Context(), o.ana, engine.Profile{
		Email: "ANA@example.com", EmailVerified: true, Phone: "+5491123456789", PhoneVerified: true, Claims: claims,
	}, 0)
	o.must(err)
	ana, err := o.UserByID(t.Context(), o.ana)
	o.must(err)
	claims.UpdatedAt = ana.Claims.UpdatedAt
	if got, want := o.json(ana.Claims), o.json(claims); got != want || ana.Claims.UpdatedAt == 0 {
		t.Errorf("the claims are %s, want %s, dated", got, want)
	}
	answer, refused := o.Userinfo(t.Context(), o.signIn().Access, nil)
	o.fine(refused)
	var told map[string]any
	o.must(json.Unmarshal(answer.JSON, &told))
	for name, want := range map[string]any{
		"email": "ana@example.com", "email_verified": true, "phone_number": "+5491123456789", "phone_number_verified": true,
	} {
		if told[name] != want {
			t.Errorf("userinfo says %s is %v, want %v", name, told[name], want)
		}
	}
	if name := o.json(told["name"]); name != `"Ana María"` {
		t.Errorf("userinfo says the name is %s", name)
	}
}

func TestIdentifiersAreReplacedTakenAwayAndNeverShared(t *testing.T) {
	o := newOffice(t)
	phone := engine.Profile{Email: "ana@example.com", EmailVerified: true, Phone: "+4930123456"}
	first, err := o.UpdateUser(t.Context(), o.ana, phone, 0)
	o.must(err)

	_, err = o.CreateUser(t.Context(), engine.Profile{Email: "Ana@EXAMPLE.com", Phone: "+4930123456"}, goodPassword)
	o.refused(err, engine.Invalid, "email", "phone_number")
	ben, err := o.CreateUser(t.Context(), engine.Profile{Email: "ben@example.com"}, goodPassword)
	o.must(err)
	_, err = o.UpdateUser(t.Context(), ben.ID, phone, 0)
	o.refused(err, engine.Invalid, "email", "phone_number")

	phone.Phone = ""
	second, err := o.UpdateUser(t.Context(), o.ana, phone, first.Version)
	o.must(err)
	stored, err := o.UserByID(t.Context(), o.ana)
	o.must(err)
	if stored.Phone != nil || second.Phone != nil {
		t.Error("a phone number that was taken away is still there")
	}
	if stored.Email.VerifiedAt == 0 || stored.Email.VerifiedAt != first.Email.VerifiedAt {
		t.Errorf("verified at %d, then at %d", first.Email.VerifiedAt, stored.Email.VerifiedAt)
	}
	_, err = o.UpdateUser(t.Context(), o.ana, phone, first.Version)
	o.refused(err, engine.Conflict)

	phone.Email, phone.EmailVerified = "anna@example.com", false
	_, err = o.UpdateUser(t.Context(), o.ana, phone, 0)
	o.must(err)
	stored, err = o.UserByID(t.Context(), o.ana)
	o.must(err)
	if stored.Email.Value != "anna@example.com" || stored.Email.VerifiedAt != 0 {
		t.Errorf("the e-mail address is %+v", stored.Email)
	}
	_, err = o.CreateUser(t.Context(), engine.Profile{Email: "ana@example.com", Phone: "+4930123456"}, goodPassword)
	o.must(err) // both are free again
}

func TestAUserIsFoundByAddress(t *testing.T) {
	o := newOffice(t)
	page, next, err := o.UserPage(t.Context(), " ANA@example.com", "")
	o.must(err)
	if len(page) != 1 || page[0].ID != o.ana || next != "" {
		t.Errorf("found %v", page)
	}
	page, _, err = o.UserPage(t.Context(), "nobody@example.com", "")
	o.must(err)
	if len(page) != 0 {
		t.Errorf("found %v", page)
	}
	_, _, err = o.UserPage(t.Context(), "nobody", "")
	o.refused(err, engine.Invalid, "email")
}

func TestSessionsAndGrantsAreListedAndEnded(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	sessions, _, err := o.SessionPage(t.Context(), o.ana, "")
	o.must(err)
	grants, _, err := o.GrantPage(t.Context(), o.ana, "shop", "")
	o.must(err)
	if len(sessions) != 1 || sessions[0].Dead != "" || sessions[0].Agent != "Firefox" {
		t.Fatalf("the sessions are %+v", sessions)
	}
	if len(grants) != 1 || grants[0].Dead != "" || !grants[0].Refreshes || grants[0].ClientName != "Shop" || grants[0].SID != sessions[0].ID {
		t.Fatalf("the grants are %+v", grants)
	}

	o.must(o.EndGrant(t.Context(), grants[0].ID))
	o.allDead(tokens)
	o.must(o.EndGrant(t.Context(), grants[0].ID)) // ended already
	grants, _, err = o.GrantPage(t.Context(), o.ana, "", "")
	o.must(err)
	if len(grants) != 0 {
		t.Errorf("an ended grant is listed: %+v", grants)
	}

	tokens = o.signIn()
	all, _, err := o.SessionPage(t.Context(), "", "")
	o.must(err)
	for _, session := range all {
		o.must(o.EndSession(t.Context(), session.ID))
	}
	o.allDead(tokens)
	grants, _, err = o.GrantPage(t.Context(), "", "shop", "")
	o.must(err)
	if len(grants) != 1 || grants[0].Dead != oauth.ReasonSessionEnded || grants[0].Refreshes {
		t.Errorf("a grant under an ended session is %+v", grants)
	}
	o.audited("session_ended", "grant_ended")
}

func TestACutUsersSessionsAreListedAsDead(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.must(o.DisableUser(t.Context(), o.ana))
	sessions, _, err := o.SessionPage(t.Context(), o.ana, "")
	o.must(err)
	grants, _, err := o.GrantPage(t.Context(), o.ana, "", "")
	o.must(err)
	if len(sessions) != 1 || sessions[0].Dead != oauth.ReasonUserDisabled || len(grants) != 1 || grants[0].Dead != oauth.ReasonUserDisabled {
		t.Errorf("the sessions are %+v, the grants %+v", sessions, grants)
	}
}
