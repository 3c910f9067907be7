-- Every revision keeps its resources: what it changed, and each text once. The set at a revision is,
-- for each resource, its newest change up to there, unless that is its deletion.

CREATE TABLE sources (
    -- The SHA-256 of the text in hexadecimal; of what was there before this table, the resource's name.
    digest TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL
);

CREATE TABLE revision_changes (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    -- created, updated, deleted; unchanged where a history begins without knowing more.
    change TEXT NOT NULL,
    -- NULL for a deletion.
    digest TEXT,
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    origin TEXT NOT NULL,
    author TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name, revision)
);
CREATE INDEX revision_changes_by_revision ON revision_changes (revision);
CREATE INDEX revision_changes_by_digest ON revision_changes (digest);

-- How many resources a revision has; NULL where they were not kept.
ALTER TABLE revisions ADD COLUMN resources BIGINT;

-- What is there now is the set of the newest revision; older ones keep their line in the history only.
INSERT INTO sources (digest, source)
SELECT kind || '/' || name, source FROM resources WHERE EXISTS (SELECT 1 FROM revisions);

INSERT INTO revision_changes
    (kind, name, revision, change, digest, file, line, origin, author, changed_ms)
SELECT kind, name, (SELECT MAX(number) FROM revisions), 'unchanged', kind || '/' || name,
    file, line, origin, author, changed_ms
FROM resources WHERE EXISTS (SELECT 1 FROM revisions);

UPDATE revisions SET resources = (SELECT COUNT(*) FROM resources)
WHERE number = (SELECT MAX(number) FROM revisions);
