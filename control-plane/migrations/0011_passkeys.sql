-- Passkeys of operators. Times are milliseconds since the Unix epoch.
CREATE TABLE access_passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    -- As the authenticator names it, in base64url.
    credential_id TEXT NOT NULL UNIQUE,
    -- Public key, counter and flags, as the verifier writes them.
    credential TEXT NOT NULL,
    -- The highest signature counter seen.
    counter BIGINT NOT NULL,
    -- What the authenticator files it under.
    user_handle TEXT NOT NULL,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    role TEXT NOT NULL,
    -- The token that it comes from, also by way of other passkeys: it ends with it. Empty = it comes from
    -- the one-time token of a first start, and ends when it is removed.
    token TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- `token:ID`, `passkey:ID`, `bootstrap`
    created_by TEXT NOT NULL,
    used_ms BIGINT,
    removed_ms BIGINT
);
CREATE INDEX access_passkeys_by_identity ON access_passkeys (identity);

-- Challenges that were answered, until they would have expired: none is answered twice.
CREATE TABLE access_answered (
    id TEXT NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);

-- What challenges are sealed with on their way to a browser and back, to whichever replica.
CREATE TABLE access_seal (
    id BIGINT NOT NULL PRIMARY KEY,
    -- 32 bytes in base64url.
    secret TEXT NOT NULL
);

-- A sign-in is by a token or by a passkey; the other one is empty.
ALTER TABLE access_sign_ins ADD COLUMN passkey TEXT NOT NULL DEFAULT '';
