-- +goose Up

-- Who may do what in the portal. One file for both databases: see 00001 for
-- how types and times are written.
--
-- Nothing in here opens anything: sessions, one-time links and sign-ins under
-- way are kept as the SHA-256 of what their holder has, in lower-case hex.

-- People are never deleted, only disabled: the audit trail names them.
CREATE TABLE people (
    id          TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    email       TEXT   NOT NULL UNIQUE CHECK (email <> ''),
    name        TEXT   NOT NULL,
    role        TEXT   NOT NULL CHECK (role IN ('viewer', 'approver', 'administrator')),
    added_by    TEXT   NOT NULL CHECK (added_by <> ''),
    added_at    BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE sessions (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    person_id  TEXT   NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

CREATE INDEX sessions_of_person ON sessions (person_id);

-- One-time links. One without a person makes the first administrator, and
-- there is never more than one of those.
CREATE TABLE signin_links (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    person_id  TEXT   REFERENCES people (id),
    created_by TEXT   NOT NULL CHECK (created_by <> ''),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE INDEX signin_links_of_person ON signin_links (person_id);

-- Browsers that were sent to the OpenID Connect provider and are not back yet.
CREATE TABLE signin_attempts (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    return_to  TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
