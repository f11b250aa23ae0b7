-- +goose Up

-- What must never happen to a record, in SQLite's dialect. Keep in step with
-- 00002_guards_postgres.sql.

-- +goose StatementBegin
CREATE TRIGGER audit_log_keeps_its_entries BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only: an entry cannot be changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_is_never_deleted BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only: an entry cannot be deleted'); END;
-- +goose StatementEnd
-- INSERT OR REPLACE deletes without telling a delete trigger.
-- +goose StatementBegin
CREATE TRIGGER audit_log_is_never_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only: an entry cannot be replaced'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'audit_head cannot be deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER profiles_keep_their_versions BEFORE UPDATE ON profiles
BEGIN SELECT RAISE(ABORT, 'profiles is append-only: a version cannot be changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER profiles_are_never_deleted BEFORE DELETE ON profiles
BEGIN SELECT RAISE(ABORT, 'profiles is append-only: a version cannot be deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER posting_attempts_keep_their_entries BEFORE UPDATE ON posting_attempts
BEGIN SELECT RAISE(ABORT, 'posting_attempts is append-only: an attempt cannot be changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER posting_attempts_are_never_deleted BEFORE DELETE ON posting_attempts
BEGIN SELECT RAISE(ABORT, 'posting_attempts is append-only: an attempt cannot be deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER postings_are_never_deleted BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting cannot be deleted: it is what prevents booking twice'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_keep_their_identity BEFORE UPDATE ON postings
WHEN OLD.company_id <> NEW.company_id OR OLD.token <> NEW.token
    OR OLD.payment_reference <> NEW.payment_reference OR OLD.revision <> NEW.revision
BEGIN SELECT RAISE(ABORT, 'a posting keeps its company, token, payment reference and revision'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_keep_a_sent_voucher BEFORE UPDATE ON postings
WHEN (OLD.voucher_hash <> NEW.voucher_hash OR OLD.voucher <> NEW.voucher)
    AND OLD.state NOT IN ('intended', 'rejected')
BEGIN SELECT RAISE(ABORT, 'a posting whose voucher may have been sent keeps that voucher'); END;
-- +goose StatementEnd
