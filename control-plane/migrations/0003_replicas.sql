-- Any number of replicas on one database.

-- The version of everything that they share: whoever changes some of it raises this in the same
-- transaction, by one, from the version that the change was made on.
CREATE TABLE head (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO head (id, version) VALUES (1, 0);

-- The version by which it was written: replicas read again only what is newer than what they have.
ALTER TABLE resources ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
CREATE INDEX resources_by_version ON resources (version);

-- What every replica has to do once, by the version that asked for it.
CREATE TABLE calls (
    version BIGINT NOT NULL PRIMARY KEY,
    -- rotate_session_keys
    what TEXT NOT NULL,
    request TEXT NOT NULL
);

-- Who is there: alive is who raises the beat.
CREATE TABLE replicas (
    replica TEXT NOT NULL PRIMARY KEY,
    beat BIGINT NOT NULL,
    -- Of its newest node view.
    generation BIGINT NOT NULL,
    -- The auth sidecars connected to it: a JSON list of names.
    sidecars TEXT NOT NULL
);

-- The nodes as each replica sees them.
CREATE TABLE node_views (
    replica TEXT NOT NULL,
    node TEXT NOT NULL,
    generation BIGINT NOT NULL,
    -- JSON; NULL once the replica has forgotten the node.
    body BYTEA,
    PRIMARY KEY (replica, node)
);
CREATE INDEX node_views_by_generation ON node_views (replica, generation);

-- What exactly one replica does.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    beat BIGINT NOT NULL
);
