package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Alive decides whether something that vouches for the state up to rvs is
// alive, given everything above it in one snapshot. It is the only function
// that does: authorization with a session, code exchange, refresh,
// introspection, revocation and userinfo all ask it, and nothing is derived
// from what it refuses. It returns "" for alive, else the reason.
//
// It compares with the cutoff of every parent, and the largest cutoff wins by
// each comparison standing alone (tokens.md, part 2).
func Alive(rvs int64, p *record.Parents, now int64) oauth.Reason {
	switch {
	case revocation.Dead(rvs, p.AllCut):
		return oauth.ReasonAllCut
	case p.KeyStatus == record.KeyCompromised:
		return oauth.ReasonKeyCompromised
	case p.JTIRevoked:
		return oauth.ReasonJTIRevoked
	}
	if reason := userAlive(rvs, p); reason != "" {
		return reason
	}
	if reason := clientAlive(rvs, p); reason != "" {
		return reason
	}
	return containersAlive(p, now)
}

func userAlive(rvs int64, p *record.Parents) oauth.Reason {
	switch {
	case p.UserID == "":
		return ""
	case p.UserStatus != record.UserActive: // also a deleted user, whose status is empty
		return oauth.ReasonUserDisabled
	case revocation.Dead(rvs, p.UserCut):
		return oauth.ReasonUserCut
	}
	return ""
}

// clientAlive skips the client's parents for a session, which hangs from its
// user alone.
func clientAlive(rvs int64, p *record.Parents) oauth.Reason {
	if p.ClientID == "" {
		return ""
	}
	switch {
	case !p.ClientEnabled:
		return oauth.ReasonClientDisabled
	case revocation.Dead(rvs, p.ClientCut):
		return oauth.ReasonClientCut
	case revocation.Dead(rvs, p.ConsentCut):
		return oauth.ReasonConsentCut
	}
	for _, cut := range p.ResourceCuts {
		if revocation.Dead(rvs, cut) {
			return oauth.ReasonResourceCut
		}
	}
	return ""
}

// containersAlive looks at the session and the grant: ended is for ever.
func containersAlive(p *record.Parents, now int64) oauth.Reason {
	switch {
	case p.GID != "" && p.GrantEndedAt != 0:
		return oauth.ReasonGrantEnded
	case p.SID == "":
		return ""
	case p.SessionEndedAt != 0:
		return oauth.ReasonSessionEnded
	case now >= p.SessionAbsUntil:
		return oauth.ReasonSessionExpired
	case p.ClientID == "" && now >= p.SessionIdleUntil:
		// Idleness ends what the browser may start, not what a client already holds:
		// a grant has an idle limit of its own.
		return oauth.ReasonSessionExpired
	}
	return ""
}
