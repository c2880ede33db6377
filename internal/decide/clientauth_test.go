package decide

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

func TestAClientAuthenticatesByItsRegisteredMethodAlone(t *testing.T) {
	basic := oauth.Credentials{ClientID: "shop", Secret: tokenSecret, Method: oauth.AuthBasic}
	post := oauth.Credentials{ClientID: "shop", Secret: tokenSecret, Method: oauth.AuthPost}
	none := oauth.Credentials{ClientID: "shop", Method: oauth.AuthNone}
	wrong := oauth.Credentials{ClientID: "shop", Secret: "mcs_wrong", Method: oauth.AuthBasic}
	empty := oauth.Credentials{ClientID: "shop", Method: oauth.AuthBasic}

	registered := func(method string) *record.Client {
		client := tokenClient()
		client.Settings.TokenEndpointAuthMethod = method
		return client
	}
	secrets := func(all ...record.ClientSecret) *record.Client {
		client := tokenClient()
		client.Secrets = all
		return client
	}
	disabled := tokenClient()
	disabled.Enabled = false
	other := tokenClient()
	other.ID = "stall"
	old := record.ClientSecret{Hash: secret.Hash("mcs_new")}

	cases := []struct {
		name   string
		cred   oauth.Credentials
		client *record.Client
		reason oauth.Reason
	}{
		{"RFC 6749 §2.3.1: the secret in the header", basic, tokenClient(), ""},
		{"RFC 6749 §2.3.1: the secret in the body", post, registered("client_secret_post"), ""},
		{"RFC 7591 §2: basic is the default", basic, registered(""), ""},
		{"RFC 6749 §3.2.1: a public client names itself", none, tokenPublic(), ""},
		{"RFC 6749 §5.2: unknown client", basic, nil, oauth.ReasonClientUnknown},
		{"the row of another client", basic, other, oauth.ReasonClientUnknown},
		{"RFC 6749 §3.2.1: a confidential client must authenticate", none, tokenClient(), oauth.ReasonClientAuthMissing},
		{"OpenID Connect Core §9: body where the header is registered", post, tokenClient(), oauth.ReasonClientAuthMethodWrong},
		{"OpenID Connect Core §9: header where the body is registered", basic, registered("client_secret_post"), oauth.ReasonClientAuthMethodWrong},
		{"OpenID Connect Core §9: a secret from a public client", basic, tokenPublic(), oauth.ReasonClientAuthMethodWrong},
		{"OpenID Connect Core §9: a secret where a key is registered", basic, registered("private_key_jwt"), oauth.ReasonClientAuthMethodWrong},
		{"RFC 6749 §5.2: wrong secret", wrong, tokenClient(), oauth.ReasonClientSecretWrong},
		{"RFC 6749 §5.2: empty secret", empty, tokenClient(), oauth.ReasonClientSecretWrong},
		{"a confidential client without any secret", empty, secrets(), oauth.ReasonClientSecretWrong},
		{
			"ASVS 6.5.3: two secrets while one replaces the other",
			basic, secrets(old, record.ClientSecret{Hash: secret.Hash(tokenSecret), EndsAt: tokenNow + 1}), "",
		},
		{
			"a secret is dead from the millisecond in which it ends",
			basic, secrets(record.ClientSecret{Hash: secret.Hash(tokenSecret), EndsAt: tokenNow}, old), oauth.ReasonClientSecretWrong,
		},
		{"a disabled client", basic, disabled, oauth.ReasonClientDisabled},
		{"a disabled client learns so only by proving itself", wrong, disabled, oauth.ReasonClientSecretWrong},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			caller, err := Authenticate(c.cred, &record.ClientState{Client: c.client}, tokenEnv())
			wantRefusal(t, err, c.reason, oauth.InvalidClient)
			if c.reason == "" && caller.Client() != c.client {
				t.Errorf("authenticated %v, want the client", caller.Client())
			}
			if c.reason != "" && caller.Client() != nil {
				t.Errorf("refused, yet %v is authenticated", caller.Client())
			}
		})
	}
}

// F5, V1: nobody learns from the answer which clients exist.
func TestUnknownClientAndWrongSecretLookTheSame(t *testing.T) {
	cred := oauth.Credentials{ClientID: "shop", Secret: "mcs_wrong", Method: oauth.AuthBasic}
	_, unknown := Authenticate(cred, &record.ClientState{}, tokenEnv())
	_, wrong := Authenticate(cred, &record.ClientState{Client: tokenClient()}, tokenEnv())
	if unknown.Code != wrong.Code || unknown.Description != wrong.Description || unknown.Status() != wrong.Status() {
		t.Errorf("on the wire: %v %q, %v %q", unknown.Code, unknown.Description, wrong.Code, wrong.Description)
	}
}
