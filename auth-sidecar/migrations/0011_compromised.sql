-- Outcomes that ask for the end of a device's sessions: a full spool drops the others first.
ALTER TABLE outcomes ADD COLUMN compromised BIGINT NOT NULL DEFAULT 0;
CREATE INDEX outcomes_compromised ON outcomes (sequence) WHERE compromised = 1;
