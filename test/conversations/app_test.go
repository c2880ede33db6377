package conversations_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// post sends a form to an endpoint as a client does that was registered so.
func (s *story) post(path string, by *client, form url.Values) (reply, map[string]any, error) {
	if by.TokenEndpointAuthMethod == "none" {
		form.Set("client_id", by.ClientID)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if by.TokenEndpointAuthMethod != "none" {
		request.SetBasicAuth(url.QueryEscape(by.ClientID), url.QueryEscape(by.secret))
	}
	return s.send(request)
}

// send gives the answer and the members of its JSON, if it has any.
func (s *story) send(request *http.Request) (reply, map[string]any, error) {
	answer, err := ask(http.DefaultClient, request)
	members := map[string]any{}
	if err == nil && len(answer.body) > 0 {
		err = json.Unmarshal(answer.body, &members)
	}
	return answer, members, err
}

// outcomeOf is an answer in JSON: a refusal, or what show finds worth saying.
func (s *story) outcomeOf(answer reply, members map[string]any, show string) (outcome, error) {
	if answer.status >= http.StatusBadRequest {
		return s.refusal(answer, fmt.Sprint(members["error"]))
	}
	return fine(strings.TrimSpace(fmt.Sprint(answer.status) + " " + show)), nil
}

// tokens posts to the token endpoint. Of the answer the tokens are named, and the
// scope where one was asked for.
func (s *story) tokens(by *client, form url.Values, say step) (outcome, error) {
	if scope := say.option("scope"); scope != "" {
		form.Set("scope", scope)
	}
	for _, aud := range say.options["resource"] {
		form.Add("resource", aud)
	}
	answer, members, err := s.post(oauth.PathToken, by, form)
	if err != nil {
		return outcome{}, err
	}
	var show []string
	for _, token := range []struct{ member, kind, word string }{
		{"access_token", "A", "access"}, {"id_token", "I", "id"}, {"refresh_token", "R", "refresh"},
	} {
		if value, ok := members[token.member].(string); ok {
			if strings.HasPrefix(value, secret.PrefixAccess) {
				token.kind = "O"
			}
			show = append(show, token.word+"="+s.name(token.kind, value))
		}
	}
	if say.option("scope") != "" {
		show = append(show, fmt.Sprintf("scope=%q", members["scope"]))
	}
	return s.outcomeOf(answer, members, strings.Join(show, " "))
}

func (s *story) exchange(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	code := s.value(name)
	with := s.codes[code]
	by, err := s.clientNamed(firstOf(say.about["as"], with.clientID))
	if err != nil {
		return outcome{}, err
	}
	return s.tokens(by, url.Values{
		"grant_type": {oauth.GrantAuthorizationCode}, "code": {code},
		"redirect_uri":  {firstOf(say.option("redirect"), with.redirectURI)},
		"code_verifier": {firstOf(say.option("verifier"), with.verifier)},
	}, say)
}

func (s *story) refresh(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	by, err := s.clientNamed(firstOf(say.about["as"], s.onlyApp()))
	if err != nil {
		return outcome{}, err
	}
	return s.tokens(by, url.Values{"grant_type": {oauth.GrantRefreshToken}, "refresh_token": {s.value(name)}}, say)
}

// onlyApp is the client that users sign in to, where there is one.
func (s *story) onlyApp() string {
	var apps []string
	for id, c := range s.clients {
		if slices.Contains(c.GrantTypes, oauth.GrantRefreshToken) {
			apps = append(apps, id)
		}
	}
	if len(apps) != 1 {
		return "(as whom?)"
	}
	return apps[0]
}

func (s *story) credentials(say step) (outcome, error) {
	id, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	by, err := s.clientNamed(id)
	if err != nil {
		return outcome{}, err
	}
	caller := *by
	caller.secret = firstOf(s.value(say.about["with"]), by.secret)
	return s.tokens(&caller, url.Values{"grant_type": {oauth.GrantClientCredentials}}, say)
}

func (s *story) introspect(say step) (outcome, error) {
	answer, members, err := s.aboutToken(oauth.PathIntrospect, say)
	if err != nil {
		return outcome{}, err
	}
	show := "inactive"
	if members["active"] == true {
		show = "active"
	} else if len(members) != 1 { // RFC 7662 §2.2
		show = fmt.Sprintf("inactive, and too much: %v", members)
	}
	return s.outcomeOf(answer, members, show)
}

func (s *story) revoke(say step) (outcome, error) {
	answer, members, err := s.aboutToken(oauth.PathRevoke, say)
	if err != nil {
		return outcome{}, err
	}
	return s.outcomeOf(answer, members, "")
}

// aboutToken posts a token in the name of a client.
func (s *story) aboutToken(path string, say step) (reply, map[string]any, error) {
	name, err := say.word(0)
	if err != nil {
		return reply{}, nil, err
	}
	by, err := s.clientNamed(firstOf(say.about["as"], s.onlyApp()))
	if err != nil {
		return reply{}, nil, err
	}
	return s.post(path, by, url.Values{"token": {s.value(name)}})
}

func (s *story) userinfo(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.issuer+oauth.PathUserinfo, http.NoBody)
	if err != nil {
		return outcome{}, err
	}
	request.Header.Set("Authorization", "Bearer "+s.value(name))
	answer, members, err := s.send(request)
	if err != nil {
		return outcome{}, err
	}
	sub, _ := members["sub"].(string)
	return s.outcomeOf(answer, members, s.nameOf(sub))
}

// keySet fetches the published keys.
func (s *story) keySet() (*jose.JSONWebKeySet, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.issuer+oauth.PathJWKS, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := ask(http.DefaultClient, request)
	if err != nil {
		return nil, err
	}
	set := &jose.JSONWebKeySet{}
	return set, json.Unmarshal(answer.body, set)
}

func (s *story) jwks(step) (outcome, error) {
	names, err := s.nameKeys()
	return fine(strings.Join(names, " ")), err
}

// nameKeys gives the published keys names, those that sign first, and lists them.
func (s *story) nameKeys() ([]string, error) {
	set, err := s.keySet()
	if err != nil {
		return nil, err
	}
	published := map[string]bool{}
	for i := range set.Keys {
		published[set.Keys[i].KeyID] = true
	}
	for _, status := range []string{"retired", "active", "next"} {
		for key, err := range s.office.Keys(s.t.Context()) {
			if err != nil {
				return nil, err
			}
			if key.Status == status && published[key.KID] {
				s.name(key.Alg[:2], key.KID)
			}
		}
	}
	var names []string
	for kid := range published {
		names = append(names, s.name("?", kid)) // named above
	}
	slices.Sort(names)
	return names, nil
}

// verify checks a token as an API does that has just fetched the keys.
func (s *story) verify(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	if strings.HasPrefix(s.value(name), secret.PrefixAccess) {
		return outcome{text: "nobody but the server can", refused: true}, nil
	}
	token, err := jose.ParseSignedCompact(s.value(name), []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return outcome{}, err
	}
	if _, err := s.nameKeys(); err != nil {
		return outcome{}, err
	}
	set, err := s.keySet()
	if err != nil {
		return outcome{}, err
	}
	kid := token.Signatures[0].Header.KeyID
	if len(set.Key(kid)) == 0 {
		return outcome{text: s.name("?", kid) + " is not published", refused: true}, nil
	}
	if _, err := token.Verify(set); err != nil {
		return outcome{}, err
	}
	return fine("by " + s.name("?", kid)), nil
}

func firstOf(first, second string) string {
	if first != "" {
		return first
	}
	return second
}
