-- +goose Up

-- What reports read: sums of what stands elsewhere, made again from it at any
-- time. Nothing here is evidence. Days are the voucher's, or the payout's day in
-- the company's zone before it has a voucher.

-- What changed since the tables below were brought up to date. Triggers in
-- 00010_register_todo write it in the transaction of the change itself, so
-- that nothing is forgotten whatever a clock says. n counts the changes.
CREATE TABLE register_todo (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    what              TEXT   NOT NULL CHECK (what IN ('rows', 'books')),
    n                 BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, what)
);

-- The rows of a payout by type, detailed type and rate of VAT.
CREATE TABLE register_sums (
    connection_id     TEXT    NOT NULL,
    payment_reference TEXT    NOT NULL,
    day               TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    type              TEXT    NOT NULL,
    detailed_type     TEXT    NOT NULL,
    vat_rate          BIGINT  NOT NULL,
    outside           BOOLEAN NOT NULL,
    row_count         BIGINT  NOT NULL,
    amount            BIGINT  NOT NULL,
    vat               BIGINT  NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, type, detailed_type, vat_rate)
);
CREATE INDEX register_sums_by_day ON register_sums
    (connection_id, type, day, currency, detailed_type, vat_rate, outside, row_count, amount, vat);

-- A payout whose rows were read, and by how much their fees and VAT differ from
-- Klarna's totals.
CREATE TABLE register_read (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    day               TEXT   NOT NULL,
    currency          TEXT   NOT NULL,
    row_count         BIGINT NOT NULL,
    difference        BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference)
);
CREATE INDEX register_read_by_day ON register_read (connection_id, day, currency, row_count, difference);

-- The lines of the vouchers that are in Visma.net, by what their account is
-- for. proven is what the proof says that the line gives the merchant.
CREATE TABLE register_lines (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    token             TEXT   NOT NULL,
    n                 BIGINT NOT NULL,
    day               TEXT   NOT NULL,
    currency          TEXT   NOT NULL,
    account           TEXT   NOT NULL,
    about             TEXT   NOT NULL,
    debit             BIGINT NOT NULL,
    credit            BIGINT NOT NULL,
    proven            BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, token, n)
);
CREATE INDEX register_lines_by_account ON register_lines
    (connection_id, about, day, currency, account, debit, credit, proven);

-- Which payouts an order, capture, refund or merchant's reference stands in, by
-- hash. Lists are new and belong to a payout; 512 of them are folded into a
-- segment, whose pages hold one bucket of hashes each. What is found here is
-- looked for in the archived rows before it is believed.
CREATE TABLE reference_lists (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    seq               BIGINT NOT NULL,
    body              BYTEA  NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, seq)
);
CREATE TABLE reference_segments (
    connection_id TEXT   NOT NULL,
    segment       BIGINT NOT NULL,
    payouts       TEXT   NOT NULL,
    PRIMARY KEY (connection_id, segment)
);
CREATE TABLE reference_pages (
    connection_id TEXT   NOT NULL,
    bucket        BIGINT NOT NULL,
    segment       BIGINT NOT NULL,
    body          BYTEA  NOT NULL,
    PRIMARY KEY (connection_id, bucket, segment)
);

CREATE INDEX postings_by_batch ON postings (batch_number, company_id);
CREATE INDEX postings_by_token ON postings (token);
CREATE INDEX payouts_in_sum ON payouts (connection_id, payout_date, currency, state, settlement, row_count);

INSERT INTO register_todo (connection_id, payment_reference, what, n)
    SELECT connection_id, payment_reference, 'rows', 1 FROM payouts WHERE row_count > 0;
INSERT INTO register_todo (connection_id, payment_reference, what, n)
    SELECT DISTINCT connection_id, payment_reference, 'books', 1 FROM postings;
