-- How often somebody failed, by a keyed hash of who it was.
CREATE TABLE lockouts (
    subject TEXT PRIMARY KEY NOT NULL,
    failures BIGINT NOT NULL,
    last_s BIGINT NOT NULL,
    until_s BIGINT NOT NULL,
    forget_s BIGINT NOT NULL
);
CREATE INDEX lockouts_by_end ON lockouts (forget_s);

-- Captcha tokens that were used, by their hash.
CREATE TABLE spent_tokens (
    token TEXT PRIMARY KEY NOT NULL,
    expires_s BIGINT NOT NULL
);
CREATE INDEX spent_tokens_by_expiry ON spent_tokens (expires_s);

-- Authenticator apps, one for each device and host; what is being set up stands beside what is in use.
CREATE TABLE totp (
    device TEXT NOT NULL,
    host TEXT NOT NULL,
    secret TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    pending TEXT NOT NULL,
    pending_until_s BIGINT NOT NULL,
    used_s BIGINT NOT NULL,
    PRIMARY KEY (device, host)
);
CREATE INDEX totp_by_use ON totp (used_s);

-- Where a ceremony was begun from, by keyed hash: whoever has most makes room when there are too many.
ALTER TABLE ceremonies ADD COLUMN origin TEXT NOT NULL DEFAULT '';
CREATE INDEX ceremonies_by_origin ON ceremonies (origin, expires_s);
