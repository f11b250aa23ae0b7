-- +goose Up
-- The page of a payout reads what became of it, and of nothing else.
CREATE INDEX audit_log_of_subject ON audit_log (connection_id, subject, seq);
