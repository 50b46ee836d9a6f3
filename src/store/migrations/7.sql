-- Plans have prices, subscriptions have items, and lines of invoices name theirs.

-- How many decimals a currency has, where it has not two (ISO 4217): amounts of minor units become
-- decimal numbers.
CREATE TEMP TABLE currency_decimals (
  currency TEXT PRIMARY KEY,
  decimals INTEGER NOT NULL,
  minor_units INTEGER NOT NULL
);
INSERT INTO currency_decimals (currency, decimals, minor_units) VALUES
  ('BIF', 0, 1), ('CLP', 0, 1), ('DJF', 0, 1), ('GNF', 0, 1), ('ISK', 0, 1), ('JPY', 0, 1),
  ('KMF', 0, 1), ('KRW', 0, 1), ('PYG', 0, 1), ('RWF', 0, 1), ('UGX', 0, 1), ('UYI', 0, 1),
  ('VND', 0, 1), ('VUV', 0, 1), ('XAF', 0, 1), ('XOF', 0, 1), ('XPF', 0, 1),
  ('BHD', 3, 1000), ('IQD', 3, 1000), ('JOD', 3, 1000), ('KWD', 3, 1000), ('LYD', 3, 1000),
  ('OMR', 3, 1000), ('TND', 3, 1000),
  ('CLF', 4, 10000), ('UYW', 4, 10000);

-- What was copied, before what it was copied from goes: the CHECK stops where a row is missing.
CREATE TEMP TABLE copied (
  what TEXT,
  before INTEGER,
  after INTEGER,
  CHECK (before = after)
);

-- What a plan costs: one price for each currency (and for each meter: there are none yet). A price is
-- never edited: it is archived and a new one made, so that what a subscriber agreed to stays what it
-- was. `unit_amount` is a decimal number of major units, which may have more decimals than the
-- currency; that is why it is TEXT.
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  meter_id INTEGER CHECK (meter_id IS NULL),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  model TEXT NOT NULL
    CHECK (model IN ('flat', 'per_unit', 'graduated', 'volume', 'package', 'percentage')),
  unit_amount TEXT CHECK (unit_amount GLOB '[0-9]*' AND unit_amount NOT GLOB '*[^0-9.]*'),
  archived_at TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (id, plan_id),
  CHECK (model <> 'per_unit' OR unit_amount IS NOT NULL)
) STRICT;
INSERT INTO prices (id, plan_id, currency, model, unit_amount, created_at)
  SELECT id, id, currency, 'per_unit',
    CASE
      WHEN decimals = 0 THEN CAST(price_minor AS TEXT)
      ELSE printf('%d.%0*d', price_minor / coalesce(minor_units, 100), coalesce(decimals, 2),
        price_minor % coalesce(minor_units, 100))
    END,
    created_at
  FROM plans LEFT JOIN currency_decimals USING (currency);
INSERT INTO copied SELECT 'prices', (SELECT count(*) FROM plans), (SELECT count(*) FROM prices);
ALTER TABLE plans DROP COLUMN price_minor;
ALTER TABLE plans DROP COLUMN currency;
CREATE UNIQUE INDEX prices_live ON prices (plan_id, coalesce(meter_id, 0), currency)
  WHERE archived_at IS NULL;
CREATE TRIGGER prices_immutable BEFORE UPDATE OF
  id, plan_id, meter_id, currency, model, unit_amount, created_at ON prices
BEGIN
  SELECT RAISE(ABORT, 'a price cannot be changed');
END;
CREATE TRIGGER prices_stay_archived BEFORE UPDATE OF archived_at ON prices
WHEN OLD.archived_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a price that was archived stays archived');
END;
CREATE TRIGGER prices_no_delete BEFORE DELETE ON prices
BEGIN
  SELECT RAISE(ABORT, 'a price cannot be deleted');
END;

-- Plan and quantity of a subscription become its first item.
DROP TRIGGER subscriptions_first_state;
DROP TRIGGER subscriptions_state;
DROP INDEX subscriptions_tenant;
DROP INDEX subscriptions_plan;
DROP INDEX subscriptions_next_billing;
DROP INDEX subscriptions_trials;
DROP INDEX subscriptions_ending;
ALTER TABLE subscriptions RENAME TO subscriptions_6;
-- A tenant's running agreement. Its periods are counted from `anchor_on` (anchor + n intervals, on
-- `anchor_day` or the last day of a shorter month), never from the period before. `next_billing_on`
-- is where the first period starts that is not billed. `ends_on` is the first day after the end, once
-- it is canceled. `imported` is the row that it was imported from. What is billed are its items.
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  status TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'suspended', 'canceled')),
  anchor TEXT NOT NULL CHECK (anchor IN ('calendar', 'anniversary')),
  anchor_on TEXT NOT NULL CHECK (date(anchor_on) IS anchor_on),
  anchor_day INTEGER NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),
  started_on TEXT NOT NULL CHECK (date(started_on) IS started_on),
  current_period_start TEXT CHECK (date(current_period_start) IS current_period_start),
  current_period_end TEXT CHECK (date(current_period_end) IS current_period_end),
  next_billing_on TEXT CHECK (date(next_billing_on) IS next_billing_on),
  trial_ends_on TEXT CHECK (date(trial_ends_on) IS trial_ends_on),
  trial_reminded_at TEXT,
  collection TEXT NOT NULL DEFAULT 'invoice' CHECK (collection IN ('automatic', 'invoice')),
  cancel_at_period_end INTEGER NOT NULL DEFAULT 0 CHECK (cancel_at_period_end IN (0, 1)),
  ends_on TEXT CHECK (date(ends_on) IS ends_on),
  canceled_at TEXT,
  suspended_at TEXT,
  suspended_on TEXT CHECK (date(suspended_on) IS suspended_on),
  suspension_cause TEXT CHECK (suspension_cause IN ('overdue', 'manual', 'trial')),
  suspended_from TEXT CHECK (suspended_from IN ('trialing', 'active')),
  billed_elsewhere_until TEXT CHECK (date(billed_elsewhere_until) IS billed_elsewhere_until),
  imported TEXT CHECK (json_valid(imported)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  CHECK (current_period_start < current_period_end),
  CHECK ((current_period_start IS NULL) = (current_period_end IS NULL)),
  CHECK ((status = 'suspended') = (suspended_at IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspended_on IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_cause IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspended_from IS NOT NULL)),
  CHECK ((status = 'canceled') = (canceled_at IS NOT NULL)),
  CHECK ((status = 'canceled' OR cancel_at_period_end = 1) = (ends_on IS NOT NULL)),
  CHECK (status <> 'trialing' OR (trial_ends_on IS NOT NULL AND next_billing_on IS NULL)),
  CHECK (status <> 'active' OR next_billing_on IS NOT NULL),
  CHECK (status <> 'canceled' OR next_billing_on IS NULL)
) STRICT;
INSERT INTO subscriptions (
    id, tenant_id, status, anchor, anchor_on, anchor_day, started_on, current_period_start,
    current_period_end, next_billing_on, trial_ends_on, trial_reminded_at, collection,
    cancel_at_period_end, ends_on, canceled_at, suspended_at, suspended_on, suspension_cause,
    suspended_from, billed_elsewhere_until, imported, created_at, updated_at)
  SELECT
    id, tenant_id, status, anchor, anchor_on, anchor_day, started_on, current_period_start,
    current_period_end, next_billing_on, trial_ends_on, trial_reminded_at, collection,
    cancel_at_period_end, ends_on, canceled_at, suspended_at, suspended_on, suspension_cause,
    suspended_from, billed_elsewhere_until, imported, created_at, updated_at
  FROM subscriptions_6;
CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id);
CREATE INDEX subscriptions_next_billing ON subscriptions (next_billing_on, id)
  WHERE status = 'active' AND next_billing_on IS NOT NULL;
CREATE INDEX subscriptions_trials ON subscriptions (trial_ends_on, id) WHERE status = 'trialing';
CREATE INDEX subscriptions_ending ON subscriptions (ends_on, id)
  WHERE cancel_at_period_end = 1 AND status <> 'canceled';

-- What a subscription is made of: so many of a plan, at one of its prices; one item today. All items
-- of a subscription are billed together, at one interval and in one currency. A change of plan, price
-- or quantity waits in the pending_ columns for the next period.
CREATE TABLE subscription_items (
  id INTEGER PRIMARY KEY,
  subscription_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 1),
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  price_id INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  pending_plan_id INTEGER REFERENCES plans (id),
  pending_price_id INTEGER,
  pending_quantity INTEGER CHECK (pending_quantity BETWEEN 1 AND 1000000),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (subscription_id, position),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id),
  FOREIGN KEY (price_id, plan_id) REFERENCES prices (id, plan_id),
  FOREIGN KEY (pending_price_id, pending_plan_id) REFERENCES prices (id, plan_id),
  CHECK ((pending_plan_id IS NULL) = (pending_price_id IS NULL)),
  CHECK ((pending_plan_id IS NULL) = (pending_quantity IS NULL))
) STRICT;
INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id, price_id,
    quantity, pending_plan_id, pending_price_id, pending_quantity, created_at, updated_at)
  -- The one price of a plan has its id.
  SELECT id, id, tenant_id, 1, plan_id, plan_id, quantity, pending_plan_id, pending_plan_id,
    pending_quantity, created_at, updated_at
  FROM subscriptions_6;
INSERT INTO copied
  SELECT 'subscriptions', (SELECT count(*) FROM subscriptions_6),
    (SELECT count(*) FROM subscriptions)
  UNION ALL
  SELECT 'items', (SELECT count(*) FROM subscriptions_6), (SELECT count(*) FROM subscription_items);
DROP TABLE subscriptions_6;

DROP INDEX subscription_states_subscription;
ALTER TABLE subscription_states RENAME TO subscription_states_6;
-- Every standing that an item of a subscription had: what recurring revenue is computed from. Written
-- by triggers, so that no way of changing a subscription can forget it.
CREATE TABLE subscription_states (
  id INTEGER PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  item_id INTEGER NOT NULL REFERENCES subscription_items (id),
  since TEXT NOT NULL,
  status TEXT NOT NULL,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  price_id INTEGER NOT NULL,
  quantity INTEGER NOT NULL,
  FOREIGN KEY (price_id, plan_id) REFERENCES prices (id, plan_id)
) STRICT;
INSERT INTO subscription_states (id, subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT id, subscription_id, subscription_id, since, status, plan_id, plan_id, quantity
  FROM subscription_states_6;
INSERT INTO copied
  SELECT 'states', (SELECT count(*) FROM subscription_states_6),
    (SELECT count(*) FROM subscription_states);
DROP TABLE subscription_states_6;
CREATE INDEX subscription_states_subscription ON subscription_states (subscription_id, id);
CREATE TRIGGER subscription_items_first_state AFTER INSERT ON subscription_items
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT id, NEW.id, NEW.created_at, status, NEW.plan_id, NEW.price_id, NEW.quantity
  FROM subscriptions WHERE id = NEW.subscription_id;
END;
CREATE TRIGGER subscription_items_state
AFTER UPDATE OF plan_id, price_id, quantity ON subscription_items
WHEN NEW.plan_id <> OLD.plan_id OR NEW.price_id <> OLD.price_id OR NEW.quantity <> OLD.quantity
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT id, NEW.id, NEW.updated_at, status, NEW.plan_id, NEW.price_id, NEW.quantity
  FROM subscriptions WHERE id = NEW.subscription_id;
END;
CREATE TRIGGER subscriptions_state AFTER UPDATE OF status ON subscriptions
WHEN NEW.status <> OLD.status
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT NEW.id, id, NEW.updated_at, NEW.status, plan_id, price_id, quantity
  FROM subscription_items WHERE subscription_id = NEW.id ORDER BY position;
END;

DROP TRIGGER invoice_lines_no_delete;
ALTER TABLE invoice_lines RENAME TO invoice_lines_6;
-- The lines of an invoice; they add up to its subtotal and discount (db check recomputes). Quantity
-- and unit price are decimal numbers, the latter of major units and with as many decimals as it has.
-- `item_id` is the item of the subscription that a line bills.
CREATE TABLE invoice_lines (
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  position INTEGER NOT NULL CHECK (position >= 1),
  item_id INTEGER REFERENCES subscription_items (id),
  description TEXT NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
  quantity TEXT NOT NULL DEFAULT '1'
    CHECK (quantity GLOB '[0-9]*' AND quantity NOT GLOB '*[^0-9.]*'),
  unit_price TEXT CHECK (unit_price GLOB '[0-9]*' AND unit_price NOT GLOB '*[^0-9.]*'),
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL DEFAULT 0 CHECK (discount_minor BETWEEN 0 AND amount_minor),
  period_start TEXT CHECK (date(period_start) IS period_start),
  period_end TEXT CHECK (date(period_end) IS period_end),
  PRIMARY KEY (invoice_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO invoice_lines (invoice_id, position, item_id, description, quantity, unit_price,
    amount_minor, discount_minor, period_start, period_end)
  -- The one item of a subscription has its id.
  SELECT l.invoice_id, l.position, i.subscription_id, l.description, CAST(l.quantity AS TEXT),
    CASE
      WHEN l.unit_minor IS NULL OR d.decimals = 0 THEN CAST(l.unit_minor AS TEXT)
      ELSE printf('%d.%0*d', l.unit_minor / coalesce(d.minor_units, 100), coalesce(d.decimals, 2),
        l.unit_minor % coalesce(d.minor_units, 100))
    END,
    l.amount_minor, l.discount_minor, l.period_start, l.period_end
  FROM invoice_lines_6 l JOIN invoices i ON i.id = l.invoice_id
  LEFT JOIN currency_decimals d ON d.currency = i.currency;
INSERT INTO copied
  SELECT 'lines', (SELECT count(*) FROM invoice_lines_6), (SELECT count(*) FROM invoice_lines);
DROP TABLE invoice_lines_6;
CREATE TRIGGER invoice_lines_no_delete BEFORE DELETE ON invoice_lines
BEGIN
  SELECT RAISE(ABORT, 'a line of an invoice cannot be deleted');
END;

-- What an invoice bills; the rules on periods are about `period` alone.
ALTER TABLE invoices ADD COLUMN purpose TEXT NOT NULL DEFAULT 'single'
    CHECK (purpose IN ('period', 'change', 'usage', 'single')
      AND (purpose = 'single' OR subscription_id IS NOT NULL));
UPDATE invoices SET purpose = 'period' WHERE subscription_id IS NOT NULL;
DROP INDEX invoices_period;
CREATE UNIQUE INDEX invoices_period ON invoices (subscription_id, period_start)
  WHERE purpose = 'period' AND status <> 'void';
DROP TRIGGER invoices_period_overlap;
-- Live periods of a subscription never overlap, so the last that starts before the new one's end is
-- the only one that can.
CREATE TRIGGER invoices_period_overlap BEFORE INSERT ON invoices
WHEN NEW.purpose = 'period' AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'invoice period overlaps another of the same subscription')
  WHERE NEW.period_start < (
    SELECT period_end FROM invoices
    WHERE subscription_id = NEW.subscription_id AND purpose = 'period' AND status <> 'void'
      AND period_start < NEW.period_end
    ORDER BY period_start DESC LIMIT 1
  );
END;
DROP TRIGGER invoices_immutable;
CREATE TRIGGER invoices_immutable BEFORE UPDATE OF
  number, series, sequence, origin, tenant_id, subscription_id, purpose, currency, subtotal_minor,
  seller_id, buyer_id, issued_on, due_on, period_start, period_end ON invoices
WHEN OLD.origin <> 'imported'
BEGIN
  SELECT RAISE(ABORT, 'an issued invoice cannot be changed');
END;

DROP TABLE copied;
DROP TABLE currency_decimals;
