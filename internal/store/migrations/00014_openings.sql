-- +goose Up

-- What stood open with Klarna when a connection began, and where the books have
-- it: a batch that was read and compared, or as a person has said. Append-only: the
-- latest of a currency holds, and "withdrawn" takes it back.
CREATE TABLE openings (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    currency      TEXT   NOT NULL CHECK (currency <> ''),
    seq           BIGINT NOT NULL CHECK (seq > 0),
    start_date    TEXT   NOT NULL CHECK (start_date <> ''),
    way           TEXT   NOT NULL CHECK (way IN ('booked', 'in_books', 'withdrawn')),
    batch_number  TEXT   NOT NULL,
    figures       TEXT   NOT NULL,
    who           TEXT   NOT NULL CHECK (who <> ''),
    reason        TEXT   NOT NULL CHECK (reason <> ''),
    recorded_at   BIGINT NOT NULL,
    PRIMARY KEY (connection_id, currency, seq),
    CONSTRAINT opening_names_its_batch CHECK ((way = 'booked') = (batch_number <> ''))
);
