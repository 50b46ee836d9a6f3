-- Keys of the API, what was asked under which key, and codes of coupons that were guessed.

-- Who may ask the API for what: the product, or one customer of its own. Of a key only SHA-256 is kept, by
-- which it is found; `scopes` are set apart by commas.
CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  key_hash BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  prefix TEXT NOT NULL CHECK (length(prefix) = 11),
  scopes TEXT NOT NULL CHECK (length(scopes) > 0),
  tenant_id INTEGER REFERENCES tenants (id),
  created_at TEXT NOT NULL,
  revoked_at TEXT
) STRICT;
-- A name is free again once its key was revoked.
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id) WHERE tenant_id IS NOT NULL;
CREATE TRIGGER api_keys_immutable BEFORE UPDATE OF
  id, name, key_hash, prefix, scopes, tenant_id, created_at ON api_keys
BEGIN
  SELECT RAISE(ABORT, 'a key cannot be changed');
END;
CREATE TRIGGER api_keys_revoked BEFORE UPDATE OF revoked_at ON api_keys WHEN OLD.revoked_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a key that was revoked stays so');
END;
CREATE TRIGGER api_keys_no_delete BEFORE DELETE ON api_keys
BEGIN
  SELECT RAISE(ABORT, 'a key cannot be deleted');
END;

-- What was asked of the API under an `Idempotency-Key`, and what was answered, for a day by the machine's
-- clock. `fingerprint` is SHA-256 over method, path and body. Without an answer it is at work, or died at it:
-- `tried_at` is when it was begun last.
CREATE TABLE api_requests (
  api_key_id INTEGER NOT NULL REFERENCES api_keys (id),
  idempotency_key TEXT NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  begun_at TEXT NOT NULL,
  tried_at TEXT NOT NULL,
  status INTEGER,
  answer BLOB,
  PRIMARY KEY (api_key_id, idempotency_key),
  CHECK ((status IS NULL) = (answer IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX api_requests_begun ON api_requests (begun_at);

-- Codes of coupons that do not exist, as a customer gave them on the portal or to the API, by the machine's
-- clock: who goes on guessing is sent away for an hour. Older rows go as new ones come.
CREATE TABLE wrong_coupons (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  at TEXT NOT NULL
) STRICT;
CREATE INDEX wrong_coupons_tenant ON wrong_coupons (tenant_id, at);
CREATE INDEX wrong_coupons_at ON wrong_coupons (at);
