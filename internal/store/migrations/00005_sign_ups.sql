-- +goose Up

-- Accounts that somebody made by themself with an address that nobody has seen to be theirs. Once it is seen, what was set
-- before is removed with the row.
CREATE TABLE sign_ups (
	user_id TEXT PRIMARY KEY,
	made_at BIGINT NOT NULL
);
