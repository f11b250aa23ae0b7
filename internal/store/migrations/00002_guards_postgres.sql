-- +goose Up

-- What must never happen to a record, in PostgreSQL's dialect. Keep in step
-- with 00002_guards_sqlite.sql.

-- +goose StatementBegin
CREATE FUNCTION kvitt_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_log_keeps_its_entries BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('audit_log is append-only: an entry cannot be changed');
CREATE TRIGGER audit_log_is_never_deleted BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('audit_log is append-only: an entry cannot be deleted');
CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('audit_log is append-only: it cannot be emptied');
CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('audit_head cannot be deleted');
CREATE TRIGGER audit_head_is_never_emptied BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('audit_head cannot be deleted');

CREATE TRIGGER profiles_keep_their_versions BEFORE UPDATE ON profiles
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('profiles is append-only: a version cannot be changed');
CREATE TRIGGER profiles_are_never_deleted BEFORE DELETE ON profiles
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('profiles is append-only: a version cannot be deleted');
CREATE TRIGGER profiles_are_never_emptied BEFORE TRUNCATE ON profiles
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('profiles is append-only: it cannot be emptied');

CREATE TRIGGER posting_attempts_keep_their_entries BEFORE UPDATE ON posting_attempts
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('posting_attempts is append-only: an attempt cannot be changed');
CREATE TRIGGER posting_attempts_are_never_deleted BEFORE DELETE ON posting_attempts
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('posting_attempts is append-only: an attempt cannot be deleted');
CREATE TRIGGER posting_attempts_are_never_emptied BEFORE TRUNCATE ON posting_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('posting_attempts is append-only: it cannot be emptied');

CREATE TRIGGER postings_are_never_deleted BEFORE DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('a posting cannot be deleted: it is what prevents booking twice');
CREATE TRIGGER postings_are_never_emptied BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('a posting cannot be deleted: it is what prevents booking twice');
CREATE TRIGGER postings_keep_their_identity BEFORE UPDATE ON postings
    FOR EACH ROW WHEN (OLD.company_id <> NEW.company_id OR OLD.token <> NEW.token
        OR OLD.payment_reference <> NEW.payment_reference OR OLD.revision <> NEW.revision)
    EXECUTE FUNCTION kvitt_refuse('a posting keeps its company, token, payment reference and revision');
CREATE TRIGGER postings_keep_a_sent_voucher BEFORE UPDATE ON postings
    FOR EACH ROW WHEN ((OLD.voucher_hash <> NEW.voucher_hash OR OLD.voucher <> NEW.voucher)
        AND OLD.state NOT IN ('intended', 'rejected'))
    EXECUTE FUNCTION kvitt_refuse('a posting whose voucher may have been sent keeps that voucher');
