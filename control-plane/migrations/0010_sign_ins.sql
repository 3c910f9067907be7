-- Browsers that are signed in to the dashboard. Times are milliseconds since the Unix epoch.
CREATE TABLE access_sign_ins (
    -- SHA-256 of the cookie in hexadecimal; its text is kept nowhere.
    hash TEXT NOT NULL PRIMARY KEY,
    -- The token that it was exchanged for: it ends with it.
    token TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
