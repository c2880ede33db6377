package decide

import (
	"encoding/json"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// SignedIn decides whether a browser may see its user's account page.
func SignedIn(st *record.SessionState, now int64) *oauth.Error { return signedIn(st, now) }

// SessionAlive reports whether one of a user's sessions can still be used. user
// holds what is above all of them.
func SessionAlive(s *record.Session, user *record.Parents, now int64) bool {
	parents := *user
	parents.SID, parents.SessionEndedAt = s.ID, s.EndedAt
	parents.SessionIdleUntil, parents.SessionAbsUntil = s.IdleUntil, s.AbsUntil
	return Alive(s.RVS, &parents, now) == ""
}

// DisplayName is what to call a user on a page: their name if they gave one.
func DisplayName(user *record.User) string {
	var claims struct {
		Name              string `json:"name"`
		PreferredUsername string `json:"preferred_username"`
	}
	if json.Unmarshal(user.Claims, &claims) != nil {
		return ""
	}
	if claims.Name != "" {
		return claims.Name
	}
	return claims.PreferredUsername
}
