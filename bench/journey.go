package main

import (
	"net/url"

	"github.com/mintmark-id/mintmark/bench/load"
)

// journey is a whole life of a grant, again and again: a code, its exchange, userinfo, a refresh, the end, and a
// refresh that must then be refused.
type journey struct {
	tenants         *tenants
	cookies         string
	code            string
	access, refresh string
	step            int
}

func newJourney(t *tenants, i int) *journey {
	return &journey{tenants: t, cookies: t.people[i%len(t.people)].cookies}
}

// stages are the requests of a journey in their order, with what each makes of its answer.
var stages = [...]struct {
	request func(*journey) []byte
	answer  func(*journey, load.Response) bool
	wanted  string
}{
	{(*journey).authorize, (*journey).takeCode, "a redirect with a code"},
	{(*journey).exchange, (*journey).takeTokens, "three tokens"},
	{(*journey).userinfo, (*journey).seeSubject, "200 with a sub"},
	{(*journey).renew, (*journey).takeTokens, "three tokens"},
	{(*journey).revoke, (*journey).seeDone, "200"},
	{(*journey).renew, (*journey).seeRefusal, "400 invalid_grant"},
}

func (j *journey) script() load.Script {
	return load.Script{
		Next: func() []byte { return stages[j.step].request(j) },
		Check: func(r load.Response) error {
			stage := stages[j.step]
			if !stage.answer(j, r) {
				return unexpected(r, stage.wanted)
			}
			j.step = (j.step + 1) % len(stages)
			return nil
		},
	}
}

func (j *journey) authorize() []byte {
	return load.Get(j.tenants.address, authorizeTarget(webClient, offlineScope), j.cookies)
}

func (j *journey) takeCode(r load.Response) bool {
	redirect, err := url.Parse(string(r.Location))
	if err != nil {
		return false
	}
	j.code = redirect.Query().Get("code")
	return j.code != ""
}

func (j *journey) exchange() []byte {
	return load.Post(j.tenants.address, "/oauth2/token", codeForm(j.code))
}

func (j *journey) takeTokens(r load.Response) bool {
	j.access, j.refresh = string(member(r.Body, "access_token")), string(member(r.Body, "refresh_token"))
	return r.Status == 200 && j.access != "" && j.refresh != "" && member(r.Body, "id_token") != nil
}

func (j *journey) userinfo() []byte {
	return load.Get(j.tenants.address, "/oauth2/userinfo", "Authorization: Bearer "+j.access)
}

func (j *journey) seeSubject(r load.Response) bool {
	return r.Status == 200 && member(r.Body, "sub") != nil
}

func (j *journey) renew() []byte {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {webClient}, "refresh_token": {j.refresh}}
	return load.Post(j.tenants.address, "/oauth2/token", form)
}

func (j *journey) revoke() []byte {
	form := url.Values{"client_id": {webClient}, "token": {j.refresh}}
	return load.Post(j.tenants.address, "/oauth2/revoke", form)
}

func (j *journey) seeDone(r load.Response) bool { return r.Status == 200 }

func (j *journey) seeRefusal(r load.Response) bool {
	return r.Status == 400 && string(member(r.Body, "error")) == "invalid_grant"
}
