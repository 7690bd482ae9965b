-- Which of several choices a run went by; NULL where the runbook left nobody a choice.
ALTER TABLE attempts ADD COLUMN choice TEXT;

-- Whether what is counted at L3 was healed by a person's choice, and so is a success.
ALTER TABLE incidents ADD COLUMN counted_picked INTEGER NOT NULL DEFAULT 0;

-- What a person at this appliance picked, as JSON: carried out as an order is, and not Central's, which
-- hears of it by evidence alone.
ALTER TABLE orders ADD COLUMN picked TEXT;
