-- Money gets its record, and what a report of a past day reads its history. The rows are written by
-- store/migrate/ledger.rs, from the rows and events of the version before.

ALTER TABLE invoices ADD COLUMN due_minor INTEGER GENERATED ALWAYS AS
  (CASE status WHEN 'void' THEN 0 ELSE total_minor - paid_minor END) VIRTUAL;
ALTER TABLE invoices ADD COLUMN changed_at TEXT;
ALTER TABLE tenants ADD COLUMN changed_at TEXT;
ALTER TABLE charge_attempts ADD COLUMN pending_at TEXT;
ALTER TABLE emails ADD COLUMN ended_at TEXT;

-- How each invoice stood with dunning, change by change: what a report of a past day reads. No row:
-- as it was issued. Written by a trigger, so that no way of changing an invoice can forget it.
CREATE TABLE invoice_states (
  id INTEGER PRIMARY KEY,
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  since TEXT NOT NULL,
  stage TEXT NOT NULL,
  warned_on TEXT,
  warning_email_id INTEGER REFERENCES emails (id),
  set_back_on TEXT,
  promised_until TEXT,
  disputed INTEGER NOT NULL CHECK (disputed IN (0, 1))
) STRICT;
CREATE INDEX invoice_states_invoice ON invoice_states (invoice_id, id);
CREATE TRIGGER invoices_state AFTER UPDATE OF
  stage, warned_on, warning_email_id, set_back_on, promised_until, disputed_at ON invoices
WHEN NEW.stage <> OLD.stage OR NEW.warned_on IS NOT OLD.warned_on
  OR NEW.warning_email_id IS NOT OLD.warning_email_id OR NEW.set_back_on IS NOT OLD.set_back_on
  OR NEW.promised_until IS NOT OLD.promised_until
  OR (NEW.disputed_at IS NULL) <> (OLD.disputed_at IS NULL)
BEGIN
  INSERT INTO invoice_states (invoice_id, since, stage, warned_on, warning_email_id, set_back_on,
    promised_until, disputed)
  VALUES (NEW.id, coalesce(NEW.changed_at, NEW.updated_at), NEW.stage, NEW.warned_on, NEW.warning_email_id, NEW.set_back_on,
    NEW.promised_until, NEW.disputed_at IS NOT NULL);
END;
CREATE TRIGGER invoice_states_no_update BEFORE UPDATE ON invoice_states
BEGIN
  SELECT RAISE(ABORT, 'history is append-only');
END;
CREATE TRIGGER invoice_states_no_delete BEFORE DELETE ON invoice_states
BEGIN
  SELECT RAISE(ABORT, 'history is append-only');
END;

-- Every change of a tenant's standing, and how it stood before. Written by a trigger.
CREATE TABLE tenant_states (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  since TEXT NOT NULL,
  status_before TEXT NOT NULL,
  status TEXT NOT NULL,
  cause TEXT
) STRICT;
CREATE INDEX tenant_states_tenant ON tenant_states (tenant_id, id);
-- Counts the suspensions of a period.
CREATE INDEX tenant_states_since ON tenant_states (since, status);
CREATE TRIGGER tenants_state AFTER UPDATE OF status, suspension_cause ON tenants
WHEN NEW.status <> OLD.status OR NEW.suspension_cause IS NOT OLD.suspension_cause
BEGIN
  INSERT INTO tenant_states (tenant_id, since, status_before, status, cause)
  VALUES (NEW.id, coalesce(NEW.changed_at, NEW.updated_at), OLD.status, NEW.status, NEW.suspension_cause);
END;
CREATE TRIGGER tenant_states_no_update BEFORE UPDATE ON tenant_states
BEGIN
  SELECT RAISE(ABORT, 'history is append-only');
END;
CREATE TRIGGER tenant_states_no_delete BEFORE DELETE ON tenant_states
BEGIN
  SELECT RAISE(ABORT, 'history is append-only');
END;

-- The ledger: the one record of money. Each row is a whole double entry, and the database refuses
-- one that does not balance. `booked_on` is the business day from which it counts (of an invoice
-- that of its issue, of a payment that on which it was made), `recorded_at` when it was written
-- down. What is due on an invoice is the sum of its receivables and losses; a tenant's credit is
-- the sum of its credits. Kinds that are listed and not written yet are those to come.
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY,
  booked_on TEXT NOT NULL CHECK (date(booked_on) IS booked_on),
  recorded_at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('invoice', 'discount', 'payment', 'charge', 'reversal',
    'write_off', 'void', 'correction', 'credit_note', 'credit_grant', 'credit_applied',
    'credit_unapplied', 'refund', 'refund_failed')),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  transaction_id INTEGER,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  receivable_minor INTEGER NOT NULL DEFAULT 0,
  cash_minor INTEGER NOT NULL DEFAULT 0,
  loss_minor INTEGER NOT NULL DEFAULT 0,
  credit_minor INTEGER NOT NULL DEFAULT 0,
  revenue_minor INTEGER NOT NULL DEFAULT 0,
  tax_minor INTEGER NOT NULL DEFAULT 0,
  -- An imported invoice may be given to the customer whose it is, and its rows go with it.
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id) ON UPDATE CASCADE,
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  CHECK (receivable_minor + cash_minor + loss_minor = credit_minor + revenue_minor + tax_minor)
) STRICT;
CREATE INDEX ledger_invoice ON ledger (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX ledger_transaction ON ledger (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX ledger_booked ON ledger (booked_on, invoice_id);
CREATE INDEX ledger_credit ON ledger (tenant_id, currency) WHERE credit_minor <> 0;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
WHEN NOT (NEW.id = OLD.id AND NEW.booked_on = OLD.booked_on AND NEW.recorded_at = OLD.recorded_at
  AND NEW.kind = OLD.kind AND NEW.invoice_id IS OLD.invoice_id
  AND NEW.transaction_id IS OLD.transaction_id AND NEW.currency = OLD.currency
  AND NEW.receivable_minor = OLD.receivable_minor AND NEW.cash_minor = OLD.cash_minor
  AND NEW.loss_minor = OLD.loss_minor AND NEW.credit_minor = OLD.credit_minor
  AND NEW.revenue_minor = OLD.revenue_minor AND NEW.tax_minor = OLD.tax_minor
  AND NEW.tenant_id IS (SELECT tenant_id FROM invoices WHERE id = NEW.invoice_id))
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
