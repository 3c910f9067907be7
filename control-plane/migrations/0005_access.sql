-- Who may use the control plane, and what they did. Times are milliseconds since the Unix epoch.

-- Counts changes of the two tables below, so that every replica sees that there is one.
CREATE TABLE access_state (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO access_state (id, version) VALUES (1, 0);

CREATE TABLE access_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the token in hexadecimal; its text is kept nowhere.
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms BIGINT,
    used_ms BIGINT,
    revoked_ms BIGINT
);

-- Names that client certificates are given a role by.
CREATE TABLE access_certificates (
    id TEXT NOT NULL PRIMARY KEY,
    -- `uri:…`, `dns:…`, `subject:…`
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- One-time tokens of a first start: each replica that starts on an empty table makes its own, and the
-- first exchange ends all of them.
CREATE TABLE access_bootstrap (
    hash TEXT NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);

-- Rows are added, and go when they are too old; none is ever changed.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    -- Empty = nobody who is known.
    identity TEXT NOT NULL,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    -- done, failed, refused
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    revision TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (time_ms, id);
CREATE INDEX audit_by_identity ON audit (identity, time_ms, id);
