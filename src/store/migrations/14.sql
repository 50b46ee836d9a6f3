-- What the operator's own system calls a customer, and what it notes of one.
ALTER TABLE tenants ADD COLUMN external_id TEXT CHECK (length(external_id) BETWEEN 1 AND 200);
ALTER TABLE tenants ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'
  CHECK (json_type(metadata) = 'object');
CREATE UNIQUE INDEX tenants_external_id ON tenants (external_id) WHERE external_id IS NOT NULL;

-- What was made under a key of whoever asked for it, so that asking again makes nothing more.
-- `fingerprint` is SHA-256 over the command and its arguments.
CREATE TABLE idempotency_keys (
  key TEXT NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 200),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  object_id INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
