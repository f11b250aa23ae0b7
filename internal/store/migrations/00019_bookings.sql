-- +goose Up

-- What Kvitt writes into somebody's books is a booking of a kind: a payout's
-- voucher, its reversal, a part of it in an earlier period, an accrual. Until now
-- the first two were postings and the others accruals, each with tables of its own.
--
-- Renaming comes first: it takes the lock under which nothing is written between
-- copying and dropping, by a process of before that still runs.
ALTER TABLE postings RENAME TO old_postings;
ALTER TABLE accruals RENAME TO old_accruals;

-- The memory: one row per intent to book, written before the first POST. The guards
-- (00020) refuse deletion, and another voucher once the first may have been sent.
CREATE TABLE bookings (
    company_id        TEXT    NOT NULL CHECK (company_id <> ''),
    token             TEXT    NOT NULL CHECK (token <> ''),
    kind              TEXT    NOT NULL CHECK (kind <> ''),
    name              TEXT    NOT NULL CHECK (name <> ''), -- for people, of its kind in its connection
    connection_id     TEXT    NOT NULL REFERENCES connections (id),
    payment_reference TEXT,             -- of the payout behind it, NULL where there is none
    day               TEXT    NOT NULL, -- the last one of the period that it is about, '' where it is about none
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
    compared          BIGINT  NOT NULL,
    PRIMARY KEY (company_id, token),
    CONSTRAINT booked_has_a_number CHECK (batch_number <> '' OR state NOT IN
        ('booked', 'checked', 'attached', 'released', 'verified', 'draft', 'reversed')),
    CONSTRAINT of_a_payout CHECK (payment_reference IS NOT NULL OR kind NOT IN ('payout', 'reversal')),
    FOREIGN KEY (connection_id, payment_reference) REFERENCES payouts (connection_id, payment_reference)
);

INSERT INTO bookings
    SELECT company_id, token, CASE revision % 2 WHEN 1 THEN 'reversal' ELSE 'payout' END, payment_reference, connection_id, payment_reference, '',
        revision, voucher_hash, voucher, period, mode, state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted,
        failure, created_at, updated_at, compared
    FROM old_postings;

-- What had its payout and day in its name only: "split REF 2026-01-31" and
-- "accrual 2026-01-31 SEK".
INSERT INTO bookings
    SELECT a.company_id, a.token, CASE WHEN a.payment_reference LIKE 'split %' THEN 'part' ELSE 'accrual' END, a.payment_reference, a.connection_id,
        p.payment_reference,
        CASE WHEN a.payment_reference LIKE 'split %' THEN SUBSTR(a.payment_reference, LENGTH(a.payment_reference) - 9) ELSE SUBSTR(a.payment_reference, 9, 10) END,
        a.revision, a.voucher_hash, a.voucher, a.period, a.mode, a.state, a.job_id, a.batch_number, a.attempts, a.attempted_at, a.unknown_since,
        a.absent_since, a.adopted, a.failure, a.created_at, a.updated_at, a.compared
    FROM old_accruals AS a LEFT JOIN payouts AS p ON a.payment_reference LIKE 'split %' AND p.connection_id = a.connection_id
        AND p.payment_reference = REPLACE(SUBSTR(a.payment_reference, 7), SUBSTR(a.payment_reference, LENGTH(a.payment_reference) - 10), '');

-- A payout is booked, and taken back, at most once per revision, in whatever company.
CREATE UNIQUE INDEX one_booking_per_revision ON bookings (connection_id, payment_reference, revision) WHERE kind IN ('payout', 'reversal');
CREATE INDEX bookings_of_payout ON bookings (payment_reference);
CREATE INDEX bookings_of_connection ON bookings (connection_id, kind);
CREATE INDEX bookings_by_batch ON bookings (batch_number, company_id);
CREATE INDEX bookings_by_token ON bookings (token);

-- What was tried for a booking, in order. Append-only.
CREATE TABLE booking_attempts (
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
    FOREIGN KEY (company_id, token) REFERENCES bookings (company_id, token)
);
INSERT INTO booking_attempts
    SELECT company_id, token, seq, at, action, outcome, status, request_id, detail FROM posting_attempts UNION ALL
    SELECT company_id, token, seq, at, action, outcome, status, request_id, detail FROM accrual_attempts;

-- What a later look at Visma.net found of a booking: a row per booking, written
-- over at each look. What changed when stands in audit_log.
CREATE TABLE booking_drift (
    company_id  TEXT   NOT NULL,
    token       TEXT   NOT NULL,
    word        TEXT   NOT NULL CHECK (word <> ''),
    differences TEXT   NOT NULL,
    posted      TEXT   NOT NULL,
    found       TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    checked_at  BIGINT NOT NULL,
    PRIMARY KEY (company_id, token),
    FOREIGN KEY (company_id, token) REFERENCES bookings (company_id, token)
);
INSERT INTO booking_drift
    SELECT company_id, token, word, differences, posted, found, since, checked_at FROM drift UNION ALL
    SELECT company_id, token, word, differences, posted, found, since, checked_at FROM accrual_drift;

DROP TABLE posting_attempts;
DROP TABLE accrual_attempts;
DROP TABLE drift;
DROP TABLE accrual_drift;
DROP TABLE old_postings;
DROP TABLE old_accruals;
