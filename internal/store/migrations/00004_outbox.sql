-- +goose Up

-- What was committed and is delivered afterwards. kind says what it is, about whose it is (of a logout: the session),
-- receiver who is to get it. A row that is done, one way or the other, stays for a while, so that one can look it up.
CREATE TABLE outbox (
	id           TEXT PRIMARY KEY,
	kind         TEXT   NOT NULL,
	about        TEXT   NOT NULL,
	receiver     TEXT   NOT NULL,
	payload      TEXT   NOT NULL,
	made_at      BIGINT NOT NULL,
	due_at       BIGINT NOT NULL,
	tries        BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	done_at      BIGINT NOT NULL,
	outcome      TEXT   NOT NULL,
	answer       TEXT   NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at = 0;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at > 0;
CREATE INDEX outbox_by_about ON outbox (about, id);

-- The session in which a grant was made, also of one that outlives it.
ALTER TABLE grants ADD COLUMN origin TEXT NOT NULL DEFAULT '';
UPDATE grants SET origin = sid;
DROP INDEX grants_by_session;
CREATE INDEX grants_by_origin ON grants (origin, id) WHERE origin <> '';

-- Where a client hears of logouts, as its settings say.
ALTER TABLE clients ADD COLUMN logout_uri TEXT NOT NULL DEFAULT '';
