package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// index is the page at the root.
func (s *site) index(v *visit) { s.page(v, http.StatusOK, pages.Index{}) }
