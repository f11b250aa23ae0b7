-- +goose Up

-- What Klarna answered when it was asked what it paid out in some days, as it
-- was received. Every question of one asking carries the same moment. Rows are
-- only added: they show what a month was signed off against.
CREATE TABLE window_answers (
    connection_id  TEXT   NOT NULL REFERENCES connections (id),
    first_day      TEXT   NOT NULL CHECK (first_day <> ''),
    last_day       TEXT   NOT NULL CHECK (last_day <> ''),
    asked_at       BIGINT NOT NULL,
    kind           TEXT   NOT NULL CHECK (kind <> ''), -- summary, count.SEK, payouts.SEK
    seq            BIGINT NOT NULL,
    sha256         TEXT   NOT NULL,
    size           BIGINT NOT NULL,
    body           BYTEA  NOT NULL,
    correlation_id TEXT   NOT NULL,
    path           TEXT   NOT NULL,
    fetched_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, first_day, last_day, asked_at, kind, seq)
);

-- The rows of payouts that are about a dispute or a loan, which people follow one
-- by one. Made again from the archive at any time, as all of the register.
-- amount is what the row gives the merchant by the proof; component names it as
-- the proof does.
CREATE TABLE register_items (
    connection_id       TEXT   NOT NULL,
    payment_reference   TEXT   NOT NULL,
    n                   BIGINT NOT NULL,
    about               TEXT   NOT NULL,
    item_key            TEXT   NOT NULL,
    component           TEXT   NOT NULL,
    payout_day          TEXT   NOT NULL,
    row_day             TEXT   NOT NULL,
    currency            TEXT   NOT NULL,
    type                TEXT   NOT NULL,
    detailed_type       TEXT   NOT NULL,
    amount              BIGINT NOT NULL,
    order_id            TEXT   NOT NULL,
    capture_id          TEXT   NOT NULL,
    refund_id           TEXT   NOT NULL,
    merchant_reference1 TEXT   NOT NULL,
    merchant_reference2 TEXT   NOT NULL,
    reversal_reference  TEXT   NOT NULL,
    comment             TEXT   NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, n)
);
CREATE INDEX register_items_by_key ON register_items (connection_id, about, currency, item_key, payment_reference, n);

-- Where the vouchers of a payout that are in Visma.net put those rows: the
-- account and the day. One that takes back has sign -1.
CREATE TABLE register_places (
    connection_id     TEXT   NOT NULL,
    payment_reference TEXT   NOT NULL,
    token             TEXT   NOT NULL,
    component         TEXT   NOT NULL,
    account           TEXT   NOT NULL,
    day               TEXT   NOT NULL,
    sign              BIGINT NOT NULL,
    PRIMARY KEY (connection_id, payment_reference, token, component)
);

-- What was read before is read again where it has such rows.
INSERT INTO register_todo (connection_id, payment_reference, what, n)
    SELECT connection_id, payment_reference, 'rows', 1 FROM (SELECT DISTINCT connection_id, payment_reference FROM register_sums
        WHERE type IN ('REVERSAL', 'REVERSAL_MERCHANT_PROTECTION') OR detailed_type IN ('PAYMENT_DEFAULT', 'CORRECTION_DISPUTE', 'LOAN_PAYOUT',
            'LOAN_AMORTISATION', 'LOAN_FEE', 'CASH_ADVANCE_PAYOUT', 'CASH_ADVANCE_AMORTISATION', 'CASH_ADVANCE_FEES')) AS marked WHERE true
    ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
INSERT INTO register_todo (connection_id, payment_reference, what, n)
    SELECT connection_id, payment_reference, 'books', 1 FROM (SELECT DISTINCT connection_id, payment_reference FROM register_sums
        WHERE type IN ('REVERSAL', 'REVERSAL_MERCHANT_PROTECTION') OR detailed_type IN ('PAYMENT_DEFAULT', 'CORRECTION_DISPUTE', 'LOAN_PAYOUT',
            'LOAN_AMORTISATION', 'LOAN_FEE', 'CASH_ADVANCE_PAYOUT', 'CASH_ADVANCE_AMORTISATION', 'CASH_ADVANCE_FEES')) AS marked WHERE true
    ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
