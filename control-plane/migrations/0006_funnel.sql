-- Roll-ups tell challenges apart by what they demanded, and some steps of the funnel by a detail: why an
-- answer was rejected, what a pass has proven.

CREATE TABLE graded_rollups (
    -- Minutes since the Unix epoch.
    minute BIGINT NOT NULL,
    host TEXT NOT NULL,
    policy TEXT NOT NULL,
    -- An action, `satisfied`, or a step of the funnel.
    measure TEXT NOT NULL,
    -- `none` where nothing was demanded, and for what was counted before this was known.
    assurance TEXT NOT NULL,
    -- Empty where the measure has none.
    detail TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (minute, host, policy, measure, assurance, detail)
);

INSERT INTO graded_rollups (minute, host, policy, measure, assurance, detail, count)
SELECT minute, host, policy, measure, 'none', '', count FROM rollups;

DROP TABLE rollups;
ALTER TABLE graded_rollups RENAME TO rollups;

-- What a challenge demanded.
ALTER TABLE events ADD COLUMN demanded BIGINT NOT NULL DEFAULT 0;

-- Sessions that were earned and have not been used yet: their first use is the last step of the funnel.
CREATE TABLE earned_sessions (
    session TEXT NOT NULL PRIMARY KEY,
    -- The challenge that it was earned by.
    event_id TEXT NOT NULL,
    received_ms BIGINT NOT NULL
);
CREATE INDEX earned_sessions_by_receipt ON earned_sessions (received_ms);
