package pages

import (
	"errors"
	"net/url"
	"time"
)

// Form is what ties a form to its browser and its pending interaction.
type Form struct {
	Token       string
	Interaction string
}

// at is a page with the form's interaction.
func (f Form) at(path string) string {
	if f.Interaction == "" {
		return path
	}
	return path + "?" + FieldInteraction + "=" + url.QueryEscape(f.Interaction)
}

// Client is what a page says about the client. Name is shown as the client
// wrote it, without control characters. Addresses that are not https are left
// out, whatever the client registered.
type Client struct {
	Name      string
	HomeURI   string
	LogoURI   string
	PolicyURI string
	TermsURI  string
}

// User is the person signed in: Name may be empty, Identifier is what they
// signed in with.
type User struct {
	Name       string
	Identifier string
}

// Scope is one permission asked for. Description is the resource's own
// sentence; empty for the standard scopes, which the pages explain themselves.
type Scope struct {
	Name        string
	Description string
}

// Login is the sign-in page. RedirectURI is the validated redirect URI of the
// pending request, where there is one: a sign-in that needs no consent ends
// there, and the policy must let the form go to it.
type Login struct {
	Form        Form
	Client      Client
	RedirectURI string
	Identifier  string
	SignUp      bool // anybody may make an account
	Upstreams   []Upstream
	Notice      Notice
	Problem     Problem
}

// Upstream is somebody else whom one may sign in with.
type Upstream struct{ ID, Name string }

// SignUpAddress is the sign-up page for the same request, below the issuer's path.
func (p Login) SignUpAddress() string { return p.Form.at(PathSignUp) }

func (Login) template() string { return "login" }

func (p Login) address() string { return p.Form.at(PathLogin) }

func (p Login) policy() Policy {
	return Policy{FormTarget: p.RedirectURI, Logo: httpsOnly(p.Client.LogoURI) != ""}
}

// SignUp is the page on which somebody makes an account by themself.
type SignUp struct {
	Form            Form
	Client          Client
	RedirectURI     string // as of Login
	Email           string
	PasswordMinimum int
	Problem         Problem
}

// LoginAddress is the sign-in page for the same request, below the issuer's path.
func (p SignUp) LoginAddress() string { return p.Form.at(PathLogin) }

func (SignUp) template() string { return "signup" }

func (p SignUp) address() string { return p.Form.at(PathSignUp) }

func (p SignUp) policy() Policy {
	return Policy{FormTarget: p.RedirectURI, Logo: httpsOnly(p.Client.LogoURI) != ""}
}

// Consent is the page on which a user lets a client in, or not.
type Consent struct {
	Form        Form
	Client      Client
	User        User
	Subject     string // the user's sub: the answer counts for nobody else
	RedirectURI string
	Scopes      []Scope
	// Attributes are claims of the user that are asked for by name, beside the scopes.
	Attributes []string
	// Resources are the audiences of the services the client may call.
	Resources []string
	// Lasts is the longest time that access is renewed without asking again;
	// Idle, when not zero, ends it earlier if it is not used for so long.
	Lasts, Idle time.Duration
	// Unassured says that nobody vouches for who the client is: it registered
	// itself, or is a public client on a redirect anyone may claim (RFC 8252 §8.6).
	Unassured bool
}

func (Consent) template() string { return "consent" }

func (p Consent) address() string { return p.Form.at(PathConsent) }

func (p Consent) policy() Policy {
	return Policy{FormTarget: p.RedirectURI, Logo: httpsOnly(p.Client.LogoURI) != ""}
}

// Offline says whether access goes on after the user has signed out.
func (p Consent) Offline() bool {
	for _, s := range p.Scopes {
		if s.Name == "offline_access" {
			return true
		}
	}
	return false
}

// Choose asks which account to go on with: the one that is signed in, or another.
type Choose struct {
	Form        Form
	Client      Client
	User        User
	Subject     string // the user's sub: the answer counts for nobody else
	RedirectURI string
}

func (Choose) template() string { return "choose" }

func (p Choose) address() string { return p.Form.at(PathChoose) }

func (p Choose) policy() Policy {
	return Policy{FormTarget: p.RedirectURI, Logo: httpsOnly(p.Client.LogoURI) != ""}
}

// Logout asks whether to sign out. User and Client may be zero. RedirectURI is
// the validated post_logout_redirect_uri, or empty. Parameters are the client's
// request, which the form sends again with the user's answer.
type Logout struct {
	Form        Form
	User        User
	Client      Client
	RedirectURI string
	Parameters  []Parameter
}

func (Logout) template() string { return "logout" }

func (Logout) address() string { return "" } // the request that it asks about came from elsewhere

func (p Logout) policy() Policy { return Policy{FormTarget: p.RedirectURI} }

// SignedOut says that the session is over. Continue is a validated address to
// go on to, or empty; Client names whose it is.
type SignedOut struct {
	Client   Client
	Continue string
}

func (SignedOut) template() string { return "signedout" }

func (SignedOut) address() string { return "" }

func (SignedOut) policy() Policy { return Policy{} }

// Failure is the error page. Code is the machine word of the error, Parameter
// the request parameter at fault (a name, never its value), Description the
// wire text of the error, Reference the sealed code that an administrator can
// open. All but Code may be empty. None may contain request input.
type Failure struct {
	Code        string
	Parameter   string
	Description string
	Reference   string
}

func (Failure) template() string { return "failure" }

func (Failure) address() string { return "" }

func (Failure) policy() Policy { return Policy{} }

// Setup creates the first user, once.
type Setup struct {
	Form            Form
	SetupToken      string
	Email           string
	PasswordMinimum int
	Problem         Problem
}

func (Setup) template() string { return "setup" }

func (p Setup) address() string { return PathSetup + "?token=" + url.QueryEscape(p.SetupToken) }

func (Setup) policy() Policy { return Policy{} }

// SetupDone follows Setup and shows what to do next on the command line. Email
// is the new user's, or empty.
type SetupDone struct {
	Email string
}

func (SetupDone) template() string { return "setupdone" }

func (SetupDone) address() string { return PathSetupDone }

func (SetupDone) policy() Policy { return Policy{} }

// Account is the signed-in user's own page. Notice is what was just done, or
// zero; Problem is what is wrong with the change of password.
type Account struct {
	Form            Form
	Now             time.Time
	User            User
	Subject         string
	EmailVerified   bool
	Sessions        []Session
	Apps            []App
	Links           []Link
	Upstreams       []Upstream // of which no account is linked
	Password        bool       // the user has one
	Lately          bool       // they may change how they sign in
	PasswordMinimum int
	Notice          Notice
	Problem         Problem
}

// Link is an account elsewhere that the user signs in with.
type Link struct {
	ID, Name string
	Since    time.Time
}

// Session is one of the user's browsers. UserAgent is the header as it came.
type Session struct {
	ID        string
	UserAgent string
	SignedIn  time.Time
	Seen      time.Time
	Current   bool
}

// App is a client the user has let in.
type App struct {
	ID     string
	Start  string // where the user begins there; empty: nowhere
	Client Client
	Scopes []Scope
	// Attributes are claims of the user beside the scopes.
	Attributes []string
	Since      time.Time
}

func (Account) template() string { return "account" }

func (Account) address() string { return PathAccount }

func (p Account) policy() Policy {
	for _, app := range p.Apps {
		if httpsOnly(app.Client.LogoURI) != "" {
			return Policy{Logo: true}
		}
	}
	return Policy{}
}

// FormPost sends an authorization response to the client's redirect URI by a
// form that submits itself (OAuth 2.0 Form Post Response Mode). Made by
// NewFormPost.
type FormPost struct {
	RedirectURI string
	Parameters  []Parameter
}

// Parameter is one name and value that a form carries hidden.
type Parameter struct {
	Name, Value string
}

var errFormPostTarget = errors.New("form_post needs an http or https redirect URI")

// NewFormPost makes the page; it refuses a redirect URI that no browser posts
// a form to.
func NewFormPost(redirectURI string, parameters []Parameter) (FormPost, error) {
	if !isWeb(redirectURI) {
		return FormPost{}, errFormPostTarget
	}
	return FormPost{RedirectURI: redirectURI, Parameters: parameters}, nil
}

func (FormPost) template() string { return "formpost" }

func (FormPost) address() string { return "" }

func (p FormPost) policy() Policy { return Policy{FormTarget: p.RedirectURI, script: true} }

// Onward sends a browser to another server, at once and with scripts off, and has a
// link for one that does not go. Made by NewOnward.
type Onward struct{ Address string }

// NewOnward makes the page. The address was judged before: it is an upstream's, or a
// client's own redirect URI.
func NewOnward(address string) Onward { return Onward{Address: address} }

func (Onward) template() string { return "onward" }

func (Onward) address() string { return "" }

func (Onward) policy() Policy { return Policy{} }

// Index is the page at the root: what this server is.
type Index struct{}

func (Index) template() string { return "index" }

func (Index) address() string { return PathIndex }

func (Index) policy() Policy { return Policy{} }
