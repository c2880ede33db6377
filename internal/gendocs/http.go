package main

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web"
)

// writeHTTP lists package web's own tables of routes.
func writeHTTP(w *writer) error {
	issuer, err := oauth.ParseIssuer("https://id.example.com")
	if err != nil {
		return err
	}
	endpoints, err := web.Endpoints(issuer)
	if err != nil {
		return err
	}
	w.paragraph("Paths are below the issuer's. Of an issuer with a path, `https://example.com/id`, RFC 8414 §3.1 puts the path of the metadata behind the well-known part " +
		"(`/.well-known/oauth-authorization-server/id`); both forms are served, and `/healthz` and `/readyz` are also at the root. " +
		"Every request but a health check must name the issuer's host (421). Forms are `application/x-www-form-urlencoded` and at most 64 KiB (415, 413); " +
		"a method that is not listed is 405. Errors are in [errors.md](errors.md).")
	w.heading(2, "Protocol")
	w.table("Path", "Methods", "What it is", "Specification")
	for _, e := range endpoints {
		if e.Spec != "" {
			w.row(code(e.Path), e.Methods, e.About, e.Spec)
		}
	}
	w.heading(2, "Pages and health")
	w.table("Path", "Methods", "What it is")
	for _, e := range endpoints {
		if e.Spec == "" {
			w.row(code(e.Path), e.Methods, e.About)
		}
	}
	w.heading(2, "Administration")
	w.paragraph("JSON over HTTP on the Unix socket `admin.sock` in the data directory: whoever may open the file is an administrator. Where there is an `admin_listen`, " +
		"also there, for whoever shows an admin token that has the scope ([operations.md](../operations.md#administration-from-elsewhere)). " +
		"Package `admin` is its typed client, and says what the bodies are; so does `/admin/v1/openapi.json` (OpenAPI 3.1). " +
		"Creates and updates of clients, resources and users with `?dry_run=true` are tried and not done. " +
		"Lists have 200 items; `next` is the parameter `after` of the following part. What has a version has it as `ETag`; updating, disabling, enabling and deleting take `If-Match` (412). " +
		"What makes something takes an `Idempotency-Key` and is done once for it in 24 hours (422 for another request). " +
		"An act that would not keep to such a header refuses it (400).")
	w.table("Path", "Method", "Scope", "What it does")
	for _, e := range web.AdminEndpoints() {
		w.row(code(e.Path), e.Methods, e.Scope, e.About)
	}
	return nil
}
