-- What is to be billed with an invoice to come: it waits until one takes it (`invoice_id`), and waits
-- again where that one is voided. With a subscription it waits for that one's next period, else for the
-- next period of any of its customer's in that currency. Where it is `tax_inclusive`, its amount is with
-- tax. `of_change` is the start of the period whose change made it. What it comes to may be lowered,
-- never raised, and it is removed, never deleted.
CREATE TABLE pending_items (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  subscription_id INTEGER,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  description TEXT NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
  quantity TEXT NOT NULL CHECK (quantity GLOB '[0-9]*' AND quantity NOT GLOB '*[^0-9.]*'),
  unit_price TEXT CHECK (unit_price GLOB '[0-9]*' AND unit_price NOT GLOB '*[^0-9.]*'),
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  tax_inclusive INTEGER NOT NULL CHECK (tax_inclusive IN (0, 1)),
  discountable INTEGER NOT NULL CHECK (discountable IN (0, 1)),
  period_start TEXT CHECK (date(period_start) IS period_start),
  period_end TEXT CHECK (date(period_end) IS period_end),
  of_change TEXT CHECK (date(of_change) IS of_change),
  created_on TEXT NOT NULL CHECK (date(created_on) IS created_on),
  created_at TEXT NOT NULL,
  invoice_id INTEGER,
  removed_at TEXT,
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  CHECK ((period_start IS NULL) = (period_end IS NULL)),
  CHECK (period_start < period_end),
  CHECK (of_change IS NULL OR subscription_id IS NOT NULL),
  CHECK (invoice_id IS NULL OR removed_at IS NULL)
) STRICT;
-- What waits: of a customer, and of all since when.
CREATE INDEX pending_items_waiting ON pending_items (tenant_id, currency, id)
  WHERE invoice_id IS NULL AND removed_at IS NULL;
CREATE INDEX pending_items_oldest ON pending_items (created_on, id)
  WHERE invoice_id IS NULL AND removed_at IS NULL;
CREATE INDEX pending_items_tenant ON pending_items (tenant_id);
CREATE INDEX pending_items_subscription ON pending_items (subscription_id)
  WHERE subscription_id IS NOT NULL;
CREATE INDEX pending_items_invoice ON pending_items (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE TRIGGER pending_items_immutable BEFORE UPDATE OF
  id, tenant_id, subscription_id, currency, description, quantity, tax_inclusive, discountable,
  period_start, period_end, of_change, created_on, created_at ON pending_items
BEGIN
  SELECT RAISE(ABORT, 'a pending item cannot be changed');
END;
CREATE TRIGGER pending_items_lowered BEFORE UPDATE OF amount_minor, unit_price ON pending_items
WHEN NEW.amount_minor >= OLD.amount_minor OR OLD.invoice_id IS NOT NULL
  OR OLD.removed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a pending item is lowered while it waits, and never raised');
END;
CREATE TRIGGER pending_items_stay_removed BEFORE UPDATE OF removed_at, invoice_id ON pending_items
WHEN OLD.removed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a pending item that was removed stays removed');
END;
CREATE TRIGGER pending_items_no_delete BEFORE DELETE ON pending_items
BEGIN
  SELECT RAISE(ABORT, 'a pending item cannot be deleted');
END;

-- Which pending item a line bills, and whether a coupon may take something off it.
ALTER TABLE invoice_lines ADD COLUMN pending_item_id INTEGER REFERENCES pending_items (id);
ALTER TABLE invoice_lines ADD COLUMN discountable INTEGER NOT NULL DEFAULT 1
    CHECK (discountable IN (0, 1) AND (discountable = 1 OR discount_minor = 0));

-- A coupon that a person takes off a subscription, whatever is left of it.
ALTER TABLE redemptions ADD COLUMN removed_at TEXT
    CHECK (removed_at IS NULL OR ended_at IS NOT NULL);
