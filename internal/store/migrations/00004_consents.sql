-- +goose Up

-- Consents that were begun in a browser and have not come back: the secrets
-- that make the callback ours, sealed, under the hash of their state. Taking
-- one deletes it, so a callback counts once. They live for minutes.
CREATE TABLE consents (
    state_hash    TEXT   NOT NULL PRIMARY KEY CHECK (state_hash <> ''),
    session_hash  TEXT   NOT NULL CHECK (session_hash <> ''),
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    sealed        BYTEA  NOT NULL,
    expires_at    BIGINT NOT NULL
);

CREATE INDEX consents_by_expiry ON consents (expires_at);
