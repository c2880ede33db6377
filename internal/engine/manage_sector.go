package engine

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

// maxSectorList, in bytes, bounds the list of a sector's redirect URIs.
const maxSectorList = 64 << 10

// subjects: OpenID Connect Core §8.1, a pairwise client is of one sector.
func (p *problems) subjects(s *record.ClientSettings) {
	if s.SubjectType != "" {
		p.oneOf("subject_type", string(s.SubjectType), string(record.SubjectPublic), string(record.SubjectPairwise))
	}
	if s.SubjectType != record.SubjectPairwise {
		return
	}
	switch hosts := s.Sectors(); {
	case len(hosts) != 1:
		p.add("sector_identifier_uri", "is needed: the redirect URIs of a pairwise client have %d hosts, and one names its sector", len(hosts))
	case hosts[0] == "":
		p.add("sector_identifier_uri", "is needed: the redirect URIs of the client have no host that could name its sector")
	}
}

// listedBefore reports whether the sector's list was seen to have all redirect URIs.
func listedBefore(now, before *record.ClientSettings) bool {
	return before != nil && now.SectorIdentifierURI == before.SectorIdentifierURI &&
		!slices.ContainsFunc(now.RedirectURIs, func(uri string) bool { return !slices.Contains(before.RedirectURIs, uri) })
}

// checkSector: §8.1, "The values of the registered redirect_uris MUST be included in
// the elements of the array". It is asked for once, when client and sector meet.
func (e *Engine) checkSector(ctx context.Context, form *ClientForm, wrong *problems) {
	s := &form.Settings
	if s.SectorIdentifierURI == "" || len(*wrong) > 0 || listedBefore(s, form.before) {
		return
	}
	answer, err := e.egress.Get(ctx, s.SectorIdentifierURI, "application/json", maxSectorList)
	if err != nil {
		wrong.add("sector_identifier_uri", "cannot be read: %s", err)
		return
	}
	var listed []string
	if json.Unmarshal(answer.Body, &listed) != nil {
		wrong.add("sector_identifier_uri", "does not lead to a JSON array of redirect URIs")
		return
	}
	for _, uri := range s.RedirectURIs {
		if !slices.Contains(listed, uri) {
			wrong.add("sector_identifier_uri", "does not list %q", uri)
		}
	}
}
