package conversations_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

func (s *story) addUser(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	made, err := s.office.CreateUser(s.t.Context(), admin.NewUser{
		UserProfile: admin.UserProfile{Email: name + "@example.com", EmailVerified: true},
	})
	s.users[name] = &user{made, name}
	return outcome{}, err
}

func (s *story) addResource(say step) (outcome, error) {
	aud, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	_, err = s.office.CreateResource(s.t.Context(), admin.NewResource{
		Audience: aud, ResourceSettings: admin.ResourceSettings{Scopes: say.listed("scope"), AccessTokenFormat: say.option("tokens")},
	})
	return outcome{}, err
}

func (s *story) addClient(say step) (outcome, error) {
	id, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	metadata := admin.ClientMetadata{
		Name: "The " + id, GrantTypes: say.listed("grant"), Scope: say.option("scope"), Resources: say.listed("resource"),
		FirstParty: say.has("trusted"), AccessTokenFormat: say.option("tokens"),
	}
	if len(metadata.GrantTypes) == 0 {
		metadata.GrantTypes = []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	}
	if slices.Contains(metadata.GrantTypes, oauth.GrantAuthorizationCode) {
		metadata.RedirectURIs = []string{"https://" + id + ".example/cb"}
		metadata.PostLogoutRedirectURIs = []string{"https://" + id + ".example/bye"}
	}
	if say.has("public") {
		metadata.TokenEndpointAuthMethod = string(oauth.AuthNone)
	}
	if say.has("hears") {
		metadata.BackchannelLogoutURI = s.hears(id)
	}
	if say.has("pairwise") {
		metadata.SubjectType = "pairwise"
	}
	if rotates := true; say.has("rotates") {
		metadata.RotateRefresh = &rotates
	}
	idle, wrong := lasting(say.option("idle"))
	absolute, wrongToo := lasting(say.option("absolute"))
	if err := errors.Join(wrong, wrongToo); err != nil {
		return outcome{}, err
	}
	metadata.RefreshIdleTTL, metadata.RefreshAbsoluteTTL = int64(idle.Seconds()), int64(absolute.Seconds())
	made, err := s.office.CreateClient(s.t.Context(), admin.NewClient{ClientID: id, ClientMetadata: metadata})
	if err != nil {
		return outcome{}, err
	}
	return s.holds(made), nil
}

// holds lets a client go on with the secret that it was given.
func (s *story) holds(c admin.RegisteredClient) outcome {
	s.clients[c.ClientID] = &client{c, c.ClientSecret}
	if c.ClientSecret == "" {
		return outcome{}
	}
	return fine("secret=" + s.name("K", c.ClientSecret))
}

func (s *story) advance(say step) (outcome, error) {
	text, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	by, err := lasting(text)
	if err != nil {
		return outcome{}, err
	}
	_, err = s.office.AdvanceClock(s.t.Context(), by)
	return outcome{}, err
}

func (s *story) disable(say step) (outcome, error) {
	return s.toOne(say, func(id string) error {
		_, err := s.office.DisableClient(s.t.Context(), id)
		return err
	}, func(sub string) error {
		_, err := s.office.DisableUser(s.t.Context(), sub)
		return err
	})
}

func (s *story) enable(say step) (outcome, error) {
	return s.toOne(say, func(id string) error {
		_, err := s.office.EnableClient(s.t.Context(), id)
		return err
	}, func(sub string) error {
		_, err := s.office.EnableUser(s.t.Context(), sub)
		return err
	})
}

func (s *story) remove(say step) (outcome, error) {
	return s.toOne(say, func(id string) error { return s.office.DeleteClient(s.t.Context(), id) },
		func(sub string) error { return s.office.DeleteUser(s.t.Context(), sub) })
}

// toOne does something to the client or the user of a name.
func (s *story) toOne(say step, toClient, toUser func(id string) error) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	if s.clients[name] != nil {
		return outcome{}, toClient(name)
	}
	who, err := s.userNamed(name)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, toUser(who.Sub)
}

func (s *story) rotate(say step) (outcome, error) {
	if say.has("keys") {
		_, err := s.office.RotateKeys(s.t.Context(), say.has("emergency"))
		return outcome{}, err
	}
	id, err := say.word(1)
	if err != nil {
		return outcome{}, err
	}
	keep, err := lasting(say.option("keep"))
	if err != nil {
		return outcome{}, err
	}
	made, err := s.office.RotateClientSecret(s.t.Context(), id, keep)
	if err != nil {
		return outcome{}, err
	}
	return s.holds(made), nil
}

// row is a session or a grant in a list.
type row struct {
	kind, id, whose, why string
	made                 time.Time
}

func (s *story) list(say step) (outcome, error) {
	rows, err := s.grants()
	if say.has("sessions") {
		rows, err = s.sessions()
	}
	if err != nil || len(rows) == 0 {
		return fine("none"), err
	}
	slices.SortFunc(rows, func(a, b row) int { return a.made.Compare(b.made) })
	words := make([]string, len(rows))
	for i, r := range rows {
		words[i] = fmt.Sprintf("%s %s %s", s.name(r.kind, r.id), r.whose, firstOf(r.why, "alive"))
	}
	return fine(strings.Join(words, ", ")), nil
}

func (s *story) sessions() (rows []row, err error) {
	for x, err := range s.office.Sessions(s.t.Context(), "") {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{"S", x.SID, s.nameOf(x.Sub), x.Why, x.SignedInAt})
	}
	return rows, nil
}

func (s *story) grants() (rows []row, err error) {
	for x, err := range s.office.Grants(s.t.Context(), admin.GrantFilter{}) {
		if err != nil {
			return nil, err
		}
		if x.Alive && !x.Refreshes {
			x.Why = "refreshes no more"
		}
		rows = append(rows, row{"G", x.GID, s.nameOf(x.Sub) + " " + x.ClientID, x.Why, x.CreatedAt})
	}
	return rows, nil
}

func (s *story) end(say step) (outcome, error) {
	name, err := say.word(1)
	if err != nil {
		return outcome{}, err
	}
	if say.has("session") {
		return outcome{}, s.office.EndSession(s.t.Context(), s.value(name))
	}
	return outcome{}, s.office.EndGrant(s.t.Context(), s.value(name))
}
