-- What becomes of challenges, by the kind of proof: each challenge counts once by kind and step, so that
-- whoever tried one kind and passed with another counts for both.

CREATE TABLE kind_funnel (
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (event_id, kind, step)
);

CREATE TABLE kind_rollups (
    -- Minutes since the Unix epoch: those of the challenge.
    minute BIGINT NOT NULL,
    host TEXT NOT NULL,
    policy TEXT NOT NULL,
    -- `fido`, `pow`, …
    kind TEXT NOT NULL,
    -- A step of the funnel.
    measure TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (minute, host, policy, kind, measure)
);
