-- +goose Up

-- Why a reversal or an accrual waits, for as long as it does. A payout has its
-- own columns for that; these have no row of their own until something was sent.
CREATE TABLE stops (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    work          TEXT   NOT NULL CHECK (work <> ''), -- reversal, accrual
    name          TEXT   NOT NULL CHECK (name <> ''), -- a payment reference, or an accrual's name
    reason        TEXT   NOT NULL CHECK (reason <> ''),
    held          TEXT   NOT NULL,
    since         BIGINT NOT NULL,
    PRIMARY KEY (connection_id, work, name)
);

-- What the last look at Visma.net found of an accrual: as drift (00005), and
-- that Visma.net has not taken it back.
CREATE TABLE accrual_drift (
    company_id  TEXT   NOT NULL,
    token       TEXT   NOT NULL,
    word        TEXT   NOT NULL CHECK (word IN
        ('as_posted', 'released', 'unreleased', 'edited', 'voided', 'gone', 'elsewhere', 'not_taken_back')),
    differences TEXT   NOT NULL,
    posted      TEXT   NOT NULL,
    found       TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    checked_at  BIGINT NOT NULL,
    PRIMARY KEY (company_id, token),
    FOREIGN KEY (company_id, token) REFERENCES accruals (company_id, token)
);
