-- +goose Up

-- Who is behind a session, and what must never happen to payouts and documents,
-- in PostgreSQL's dialect. Keep in step with 00018_persons_sqlite.sql.

-- Who a person at the provider is ("issuer subject"), so that one account there
-- is one person here; "" until they have signed in there.
ALTER TABLE people ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX people_by_subject ON people (subject) WHERE subject <> '';

-- Who has seen the link that a session began with, and so may be the person who
-- holds it: e-mail addresses with commas between, * for anybody, "" for nobody
-- but the person.
ALTER TABLE signin_links ADD COLUMN vouched_by TEXT NOT NULL DEFAULT '*';
ALTER TABLE sessions ADD COLUMN vouched_by TEXT NOT NULL DEFAULT '*';

-- Where a session began, for the list of sessions.
ALTER TABLE sessions ADD COLUMN remote TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';

-- Who may have been the author of a version, as vouched_by says.
ALTER TABLE profiles ADD COLUMN vouched_by TEXT NOT NULL DEFAULT '';

-- Where the audit trail stood, sealed with the keyset: who writes the whole chain
-- anew, or cuts its end off, cannot write these.
CREATE TABLE audit_marks (
    seq    BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
    at     BIGINT NOT NULL,
    sealed BYTEA  NOT NULL
);

CREATE INDEX audit_log_by_subject ON audit_log (connection_id, subject, seq);
CREATE INDEX instructions_of_connection ON instructions (connection_id, created_at);

CREATE TRIGGER payouts_are_never_deleted BEFORE DELETE ON payouts
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('a payout cannot be deleted: it is a part of the books');

-- Once a payout is verified, its documents are the accounting material.
-- +goose StatementBegin
CREATE FUNCTION kvitt_keep_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payouts WHERE connection_id = OLD.connection_id AND payment_reference = OLD.payment_reference
        AND state = 'verified') AND OLD.kind NOT LIKE '%.partial' THEN
        RAISE EXCEPTION 'a document of a verified payout cannot be changed or deleted: it is a part of the books' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER documents_of_verified_payouts_stay BEFORE DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION kvitt_keep_document();
CREATE TRIGGER documents_of_verified_payouts_keep_their_bytes BEFORE UPDATE ON documents
    FOR EACH ROW WHEN (OLD.sha256 <> NEW.sha256 OR OLD.size <> NEW.size) EXECUTE FUNCTION kvitt_keep_document();
CREATE TRIGGER documents_are_never_emptied BEFORE TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('documents cannot be emptied: they are a part of the books');

CREATE TRIGGER audit_marks_stay BEFORE UPDATE OR DELETE ON audit_marks
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('a mark of the audit trail cannot be changed or deleted');
CREATE TRIGGER audit_marks_are_never_emptied BEFORE TRUNCATE ON audit_marks
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('a mark of the audit trail cannot be changed or deleted');
