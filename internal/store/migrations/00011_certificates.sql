-- +goose Up

-- The certificate that a public client's refresh tokens are bound to, by its SHA-256 in base64url (RFC 8705 §4); empty: none.
ALTER TABLE grants ADD COLUMN x5t TEXT NOT NULL DEFAULT '';
