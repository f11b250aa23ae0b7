-- +goose Up

-- Review and rehearsal. One file for both databases: see 00001 for how types
-- and times are written.

-- Whether whoever changed the posting profile may approve what it led to.
ALTER TABLE connections ADD COLUMN four_eyes BOOLEAN NOT NULL DEFAULT FALSE;

-- Why a version was made, in the words of who made it.
ALTER TABLE profiles ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- What a dry run would have posted, or why it would have held it: one row for
-- each payout of a run. Nothing in here is ever posted, and no state of a payout
-- follows from it.
CREATE TABLE previews (
    run_id            TEXT   NOT NULL REFERENCES sync_runs (id),
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('compiled', 'held')),
    held_reason       TEXT   NOT NULL,
    held              TEXT   NOT NULL,
    row_count         BIGINT NOT NULL,
    voucher           TEXT   NOT NULL,
    voucher_hash      TEXT   NOT NULL,
    profile_version   BIGINT NOT NULL,
    compiled_at       BIGINT NOT NULL,
    PRIMARY KEY (run_id, payment_reference),
    CONSTRAINT preview_says_why CHECK (state <> 'held' OR held_reason <> ''),
    CONSTRAINT preview_has_a_voucher CHECK (state <> 'compiled' OR voucher <> ''),
    FOREIGN KEY (connection_id, payment_reference) REFERENCES payouts (connection_id, payment_reference)
);

CREATE INDEX previews_of_payout ON previews (connection_id, payment_reference, compiled_at);
