-- Rollouts, and what nodes run meanwhile.

-- A revision that brings keys to the stable set while another set is on its way has the resources of the
-- revision named here; NULL = its own.
ALTER TABLE revisions ADD COLUMN resources_of BIGINT;

-- One row for each rollout; `body` is the whole of it, its steps included, in JSON.
CREATE TABLE rollouts (
    id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- The one row (`one` = 1) that says what nodes run; without it, the newest revision.
CREATE TABLE plan (
    one BIGINT NOT NULL PRIMARY KEY,
    stable BIGINT NOT NULL,
    -- The revision on its way; NULL = none.
    candidate BIGINT,
    -- The rollout that is under way or was the last; NULL = none.
    rollout BIGINT
);
