-- Bodies of challenged requests, sealed, for five minutes. A body that was taken leaves its row behind
-- until then, so that whoever asks again is told so. `size` counts while the body is there.
CREATE TABLE held (
    event_id TEXT PRIMARY KEY NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    network TEXT NOT NULL,
    device TEXT NOT NULL,
    token TEXT NOT NULL,
    size BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    expires_s BIGINT NOT NULL
);
CREATE INDEX held_by_token ON held (token);
CREATE INDEX held_by_expiry ON held (expires_s);
CREATE INDEX held_by_network ON held (network);

CREATE TABLE held_bodies (
    event_id TEXT PRIMARY KEY NOT NULL,
    sealed TEXT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('held_bytes', 0);
