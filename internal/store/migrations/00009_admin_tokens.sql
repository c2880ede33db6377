-- +goose Up

-- Tokens with which the administration API is used from elsewhere. The name stands for the token in the audit trail; scopes are words such as clients:read;
-- used_at is the minute of the last use, zero for none.
CREATE TABLE admin_tokens (
	name       TEXT PRIMARY KEY,
	token_hash BYTEA  NOT NULL UNIQUE,
	scopes     TEXT   NOT NULL,
	made_at    BIGINT NOT NULL,
	ends_at    BIGINT NOT NULL,
	used_at    BIGINT NOT NULL
);
