-- Events that workers say they wrote beside events that arrived, so that a loss is seen. By the time that
-- an event and a report carry themselves, in slots of ten seconds since the Unix epoch; slot 0 is the sum
-- of what is long past.
CREATE TABLE event_ledger (
    node TEXT NOT NULL,
    slot BIGINT NOT NULL,
    written BIGINT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (node, slot)
);

-- What each configuration of each VM told last: its counts are sums, told to whichever replica.
CREATE TABLE event_told (
    node TEXT NOT NULL,
    vm TEXT NOT NULL,
    context BIGINT NOT NULL,
    slot BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (node, vm, context)
);

-- From which slot on a node is compared: what it wrote before anybody counted is not missing.
CREATE TABLE event_nodes (
    node TEXT NOT NULL PRIMARY KEY,
    from_slot BIGINT NOT NULL
);
