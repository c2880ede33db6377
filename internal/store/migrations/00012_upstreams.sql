-- OpenID Providers that sign people in for this server, and whom they know here.

-- +goose Up

-- settings is JSON; sealed is the client secret under the key-encryption key.
CREATE TABLE upstreams (
	id       TEXT PRIMARY KEY,
	settings TEXT   NOT NULL,
	sealed   BYTEA  NOT NULL,
	made_at  BIGINT NOT NULL,
	version  BIGINT NOT NULL
);

-- A foreign account is its issuer and subject, and nothing else. used_at is the last sign-in with it, zero for none.
CREATE TABLE links (
	id      TEXT PRIMARY KEY,
	issuer  TEXT   NOT NULL,
	subject TEXT   NOT NULL,
	user_id TEXT   NOT NULL,
	made_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	UNIQUE (issuer, subject)
);
CREATE INDEX links_by_user ON links (user_id, id);
