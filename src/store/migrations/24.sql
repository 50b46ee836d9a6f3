-- What customers pay, and which payment methods they add, on a page of the gateway's.

-- What is paid so is a transaction of its own kind, and its attempt has no payment method. Nothing of this is
-- stored in a row: see migration 10.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  name TEXT PRIMARY KEY,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT name, sql, replace(replace(sql,
    'kind IN (''payment'', ''charge'', ''refund'')', 'kind IN (''payment'', ''charge'', ''refund'', ''checkout'')'),
    'kind <> ''charge'' OR', 'kind NOT IN (''charge'', ''checkout'') OR')
  FROM sqlite_schema WHERE type = 'table' AND name = 'transactions';
INSERT INTO rewritten
  SELECT name, sql, replace(sql, 'payment_method_id INTEGER NOT NULL', 'payment_method_id INTEGER')
  FROM sqlite_schema WHERE type = 'table' AND name = 'charge_attempts';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten r WHERE r.name = sqlite_schema.name)
  WHERE type = 'table' AND name IN (SELECT name FROM rewritten);
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;

-- Pages of a gateway's on which a customer pays one invoice, or (without one) adds a payment method. What is
-- asked of the gateway stands here before the gateway is called, and never changes. `known_by` is a payment
-- method by which the gateway knows the customer; `base_url` is where the portal answers. The transaction is
-- there since the gateway has answered. `superseded`: the invoice has changed since, and the gateway is told to
-- end the page; until it says that it did, the money may come all the same. `on_its_way`: it said that a
-- customer has paid, and that the money is not there yet. `outcome` is what was chosen on the sandbox's own page.
CREATE TABLE checkouts (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  transaction_id INTEGER UNIQUE,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  amount_minor INTEGER CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  known_by INTEGER,
  gateway TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  return_url TEXT NOT NULL CHECK (length(return_url) BETWEEN 1 AND 4000),
  base_url TEXT NOT NULL CHECK (length(base_url) BETWEEN 1 AND 4000),
  -- As it was then: a tenant may be renamed.
  tenant_slug TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('prepared', 'unknown', 'pending', 'succeeded', 'expired',
    'failed')),
  superseded INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
  on_its_way INTEGER NOT NULL DEFAULT 0 CHECK (on_its_way IN (0, 1)),
  reference TEXT CHECK (length(reference) BETWEEN 1 AND 200),
  url TEXT CHECK (length(url) BETWEEN 1 AND 4000),
  expires_at TEXT,
  outcome TEXT CHECK (outcome IN ('succeeded', 'declined', 'pending')),
  code TEXT,
  message TEXT,
  payment_method_id INTEGER CHECK (payment_method_id IS NULL
    OR (invoice_id IS NULL AND status = 'succeeded')),
  created_at TEXT NOT NULL,
  -- By the clock of the machine, as of an attempt.
  prepared_at TEXT NOT NULL,
  -- Who called the gateway last: where that process is no more, nobody waits for its answer.
  process_id INTEGER NOT NULL,
  ended_at TEXT,
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id) ON UPDATE CASCADE,
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (known_by, tenant_id) REFERENCES payment_methods (id, tenant_id),
  FOREIGN KEY (payment_method_id, tenant_id) REFERENCES payment_methods (id, tenant_id),
  CHECK ((invoice_id IS NULL) = (amount_minor IS NULL)),
  CHECK (transaction_id IS NULL OR invoice_id IS NOT NULL),
  CHECK (status <> 'pending' OR (url IS NOT NULL AND reference IS NOT NULL)),
  CHECK ((ended_at IS NULL) = (status IN ('prepared', 'unknown', 'pending')))
) STRICT;
CREATE INDEX checkouts_open ON checkouts (id) WHERE ended_at IS NULL;
-- Never two pages for one debt, whoever clicks, and however often.
CREATE UNIQUE INDEX checkouts_of_invoice ON checkouts (invoice_id)
  WHERE ended_at IS NULL AND superseded = 0 AND invoice_id IS NOT NULL;
CREATE UNIQUE INDEX checkouts_of_setup ON checkouts (tenant_id)
  WHERE ended_at IS NULL AND superseded = 0 AND invoice_id IS NULL;
CREATE INDEX checkouts_invoice ON checkouts (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX checkouts_tenant ON checkouts (tenant_id);
CREATE INDEX checkouts_reference ON checkouts (reference) WHERE reference IS NOT NULL;
CREATE TRIGGER checkouts_immutable BEFORE UPDATE OF
  id, currency, amount_minor, known_by, gateway, idempotency_key, return_url, base_url, tenant_slug,
  created_at, prepared_at ON checkouts
BEGIN
  SELECT RAISE(ABORT, 'what a gateway was asked cannot be changed');
END;
CREATE TRIGGER checkouts_end_once BEFORE UPDATE OF status, ended_at ON checkouts
WHEN OLD.ended_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a checkout ends once');
END;
CREATE TRIGGER checkouts_no_delete BEFORE DELETE ON checkouts
BEGIN
  SELECT RAISE(ABORT, 'a checkout cannot be deleted');
END;
-- Whatever pays, credits or closes an invoice: a page that still asks for what was due is to be ended.
CREATE TRIGGER checkouts_superseded
AFTER UPDATE OF status, total_minor, paid_minor, credited_minor, credit_applied_minor ON invoices
WHEN NEW.due_minor <> OLD.due_minor OR NEW.status <> OLD.status
BEGIN
  UPDATE checkouts SET superseded = 1
  WHERE invoice_id = NEW.id AND ended_at IS NULL AND superseded = 0;
END;
