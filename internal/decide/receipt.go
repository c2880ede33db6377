package decide

import "github.com/mintmark-id/mintmark/internal/record"

// LongestAccess is how long, in milliseconds, an access token of a client for any
// of these resources lives at most.
func LongestAccess(client *record.Client, resources []*record.Resource, policy *Policy) int64 {
	longest := accessTTL(client, nil, policy)
	for _, resource := range resources {
		longest = max(longest, accessTTL(client, []*record.Resource{resource}, policy))
	}
	return longest * second
}

// SessionEndedAt is when a session ended, in Unix milliseconds: by itself, with its
// user or with everything, or by running out; zero while it can start more. dead is
// what Alive says of it.
func SessionEndedAt(s *record.Session, above *record.Parents, dead bool) int64 {
	cut := max(above.UserCut, above.AllCut)
	switch {
	case !dead:
		return 0
	case s.EndedAt != 0:
		return s.EndedAt
	case s.RVS < cut:
		return cut
	}
	return min(s.IdleUntil, s.AbsUntil)
}
