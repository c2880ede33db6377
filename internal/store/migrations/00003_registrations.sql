-- Clients that registered themselves (RFC 7591), and the tokens with which they may.

-- +goose Up

-- How a client came; one without a row here was made by an administrator. token_hash is of the registration access token, empty where there
-- is none; made_by the id of an initial access token, empty where registration was open; ends_at when the client is forgotten, zero once somebody has let it in.
CREATE TABLE registrations (
	client_id  TEXT PRIMARY KEY,
	token_hash BYTEA  NOT NULL,
	made_by    TEXT   NOT NULL,
	made_at    BIGINT NOT NULL,
	ends_at    BIGINT NOT NULL
);
CREATE INDEX registrations_by_end ON registrations (ends_at) WHERE ends_at > 0;

-- Initial access tokens. most is how many clients may come with one, zero for any number; used is how many did.
CREATE TABLE initial_tokens (
	id         TEXT PRIMARY KEY,
	token_hash BYTEA  NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	made_at    BIGINT NOT NULL,
	ends_at    BIGINT NOT NULL,
	most       BIGINT NOT NULL,
	used       BIGINT NOT NULL
);
