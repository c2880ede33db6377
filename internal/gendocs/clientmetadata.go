package main

import "github.com/mintmark-id/mintmark/internal/decide"

// writeClientMetadata lists the table by which registrations are read.
func writeClientMetadata(w *writer) error {
	w.paragraph("Clients register at `/oauth2/register` where the setting `registration` lets them; [writing a client](../clients.md) says how. " +
		"A field that is refused ends the registration with `invalid_client_metadata`, one that breaks its rule too, and the error names it " +
		"(`redirect_uris`: `invalid_redirect_uri`). `client_name`, `client_uri`, `logo_uri`, `policy_uri` and `tos_uri` may also be said in languages (`client_name#de`, RFC 7591 §2.2), at most 50 in all; the pages show them in theirs. `null` is the same as left out. " +
		"A field that is not in these tables is left out of the registration, as RFC 7591 §2 asks; the answer shows all that was registered. The body has at most 16 KiB.")
	w.heading(2, "Done")
	w.table("Field", "Rule", "If left out", "Defined in")
	for _, field := range decide.MetadataFields() {
		if !field.Refused {
			w.row(code(field.Name), field.Rule, either(field.Default), field.Spec)
		}
	}
	w.heading(2, "Refused")
	w.table("Field", "Why", "Defined in")
	for _, field := range decide.MetadataFields() {
		if field.Refused {
			w.row(code(field.Name), field.Rule, field.Spec)
		}
	}
	return nil
}
