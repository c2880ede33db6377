package pages

// Paths of the pages, below the issuer's own path. Forms post to the path of
// the page they stand on, the account page's to the paths below it.
const (
	PathIndex          = "/"
	PathLogin          = "/login"
	PathUpstream       = "/login/upstream" // below it upstreams send browsers back to, each by its id
	PathConsent        = "/consent"
	PathChoose         = "/choose"
	PathLogout         = "/logout"
	PathSignUp         = "/sign-up"
	PathSetup          = "/setup"
	PathSetupDone      = "/setup/done"
	PathAccount        = "/account"
	PathAccountSession = "/account/session/end"
	PathAccountApp     = "/account/app/remove"
	PathAccountPass    = "/account/password"
	PathAccountSignOut = "/account/sign-out"
	PathAccountLink    = "/account/upstream/link"
	PathAccountUnlink  = "/account/upstream/unlink"
)

// Names of the form fields: what the pages send and the handlers read.
const (
	// FieldToken is the form token that guards against cross-site requests.
	FieldToken = "form_token"
	// FieldLanguage is the query parameter by which a user changes the language,
	// and the field with which each form says in which one it was shown.
	FieldLanguage = "lang"
	// FieldInteraction is the identifier of the pending interaction.
	FieldInteraction = "interaction"
	// FieldDecision carries one of the Decision values: the button pressed.
	FieldDecision = "decision"
	// FieldUser is the sub of whom the page asks.
	FieldUser = "user"
	// FieldIdentifier and FieldPassword are the sign-in form.
	FieldIdentifier = "identifier"
	FieldPassword   = "password"
	// FieldUpstream is the id of the upstream to sign in with.
	FieldUpstream = "upstream"
	// FieldSetupToken is the one-time token of the setup link.
	FieldSetupToken = "setup_token"
	// FieldEmail is the address of the user who is made, on setup and sign-up pages.
	FieldEmail = "email"
	// FieldNewPassword is the password chosen, on setup, sign-up and account pages.
	FieldNewPassword = "new_password"
	// FieldConfirmPassword repeats it on the setup page.
	FieldConfirmPassword = "confirm_password"
	// FieldCurrentPassword is the password to be replaced, on the account page.
	FieldCurrentPassword = "current_password"
	// FieldSignOutOthers is Checked when all other sessions shall end with the
	// change of password; absent otherwise.
	FieldSignOutOthers = "sign_out_others"
	// FieldSession is the sid of the session to end.
	FieldSession = "session"
	// FieldClient is the client_id of the app to remove.
	FieldClient = "client"
	// FieldLink is the foreign account to unlink.
	FieldLink = "link"
	// FieldAgain asks for the sign-in page although somebody is signed in.
	FieldAgain = "again"
	// FieldSignOut carries SignOutHere or SignOutEverywhere.
	FieldSignOut = "sign_out"
)

// Values of FieldDecision, FieldSignOut and of a ticked box.
const (
	DecisionAllow    = "allow"
	DecisionDeny     = "deny"
	DecisionSwitch   = "switch"   // "Not you?", sign in as someone else
	DecisionContinue = "continue" // with the account that is signed in
	DecisionLogout   = "logout"
	DecisionCancel   = "cancel"

	SignOutHere       = "here"
	SignOutEverywhere = "everywhere"

	Checked = "yes"
)
