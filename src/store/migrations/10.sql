-- What customers have in credit, and what of it pays which invoice.

ALTER TABLE invoices ADD COLUMN credit_applied_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_applied_minor BETWEEN 0 AND total_minor - paid_minor);
DROP TRIGGER invoices_discounted_once;

-- What is due is what neither money nor credit has settled; and no CHECK asks json_valid about NULL,
-- which SQLite before 3.45 answers with 0, so that it called a healthy file damaged. Nothing of this
-- is stored in a row, so that the definitions are set right where they stand, as SQLite's own
-- instructions for ALTER TABLE have it; the CHECK of the next table stops where one was not found.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  name TEXT PRIMARY KEY,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT 'invoices', sql,
    replace(replace(replace(replace(sql,
      'ELSE total_minor - paid_minor END', 'ELSE total_minor - paid_minor - credit_applied_minor END'),
      'CHECK (status <> ''paid'' OR paid_minor = total_minor)',
      'CHECK (status <> ''paid'' OR paid_minor + credit_applied_minor = total_minor)'),
      'CHECK (status <> ''open'' OR paid_minor < total_minor)',
      'CHECK (status <> ''open'' OR paid_minor + credit_applied_minor < total_minor)'),
      'CHECK (status <> ''void'' OR paid_minor = 0)',
      'CHECK (status <> ''void'' OR paid_minor + credit_applied_minor = 0)')
  FROM sqlite_schema WHERE type = 'table' AND name = 'invoices';
INSERT INTO rewritten
  SELECT 'subscriptions', sql,
    replace(sql, 'CHECK (json_valid(imported))', 'CHECK (imported IS NULL OR json_valid(imported))')
  FROM sqlite_schema WHERE type = 'table' AND name = 'subscriptions';
INSERT INTO rewritten
  SELECT 'runs', sql,
    replace(sql, 'CHECK (json_valid(result))', 'CHECK (result IS NULL OR json_valid(result))')
  FROM sqlite_schema WHERE type = 'table' AND name = 'runs';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten r WHERE r.name = sqlite_schema.name)
  WHERE type = 'table' AND name IN (SELECT name FROM rewritten);
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;

CREATE TRIGGER invoices_discounted_once BEFORE UPDATE OF
  discount_minor, tax_rate, tax_minor, total_minor, coupon_id ON invoices
WHEN OLD.origin <> 'imported'
  AND (OLD.status <> 'open' OR OLD.paid_minor > 0 OR OLD.credit_applied_minor > 0
    OR OLD.coupon_id IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'a coupon is taken off an open, unpaid invoice, and once');
END;

CREATE TABLE credits (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  source TEXT NOT NULL CHECK (source IN ('overpayment', 'grant')),
  transaction_id INTEGER,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  left_minor INTEGER NOT NULL CHECK (left_minor BETWEEN 0 AND amount_minor),
  reason TEXT,
  counts_from TEXT NOT NULL CHECK (date(counts_from) IS counts_from),
  taken_back_at TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (id, tenant_id, currency),
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  CHECK ((source = 'overpayment') = (transaction_id IS NOT NULL)),
  CHECK (taken_back_at IS NULL OR left_minor = 0)
) STRICT;
CREATE INDEX credits_tenant ON credits (tenant_id, id);
CREATE INDEX credits_left ON credits (tenant_id, currency, counts_from, id) WHERE left_minor > 0;
CREATE INDEX credits_transaction ON credits (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE TRIGGER credits_no_delete BEFORE DELETE ON credits
BEGIN
  SELECT RAISE(ABORT, 'a credit cannot be deleted');
END;

CREATE TABLE credit_uses (
  id INTEGER PRIMARY KEY,
  credit_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  currency TEXT NOT NULL,
  invoice_id INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  applied_on TEXT NOT NULL CHECK (date(applied_on) IS applied_on),
  applied_at TEXT NOT NULL,
  unapplied_at TEXT,
  unapplied_reason TEXT,
  kept_off INTEGER NOT NULL DEFAULT 0 CHECK (kept_off IN (0, 1)),
  FOREIGN KEY (credit_id, tenant_id, currency) REFERENCES credits (id, tenant_id, currency),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  CHECK ((unapplied_at IS NULL) = (unapplied_reason IS NULL)),
  CHECK (kept_off = 0 OR unapplied_at IS NOT NULL)
) STRICT;
CREATE INDEX credit_uses_invoice ON credit_uses (invoice_id);
CREATE INDEX credit_uses_credit ON credit_uses (credit_id);
CREATE TRIGGER credit_uses_no_delete BEFORE DELETE ON credit_uses
BEGIN
  SELECT RAISE(ABORT, 'the use of a credit cannot be deleted');
END;

-- Surpluses that were kept so far. They count as written down last of all, so that nothing that was
-- done before is held against them.
INSERT INTO credits (tenant_id, currency, source, transaction_id, amount_minor, left_minor,
    counts_from, created_at)
  SELECT tenant_id, currency, 'overpayment', transaction_id, sum(credit_minor), sum(credit_minor),
    min(booked_on), max((SELECT max(recorded_at) FROM ledger),
      coalesce((SELECT max(as_of) FROM runs), ''))
  FROM ledger INDEXED BY ledger_credit
  WHERE credit_minor <> 0 AND transaction_id IS NOT NULL
  GROUP BY transaction_id HAVING sum(credit_minor) > 0 ORDER BY transaction_id;
