-- Times are milliseconds since the Unix epoch. Types are those that SQLite and PostgreSQL both take.

CREATE TABLE resources (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    origin TEXT NOT NULL,
    author TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE revisions (
    number BIGINT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    author TEXT NOT NULL,
    message TEXT NOT NULL,
    policies BIGINT NOT NULL,
    -- The nonce of the first send: it has to survive a restart, or connected nodes would be sent
    -- again what they already run.
    attempt BIGINT NOT NULL,
    -- The encoded CompiledPolicy; NULL once the revision is too old to be sent.
    compiled BYTEA
);

CREATE TABLE ticket_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    -- A new key verifies before it signs, so that no sidecar meets a ticket it cannot check.
    signs_from_ms BIGINT NOT NULL,
    expires_ms BIGINT
);

CREATE TABLE session_keys (
    sidecar TEXT NOT NULL,
    kid TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    place BIGINT NOT NULL,
    registered_ms BIGINT NOT NULL,
    PRIMARY KEY (sidecar, kid)
);

-- What a node refused must never be sent to it again, not even after a restart: Envoy would ACK it.
CREATE TABLE refusals (
    node TEXT NOT NULL,
    revision TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    reason TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (node, attempt)
);

CREATE TABLE events (
    event_id TEXT NOT NULL PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    node TEXT NOT NULL,
    host TEXT NOT NULL,
    -- The host of its roll-up row; other than `host` where there were too many.
    counted_host TEXT NOT NULL,
    policy TEXT NOT NULL,
    action BIGINT NOT NULL,
    -- The encoded DecisionEvent.
    body BYTEA NOT NULL
);
CREATE INDEX events_by_time ON events (time_ms, event_id);
CREATE INDEX events_by_policy ON events (policy, time_ms, event_id);
CREATE INDEX events_by_action ON events (action, time_ms, event_id);
CREATE INDEX events_by_receipt ON events (received_ms);

CREATE TABLE outcomes (
    spool TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    sidecar TEXT NOT NULL,
    event_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    -- waiting, counted, or why it was ignored.
    standing TEXT NOT NULL,
    -- The encoded Outcome.
    body BYTEA NOT NULL,
    PRIMARY KEY (spool, sequence)
);
CREATE INDEX outcomes_by_event ON outcomes (event_id);
CREATE INDEX outcomes_by_standing ON outcomes (standing, received_ms);

-- Each challenge counts once by step, however often the step is told.
CREATE TABLE funnel (
    event_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (event_id, step)
);

CREATE TABLE rollups (
    -- Minutes since the Unix epoch.
    minute BIGINT NOT NULL,
    host TEXT NOT NULL,
    policy TEXT NOT NULL,
    -- An action, `satisfied`, or a step of the funnel.
    measure TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (minute, host, policy, measure)
);
