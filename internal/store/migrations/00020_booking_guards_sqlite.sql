-- +goose Up

-- What must never happen to bookings, in SQLite's dialect. Keep in step with
-- 00020_booking_guards_postgres.sql.

-- +goose StatementBegin
CREATE TRIGGER bookings_are_never_deleted BEFORE DELETE ON bookings
BEGIN SELECT RAISE(ABORT, 'a booking cannot be deleted: it is what prevents booking twice'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bookings_keep_their_identity BEFORE UPDATE ON bookings
WHEN OLD.company_id <> NEW.company_id OR OLD.token <> NEW.token OR OLD.kind <> NEW.kind OR OLD.name <> NEW.name
    OR OLD.payment_reference IS NOT NEW.payment_reference OR OLD.day <> NEW.day OR OLD.revision <> NEW.revision
BEGIN SELECT RAISE(ABORT, 'a booking keeps its company, token, kind, name, payment reference, day and revision'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bookings_keep_a_sent_voucher BEFORE UPDATE ON bookings
WHEN (OLD.voucher_hash <> NEW.voucher_hash OR OLD.voucher <> NEW.voucher)
    AND OLD.state NOT IN ('intended', 'rejected')
BEGIN SELECT RAISE(ABORT, 'a booking whose voucher may have been sent keeps that voucher'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER booking_attempts_keep_their_entries BEFORE UPDATE ON booking_attempts
BEGIN SELECT RAISE(ABORT, 'booking_attempts is append-only: an attempt cannot be changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER booking_attempts_are_never_deleted BEFORE DELETE ON booking_attempts
BEGIN SELECT RAISE(ABORT, 'booking_attempts is append-only: an attempt cannot be deleted'); END;
-- +goose StatementEnd

-- What tells reports that what books a payout has changed, as 00010 did.
-- +goose StatementBegin
CREATE TRIGGER bookings_that_are_new AFTER INSERT ON bookings
WHEN NEW.kind IN ('payout', 'reversal')
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, 'books', 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bookings_that_changed AFTER UPDATE ON bookings
WHEN NEW.kind IN ('payout', 'reversal') AND (OLD.state <> NEW.state OR OLD.voucher_hash <> NEW.voucher_hash OR
    OLD.batch_number <> NEW.batch_number OR OLD.connection_id <> NEW.connection_id)
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, 'books', 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
END;
-- +goose StatementEnd

-- Decisions are about bookings of any kind. SQLite changes a check only by making
-- the table anew; its guards (00013) go with the old one.
ALTER TABLE decisions RENAME TO old_decisions;
DROP INDEX decisions_are_undone_once;
CREATE TABLE decisions (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    work          TEXT   NOT NULL CHECK (work <> ''),
    name          TEXT   NOT NULL CHECK (name <> ''),
    seq           BIGINT NOT NULL CHECK (seq > 0),
    kind          TEXT   NOT NULL CHECK (kind IN
        ('accept', 'booked_elsewhere', 'unrelated', 'accept_batch', 'keep', 'undo')),
    revision      BIGINT NOT NULL CHECK (revision >= 0),
    code          TEXT   NOT NULL,
    component     TEXT   NOT NULL,
    difference    BIGINT NOT NULL,
    account       TEXT   NOT NULL,
    batch_number  TEXT   NOT NULL,
    evidence      TEXT   NOT NULL,
    reason        TEXT   NOT NULL CHECK (reason <> ''),
    who           TEXT   NOT NULL CHECK (who <> ''),
    at            BIGINT NOT NULL,
    undoes        BIGINT NOT NULL CHECK (undoes >= 0 AND undoes < seq),
    PRIMARY KEY (connection_id, work, name, seq),
    CONSTRAINT undo_names_a_decision CHECK ((kind = 'undo') = (undoes > 0))
);
INSERT INTO decisions
    SELECT connection_id, work, name, seq, kind, revision, code, component, difference, account, batch_number, evidence, reason, who, at, undoes
    FROM old_decisions;
DROP TABLE old_decisions;
CREATE UNIQUE INDEX decisions_are_undone_once ON decisions (connection_id, work, name, undoes) WHERE undoes > 0;
-- +goose StatementBegin
CREATE TRIGGER decisions_keep_their_entries BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions is append-only: a decision cannot be changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions is append-only: a decision cannot be deleted'); END;
-- +goose StatementEnd
-- INSERT OR REPLACE deletes without telling a delete trigger.
-- +goose StatementBegin
CREATE TRIGGER decisions_are_never_replaced BEFORE INSERT ON decisions
WHEN EXISTS (SELECT 1 FROM decisions WHERE connection_id = NEW.connection_id AND work = NEW.work AND name = NEW.name AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'decisions is append-only: a decision cannot be replaced'); END;
-- +goose StatementEnd
