-- +goose Up

-- What a person asked for, written by the portal or the command line before
-- Temporal carries the message. The sealed record says who, what, of which
-- workflow and when; only the keyset opens it. Using one marks it, once.
CREATE TABLE instructions (
    id            TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    sealed        BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL,
    used_at       BIGINT,
    used_for      TEXT   -- the attempt of an activity that acted on it
);

CREATE INDEX instructions_by_age ON instructions (created_at);
