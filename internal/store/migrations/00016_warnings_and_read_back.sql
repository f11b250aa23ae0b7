-- +goose Up

-- What was borne with in Klarna's answers about a payout, as JSON; '' for
-- nothing. It is for people: no figure rests on it.
ALTER TABLE payouts ADD COLUMN warnings TEXT NOT NULL DEFAULT '';

-- How much of the batch was compared when it was read back: 0, as before this
-- migration, without what Visma.net fills in by itself; 1, with it. What was
-- accepted then is not held against the batch now.
ALTER TABLE postings ADD COLUMN compared BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accruals ADD COLUMN compared BIGINT NOT NULL DEFAULT 0;
