-- Programs and browsers whose proof is given on another device. `secret` is the hash of what they ask
-- with; the code is what a person compares, and grants nothing by itself.
CREATE TABLE pairings (
    event_id TEXT PRIMARY KEY NOT NULL,
    secret TEXT NOT NULL,
    code TEXT NOT NULL,
    host TEXT NOT NULL,
    ticket TEXT NOT NULL,
    asker TEXT NOT NULL,
    device TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    approver TEXT NOT NULL,
    assurance TEXT NOT NULL,
    proven_s BIGINT NOT NULL,
    interval_s BIGINT NOT NULL,
    asked_ms BIGINT NOT NULL,
    expires_s BIGINT NOT NULL
);
CREATE UNIQUE INDEX pairings_by_secret ON pairings (secret);
CREATE UNIQUE INDEX pairings_by_code ON pairings (code);
CREATE INDEX pairings_by_origin ON pairings (origin, expires_s);
CREATE INDEX pairings_by_expiry ON pairings (expires_s);
