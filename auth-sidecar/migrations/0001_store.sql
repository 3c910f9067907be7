-- Types and statements are those that SQLite and PostgreSQL share: bytes travel as base64url text,
-- times are seconds or milliseconds since the epoch.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- A number that only grows, also when every row that used it is gone.
CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('outcome', 0), ('session_key', 0);

CREATE TABLE session_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    serial BIGINT NOT NULL UNIQUE,
    public_key TEXT NOT NULL,
    sealed_seed TEXT NOT NULL,
    state TEXT NOT NULL,
    last_exp_s BIGINT NOT NULL,
    retired_s BIGINT NOT NULL
);

CREATE TABLE key_rotations (
    request_id TEXT PRIMARY KEY NOT NULL,
    serial BIGINT NOT NULL
);

CREATE TABLE tickets (
    event_id TEXT PRIMARY KEY NOT NULL,
    expires_s BIGINT NOT NULL,
    page_served BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    claims BIGINT NOT NULL,
    passed BIGINT NOT NULL
);
CREATE INDEX tickets_by_expiry ON tickets (expires_s);

CREATE TABLE ceremonies (
    id TEXT PRIMARY KEY NOT NULL,
    host TEXT NOT NULL,
    device TEXT NOT NULL,
    had_cookie BIGINT NOT NULL,
    ticket TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_s BIGINT NOT NULL
);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_s);

CREATE TABLE credentials (
    id TEXT PRIMARY KEY NOT NULL,
    rp_id TEXT NOT NULL,
    device TEXT NOT NULL,
    passkey TEXT NOT NULL,
    counter BIGINT NOT NULL,
    created_s BIGINT NOT NULL,
    used_s BIGINT NOT NULL
);
CREATE INDEX credentials_by_device ON credentials (device, rp_id);
CREATE INDEX credentials_by_use ON credentials (used_s);

CREATE TABLE outcomes (
    sequence BIGINT PRIMARY KEY NOT NULL,
    message TEXT NOT NULL
);
