-- +goose Up

-- The user who was chosen on the page that asks which account; empty while nobody was.
ALTER TABLE interactions ADD COLUMN chosen TEXT NOT NULL DEFAULT '';
