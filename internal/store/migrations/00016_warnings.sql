-- +goose Up

-- What was borne with in Klarna's answers about a payout, as JSON; '' for
-- nothing. It is for people: no figure rests on it.
ALTER TABLE payouts ADD COLUMN warnings TEXT NOT NULL DEFAULT '';
