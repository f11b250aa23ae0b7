-- +goose Up

-- What tells reports that something changed, in PostgreSQL's dialect. Keep in
-- step with 00010_register_todo_sqlite.sql.

-- +goose StatementBegin
CREATE FUNCTION kvitt_register() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, TG_ARGV[0], 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER payouts_with_new_rows AFTER UPDATE ON payouts
    FOR EACH ROW WHEN (OLD.row_count <> NEW.row_count OR OLD.proof <> NEW.proof)
    EXECUTE FUNCTION kvitt_register('rows');
CREATE TRIGGER postings_that_are_new AFTER INSERT ON postings
    FOR EACH ROW EXECUTE FUNCTION kvitt_register('books');
CREATE TRIGGER postings_that_changed AFTER UPDATE ON postings
    FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.voucher_hash <> NEW.voucher_hash OR
        OLD.batch_number <> NEW.batch_number OR OLD.connection_id <> NEW.connection_id)
    EXECUTE FUNCTION kvitt_register('books');
