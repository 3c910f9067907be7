-- Ceremonies of several kinds, and those that take more than one answer until one is right.
ALTER TABLE ceremonies ADD COLUMN kind TEXT NOT NULL DEFAULT 'fido';
ALTER TABLE ceremonies ADD COLUMN tries BIGINT NOT NULL DEFAULT 1;
