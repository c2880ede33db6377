package decide

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/test/authority"
)

// shown is a certificate as a connection shows it.
func shown(t *testing.T, made tls.Certificate) *clientcert.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for _, der := range made.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, one)
	}
	return clientcert.New(chain)
}

// inForceAt is a change to a certificate so that it is in force at a time of tests.
func inForceAt(at int64, more func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.UnixMilli(at-hour), time.UnixMilli(at+hour)
		if more != nil {
			more(c)
		}
	}
}

func byConnection(certificate *clientcert.Certificate) oauth.Credentials {
	return oauth.Credentials{ClientID: "shop", Method: oauth.AuthNone, Certificate: certificate}
}

func certifiedClient(method oauth.AuthMethod) *record.Client {
	client := tokenClient()
	client.Settings.TokenEndpointAuthMethod, client.Secrets = string(method), nil
	return client
}

// RFC 8705 §2.2, of a client that registered its key or its very certificate.
func TestACertificateThatNobodyVouchesForIsOneThatTheClientRegistered(t *testing.T) {
	own := authority.SelfSigned(t, inForceAt(tokenNow, nil))
	renewed := own
	template := *own.Leaf
	der, err := x509.CreateCertificate(nil, &template, &template, own.Leaf.PublicKey, own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	renewed.Certificate = [][]byte{der}
	another := authority.SelfSigned(t, inForceAt(tokenNow, nil))
	late := authority.SelfSigned(t, inForceAt(tokenNow-3*hour, nil))
	early := authority.SelfSigned(t, inForceAt(tokenNow+3*hour, nil))
	both := `{"keys":[` + string(authority.JWKS(t, another, false)[9:])
	both = both[:len(both)-2] + `,` + string(authority.JWKS(t, own, false)[9:])

	for _, c := range []struct {
		name   string
		keys   string
		shown  *clientcert.Certificate
		reason oauth.Reason
	}{
		{"its key", string(authority.JWKS(t, own, false)), shown(t, own), ""},
		{"its certificate", string(authority.JWKS(t, own, true)), shown(t, own), ""},
		{"another certificate for its key", string(authority.JWKS(t, own, false)), shown(t, renewed), ""},
		{"another certificate where it registered one", string(authority.JWKS(t, own, true)), shown(t, renewed), oauth.ReasonCertificateUnknown},
		{"one of its keys", both, shown(t, own), ""},
		{"another's", string(authority.JWKS(t, own, false)), shown(t, another), oauth.ReasonCertificateUnknown},
		{"none", string(authority.JWKS(t, own, false)), nil, oauth.ReasonCertificateMissing},
		{"expired", string(authority.JWKS(t, late, true)), shown(t, late), oauth.ReasonCertificateExpired},
		{"not yet in force", string(authority.JWKS(t, early, true)), shown(t, early), oauth.ReasonCertificateExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ReadKeys([]byte(c.keys))
			if err != nil {
				t.Fatal(err)
			}
			st := &record.ClientState{Client: certifiedClient(oauth.AuthSelfSignedTLS), Proof: record.ClientProof{Keys: keys}}
			caller, refused := Authenticate(byConnection(c.shown), st, tokenEnv())
			wantRefusal(t, refused, c.reason, oauth.InvalidClient)
			if (caller.Client() != nil) != (c.reason == "") {
				t.Errorf("authenticated %v", caller.Client())
			}
		})
	}
	away := &record.ClientState{
		Client: certifiedClient(oauth.AuthSelfSignedTLS), Proof: record.ClientProof{Trouble: oauth.Refuse(oauth.ReasonClientKeysAway)},
	}
	if _, err := Authenticate(byConnection(shown(t, own)), away, tokenEnv()); err == nil || err.Reason != oauth.ReasonClientKeysAway {
		t.Errorf("without its keys: %v", err)
	}
}

// RFC 8705 §2.1.
func TestACertificateOfAnAuthorityHasTheNameThatTheClientRegistered(t *testing.T) {
	ours, others := authority.New(t, "ours"), authority.New(t, "others")
	named := func(by *authority.Authority, name string) *clientcert.Certificate {
		return shown(t, by.Issue(inForceAt(tokenNow, func(c *x509.Certificate) {
			c.Subject, c.DNSNames = pkix.Name{CommonName: name}, []string{name + ".example"}
		})))
	}
	late := shown(t, ours.Issue(inForceAt(tokenNow-3*hour, nil)))
	byDN := record.ClientSettings{TLSSubjectDN: "CN=shop"}
	for _, c := range []struct {
		name     string
		settings record.ClientSettings
		none     bool // there are no authorities
		shown    *clientcert.Certificate
		reason   oauth.Reason
	}{
		{"its subject", byDN, false, named(ours, "shop"), ""},
		{"its alternative name", record.ClientSettings{TLSDNS: "shop.example"}, false, named(ours, "shop"), ""},
		{"another's subject", byDN, false, named(ours, "stall"), oauth.ReasonCertificateSubject},
		{"the wrong kind of name", record.ClientSettings{TLSDNS: "shop"}, false, named(ours, "shop"), oauth.ReasonCertificateSubject},
		{"two names, which nobody may register", record.ClientSettings{TLSSubjectDN: "CN=shop", TLSDNS: "shop.example"}, false, named(ours, "shop"), oauth.ReasonCertificateSubject},
		{"no name", record.ClientSettings{}, false, named(ours, "shop"), oauth.ReasonCertificateSubject},
		{"by another authority", byDN, false, named(others, "shop"), oauth.ReasonCertificateUntrusted},
		{"signed by itself", byDN, false, shown(t, authority.SelfSigned(t, inForceAt(tokenNow, nil))), oauth.ReasonCertificateUntrusted},
		{"expired", byDN, false, late, oauth.ReasonCertificateExpired},
		{"where there is no authority", byDN, true, named(ours, "shop"), oauth.ReasonCertificateUntrusted},
		{"none", byDN, false, nil, oauth.ReasonCertificateMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := tokenEnv()
			policy := *env.Policy
			env.Policy = &policy
			if !c.none {
				policy.Mutual.Authorities = ours.Pool()
			}
			client := certifiedClient(oauth.AuthTLS)
			client.Settings.TLSSubjectDN, client.Settings.TLSDNS = c.settings.TLSSubjectDN, c.settings.TLSDNS
			_, refused := Authenticate(byConnection(c.shown), &record.ClientState{Client: client}, env)
			wantRefusal(t, refused, c.reason, oauth.InvalidClient)
		})
	}
}

// RFC 6749 §2.3, OpenID Connect Core §9: one method, the registered one; a certificate
// that happens to be there stands in for nothing.
func TestACertificateStandsInForNoOtherMethod(t *testing.T) {
	own := authority.SelfSigned(t, inForceAt(tokenNow, nil))
	keys, err := ReadKeys(authority.JWKS(t, own, false))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		registered oauth.AuthMethod
		cred       oauth.Credentials
		reason     oauth.Reason
	}{
		{"a certificate where a secret is registered", oauth.AuthBasic, oauth.Credentials{Method: oauth.AuthNone}, oauth.ReasonClientAuthMissing},
		{"a certificate where assertions are", oauth.AuthPrivateKeyJWT, oauth.Credentials{Method: oauth.AuthNone}, oauth.ReasonClientAuthMissing},
		{"a secret where a certificate is", oauth.AuthSelfSignedTLS, oauth.Credentials{Method: oauth.AuthPost, Secret: tokenSecret}, oauth.ReasonClientAuthMethodWrong},
		{"an assertion where a certificate is", oauth.AuthTLS, oauth.Credentials{Method: oauth.AuthPrivateKeyJWT}, oauth.ReasonClientAuthMethodWrong},
		{"one that the client signed where an authority is to", oauth.AuthTLS, oauth.Credentials{Method: oauth.AuthNone}, oauth.ReasonCertificateUntrusted},
		{"a secret beside a certificate", oauth.AuthBasic, oauth.Credentials{Method: oauth.AuthBasic, Secret: tokenSecret}, ""},
		{"a public client with a certificate", oauth.AuthNone, oauth.Credentials{Method: oauth.AuthNone}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := tokenClient()
			client.Settings.TokenEndpointAuthMethod = string(c.registered)
			c.cred.ClientID, c.cred.Certificate = "shop", shown(t, own)
			_, refused := Authenticate(c.cred, &record.ClientState{Client: client, Proof: record.ClientProof{Keys: keys}}, tokenEnv())
			wantRefusal(t, refused, c.reason, oauth.InvalidClient)
		})
	}
}

// A name in the operator's authority is not for whoever comes first.
func TestOnlyWhoWasLetRegisterTakesANameOfTheAuthority(t *testing.T) {
	named := func(dns string) *record.ClientSettings {
		return &record.ClientSettings{TokenEndpointAuthMethod: string(oauth.AuthTLS), TLSDNS: dns}
	}
	self := &record.ClientSettings{TokenEndpointAuthMethod: string(oauth.AuthSelfSignedTLS)}
	for _, c := range []struct {
		name          string
		after, before *record.ClientSettings
		vouched, may  bool
	}{
		{"anybody, a name", named("a.example"), nil, false, false},
		{"anybody, a key of their own", self, nil, false, true},
		{"whoever has an initial access token", named("a.example"), nil, true, true},
		{"anybody, later", named("a.example"), self, false, false},
		{"the name that an administrator gave", named("a.example"), named("a.example"), false, true},
		{"another in its place", named("b.example"), named("a.example"), false, false},
		{"whoever had an initial access token, another", named("b.example"), named("a.example"), true, true},
	} {
		if got := mayClaimName(c.after, c.before, c.vouched); got != c.may {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
