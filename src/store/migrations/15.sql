-- Credit notes, what goes back to customers, and payments on account.

ALTER TABLE invoices ADD COLUMN credited_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credited_minor BETWEEN 0 AND total_minor - paid_minor - credit_applied_minor);
ALTER TABLE invoices ADD COLUMN credit_notes_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_notes_minor BETWEEN credited_minor AND total_minor);
ALTER TABLE transactions ADD COLUMN refund_of INTEGER CHECK (refund_of IS NULL OR kind = 'refund');
ALTER TABLE transactions ADD COLUMN credit_note_id INTEGER CHECK (credit_note_id IS NULL OR kind = 'refund');
ALTER TABLE transactions ADD COLUMN part_of INTEGER CHECK (part_of IS NULL OR kind = 'payment');
ALTER TABLE coupon_usages ADD COLUMN credit_note_id INTEGER REFERENCES credit_notes (id);
ALTER TABLE ledger ADD COLUMN credit_note_id INTEGER REFERENCES credit_notes (id);
ALTER TABLE credits ADD COLUMN credit_note_id INTEGER CHECK ((source = 'credit_note') = (credit_note_id IS NOT NULL));
ALTER TABLE credits ADD COLUMN netted_minor INTEGER NOT NULL DEFAULT 0
    CHECK (netted_minor BETWEEN 0 AND CASE source WHEN 'credit_note' THEN amount_minor ELSE 0 END);
DROP TRIGGER invoices_discounted_once;
DROP TRIGGER ledger_no_update;

-- Nothing of this is stored in a row: see migration 10.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  name TEXT PRIMARY KEY,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT 'invoices', sql,
    replace(replace(replace(replace(replace(sql,
      'CHECK (status IN (''draft'', ''open'', ''paid'', ''void'', ''uncollectible''))',
      'CHECK (status IN (''draft'', ''open'', ''paid'', ''credited'', ''void'', ''uncollectible''))'),
      'ELSE total_minor - paid_minor - credit_applied_minor END',
      'ELSE total_minor - paid_minor - credited_minor - credit_applied_minor END'),
      'CHECK (status <> ''paid'' OR paid_minor + credit_applied_minor = total_minor)',
      'CHECK (status <> ''paid'' OR paid_minor + credit_applied_minor + credited_minor = total_minor)'),
      'CHECK (status <> ''open'' OR paid_minor + credit_applied_minor < total_minor)',
      'CHECK (status <> ''open'' OR paid_minor + credit_applied_minor + credited_minor < total_minor)'),
      'CHECK (status <> ''void'' OR paid_minor + credit_applied_minor = 0)',
      'CHECK (status <> ''void'' OR paid_minor + credit_applied_minor + credit_notes_minor = 0),
  CHECK (status <> ''credited''
    OR (paid_minor + credit_applied_minor = 0 AND credited_minor = total_minor))')
  FROM sqlite_schema WHERE type = 'table' AND name = 'invoices';
INSERT INTO rewritten
  SELECT 'transactions', sql,
    replace(replace(replace(replace(sql,
      'UNIQUE (id, tenant_id),',
      'UNIQUE (id, tenant_id),
  FOREIGN KEY (part_of, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (refund_of, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id),'),
      'invoice_id INTEGER NOT NULL', 'invoice_id INTEGER'),
      'CHECK (kind IN (''payment'', ''charge''))',
      'CHECK (kind IN (''payment'', ''charge'', ''refund'')
    AND (kind <> ''charge'' OR invoice_id IS NOT NULL))'),
      'CHECK (status = ''succeeded'' OR applied_minor = 0),',
      'CHECK (status = ''succeeded'' OR applied_minor = 0),
  CHECK (invoice_id IS NOT NULL OR applied_minor = 0),')
  FROM sqlite_schema WHERE type = 'table' AND name = 'transactions';
INSERT INTO rewritten
  SELECT 'ledger', sql,
    replace(sql, '''credit_note'', ''credit_grant''',
      '''credit_note'', ''credit_netted'', ''refund_lost'', ''credit_grant''')
  FROM sqlite_schema WHERE type = 'table' AND name = 'ledger';
INSERT INTO rewritten
  SELECT 'credits', sql,
    replace(sql, 'source IN (''overpayment'', ''grant'')',
      'source IN (''overpayment'', ''on_account'', ''grant'', ''credit_note'')')
  FROM sqlite_schema WHERE type = 'table' AND name = 'credits';
UPDATE rewritten SET after = replace(replace(after,
    'UNIQUE (id, tenant_id, currency),',
    'UNIQUE (id, tenant_id, currency),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id),'),
    'CHECK ((source = ''overpayment'') = (transaction_id IS NOT NULL))',
    'CHECK ((source IN (''overpayment'', ''on_account'')) = (transaction_id IS NOT NULL))')
  WHERE name = 'credits';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten r WHERE r.name = sqlite_schema.name)
  WHERE type = 'table' AND name IN (SELECT name FROM rewritten);
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;

CREATE TRIGGER invoices_discounted_once BEFORE UPDATE OF
  discount_minor, tax_rate, tax_minor, total_minor, coupon_id ON invoices
WHEN OLD.origin <> 'imported'
  AND (OLD.status <> 'open' OR OLD.paid_minor > 0 OR OLD.credit_applied_minor > 0
    OR OLD.credit_notes_minor > 0 OR OLD.coupon_id IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'a coupon is taken off an open, unpaid invoice, and once');
END;
CREATE INDEX transactions_refunds ON transactions (refund_of) WHERE refund_of IS NOT NULL;
CREATE INDEX transactions_part ON transactions (part_of) WHERE part_of IS NOT NULL;
CREATE INDEX transactions_invoice_refunds ON transactions (invoice_id) WHERE kind = 'refund';
CREATE INDEX transactions_credit_note ON transactions (credit_note_id)
  WHERE credit_note_id IS NOT NULL;
CREATE INDEX credits_credit_note ON credits (credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE INDEX ledger_credit_note ON ledger (credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
WHEN NOT (NEW.id = OLD.id AND NEW.booked_on = OLD.booked_on AND NEW.recorded_at = OLD.recorded_at
  AND NEW.kind = OLD.kind AND NEW.invoice_id IS OLD.invoice_id
  AND NEW.transaction_id IS OLD.transaction_id AND NEW.credit_note_id IS OLD.credit_note_id
  AND NEW.currency = OLD.currency
  AND NEW.receivable_minor = OLD.receivable_minor AND NEW.cash_minor = OLD.cash_minor
  AND NEW.loss_minor = OLD.loss_minor AND NEW.credit_minor = OLD.credit_minor
  AND NEW.revenue_minor = OLD.revenue_minor AND NEW.tax_minor = OLD.tax_minor
  AND NEW.tenant_id IS (SELECT tenant_id FROM invoices WHERE id = NEW.invoice_id))
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE credit_notes (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
  series TEXT,
  sequence INTEGER,
  origin TEXT NOT NULL CHECK (origin IN ('issued', 'imported')),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  subtotal_minor INTEGER NOT NULL CHECK (subtotal_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
  tax_rate TEXT NOT NULL,
  tax_minor INTEGER NOT NULL CHECK (tax_minor BETWEEN 0 AND 1000000000000000),
  tax_inclusive INTEGER NOT NULL CHECK (tax_inclusive IN (0, 1)),
  total_minor INTEGER NOT NULL CHECK (total_minor > 0),
  reduces_due_minor INTEGER NOT NULL CHECK (reduces_due_minor >= 0),
  to_credit_minor INTEGER NOT NULL CHECK (to_credit_minor >= 0),
  refunded_minor INTEGER NOT NULL CHECK (refunded_minor >= 0),
  outside_minor INTEGER NOT NULL CHECK (outside_minor >= 0),
  lost_minor INTEGER NOT NULL DEFAULT 0
    CHECK (lost_minor BETWEEN 0 AND refunded_minor + outside_minor),
  reason TEXT NOT NULL CHECK (reason IN ('duplicate', 'error', 'cancellation', 'change',
    'goodwill', 'correction', 'other')),
  memo TEXT CHECK (length(memo) BETWEEN 1 AND 500),
  seller_id INTEGER NOT NULL REFERENCES parties (id),
  buyer_id INTEGER NOT NULL REFERENCES parties (id),
  issued_on TEXT NOT NULL CHECK (date(issued_on) IS issued_on),
  created_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id) ON UPDATE CASCADE,
  CHECK (total_minor = subtotal_minor - discount_minor
    + CASE tax_inclusive WHEN 0 THEN tax_minor ELSE 0 END),
  CHECK (tax_minor <= total_minor),
  CHECK (total_minor + lost_minor
    = reduces_due_minor + to_credit_minor + refunded_minor + outside_minor),
  CHECK ((series IS NULL) = (sequence IS NULL)),
  CHECK (origin <> 'issued' OR sequence IS NOT NULL)
) STRICT;
CREATE INDEX credit_notes_invoice ON credit_notes (invoice_id);
CREATE INDEX credit_notes_tenant ON credit_notes (tenant_id);
CREATE UNIQUE INDEX credit_notes_sequence ON credit_notes (series, sequence)
  WHERE sequence IS NOT NULL;
CREATE TRIGGER credit_notes_immutable BEFORE UPDATE OF
  number, series, sequence, origin, invoice_id, currency, subtotal_minor, discount_minor, tax_rate,
  tax_minor, tax_inclusive, total_minor, reason, memo, seller_id, buyer_id, issued_on, created_at
  ON credit_notes
BEGIN
  SELECT RAISE(ABORT, 'a credit note cannot be changed');
END;
CREATE TRIGGER credit_notes_no_delete BEFORE DELETE ON credit_notes
BEGIN
  SELECT RAISE(ABORT, 'a credit note cannot be deleted');
END;

CREATE TABLE credit_note_lines (
  credit_note_id INTEGER NOT NULL REFERENCES credit_notes (id),
  position INTEGER NOT NULL CHECK (position >= 1),
  line INTEGER NOT NULL CHECK (line >= 1),
  description TEXT NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL CHECK (discount_minor BETWEEN 0 AND amount_minor),
  net_minor INTEGER NOT NULL CHECK (net_minor BETWEEN 0 AND amount_minor),
  PRIMARY KEY (credit_note_id, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER credit_note_lines_no_update BEFORE UPDATE ON credit_note_lines
BEGIN
  SELECT RAISE(ABORT, 'a line of a credit note cannot be changed');
END;
CREATE TRIGGER credit_note_lines_no_delete BEFORE DELETE ON credit_note_lines
BEGIN
  SELECT RAISE(ABORT, 'a line of a credit note cannot be deleted');
END;

CREATE TABLE credit_refunds (
  id INTEGER PRIMARY KEY,
  credit_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  currency TEXT NOT NULL,
  transaction_id INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  begun_at TEXT NOT NULL,
  failed_at TEXT,
  lost_minor INTEGER NOT NULL DEFAULT 0
    CHECK (lost_minor BETWEEN 0 AND CASE WHEN failed_at IS NULL THEN amount_minor ELSE 0 END),
  FOREIGN KEY (credit_id, tenant_id, currency) REFERENCES credits (id, tenant_id, currency),
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id)
) STRICT;
CREATE INDEX credit_refunds_credit ON credit_refunds (credit_id);
CREATE INDEX credit_refunds_transaction ON credit_refunds (transaction_id);
CREATE TRIGGER credit_refunds_no_delete BEFORE DELETE ON credit_refunds
BEGIN
  SELECT RAISE(ABORT, 'what a refund holds cannot be deleted');
END;

CREATE TABLE gateway_changes (
  id INTEGER PRIMARY KEY,
  gateway TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('refund', 'dispute')),
  reference TEXT NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
  status TEXT NOT NULL,
  transaction_id INTEGER REFERENCES transactions (id),
  recorded_at TEXT NOT NULL,
  UNIQUE (gateway, kind, reference, status)
) STRICT;
