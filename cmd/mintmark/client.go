package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/config"
)

type clientCommand struct {
	Create       clientCreate `cmd:"" help:"Add a client; its secret is shown once."`
	List         clientList   `cmd:"" help:"List all clients."`
	Show         clientShow   `cmd:"" help:"Show one client."`
	Update       clientUpdate `cmd:"" help:"Change what is given, and nothing else."`
	Enable       clientEnable `cmd:"" help:"Let a disabled client in again."`
	Disable      clientEnd    `cmd:"" help:"Keep a client out, and end all that it has."`
	Delete       clientDelete `cmd:"" help:"Remove a client, and end all that it has."`
	RotateSecret clientRotate `cmd:"" help:"Make a new secret; the older ones end."`
}

const secretOnce = "The client_secret is shown this once: only its hash is stored."

// lifetime is a flag in the form of the settings; the API takes seconds.
type lifetime int64

// UnmarshalText reads 30s, 15m, 12h or 30d.
func (l *lifetime) UnmarshalText(text []byte) error {
	d, err := config.ParseDuration(string(text))
	if err != nil || d < 0 || d%time.Second != 0 {
		return fmt.Errorf("%q is no duration in whole seconds: write 30s, 15m, 12h or 30d", text)
	}
	*l = lifetime(d / time.Second)
	return nil
}

// keyFile is what is in a file of public keys. An empty name is no keys.
type keyFile json.RawMessage

// UnmarshalText reads the file.
func (k *keyFile) UnmarshalText(path []byte) error {
	*k = nil
	if len(path) == 0 {
		return nil
	}
	content, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	if !json.Valid(content) {
		return fmt.Errorf("%s is no JSON: it holds a JWK Set, as in {\"keys\":[...]}", path)
	}
	*k = content
	return nil
}

// clientFlags are what can be said about a client. An empty list clears.
type clientFlags struct {
	Name            *string   `help:"What people see."`
	Grant           []string  `placeholder:"G" help:"authorization_code, refresh_token, client_credentials."`
	RedirectURI     []string  `name:"redirect-uri" placeholder:"URI" help:"Where codes may go; compared exactly."`
	PostLogoutURI   []string  `name:"post-logout-redirect-uri" placeholder:"URI" help:"Where a logout may lead."`
	LogoutURI       *string   `name:"backchannel-logout-uri" placeholder:"URI" help:"Where it is told that a session has ended."`
	LogoutSession   *bool     `name:"backchannel-logout-session-required" help:"It needs to be told which (it always is)." negatable:""`
	Scope           []string  `placeholder:"S" help:"What it may ask for."`
	Resource        []string  `placeholder:"AUD" help:"Audiences that it may ask for."`
	DefaultResource *string   `placeholder:"AUD" help:"The audience when it asks for none."`
	Public          bool      `help:"It can keep no secret: a page in a browser, an app on a phone."`
	AuthMethod      *string   `placeholder:"M" help:"client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none."`
	JWKS            *keyFile  `name:"jwks" placeholder:"FILE" help:"Its public keys, a JWK Set; instead of --jwks-uri."`
	JWKSURI         *string   `name:"jwks-uri" placeholder:"URI" help:"Where its public keys are; instead of --jwks."`
	AuthSigningAlg  *string   `placeholder:"A" help:"What it signs with for private_key_jwt: ES256, RS256, PS256 or Ed25519 (default any)."`
	TLSSubjectDN    *string   `name:"tls-subject-dn" placeholder:"DN" help:"The subject of its certificate, for tls_client_auth: CN=orders,O=Example. One of the five --tls flags, which take each other's place."`
	TLSDNS          *string   `name:"tls-san-dns" placeholder:"NAME" help:"A DNS name of its certificate, for tls_client_auth."`
	TLSURI          *string   `name:"tls-san-uri" placeholder:"URI" help:"A URI of its certificate, for tls_client_auth."`
	TLSIP           *string   `name:"tls-san-ip" placeholder:"ADDR" help:"An IP address of its certificate, for tls_client_auth."`
	TLSEmail        *string   `name:"tls-san-email" placeholder:"ADDR" help:"An e-mail address of its certificate, for tls_client_auth."`
	CertBound       *bool     `name:"certificate-bound" help:"Bind its access tokens to the certificate that it shows." negatable:""`
	RequestURI      []string  `name:"request-uri" placeholder:"URI" help:"Where it keeps request objects."`
	RequestAlg      *string   `name:"request-object-alg" placeholder:"A" help:"What it signs request objects with, none if it does not (default any)."`
	RequireRequest  *bool     `name:"require-signed-request-object" help:"Refuse all its authorization requests but signed request objects." negatable:""`
	Native          bool      `help:"It runs on the user's machine: loopback and private-use redirect URIs."`
	FirstParty      *bool     `help:"The operator's own: no consent page." negatable:""`
	TokenProfile    *string   `placeholder:"P" help:"How its tokens look (default standard)."`
	PKCE            *string   `name:"pkce" placeholder:"P" help:"required (the default) or optional."`
	IDTokenAlg      *string   `name:"id-token-alg" placeholder:"A" help:"ES256 (the default), RS256, PS256 or Ed25519."`
	UserinfoAlg     *string   `name:"userinfo-alg" placeholder:"A" help:"Sign userinfo answers with it; empty: plain JSON (the default)."`
	AccessToken     *string   `placeholder:"F" help:"How its access tokens look: jwt (the default) or opaque."`
	ReadAttribute   []string  `placeholder:"A" help:"User attributes that it may read (default all)."`
	ResponseMode    []string  `placeholder:"M" help:"How it takes answers: query, form_post (default both)."`
	SubjectType     *string   `placeholder:"T" help:"public (the default) or pairwise: a sub of its own. A change ends all that it has."`
	SectorURI       *string   `name:"sector-identifier-uri" placeholder:"URI" help:"Where the redirect URIs of a pairwise client's sector are listed."`
	DefaultMaxAge   *lifetime `placeholder:"D" help:"Sign-ins that are older are made again, where a request does not say."`
	AccessTTL       *lifetime `name:"access-ttl" placeholder:"D" help:"Lifetime of its access tokens."`
	IDTTL           *lifetime `name:"id-ttl" placeholder:"D" help:"Lifetime of its ID tokens."`
	RefreshIdle     *lifetime `placeholder:"D" help:"How long its unused refresh tokens live."`
	RefreshAbsolute *lifetime `placeholder:"D" help:"How long its grants live."`
	RetryWindow     *lifetime `placeholder:"D" help:"How long a rotated refresh token still gets its successor."`
	RotateRefresh   *bool     `help:"Rotate refresh tokens (default: of public clients)." negatable:""`
	LogoURI         *string   `name:"logo-uri" placeholder:"URI" help:"Its logo."`
	ClientURI       *string   `name:"client-uri" placeholder:"URI" help:"Its home page."`
	PolicyURI       *string   `name:"policy-uri" placeholder:"URI" help:"Its privacy policy."`
	TosURI          *string   `name:"tos-uri" placeholder:"URI" help:"Its terms."`
	InitiateURI     *string   `name:"initiate-login-uri" placeholder:"URI" help:"Where a user begins who comes from the account page."`
	Contact         []string  `placeholder:"C" help:"Whom to ask about it."`
}

// replace takes a flag that was given.
func replace[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

// replaceList takes a list that was given; one empty element clears it.
func replaceList(field *[]string, given []string) {
	if given == nil {
		return
	}
	*field = nil
	for _, element := range given {
		if element != "" {
			*field = append(*field, element)
		}
	}
}

// apply puts what was given over the metadata.
func (f *clientFlags) apply(m *admin.ClientMetadata) {
	replace(&m.Name, f.Name)
	replaceList(&m.GrantTypes, f.Grant)
	replaceList(&m.RedirectURIs, f.RedirectURI)
	replaceList(&m.PostLogoutRedirectURIs, f.PostLogoutURI)
	replace(&m.BackchannelLogoutURI, f.LogoutURI)
	replace(&m.BackchannelLogoutSessionRequired, f.LogoutSession)
	if f.Scope != nil {
		m.Scope = strings.Join(strings.Fields(strings.Join(f.Scope, " ")), " ")
	}
	replaceList(&m.Resources, f.Resource)
	replace(&m.DefaultResource, f.DefaultResource)
	if f.Public {
		m.TokenEndpointAuthMethod = "none"
	}
	replace(&m.TokenEndpointAuthMethod, f.AuthMethod)
	f.applyKeys(m)
	if f.Native {
		m.ApplicationType = "native"
	}
	replace(&m.FirstParty, f.FirstParty)
	replace(&m.TokenProfile, f.TokenProfile)
	replace(&m.PKCE, f.PKCE)
	replace(&m.IDTokenSigningAlg, f.IDTokenAlg)
	replace(&m.UserinfoSigningAlg, f.UserinfoAlg)
	replace(&m.AccessTokenFormat, f.AccessToken)
	replaceList(&m.ReadAttributes, f.ReadAttribute)
	replaceList(&m.ResponseModes, f.ResponseMode)
	replace(&m.SubjectType, f.SubjectType)
	replace(&m.SectorIdentifierURI, f.SectorURI)
	f.applyLifetimes(m)
	replace(&m.LogoURI, f.LogoURI)
	replace(&m.ClientURI, f.ClientURI)
	replace(&m.PolicyURI, f.PolicyURI)
	replace(&m.TosURI, f.TosURI)
	replace(&m.InitiateLoginURI, f.InitiateURI)
	replaceList(&m.Contacts, f.Contact)
	if f.DefaultMaxAge != nil {
		m.DefaultMaxAge = (*int64)(f.DefaultMaxAge)
	}
}

// applyKeys takes keys or their address; what is given takes the place of the other.
func (f *clientFlags) applyKeys(m *admin.ClientMetadata) {
	if f.JWKS != nil || f.JWKSURI != nil {
		m.JWKS, m.JWKSURI = nil, ""
	}
	replace((*keyFile)(&m.JWKS), f.JWKS)
	replace(&m.JWKSURI, f.JWKSURI)
	replace(&m.TokenEndpointAuthSigningAlg, f.AuthSigningAlg)
	replace(&m.CertificateBound, f.CertBound)
	f.applyCertificate(m)
	replaceList(&m.RequestURIs, f.RequestURI)
	replace(&m.RequestObjectSigningAlg, f.RequestAlg)
	replace(&m.RequireSignedRequestObject, f.RequireRequest)
}

// applyCertificate takes the name of a certificate; what is given takes the place of
// any other.
func (f *clientFlags) applyCertificate(m *admin.ClientMetadata) {
	names := []struct{ field, given *string }{
		{&m.TLSClientAuthSubjectDN, f.TLSSubjectDN},
		{&m.TLSClientAuthSANDNS, f.TLSDNS},
		{&m.TLSClientAuthSANURI, f.TLSURI},
		{&m.TLSClientAuthSANIP, f.TLSIP},
		{&m.TLSClientAuthSANEmail, f.TLSEmail},
	}
	for _, one := range names {
		if one.given == nil {
			continue
		}
		for _, other := range names {
			if other.given == nil {
				*other.field = ""
			}
		}
		*one.field = *one.given
	}
}

func (f *clientFlags) applyLifetimes(m *admin.ClientMetadata) {
	replace(&m.AccessTokenTTL, (*int64)(f.AccessTTL))
	replace(&m.IDTokenTTL, (*int64)(f.IDTTL))
	replace(&m.RefreshIdleTTL, (*int64)(f.RefreshIdle))
	replace(&m.RefreshAbsoluteTTL, (*int64)(f.RefreshAbsolute))
	if f.RetryWindow != nil {
		m.RetryWindow = (*int64)(f.RetryWindow)
	}
	if f.RotateRefresh != nil {
		m.RotateRefresh = f.RotateRefresh
	}
}

type clientCreate struct {
	ID string `name:"id" help:"Choose the client_id: 3 to 64 of a-z, 0-9 and dash."`
	clientFlags
	onceFlag
}

func (c *clientCreate) Run(i *invocation, server *admin.Client) error {
	asked := admin.NewClient{ClientID: c.ID}
	c.apply(&asked.ClientMetadata)
	made, err := c.of(server).CreateClient(i.ctx, asked)
	if err != nil {
		return err
	}
	return i.printClient(made)
}

// printClient prints a client, and its secret if it is in the answer.
func (i *invocation) printClient(client admin.RegisteredClient) error {
	var sentences []string
	if client.ClientSecret != "" {
		sentences = append(sentences, secretOnce)
	}
	return i.printObject(client, sentences...)
}

type clientList struct{}

func (*clientList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.Clients(i.ctx), "CLIENT_ID NAME GRANTS ENABLED CAME", func(c admin.RegisteredClient) []string {
		return []string{c.ClientID, c.Name, strings.Join(c.GrantTypes, ","), yesNo(c.Enabled), howItCame(c.Registration)}
	})
}

// howItCame says who added a client.
func howItCame(r *admin.Registration) string {
	switch {
	case r == nil:
		return "administrator"
	case r.ForgottenAt.IsZero():
		return "registered"
	}
	return "registered, nobody let it in yet"
}

// clientID is the argument of the verbs for one client.
type clientID struct {
	ID string `arg:"" name:"client_id"`
}

type clientShow struct{ clientID }

func (c *clientShow) Run(i *invocation, server *admin.Client) error {
	client, err := server.ShowClient(i.ctx, c.ID)
	if err != nil {
		return err
	}
	return i.printClient(client)
}

type clientUpdate struct {
	clientID
	clientFlags
}

func (c *clientUpdate) Run(i *invocation, server *admin.Client) error {
	client, err := server.ShowClient(i.ctx, c.ID)
	if err != nil {
		return err
	}
	c.apply(&client.ClientMetadata)
	client, err = server.UpdateClient(i.ctx, c.ID, admin.ClientUpdate{ClientMetadata: client.ClientMetadata, Version: client.Version})
	if err != nil {
		return err
	}
	return i.printClient(client)
}

type clientEnable struct{ clientID }

func (c *clientEnable) Run(i *invocation, server *admin.Client) error {
	client, err := server.EnableClient(i.ctx, c.ID)
	if err != nil {
		return err
	}
	return i.printClient(client)
}

type clientEnd struct{ clientID }

func (c *clientEnd) Run(i *invocation, server *admin.Client) error {
	client, err := server.DisableClient(i.ctx, c.ID)
	if err != nil {
		return err
	}
	return i.printClient(client)
}

type clientDelete struct{ clientID }

func (c *clientDelete) Run(i *invocation, server *admin.Client) error {
	if err := server.DeleteClient(i.ctx, c.ID); err != nil {
		return err
	}
	return i.done("Deleted client %s; all that it had has ended.", c.ID)
}

type clientRotate struct {
	clientID
	Keep lifetime `default:"24h" placeholder:"D" help:"How long the older secrets still work (default 24h; 0s ends them now)."`
	onceFlag
}

func (c *clientRotate) Run(i *invocation, server *admin.Client) error {
	client, err := c.of(server).RotateClientSecret(i.ctx, c.ID, time.Duration(c.Keep)*time.Second)
	if err != nil {
		return err
	}
	return i.printClient(client)
}
