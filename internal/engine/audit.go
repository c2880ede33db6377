package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/record"
)

// AuditPage lists the audit trail, newest first, on from the id of the last row
// that was seen.
func (e *Engine) AuditPage(ctx context.Context, after string) (page []record.AuditEntry, next string, err error) {
	page, err = e.store.AuditList(ctx, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	if len(page) == listPage {
		next = page[listPage-1].ID
	}
	return page, next, nil
}
