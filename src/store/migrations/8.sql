-- The texts of events apart from what happened, salted and hashed. The rows are moved one by one
-- afterwards, by store/migrate/events.rs: SQLite has no SHA-256.

DROP TRIGGER events_no_update;
DROP TRIGGER events_no_delete;
DROP INDEX events_tenant;
DROP INDEX events_invoice;
ALTER TABLE events RENAME TO events_to_move;

-- Who or what acts: `operator:awa`, `task:check-overdue`, `import:invoices`.
CREATE TABLE actors (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- The audit trail: every change, who or what made it, and why. Append-only. What an event says in
-- words, and of a customer, stands apart in event_texts: it can be erased some day, and the trail
-- still proves what it was. `text_hash` is SHA-256 over these bytes, one after another:
--   1. the 16 bytes of the salt;
--   2. the JSON array `[reason,data]` in UTF-8, without a space: the reason as a JSON string
--      (RFC 8785: quotes, backslashes and control characters are escaped, nothing else) or `null`,
--      and the bytes of `data` as they stand.
-- The salt keeps a short text that was erased from being guessed. Events will be chained by a hash
-- over the one before and [id, at, kind, tenant_id, invoice_id, actor_id, text_hash].
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  tenant_id INTEGER,
  invoice_id INTEGER,
  actor_id INTEGER NOT NULL REFERENCES actors (id),
  text_hash BLOB NOT NULL CHECK (length(text_hash) = 32)
) STRICT;
CREATE INDEX events_tenant ON events (tenant_id, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX events_invoice ON events (invoice_id, id) WHERE invoice_id IS NOT NULL;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

-- What an event says: why, in words, and the fields of its kind (docs/events.md).
CREATE TABLE event_texts (
  event_id INTEGER PRIMARY KEY REFERENCES events (id),
  salt BLOB NOT NULL CHECK (length(salt) = 16),
  reason TEXT,
  data TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE TRIGGER event_texts_no_update BEFORE UPDATE ON event_texts
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER event_texts_no_delete BEFORE DELETE ON event_texts
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
