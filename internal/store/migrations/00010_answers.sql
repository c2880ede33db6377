-- +goose Up

-- What an administrator was answered who may ask again with the same key. key_hash tells neither who nor which key; sealed opens with that key alone.
CREATE TABLE answers (
	key_hash BYTEA  PRIMARY KEY,
	sealed   BYTEA  NOT NULL,
	ends_at  BIGINT NOT NULL
);
CREATE INDEX answers_by_end ON answers (ends_at);
