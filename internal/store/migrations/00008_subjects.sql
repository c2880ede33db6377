-- +goose Up

-- The pairwise subjects that a user has been given: beside the id, the names under which tokens know them.
ALTER TABLE users ADD COLUMN subs TEXT NOT NULL DEFAULT '';
