package decide

import (
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/test/authority"
)

// anyone is a certificate that nobody has registered: what is bound to it need not be
// authenticated by it.
func anyone(t *testing.T) *clientcert.Certificate {
	t.Helper()
	return shown(t, authority.SelfSigned(t, inForceAt(tokenNow, nil)))
}

func whoseTokensAreBound(client *record.Client) *record.Client {
	client.Settings.CertificateBound = true
	return client
}

// RFC 8705 §3, §3.4, §4: each way to a token.
func TestATokenIsBoundToTheCertificateThatItWasAskedForWith(t *testing.T) {
	own := anyone(t)
	for _, c := range []struct {
		name   string
		client *record.Client
		shown  *clientcert.Certificate
		want   string // what is bound to
		reason oauth.Reason
	}{
		{"a confidential client", whoseTokensAreBound(tokenClient()), own, own.Thumbprint(), ""},
		{"a public client", whoseTokensAreBound(tokenPublic()), own, own.Thumbprint(), ""},
		{"without a certificate", whoseTokensAreBound(tokenClient()), nil, "", oauth.ReasonCertificateRequired},
		{"a public client without one", whoseTokensAreBound(tokenPublic()), nil, "", oauth.ReasonCertificateRequired},
		{"a client that did not ask for it", tokenClient(), own, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, again := newExchange(c.client), newRefresh(c.client, 5)
			code.req.Credentials.Certificate, again.req.Credentials.Certificate = c.shown, c.shown
			ways := map[string]Outcome[record.Tokens]{"a code": code.run(), "a refresh token": again.run()}
			if !c.client.Public() {
				self := newOwnToken()
				self.st.Client, self.req.Credentials.Certificate = c.client, c.shown
				ways["itself"] = ClientCredentials(&self.req, &self.st, tokenEnv())
			}
			for way, out := range ways {
				wantRefusal(t, out.Err, c.reason, oauth.InvalidRequest)
				if c.reason != "" {
					if len(out.Changes) > 0 {
						t.Errorf("%s: refused, and %v is written", way, out.Changes)
					}
					continue
				}
				if got := out.Answer.Access.X5T; got != c.want {
					t.Errorf("%s: bound to %q, want %q", way, got, c.want)
				}
			}
		})
	}
}

// RFC 8705 §4, §7.1: the grant of a public client is bound to its certificate, that of
// a confidential one to whom that authenticates.
func TestThePublicClientsRefreshTokenIsBoundToItsCertificate(t *testing.T) {
	own, another := anyone(t), anyone(t)
	grantOf := func(client *record.Client) string {
		made := newExchange(client)
		made.req.Credentials.Certificate = own
		for _, change := range made.run().Changes {
			if put, is := change.(record.PutGrant); is {
				return put.Grant.X5T
			}
		}
		return "none"
	}
	if got := grantOf(whoseTokensAreBound(tokenPublic())); got != own.Thumbprint() {
		t.Errorf("the grant of a public client is bound to %q", got)
	}
	if got := grantOf(whoseTokensAreBound(tokenClient())); got != "" {
		t.Errorf("the grant of a confidential client is bound to %q", got)
	}
	for name, c := range map[string]struct {
		bound  bool // the client is still one whose tokens are bound
		shown  *clientcert.Certificate
		reason oauth.Reason
		code   oauth.Code
	}{
		"its certificate":                   {true, own, "", ""},
		"another":                           {true, another, oauth.ReasonRefreshCertificate, oauth.InvalidGrant},
		"none":                              {true, nil, oauth.ReasonCertificateRequired, oauth.InvalidRequest},
		"none, of a client that needs none": {false, nil, oauth.ReasonRefreshCertificate, oauth.InvalidGrant},
	} {
		for _, generation := range []int64{5, 4, 2} { // the one in force, its predecessor, one that is over
			client := tokenPublic()
			client.Settings.CertificateBound = c.bound
			again := newRefresh(client, generation)
			again.st.Grant.X5T, again.req.Credentials.Certificate = own.Thumbprint(), c.shown
			out := again.run()
			if c.reason == "" {
				continue // what the generation comes to is another test's
			}
			wantRefusal(t, out.Err, c.reason, c.code)
			if len(out.Changes) > 0 {
				t.Errorf("%s, generation %d: %v is written", name, generation, out.Changes)
			}
		}
	}
}

// RFC 8705 §3: at each endpoint of ours that takes a token.
func TestABoundTokenIsWorthNothingWithoutItsCertificate(t *testing.T) {
	own, another := anyone(t), anyone(t)
	for name, c := range map[string]struct {
		bound  string
		shown  *clientcert.Certificate
		reason oauth.Reason
	}{
		"its certificate":                    {own.Thumbprint(), own, ""},
		"another":                            {own.Thumbprint(), another, oauth.ReasonTokenCertificate},
		"none":                               {own.Thumbprint(), nil, oauth.ReasonTokenCertificate},
		"a certificate, and it is not bound": {"", another, ""},
		"neither":                            {"", nil, ""},
	} {
		x := newUserinfo(oauth.ScopeOpenID, oauth.ScopeReadRevocations)
		x.tok.Access.X5T, x.tok.Certificate = c.bound, c.shown
		for at, err := range map[string]*oauth.Error{"userinfo": Userinfo(x.tok, &x.st, x.env).Err, "the feed": ReadFeed(x.tok, &x.st, x.env).Err} {
			if (err == nil) != (c.reason == "") || err != nil && (err.Reason != c.reason || err.Code != oauth.InvalidToken) {
				t.Errorf("%s at %s: %v", name, at, err)
			}
		}
	}
}

// RFC 8705 §3.2.
func TestIntrospectionSaysWhatARefreshTokenIsBoundTo(t *testing.T) {
	client := tokenClient()
	asked := newPresentedRefresh(client, 5)
	asked.st.Grant.X5T = "print"
	if got := string(asked.introspect().Answer.JSON()); !strings.Contains(got, `"cnf":{"x5t#S256":"print"}`) {
		t.Error(got)
	}
}
