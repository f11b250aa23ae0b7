-- +goose Up

-- What must never happen to bookings, in PostgreSQL's dialect. Keep in step with
-- 00020_booking_guards_sqlite.sql.

CREATE TRIGGER bookings_are_never_deleted BEFORE DELETE ON bookings
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('a booking cannot be deleted: it is what prevents booking twice');
CREATE TRIGGER bookings_are_never_emptied BEFORE TRUNCATE ON bookings
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('a booking cannot be deleted: it is what prevents booking twice');
CREATE TRIGGER bookings_keep_their_identity BEFORE UPDATE ON bookings
    FOR EACH ROW WHEN (OLD.company_id <> NEW.company_id OR OLD.token <> NEW.token OR OLD.kind <> NEW.kind OR OLD.name <> NEW.name
        OR OLD.payment_reference IS DISTINCT FROM NEW.payment_reference OR OLD.day <> NEW.day OR OLD.revision <> NEW.revision)
    EXECUTE FUNCTION kvitt_refuse('a booking keeps its company, token, kind, name, payment reference, day and revision');
CREATE TRIGGER bookings_keep_a_sent_voucher BEFORE UPDATE ON bookings
    FOR EACH ROW WHEN ((OLD.voucher_hash <> NEW.voucher_hash OR OLD.voucher <> NEW.voucher)
        AND OLD.state NOT IN ('intended', 'rejected'))
    EXECUTE FUNCTION kvitt_refuse('a booking whose voucher may have been sent keeps that voucher');

CREATE TRIGGER booking_attempts_keep_their_entries BEFORE UPDATE ON booking_attempts
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('booking_attempts is append-only: an attempt cannot be changed');
CREATE TRIGGER booking_attempts_are_never_deleted BEFORE DELETE ON booking_attempts
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('booking_attempts is append-only: an attempt cannot be deleted');
CREATE TRIGGER booking_attempts_are_never_emptied BEFORE TRUNCATE ON booking_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('booking_attempts is append-only: it cannot be emptied');

-- What tells reports that what books a payout has changed, as 00010 did.
CREATE TRIGGER bookings_that_are_new AFTER INSERT ON bookings
    FOR EACH ROW WHEN (NEW.kind IN ('payout', 'reversal')) EXECUTE FUNCTION kvitt_register('books');
CREATE TRIGGER bookings_that_changed AFTER UPDATE ON bookings
    FOR EACH ROW WHEN (NEW.kind IN ('payout', 'reversal') AND (OLD.state <> NEW.state OR OLD.voucher_hash <> NEW.voucher_hash OR
        OLD.batch_number <> NEW.batch_number OR OLD.connection_id <> NEW.connection_id))
    EXECUTE FUNCTION kvitt_register('books');

-- Decisions are about bookings of any kind.
ALTER TABLE decisions DROP CONSTRAINT decisions_work_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_work_check CHECK (work <> '');
