-- Sessions that are good no more. Times are milliseconds since the Unix epoch.
CREATE TABLE revocations (
    id TEXT NOT NULL PRIMARY KEY,
    -- session, device
    kind TEXT NOT NULL,
    -- The session's `jti`, or the device.
    value TEXT NOT NULL,
    -- Seconds since the Unix epoch: a session issued later is not concerned.
    issued_before BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- By then every session that it concerns has ended by itself.
    expires_ms BIGINT NOT NULL,
    author TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX revocations_by_time ON revocations (created_ms, id);
