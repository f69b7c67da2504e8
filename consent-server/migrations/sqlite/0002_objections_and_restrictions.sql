-- Objections (GDPR Art. 21) and restrictions (Art. 18). SQLite changes a CHECK only by a new table.

CREATE TABLE state_with_objections (
    site       TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    recorded   TEXT    NOT NULL
        CHECK (recorded IN ('open', 'unconfirmed', 'granted', 'refused', 'withdrawn', 'objected')),
    policy     INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    restricted INTEGER NOT NULL DEFAULT 0 CHECK (restricted IN (0, 1)),
    asked_at   INTEGER, -- when the owner of an address was last asked by mail
    PRIMARY KEY (site, subject, purpose)
) STRICT, WITHOUT ROWID;

INSERT INTO state_with_objections
    (site, subject, purpose, recorded, policy, decided_at, until, asked_at)
    SELECT site, subject, purpose, recorded, policy, decided_at, until, asked_at FROM state;

DROP TABLE state;
ALTER TABLE state_with_objections RENAME TO state;
