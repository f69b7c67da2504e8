-- Times are whole seconds since 1970, UTC. Subjects are opaque: no address is ever stored.

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

CREATE TABLE receipt (
    id              BLOB    NOT NULL PRIMARY KEY, -- UUID version 7
    site            TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    sequence        INTEGER NOT NULL, -- counts the subject's receipts, from 1
    digest          BLOB    NOT NULL,
    jws             TEXT    NOT NULL,
    issued_at       INTEGER NOT NULL,
    idempotency_key TEXT,
    request         BLOB -- digest of the request that the key stands for
) STRICT;

-- The next receipt of a subject can be written once: two writers cannot both follow the same one.
CREATE UNIQUE INDEX receipt_chain ON receipt (site, subject, sequence);
CREATE UNIQUE INDEX receipt_request ON receipt (site, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE state (
    site       TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    recorded   TEXT    NOT NULL
        CHECK (recorded IN ('unconfirmed', 'granted', 'refused', 'withdrawn')),
    policy     INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    asked_at   INTEGER, -- when the owner of an address was last asked by mail
    PRIMARY KEY (site, subject, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    digest     BLOB    NOT NULL PRIMARY KEY, -- of the token; the token itself is not kept
    site       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL, -- separated by spaces
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
