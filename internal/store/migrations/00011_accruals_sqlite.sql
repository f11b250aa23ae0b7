-- +goose Up

-- Accruals, and what must never happen to them, in SQLite's dialect. Keep in
-- step with 00011_accruals_postgres.sql.

-- The memory of accruals: as postings and posting_attempts (00001), with the
-- accrual's name in payment_reference, since no payout is behind one.
CREATE TABLE accruals (
    company_id        TEXT    NOT NULL CHECK (company_id <> ''),
    token             TEXT    NOT NULL CHECK (token <> ''),
    connection_id     TEXT    NOT NULL REFERENCES connections (id),
    payment_reference TEXT    NOT NULL CHECK (payment_reference <> ''),
    revision          BIGINT  NOT NULL CHECK (revision = 0),
    voucher_hash      TEXT    NOT NULL CHECK (voucher_hash <> ''),
    voucher           TEXT    NOT NULL,
    period            TEXT    NOT NULL,
    mode              TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN
        ('intended', 'sending', 'accepted', 'unknown', 'booked', 'checked', 'attached',
         'released', 'verified', 'draft', 'rejected')),
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
    CONSTRAINT booked_accrual_has_a_batch CHECK (batch_number <> '' OR state NOT IN
        ('booked', 'checked', 'attached', 'released', 'verified', 'draft'))
);
CREATE INDEX accruals_of_connection ON accruals (connection_id);

-- Append-only.
CREATE TABLE accrual_attempts (
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
    FOREIGN KEY (company_id, token) REFERENCES accruals (company_id, token)
);

-- +goose StatementBegin
CREATE TRIGGER accruals_are_never_deleted BEFORE DELETE ON accruals
BEGIN SELECT RAISE(ABORT, 'an accrual cannot be deleted: it is what prevents booking twice'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER accruals_keep_their_identity BEFORE UPDATE ON accruals
WHEN OLD.company_id <> NEW.company_id OR OLD.token <> NEW.token OR OLD.payment_reference <> NEW.payment_reference
BEGIN SELECT RAISE(ABORT, 'an accrual keeps its company, token and name'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER accruals_keep_a_sent_voucher BEFORE UPDATE ON accruals
WHEN (OLD.voucher_hash <> NEW.voucher_hash OR OLD.voucher <> NEW.voucher)
    AND OLD.state NOT IN ('intended', 'rejected')
BEGIN SELECT RAISE(ABORT, 'an accrual whose voucher may have been sent keeps that voucher'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER accrual_attempts_keep_their_entries BEFORE UPDATE ON accrual_attempts
BEGIN SELECT RAISE(ABORT, 'accrual_attempts is append-only: an attempt cannot be changed'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER accrual_attempts_are_never_deleted BEFORE DELETE ON accrual_attempts
BEGIN SELECT RAISE(ABORT, 'accrual_attempts is append-only: an attempt cannot be deleted'); END;
-- +goose StatementEnd
