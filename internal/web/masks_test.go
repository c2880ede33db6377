package web

import "regexp"

// masks replace what changes with every run.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?m)^Date: .*`), "Date: <now>"},
	{regexp.MustCompile(`"time":"[^"]*",`), ""},
	{regexp.MustCompile(`"us":\d+,`), ""},
	{regexp.MustCompile(`"gid":"[^"]*"`), `"gid":"<gid>"`},
	{regexp.MustCompile(`r1\.[A-Za-z0-9_-]+`), "r1.<sealed>"},
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`), "<jwt>"},
	{regexp.MustCompile(`mrt_[\w.-]+`), "<refresh token>"},
	{regexp.MustCompile(`Retry-After: 3(600|59\d)\b`), "Retry-After: <an hour>"},
	{regexp.MustCompile(`mst_[\w.-]+`), "<setup token>"},
	{regexp.MustCompile(`mcs_[\w.-]+`), "<secret>"},
	{regexp.MustCompile(`mct_[\w.-]+`), "<registration access token>"},
	{regexp.MustCompile(`"client_id":"[\w-]{22}"`), `"client_id":"<id>"`},
	{regexp.MustCompile(`"client_id_issued_at":\d+`), `"client_id_issued_at":<now>`},
	{regexp.MustCompile(`/oauth2/register/[\w-]{22}`), "/oauth2/register/<id>"},
	{regexp.MustCompile(`([?&]code=)[^&\s]+`), "${1}<code>"},
	{regexp.MustCompile(`(  code=).+`), "${1}<code>"},
	{regexp.MustCompile(`(interaction=)[\w-]+`), "${1}<interaction>"},
	{regexp.MustCompile(`(form_token=)[\w-]+`), "${1}<form token>"},
	{regexp.MustCompile(`(user=)[\w-]+`), "${1}<sub>"},
	{regexp.MustCompile(`(session=)[\w-]{22,}`), "${1}<session>"},
	{regexp.MustCompile(`(browser=)[\w-]{22,}`), "${1}<browser>"},
	{regexp.MustCompile(`(language=[a-z]+\.)[\w-]{8}`), "${1}<start of the interaction>"},
	{regexp.MustCompile(`"expires_in":\d+`), `"expires_in":<about 900>`},
	{regexp.MustCompile(`"(iat|exp|auth_time|rvs|updated_at)":\d+`), `"$1":<number>`},
	{regexp.MustCompile(`"(sub|sid|jti)":"[\w-]{22}"`), `"$1":"<id>"`},
	{regexp.MustCompile(`"(x|y|kid|n)":"[\w-]+"`), `"$1":"<key>"`},
	{regexp.MustCompile(`nonce-[A-Z0-9]+`), "nonce-<nonce>"},
	{regexp.MustCompile(`x{1000,}`), "<many x>"},
	{regexp.MustCompile(`(?m)^Etag: .*`), "Etag: <hash>"},
	{regexp.MustCompile(`/assets/[0-9a-f]+`), "/assets/<hash>"},
}

func masked(text string) string {
	for _, mask := range masks {
		text = mask.pattern.ReplaceAllString(text, mask.with)
	}
	return text
}
