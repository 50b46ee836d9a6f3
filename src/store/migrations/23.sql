-- Who is told of events, and how far.
CREATE TABLE hooks (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
  told_id INTEGER NOT NULL CHECK (told_id >= 0),
  created_at TEXT NOT NULL,
  -- Of the event that it did not take: how often that was sent to it, since when, and what it said.
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  failing_since TEXT,
  tried_at TEXT,
  next_try_at TEXT,
  error TEXT,
  -- It wants no more.
  stopped_at TEXT,
  -- Since when no run has told it all that there was, by the machine's clock.
  behind_since TEXT,
  CHECK ((attempts = 0) = (failing_since IS NULL)),
  CHECK ((failing_since IS NULL) = (tried_at IS NULL)),
  CHECK ((failing_since IS NULL) = (error IS NULL)),
  CHECK (stopped_at IS NULL OR failing_since IS NOT NULL),
  CHECK (failing_since IS NULL OR behind_since IS NOT NULL),
  CHECK ((next_try_at IS NULL) = (failing_since IS NULL OR stopped_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER hooks_no_delete BEFORE DELETE ON hooks
BEGIN
  SELECT RAISE(ABORT, 'how far a hook was told stays');
END;

-- A run that tells hooks holds a lock of its own. Nothing of this is stored in a row, so that the definition is
-- set right where it stands, as SQLite's own instructions for ALTER TABLE have it; the CHECK of the
-- next table stops where it was not found.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT sql, replace(sql, 'CHECK (phase IN (''deciding'', ''delivering''))',
    'CHECK (phase IN (''deciding'', ''delivering'', ''telling''))')
  FROM sqlite_schema WHERE type = 'table' AND name = 'runs';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten)
  WHERE type = 'table' AND name = 'runs';
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;
