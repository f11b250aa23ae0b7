-- +goose Up

-- What tells reports that something changed, in SQLite's dialect. Keep in step
-- with 00010_register_todo_postgres.sql.

-- +goose StatementBegin
CREATE TRIGGER payouts_with_new_rows AFTER UPDATE ON payouts
WHEN OLD.row_count <> NEW.row_count OR OLD.proof <> NEW.proof
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, 'rows', 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_that_are_new AFTER INSERT ON postings
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, 'books', 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_that_changed AFTER UPDATE ON postings
WHEN OLD.state <> NEW.state OR OLD.voucher_hash <> NEW.voucher_hash OR
    OLD.batch_number <> NEW.batch_number OR OLD.connection_id <> NEW.connection_id
BEGIN
    INSERT INTO register_todo (connection_id, payment_reference, what, n)
        VALUES (NEW.connection_id, NEW.payment_reference, 'books', 1)
        ON CONFLICT (connection_id, payment_reference, what) DO UPDATE SET n = register_todo.n + 1;
END;
-- +goose StatementEnd
