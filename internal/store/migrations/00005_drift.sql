-- +goose Up

-- What a later look at Visma.net found of a batch that was posted: a row per
-- posting, written over at each look. What changed when stands in audit_log.
CREATE TABLE drift (
    company_id  TEXT   NOT NULL,
    token       TEXT   NOT NULL,
    word        TEXT   NOT NULL CHECK (word IN
        ('as_posted', 'released', 'unreleased', 'edited', 'voided', 'gone', 'elsewhere')),
    differences TEXT   NOT NULL,
    posted      TEXT   NOT NULL,
    found       TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    checked_at  BIGINT NOT NULL,
    PRIMARY KEY (company_id, token),
    FOREIGN KEY (company_id, token) REFERENCES postings (company_id, token)
);
