-- +goose Up

-- The oldest step that a release must know to run on this schema; without a row any does. A step which the release before it
-- can run on, as one is that only adds, leaves it alone: several machines are upgraded one by one, and each may restart.
CREATE TABLE schema_floor (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	step BIGINT NOT NULL
);
