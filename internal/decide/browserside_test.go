package decide

import (
	"encoding/json"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What the tests of the browser side share: a browser, a user who is signed in
// with it, and a page that waits in it. The moment is the token side's.
const (
	pageMade     = tokenNow - 2*minute  // when the page that waits was put up
	pageSignedIn = tokenNow - 10*minute // when the user signed in, before that
	pagePassword = "correct horse battery staple"
)

// pageHash is the password above at the least cost that is accepted.
const pageHash = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$yuD2H5PR1k40noDgIpVNKqoS7GJ4ncWdetRratfGGQU"

func pageBrowser() Browser {
	return Browser{Hash: secret.Hash("browser"), Agent: "Firefox on a desk", Network: "192.0.2.0/24"}
}

func pageClient() *record.Client {
	client := tokenClient()
	client.Settings.RedirectURIs = []string{tokenRedirect}
	client.Settings.PostLogoutRedirectURIs = []string{"https://shop.example/bye", "https://shop.example/bye?x=1"}
	client.Settings.SecurityProfile = record.OIDCProfile
	return client
}

func pageRequest() oauth.AuthorizationRequest {
	return oauth.AuthorizationRequest{
		ClientID:      "shop",
		RedirectURI:   tokenRedirect,
		ResponseType:  oauth.ResponseTypeCode,
		Scope:         oauth.NewScopes("openid", "email"),
		State:         "a state",
		Nonce:         "a nonce",
		CodeChallenge: oauth.ChallengeOf(tokenVerifier),
	}
}

func pageUser() *record.User {
	return &record.User{
		ID: "ana", Status: record.UserActive, Version: 1, Claims: json.RawMessage("{}"),
		Email: &record.Identifier{Kind: record.IdentifierEmail, Value: "ana@shop.example", UserID: "ana", VerifiedAt: 1},
	}
}

func pageFactor() *record.Factor {
	return &record.Factor{ID: "factor", UserID: "ana", Kind: record.FactorPassword, Data: pageHash, MadeAt: 1}
}

func pageSession() *record.Session {
	return &record.Session{
		ID: "session", CookieHash: secret.Hash("cookie"), BrowserHash: secret.Hash("browser"), UserID: "ana",
		Proofs:   []record.Proof{{Factor: record.FactorPassword, At: pageSignedIn}},
		AuthTime: pageSignedIn, RVS: tokenLC - 100, MadeAt: pageSignedIn, SeenAt: pageSignedIn,
		IdleUntil: tokenNow + hour, AbsUntil: tokenNow + 2*hour,
	}
}

func pageParents() record.Parents {
	parents := tokenParents()
	parents.ClientID, parents.ClientEnabled = "", false // a session hangs from its user alone
	return parents
}

func pageInteraction() *record.Interaction {
	return &record.Interaction{
		IDHash: secret.Hash("page"), BrowserHash: secret.Hash("browser"), Request: pageRequest(),
		MadeAt: pageMade, EndsAt: pageMade + 15*minute,
	}
}

func pageState() *record.InteractionState {
	return &record.InteractionState{
		AuthorizeState: record.AuthorizeState{
			ClientState: tokenClientState(pageClient()),
			Session:     pageSession(),
			User:        pageUser(),
			Consent:     &record.Consent{UserID: "ana", ClientID: "shop", Scope: []string{"email", "openid"}},
			Parents:     pageParents(),
		},
		Interaction: pageInteraction(),
	}
}

// deadSessions are the ways in which a session is dead.
func deadSessions() map[string]func(*record.Parents) {
	return map[string]func(*record.Parents){
		"ended":             func(p *record.Parents) { p.SessionEndedAt = tokenNow - 1 },
		"idle for too long": func(p *record.Parents) { p.SessionIdleUntil = tokenNow },
		"too old":           func(p *record.Parents) { p.SessionAbsUntil = tokenNow },
		"user cut":          func(p *record.Parents) { p.UserCut = tokenLC },
		"user disabled":     func(p *record.Parents) { p.UserStatus = record.UserDisabled },
		"user gone":         func(p *record.Parents) { p.UserStatus = "" },
		"all cut":           func(p *record.Parents) { p.AllCut = tokenLC },
	}
}

// verifiedPassword is the evidence for the password above.
func verifiedPassword(t *testing.T) secret.Verified {
	t.Helper()
	verified, ok := secret.VerifyPassword(pagePassword, pageHash, tokenNow-second)
	if !ok {
		t.Fatal("the password is not the one that was hashed")
	}
	return verified
}

// sessionEnding is what End makes of ana's session.
func sessionEnding(sid, reason, actor string) []record.Change {
	return tokenEnding(revocation.ForSID(sid), reason, actor,
		record.EndSession{ID: sid, At: tokenNow}, record.Audit{Event: "session_ended", UserID: "ana"})
}

// userEnding is what End makes of all that ana has.
func userEnding(reason string) []record.Change {
	return tokenEnding(revocation.ForSub("ana"), reason, ActorUser("ana"),
		record.CutUser{UserID: "ana"}, record.Audit{Event: "user_cut", UserID: "ana"})
}
