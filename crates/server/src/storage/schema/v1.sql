-- The first schema. A released step never changes.
CREATE TABLE users (
    id          INTEGER PRIMARY KEY,
    public_id   TEXT NOT NULL UNIQUE,
    username    TEXT NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT;
CREATE TABLE sessions (
    hash        BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user        INTEGER NOT NULL REFERENCES users (id),
    created_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    sender      INTEGER NOT NULL REFERENCES users (id),
    recipient   INTEGER NOT NULL REFERENCES users (id),
    content     TEXT NOT NULL,
    at_ms       INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_sender ON messages (sender);
CREATE INDEX messages_by_recipient ON messages (recipient);
