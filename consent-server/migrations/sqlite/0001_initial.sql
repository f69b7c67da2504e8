-- Times are whole seconds since 1970, UTC. Subjects are opaque: no address is ever stored.
-- Identifiers are UUIDs of version 7, so that their order is that of time.

-- Whose records these are.
CREATE TABLE region (
    id         TEXT    NOT NULL PRIMARY KEY,
    origin     TEXT    NOT NULL, -- the name of its log
    secrets    TEXT    NOT NULL, -- what tells its pepper from others, and nothing of it
    since      INTEGER NOT NULL
) STRICT;

CREATE TABLE policy (
    site         TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    digest       BLOB    NOT NULL,
    document     BLOB    NOT NULL, -- RFC 8785 canonical JSON
    published_at INTEGER NOT NULL,
    PRIMARY KEY (site, number)
) STRICT, WITHOUT ROWID;

-- The exact text shown, so that it can be shown again years later.
CREATE TABLE notice (
    digest   BLOB    NOT NULL PRIMARY KEY,
    site     TEXT    NOT NULL,
    policy   INTEGER NOT NULL,
    language TEXT    NOT NULL,
    document BLOB    NOT NULL -- RFC 8785 canonical JSON
) STRICT;

-- How a text looked, from a moment on.
CREATE TABLE layout (
    site     TEXT    NOT NULL,
    notice   BLOB    NOT NULL,
    since    INTEGER NOT NULL,
    document BLOB    NOT NULL, -- RFC 8785 canonical JSON
    PRIMARY KEY (site, notice, since)
) STRICT;

-- A receipt is found by its identifier; those of a subject by going back from the latest, so that
-- no index over subjects has to be kept.
CREATE TABLE receipt (
    id       BLOB    NOT NULL PRIMARY KEY,
    site     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    previous BLOB, -- the subject's receipt before
    request  BLOB, -- the request that it answered
    salt     BLOB    NOT NULL, -- of its commitment in the log
    jws      TEXT    NOT NULL
) STRICT;

-- What is known now. `version` counts its changes: who writes says which one was read.
CREATE TABLE subject (
    site     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    receipts INTEGER NOT NULL, -- how many were given
    latest   BLOB, -- the latest of them
    digest   BLOB, -- and its digest
    states   TEXT    NOT NULL, -- JSON: what is known, and of which purposes
    PRIMARY KEY (site, subject)
) STRICT, WITHOUT ROWID;

-- Requests that were answered, so that one that comes again is answered the same.
CREATE TABLE request (
    id      BLOB    NOT NULL PRIMARY KEY, -- how the key begins, and from SHA-256 of site and key
    content BLOB    NOT NULL, -- digest of what it asked
    receipt BLOB    NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit trail.
CREATE TABLE event (
    id   BLOB    NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    site TEXT,
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL, -- canonical JSON
    salt BLOB    NOT NULL
) STRICT;

CREATE TABLE statistic (
    site    TEXT    NOT NULL,
    day     INTEGER NOT NULL, -- since 1970
    policy  INTEGER NOT NULL,
    purpose TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    method  TEXT    NOT NULL,
    part    INTEGER NOT NULL, -- each writer adds to its own, so that none waits for another
    count   INTEGER NOT NULL,
    PRIMARY KEY (site, day, policy, purpose, state, method, part)
) STRICT, WITHOUT ROWID;

-- What waits for its place in the log.
CREATE TABLE pending (
    id         BLOB NOT NULL PRIMARY KEY,
    commitment BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Where in the log a receipt or an event is. Erased with it.
CREATE TABLE leaf (
    id       BLOB    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The log itself: its leaves at level 0, hashes of the levels above.
CREATE TABLE tile (
    level    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    content  BLOB    NOT NULL,
    PRIMARY KEY (level, position)
) STRICT;

-- One row: the state of the log, and who integrates.
CREATE TABLE log (
    id         INTEGER NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL,
    checkpoint TEXT    NOT NULL,
    holder     BLOB,
    held_until INTEGER NOT NULL
) STRICT;

INSERT INTO log (id, size, checkpoint, holder, held_until) VALUES (1, 0, '', NULL, 0);

CREATE TABLE token (
    digest     BLOB    NOT NULL PRIMARY KEY, -- of the token; the token itself is not kept
    site       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL, -- separated by spaces
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
