-- Times are whole seconds since 1970, UTC. Subjects are opaque: no address is ever stored.
-- Identifiers are UUIDs of version 7, so that their order is that of time.
--
-- Nothing here that engines compatible with PostgreSQL lack: no sequences, triggers, procedures or
-- foreign keys. One that lacks partitions as well gets this file without everything about them.
-- Those for each month are made by the program (store/postgres/months.rs).

-- Whose records these are.
CREATE TABLE region (
    id         TEXT    NOT NULL PRIMARY KEY,
    origin     TEXT    NOT NULL, -- the name of its log
    secrets    TEXT    NOT NULL, -- what tells its pepper from others, and nothing of it
    since      BIGINT  NOT NULL,
    -- There is one: of two that come at once, the second is refused.
    one        BIGINT  NOT NULL DEFAULT 1 UNIQUE CHECK (one = 1)
);

CREATE TABLE policy (
    site         TEXT    NOT NULL,
    number       BIGINT  NOT NULL,
    digest       BYTEA   NOT NULL,
    document     BYTEA   NOT NULL, -- RFC 8785 canonical JSON
    published_at BIGINT  NOT NULL,
    PRIMARY KEY (site, number)
);

-- The exact text shown, so that it can be shown again years later.
CREATE TABLE notice (
    digest   BYTEA   NOT NULL PRIMARY KEY,
    site     TEXT    NOT NULL,
    policy   BIGINT  NOT NULL,
    language TEXT    NOT NULL,
    document BYTEA   NOT NULL -- RFC 8785 canonical JSON
);

-- How a text looked, from a moment on.
CREATE TABLE layout (
    site     TEXT    NOT NULL,
    notice   BYTEA   NOT NULL,
    since    BIGINT  NOT NULL,
    document BYTEA   NOT NULL, -- RFC 8785 canonical JSON
    PRIMARY KEY (site, notice, since)
);

-- A receipt is found by its identifier; those of a subject by going back from the latest, so that
-- no index over subjects has to be kept.
CREATE TABLE receipt (
    id       BYTEA   NOT NULL PRIMARY KEY,
    site     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    at       BIGINT  NOT NULL,
    previous BYTEA, -- the subject's receipt before
    request  BYTEA, -- the request that it answered
    salt     BYTEA   NOT NULL, -- of its commitment in the log
    jws      TEXT    NOT NULL
) PARTITION BY RANGE (id);

-- What is known now. `version` counts its changes: who writes says which one was read.
CREATE TABLE subject (
    site     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    version  BIGINT  NOT NULL,
    receipts BIGINT  NOT NULL, -- how many were given
    latest   BYTEA, -- the latest of them
    digest   BYTEA, -- and its digest
    states   TEXT    NOT NULL, -- JSON: what is known, and of which purposes
    PRIMARY KEY (site, subject)
);

-- Requests that were answered, so that one that comes again is answered the same.
CREATE TABLE request (
    id      BYTEA   NOT NULL PRIMARY KEY, -- how the key begins, and from SHA-256 of site and key
    content BYTEA   NOT NULL, -- digest of what it asked
    receipt BYTEA   NOT NULL,
    at      BIGINT  NOT NULL
);

-- The audit trail.
CREATE TABLE event (
    id   BYTEA   NOT NULL PRIMARY KEY,
    at   BIGINT  NOT NULL,
    site TEXT,
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL, -- canonical JSON
    salt BYTEA   NOT NULL
);

CREATE TABLE statistic (
    site    TEXT    NOT NULL,
    day     BIGINT  NOT NULL, -- since 1970
    policy  BIGINT  NOT NULL,
    purpose TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    method  TEXT    NOT NULL,
    part    BIGINT  NOT NULL, -- each writer adds to its own, so that none waits for another
    count   BIGINT  NOT NULL,
    PRIMARY KEY (site, day, policy, purpose, state, method, part)
);

-- What waits for its place in the log.
CREATE TABLE pending (
    id         BYTEA NOT NULL PRIMARY KEY,
    commitment BYTEA NOT NULL
);

-- Where in the log a receipt or an event is. Erased with it.
CREATE TABLE leaf (
    id       BYTEA   NOT NULL PRIMARY KEY,
    position BIGINT  NOT NULL
) PARTITION BY RANGE (id);

-- The log itself: its leaves at level 0, hashes of the levels above.
CREATE TABLE tile (
    level    BIGINT  NOT NULL,
    position BIGINT  NOT NULL,
    content  BYTEA   NOT NULL,
    PRIMARY KEY (level, position)
);

-- One row: the state of the log, and who integrates.
CREATE TABLE log (
    id         BIGINT  NOT NULL PRIMARY KEY,
    size       BIGINT  NOT NULL,
    checkpoint TEXT    NOT NULL,
    holder     BYTEA,
    held_until BIGINT  NOT NULL
);

INSERT INTO log (id, size, checkpoint, holder, held_until) VALUES (1, 0, '', NULL, 0);

CREATE TABLE token (
    digest     BYTEA   NOT NULL PRIMARY KEY, -- of the token; the token itself is not kept
    site       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL, -- separated by spaces
    created_at BIGINT  NOT NULL
);

-- What no month has been made for.
CREATE TABLE receipt_rest PARTITION OF receipt DEFAULT;
CREATE TABLE leaf_rest PARTITION OF leaf DEFAULT;
