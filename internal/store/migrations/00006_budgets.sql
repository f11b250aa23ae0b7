-- +goose Up

-- How much of what a provider grants is left, for all processes together: a
-- row per budget, as package budget writes it. Nothing of value is lost with
-- it: a budget that is not there begins anew.
CREATE TABLE budgets (
    name       TEXT   NOT NULL PRIMARY KEY CHECK (name <> ''),
    state      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);
