-- One text for SQLite and PostgreSQL: TEXT, BIGINT, BYTEA; times in unix milliseconds, zero for "not yet" or "never";
-- booleans as 0 and 1; lists of words that cannot hold a space as TEXT with one space between them; *_hash is the SHA-256
-- of a random secret. There are no foreign keys: what an insert hangs from is guarded in its own statement, and a dead
-- child may outlive its parent.

-- +goose Up

-- The head of the revocation log and the logical clock, in one row that every decision's statement reads. issuer is whose
-- tokens the database keeps, for ever.
CREATE TABLE revlog_head (
	one           INTEGER PRIMARY KEY CHECK (one = 1),
	issuer        TEXT   NOT NULL,
	log_id        TEXT   NOT NULL,
	feed_key      BYTEA  NOT NULL,
	seq           BIGINT NOT NULL,
	lc            BIGINT NOT NULL,
	all_cut       BIGINT NOT NULL,
	chain         BYTEA  NOT NULL,
	longest_ttl   BIGINT NOT NULL,
	longest_until BIGINT NOT NULL
);

-- value is the encoded target.
CREATE TABLE revlog (
	seq        BIGINT PRIMARY KEY,
	lc         BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	value      BYTEA  NOT NULL,
	cut        BIGINT NOT NULL,
	keep_until BIGINT NOT NULL,
	reason     TEXT   NOT NULL,
	actor      TEXT   NOT NULL,
	at         BIGINT NOT NULL
);
CREATE INDEX revlog_by_target ON revlog (kind, value);
CREATE INDEX revlog_by_end ON revlog (keep_until);

CREATE TABLE users (
	id            TEXT PRIMARY KEY,
	status        TEXT   NOT NULL,
	claims        TEXT   NOT NULL,
	token_version BIGINT NOT NULL,
	cut           BIGINT NOT NULL,
	made_at       BIGINT NOT NULL,
	version       BIGINT NOT NULL
);

CREATE TABLE identifiers (
	kind        TEXT   NOT NULL,
	value       TEXT   NOT NULL,
	user_id     TEXT   NOT NULL,
	verified_at BIGINT NOT NULL,
	PRIMARY KEY (kind, value),
	UNIQUE (user_id, kind)
);

CREATE TABLE factors (
	id      TEXT PRIMARY KEY,
	user_id TEXT   NOT NULL,
	kind    TEXT   NOT NULL,
	data    TEXT   NOT NULL,
	made_at BIGINT NOT NULL,
	UNIQUE (user_id, kind)
);

-- settings is JSON with the names of RFC 7591.
CREATE TABLE clients (
	id       TEXT PRIMARY KEY,
	name     TEXT   NOT NULL,
	settings TEXT   NOT NULL,
	enabled  BIGINT NOT NULL,
	cut      BIGINT NOT NULL,
	made_at  BIGINT NOT NULL,
	version  BIGINT NOT NULL
);

CREATE TABLE client_secrets (
	client_id   TEXT   NOT NULL,
	secret_hash BYTEA  NOT NULL,
	made_at     BIGINT NOT NULL,
	ends_at     BIGINT NOT NULL,
	PRIMARY KEY (client_id, secret_hash)
);

CREATE TABLE resources (
	aud      TEXT PRIMARY KEY,
	settings TEXT   NOT NULL,
	cut      BIGINT NOT NULL,
	version  BIGINT NOT NULL
);

CREATE TABLE signing_keys (
	kid             TEXT PRIMARY KEY,
	alg             TEXT   NOT NULL,
	use             TEXT   NOT NULL,
	status          TEXT   NOT NULL,
	public_jwk      BYTEA  NOT NULL,
	sealed          BYTEA  NOT NULL,
	made_at         BIGINT NOT NULL,
	signs_from      BIGINT NOT NULL,
	published_until BIGINT NOT NULL
);

CREATE TABLE roots (
	key_id  BIGINT PRIMARY KEY,
	use     TEXT   NOT NULL,
	sealed  BYTEA  NOT NULL,
	made_at BIGINT NOT NULL
);

CREATE TABLE sessions (
	id           TEXT PRIMARY KEY,
	cookie_hash  BYTEA  NOT NULL UNIQUE,
	browser_hash BYTEA  NOT NULL,
	user_id      TEXT   NOT NULL,
	proofs       TEXT   NOT NULL,
	auth_time    BIGINT NOT NULL,
	rvs          BIGINT NOT NULL,
	agent        TEXT   NOT NULL,
	made_at      BIGINT NOT NULL,
	seen_at      BIGINT NOT NULL,
	idle_until   BIGINT NOT NULL,
	abs_until    BIGINT NOT NULL,
	ended_at     BIGINT NOT NULL
);
CREATE INDEX sessions_by_browser ON sessions (user_id, browser_hash);
CREATE INDEX sessions_open ON sessions (user_id, id) WHERE ended_at = 0;

CREATE TABLE consents (
	user_id   TEXT   NOT NULL,
	client_id TEXT   NOT NULL,
	scope     TEXT   NOT NULL,
	cut       BIGINT NOT NULL,
	made_at   BIGINT NOT NULL,
	PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- request is the authorization request as JSON.
CREATE TABLE interactions (
	id_hash      BYTEA PRIMARY KEY,
	browser_hash BYTEA  NOT NULL,
	client_id    TEXT   NOT NULL,
	request      TEXT   NOT NULL,
	made_at      BIGINT NOT NULL,
	used_at      BIGINT NOT NULL,
	ends_at      BIGINT NOT NULL
);
CREATE INDEX interactions_by_end ON interactions (ends_at);

-- request is what the code's exchange needs of it, as JSON.
CREATE TABLE codes (
	hash      BYTEA PRIMARY KEY,
	client_id TEXT   NOT NULL,
	user_id   TEXT   NOT NULL,
	sid       TEXT   NOT NULL,
	gid       TEXT   NOT NULL,
	request   TEXT   NOT NULL,
	challenge TEXT   NOT NULL,
	rvs       BIGINT NOT NULL,
	used_at   BIGINT NOT NULL,
	ends_at   BIGINT NOT NULL
);
CREATE INDEX codes_by_client ON codes (client_id);
CREATE INDEX codes_by_end ON codes (ends_at);

-- A refresh changes gen, rotated_at and idle_until, which are in no index.
CREATE TABLE grants (
	id         TEXT PRIMARY KEY,
	user_id    TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	sid        TEXT   NOT NULL,
	scope      TEXT   NOT NULL,
	resources  TEXT   NOT NULL,
	auth_time  BIGINT NOT NULL,
	acr        TEXT   NOT NULL,
	amr        TEXT   NOT NULL,
	rvs        BIGINT NOT NULL,
	made_at    BIGINT NOT NULL,
	gen        BIGINT NOT NULL,
	rotated_at BIGINT NOT NULL,
	late_gen   BIGINT NOT NULL,
	late_run   BIGINT NOT NULL,
	jkt        TEXT   NOT NULL,
	idle_until BIGINT NOT NULL,
	abs_until  BIGINT NOT NULL,
	ended_at   BIGINT NOT NULL
);
CREATE INDEX grants_open_by_user ON grants (user_id, id) WHERE ended_at = 0;
CREATE INDEX grants_open_by_client ON grants (client_id, id) WHERE ended_at = 0;
CREATE INDEX grants_by_session ON grants (sid) WHERE sid <> '';

-- One-time secrets that were used.
CREATE TABLE spent (
	key_hash BYTEA PRIMARY KEY,
	ends_at  BIGINT NOT NULL
);
CREATE INDEX spent_by_end ON spent (ends_at);

-- Limits, shared between nodes.
CREATE TABLE counters (
	name        TEXT PRIMARY KEY,
	n           BIGINT NOT NULL,
	window_ends BIGINT NOT NULL
);
CREATE INDEX counters_by_end ON counters (window_ends);

-- Ids begin with the time. Equal events of one minute share a merge_key and are one row, n times; a NULL merge_key equals no other.
CREATE TABLE audit (
	id        TEXT PRIMARY KEY,
	merge_key TEXT UNIQUE,
	at        BIGINT NOT NULL,
	event     TEXT   NOT NULL,
	actor     TEXT   NOT NULL,
	user_id   TEXT   NOT NULL,
	client_id TEXT   NOT NULL,
	gid       TEXT   NOT NULL,
	n         BIGINT NOT NULL,
	detail    TEXT   NOT NULL
);
