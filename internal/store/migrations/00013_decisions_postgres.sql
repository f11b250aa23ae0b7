-- +goose Up

-- What people decided about a payout that is held, a reversal or an accrual: an
-- accepted difference, the batch that books it already, a batch taken as it is.
-- A decision that is taken back stays, and so does the entry that takes it back:
-- undoes is its seq, 0 for a decision. Append-only.
CREATE TABLE decisions (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    work          TEXT   NOT NULL CHECK (work IN ('payout', 'reversal', 'accrual')),
    name          TEXT   NOT NULL CHECK (name <> ''), -- a payment reference, or an accrual's name
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

CREATE UNIQUE INDEX decisions_are_undone_once ON decisions (connection_id, work, name, undoes) WHERE undoes > 0;

CREATE TRIGGER decisions_keep_their_entries BEFORE UPDATE ON decisions
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('decisions is append-only: a decision cannot be changed');
CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION kvitt_refuse('decisions is append-only: a decision cannot be deleted');
CREATE TRIGGER decisions_are_never_emptied BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION kvitt_refuse('decisions is append-only: it cannot be emptied');
