package web

import (
	"net/http"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// asset sends the stylesheet or the icon. Its path is named after its content.
func (s *site) asset(v *visit, a pages.Asset) {
	h := v.Header()
	pages.SecurityHeaders(h, s.issuer.IsHTTPS())
	h.Set("Cache-Control", pages.AssetCacheControl)
	h.Set("ETag", a.ETag)
	if matches(v.r.Header["If-None-Match"], a.ETag) {
		v.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	v.WriteHeader(http.StatusOK)
	_, _ = v.Write(a.Body) // a client that has gone is no fault of ours
}
