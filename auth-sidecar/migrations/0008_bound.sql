-- Sessions that a key of the device renews (Device Bound Session Credentials). Until the browser has
-- registered its key, `public_key` is empty and the row is an offer that soon expires. `challenge` is the
-- one that is to be signed next; empty: none was given out since the last one was used.
CREATE TABLE bound_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    origin TEXT NOT NULL,
    host TEXT NOT NULL,
    device TEXT NOT NULL,
    claims TEXT NOT NULL,
    public_key TEXT NOT NULL,
    challenge TEXT NOT NULL,
    challenge_expires_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL
);
CREATE INDEX bound_sessions_by_device ON bound_sessions (device, host);
CREATE INDEX bound_sessions_by_expiry ON bound_sessions (expires_s);
