-- Which of several choices a run went by; NULL where the runbook left nobody a choice.
ALTER TABLE attempts ADD COLUMN choice TEXT;

-- Whether what is counted at L3 was healed by a person's choice, and so is a success.
ALTER TABLE incidents ADD COLUMN counted_picked INTEGER NOT NULL DEFAULT 0;
