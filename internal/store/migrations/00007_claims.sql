-- +goose Up

-- The attributes that a client asked for one by one, with where they are told; JSON, empty for none.
ALTER TABLE grants ADD COLUMN claims TEXT NOT NULL DEFAULT '';

-- The attributes that the user let the client have beyond those of the scopes.
ALTER TABLE consents ADD COLUMN claims TEXT NOT NULL DEFAULT '';

-- What the client was when the user said yes; empty in rows of before.
ALTER TABLE consents ADD COLUMN face TEXT NOT NULL DEFAULT '';
