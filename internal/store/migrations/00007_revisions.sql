-- +goose Up

-- The revision of a payout's posting that counts: 0 for the first; even. The
-- reversal of a revision is the odd one after it, and what is posted after that
-- is the next even one.
ALTER TABLE payouts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0 CHECK (revision >= 0 AND revision % 2 = 0);
