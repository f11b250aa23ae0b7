-- +goose Up

-- One schema for SQLite and PostgreSQL: this file runs unchanged on both.
-- The type names are PostgreSQL's. SQLite goes by the words inside a type
-- name: BIGINT holds integers, TEXT holds text, and BYTEA and BOOLEAN (numeric
-- affinity) keep a blob a blob and true 1.
--
-- Times are BIGINT microseconds since 1970-01-01 UTC, civil dates are TEXT
-- 2026-01-31, amounts are BIGINT minor units. JSON is TEXT, exactly the bytes
-- that were given ('' when there is none): hashes are taken over these bytes,
-- so nothing may reorder them.
--
-- Triggers are written differently in the two dialects and therefore live in
-- 00002_guards_sqlite.sql and 00002_guards_postgres.sql, one of which runs.
-- There is no way down: these are accounting records.

CREATE TABLE connections (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    name            TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    region          TEXT    NOT NULL,
    environment     TEXT    NOT NULL,
    posting         TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN
        ('setup', 'verifying', 'active', 'reauth_required', 'paused', 'disconnected')),
    start_date      TEXT    NOT NULL,
    klarna          TEXT    NOT NULL,
    visma           TEXT    NOT NULL,
    merchant_id     TEXT    NOT NULL,
    company_id      TEXT    NOT NULL,
    company_name    TEXT    NOT NULL,
    base_currency   TEXT    NOT NULL,
    profile_version BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);

-- Every version a connection's posting profile ever had. Append-only.
CREATE TABLE profiles (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    version       BIGINT NOT NULL CHECK (version > 0),
    document      BYTEA  NOT NULL,
    hash          TEXT   NOT NULL CHECK (hash <> ''),
    created_by    TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, version)
);

-- Ciphertext only. The keyset check has connection_id '', hence no reference.
CREATE TABLE secrets (
    connection_id TEXT   NOT NULL,
    field         TEXT   NOT NULL CHECK (field <> ''),
    ciphertext    BYTEA  NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, field)
);

-- Leases that make something single-flight across processes.
CREATE TABLE locks (
    name       TEXT   NOT NULL PRIMARY KEY CHECK (name <> ''),
    holder     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE payouts (
    connection_id     TEXT   NOT NULL REFERENCES connections (id),
    payment_reference TEXT   NOT NULL CHECK (payment_reference <> ''),
    merchant_id       TEXT   NOT NULL,
    payout_date       BIGINT NOT NULL,
    currency          TEXT   NOT NULL,
    settlement_type   TEXT   NOT NULL,
    settlement        BIGINT NOT NULL,
    opening_debt      BIGINT NOT NULL,
    closing_debt      BIGINT NOT NULL,
    payout            TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN
        ('discovered', 'proven', 'compiled', 'awaiting_approval', 'posting', 'posted',
         'released', 'verified', 'held', 'rejected', 'reversed')),
    held_reason       TEXT   NOT NULL,
    held              TEXT   NOT NULL,
    row_count         BIGINT NOT NULL,
    proof             TEXT   NOT NULL,
    voucher           TEXT   NOT NULL,
    voucher_hash      TEXT   NOT NULL,
    profile_version   BIGINT NOT NULL,
    discovered_at     BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference),
    CONSTRAINT held_says_why CHECK (state <> 'held' OR held_reason <> '')
);

CREATE INDEX payouts_by_date ON payouts (connection_id, payout_date, payment_reference);
CREATE INDEX payouts_by_state ON payouts (connection_id, state);
CREATE INDEX payouts_of_merchant ON payouts (connection_id, merchant_id, currency, payout_date);

-- The archive: bytes as received, compressed.
CREATE TABLE documents (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    kind              TEXT   NOT NULL CHECK (kind <> ''),
    seq               BIGINT NOT NULL CHECK (seq >= 0),
    sha256            TEXT   NOT NULL,
    size              BIGINT NOT NULL CHECK (size >= 0),
    encoding          TEXT   NOT NULL CHECK (encoding IN ('zstd', 'identity')),
    body              BYTEA  NOT NULL,
    correlation_id    TEXT   NOT NULL,
    path              TEXT   NOT NULL,
    fetched_at        BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, kind, seq),
    FOREIGN KEY (connection_id, payment_reference) REFERENCES payouts (connection_id, payment_reference)
);

-- The memory: one row per intent to post, written before the first POST. A
-- payout has at most one posting per revision, in whatever company. The guards
-- refuse deletion, and another voucher once the first may have been sent.
CREATE TABLE postings (
    company_id        TEXT    NOT NULL CHECK (company_id <> ''),
    token             TEXT    NOT NULL CHECK (token <> ''),
    connection_id     TEXT    NOT NULL,
    payment_reference TEXT    NOT NULL,
    revision          BIGINT  NOT NULL CHECK (revision >= 0),
    voucher_hash      TEXT    NOT NULL CHECK (voucher_hash <> ''),
    voucher           TEXT    NOT NULL,
    period            TEXT    NOT NULL,
    mode              TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN
        ('intended', 'sending', 'accepted', 'unknown', 'booked', 'checked', 'attached',
         'released', 'verified', 'draft', 'rejected', 'reversed')),
    job_id            TEXT    NOT NULL,
    batch_number      TEXT    NOT NULL,
    attempts          BIGINT  NOT NULL CHECK (attempts >= 0),
    attempted_at      BIGINT,
    unknown_since     BIGINT,
    absent_since      BIGINT,
    adopted           BOOLEAN NOT NULL,
    failure           TEXT    NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    PRIMARY KEY (company_id, token),
    CONSTRAINT one_posting_per_revision UNIQUE (connection_id, payment_reference, revision),
    CONSTRAINT booked_has_a_batch CHECK (batch_number <> '' OR state NOT IN
        ('booked', 'checked', 'attached', 'released', 'verified', 'draft', 'reversed')),
    FOREIGN KEY (connection_id, payment_reference) REFERENCES payouts (connection_id, payment_reference)
);
CREATE INDEX postings_of_payout ON postings (payment_reference);

-- What was tried for a posting, in order. Append-only.
CREATE TABLE posting_attempts (
    company_id TEXT   NOT NULL,
    token      TEXT   NOT NULL,
    seq        BIGINT NOT NULL CHECK (seq > 0),
    at         BIGINT NOT NULL,
    action     TEXT   NOT NULL,
    outcome    TEXT   NOT NULL,
    status     BIGINT NOT NULL,
    request_id TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    PRIMARY KEY (company_id, token, seq),
    FOREIGN KEY (company_id, token) REFERENCES postings (company_id, token)
);

-- What a period's batches in Visma.net said when a process last read it, which
-- each does before it first posts there. scanned_periods is for people: whether
-- a period was read is never taken from here, since a restored database would
-- believe it. A batch has a row per payment reference found in it.
CREATE TABLE scanned_periods (
    company_id TEXT   NOT NULL,
    period     TEXT   NOT NULL,
    batches    BIGINT NOT NULL,
    scanned_at BIGINT NOT NULL,
    PRIMARY KEY (company_id, period)
);

CREATE TABLE seen_batches (
    company_id   TEXT NOT NULL,
    period       TEXT NOT NULL,
    batch_number TEXT NOT NULL,
    token        TEXT NOT NULL,
    reference    TEXT NOT NULL,
    description  TEXT NOT NULL,
    status       TEXT NOT NULL,
    PRIMARY KEY (company_id, period, batch_number, token, reference)
);

CREATE INDEX seen_batches_by_token ON seen_batches (company_id, token);
CREATE INDEX seen_batches_by_reference ON seen_batches (company_id, reference);

CREATE TABLE sync_runs (
    id            TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    mode          TEXT   NOT NULL,
    window_from   BIGINT NOT NULL,
    window_to     BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    outcome       TEXT   NOT NULL,
    result        TEXT   NOT NULL
);

CREATE INDEX sync_runs_of_connection ON sync_runs (connection_id, started_at);

-- Who did what when, each entry chained to the one before. Append-only. The
-- only row of audit_head is the end of the chain and the lock that makes
-- appending one at a time.
CREATE TABLE audit_log (
    seq           BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
    at            BIGINT NOT NULL,
    who           TEXT   NOT NULL CHECK (who <> ''),
    connection_id TEXT   NOT NULL,
    subject       TEXT   NOT NULL,
    action        TEXT   NOT NULL CHECK (action <> ''),
    before_json   TEXT   NOT NULL,
    after_json    TEXT   NOT NULL,
    prev_hash     TEXT   NOT NULL,
    hash          TEXT   NOT NULL
);

CREATE INDEX audit_log_of_connection ON audit_log (connection_id, seq);

CREATE TABLE audit_head (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash TEXT   NOT NULL
);

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');
