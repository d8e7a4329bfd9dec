-- Numbers and ids for messages, marks for what was received and read, and who
-- may sign in.
PRAGMA application_id = 1348563564;

ALTER TABLE users RENAME TO users_1;
ALTER TABLE sessions RENAME TO sessions_1;
ALTER TABLE messages RENAME TO messages_1;

CREATE TABLE server (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    server_id       BLOB NOT NULL CHECK (length(server_id) = 16),
    epoch           BLOB NOT NULL CHECK (length(epoch) = 16)
) STRICT;
INSERT INTO server VALUES (1, randomblob(16), randomblob(16));

-- AUTOINCREMENT: the key of somebody who was deleted is never given again.
CREATE TABLE users (
    key             INTEGER PRIMARY KEY AUTOINCREMENT CHECK (key BETWEEN 1 AND 0x7fffffff),
    public_id       TEXT NOT NULL UNIQUE,
    username        TEXT NOT NULL,
    skeleton        TEXT,                        -- NULL: not computed yet
    password        TEXT,
    created_ms      INTEGER NOT NULL,
    last_seen_ms    INTEGER NOT NULL,
    banned          INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    floor           INTEGER NOT NULL DEFAULT 0,  -- no number up to it is given (again)
    received        INTEGER NOT NULL DEFAULT 0   -- in this user's own numbers
) STRICT;
CREATE INDEX users_by_skeleton ON users (skeleton);

CREATE TABLE sessions (
    hash            BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user            INTEGER NOT NULL REFERENCES users (key),
    created_ms      INTEGER NOT NULL,
    last_used_ms    INTEGER NOT NULL,
    client          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_use ON sessions (last_used_ms);

CREATE TABLE invites (
    hash            BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_ms      INTEGER NOT NULL,
    note            TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A pair of users, the one with the lower key first. What each of them has
-- received and read of the other's messages: the last one, in the numbers of
-- the other, who is told; and how many, for what is unread.
CREATE TABLE conversations (
    key             INTEGER PRIMARY KEY CHECK (key BETWEEN 1 AND 0x7fffffff),
    low             INTEGER NOT NULL REFERENCES users (key),
    high            INTEGER NOT NULL REFERENCES users (key),
    low_received    INTEGER NOT NULL DEFAULT 0,
    low_read        INTEGER NOT NULL DEFAULT 0,
    low_read_count  INTEGER NOT NULL DEFAULT 0,
    high_received   INTEGER NOT NULL DEFAULT 0,
    high_read       INTEGER NOT NULL DEFAULT 0,
    high_read_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (low, high),
    CHECK (low <= high)
) STRICT;
CREATE INDEX conversations_by_high ON conversations (high);

-- `place` is the key of the conversation in the upper 32 bits, the number in it
-- (from 1, no gaps) in the lower: a conversation lies together and in order,
-- without an index. The same in `inbox`, with the user and `seq`. Neither has
-- foreign keys: a check would cost each message two more searches, and the one
-- writer makes these rows together or not at all.
CREATE TABLE messages (
    place           INTEGER PRIMARY KEY,
    sender          INTEGER NOT NULL,
    recipient       INTEGER NOT NULL,
    sender_seq      INTEGER NOT NULL,
    recipient_seq   INTEGER NOT NULL,
    sender_count    INTEGER NOT NULL,            -- the sender's messages in it, up to this one
    id              BLOB NOT NULL CHECK (length(id) = 16),
    from_client     INTEGER NOT NULL CHECK (from_client IN (0, 1)),
    at_ms           INTEGER NOT NULL,
    sent_ms         INTEGER,
    content         TEXT NOT NULL
) STRICT;
-- The id first: it begins with the time, so new entries lie together at the end
-- whoever writes.
CREATE UNIQUE INDEX messages_by_id ON messages (id, sender) WHERE from_client = 1;

CREATE TABLE inbox (
    place           INTEGER PRIMARY KEY,
    message         INTEGER NOT NULL
) STRICT;

INSERT INTO users (key, public_id, username, created_ms, last_seen_ms)
    SELECT id, public_id, username, created_ms, created_ms FROM users_1;
-- When they were last used is not known: nobody is to lose a session by this step.
INSERT INTO sessions
    SELECT hash, user, created_ms, CAST(unixepoch('subsec') * 1000 AS INTEGER), ''
    FROM sessions_1;
INSERT INTO conversations (low, high)
    SELECT min(sender, recipient), max(sender, recipient) FROM messages_1
    GROUP BY 1, 2 ORDER BY min(id);

CREATE TABLE places (
    id              INTEGER PRIMARY KEY,
    place           INTEGER NOT NULL,
    sender_count    INTEGER NOT NULL
) STRICT;
INSERT INTO places
    SELECT message.id,
        (conversation.key << 32)
            | row_number() OVER (PARTITION BY conversation.key ORDER BY message.id),
        row_number() OVER (PARTITION BY conversation.key, message.sender ORDER BY message.id)
    FROM messages_1 message JOIN conversations conversation
        ON conversation.low = min(message.sender, message.recipient)
        AND conversation.high = max(message.sender, message.recipient);

CREATE TABLE numbers (
    id              INTEGER NOT NULL,
    user            INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (id, user)
) STRICT, WITHOUT ROWID;
INSERT INTO numbers
    SELECT id, user, row_number() OVER (PARTITION BY user ORDER BY id) FROM (
        SELECT id, sender AS user FROM messages_1
        UNION ALL
        SELECT id, recipient FROM messages_1 WHERE recipient <> sender
    );

-- A UUID of version 7 for each, of the time it has.
INSERT INTO messages
    SELECT places.place, message.sender, message.recipient, sent.seq, received.seq,
        places.sender_count,
        unhex(
            printf('%012x', max(0, min(message.at_ms, 0xffffffffffff)))
            || '7' || substr(hex(randomblob(2)), 1, 3)
            || '8' || substr(hex(randomblob(8)), 1, 15)
        ),
        0, message.at_ms, NULL, message.content
    FROM messages_1 message
    JOIN places ON places.id = message.id
    JOIN numbers sent ON sent.id = message.id AND sent.user = message.sender
    JOIN numbers received ON received.id = message.id AND received.user = message.recipient
    ORDER BY places.place;
INSERT INTO inbox
    SELECT (numbers.user << 32) | numbers.seq, places.place
    FROM numbers JOIN places ON places.id = numbers.id
    ORDER BY 1;

-- Nobody knows what was read until now. It does not count as unread, and
-- nobody is told that it was read.
UPDATE conversations SET
    low_read_count = (
        SELECT count(*) FROM messages
        WHERE place BETWEEN (conversations.key << 32) AND (conversations.key << 32) | 0xffffffff
            AND sender = conversations.high
    ),
    high_read_count = (
        SELECT count(*) FROM messages
        WHERE place BETWEEN (conversations.key << 32) AND (conversations.key << 32) | 0xffffffff
            AND sender = conversations.low
    );

DROP TABLE numbers;
DROP TABLE places;
DROP TABLE messages_1;
DROP TABLE sessions_1;
DROP TABLE users_1;
