-- The whole schema of a billing database. `billing init` makes a new file from it; files made by
-- an older version are lifted to the same shape by the list in src/store/migrate.rs, and a test
-- compares the two.
--
-- Money is INTEGER minor units beside an ISO 4217 currency code. Dates are `YYYY-MM-DD` in the
-- business time zone, instants RFC 3339 in UTC, periods half-open: [start, end).
-- `overdue` and `past_due` are derived from dates and never stored; nothing of billing.toml is
-- stored either, so that a changed setting holds from the next run on.

-- Who this file is. The uuid is the right-hand part of every Message-ID, so that two databases
-- never give two e-mails the same one. `system_at` is the moment of the last change that was made by
-- the machine's clock and not by --as-of: a clock far from it has jumped. Attempts of charges up to
-- the id `earlier_attempts` were made by versions that kept a program's first word alone. Entries of the
-- ledger up to `earlier_entries` are of versions that said of some past days what no later one would:
-- that is still said. `link_asked_at` is written at each request for a link of the portal, whether any
-- customer has the address or not: both take the same time.
CREATE TABLE database_info (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid TEXT NOT NULL,
  created_at TEXT NOT NULL,
  system_at TEXT,
  earlier_attempts INTEGER NOT NULL DEFAULT 0,
  earlier_entries INTEGER NOT NULL DEFAULT 0,
  link_asked_at TEXT
) STRICT;

-- The customers. `suspension_cause` decides who may lift a suspension: one for overdue invoices
-- is lifted by payment, one by hand or for a trial only by `tenant reactivate`. `updated_at` never
-- goes back; `changed_at` is the moment of the command that changed the row last, which may be given
-- any moment. `external_id` is what the operator's own system calls it, `metadata` what it notes.
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 63),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  locale TEXT NOT NULL CHECK (locale IN ('fr', 'en')),
  country TEXT CHECK (length(country) = 2),
  address TEXT,
  tax_id TEXT,
  tax_rate TEXT,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
  suspended_at TEXT,
  suspension_cause TEXT CHECK (suspension_cause IN ('overdue', 'manual', 'trial')),
  suspension_reason TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  changed_at TEXT,
  -- Who gets a copy of each e-mail: an address a line.
  cc TEXT,
  external_id TEXT CHECK (length(external_id) BETWEEN 1 AND 200),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
  street TEXT,
  postcode TEXT,
  city TEXT,
  legal_id TEXT,
  vat_id TEXT,
  electronic_address TEXT,
  customer_kind TEXT CHECK (customer_kind IN ('business', 'consumer', 'public')),
  tax_category TEXT CHECK (tax_category IN ('standard', 'zero', 'reverse_charge', 'export', 'exempt',
    'outside_scope')),
  tax_reason TEXT,
  -- What links and sessions of the portal were made under: `portal revoke` raises it, and they end.
  portal_generation INTEGER NOT NULL DEFAULT 1 CHECK (portal_generation >= 1),
  -- An address that is the customer's once it was confirmed from there.
  pending_email TEXT CHECK (length(pending_email) BETWEEN 3 AND 254),
  CHECK ((status = 'suspended') = (suspended_at IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_cause IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_reason IS NOT NULL))
) STRICT;
-- Counts active tenants for the caps of a run, and lists one status.
CREATE INDEX tenants_status ON tenants (status);
-- Who asks for a link says an address, whatever its case.
CREATE INDEX tenants_email ON tenants (email COLLATE NOCASE);
CREATE UNIQUE INDEX tenants_external_id ON tenants (external_id) WHERE external_id IS NOT NULL;

-- The e-mails with a link that customers asked for on the portal, by the machine's clock: so many an hour
-- a tenant. What is older goes with the next one.
CREATE TABLE portal_requests (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('sign_in', 'confirm')),
  asked_at TEXT NOT NULL
) STRICT;
CREATE INDEX portal_requests_tenant ON portal_requests (tenant_id, kind, asked_at);

-- Sessions of the portal that were ended before their time, by the hash of their cookie; one that runs is
-- a signed cookie and no row. What would have expired goes with the next one.
CREATE TABLE ended_sessions (
  session TEXT PRIMARY KEY CHECK (length(session) = 64),
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);

-- What was made under a key of whoever asked for it, so that asking again makes nothing more.
-- `fingerprint` is SHA-256 over the command and its arguments.
CREATE TABLE idempotency_keys (
  key TEXT NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 200),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  object_id INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

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

-- What is sold, how often it is billed, and whether its prices are with tax.
CREATE TABLE plans (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 63),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  interval TEXT NOT NULL CHECK (interval IN ('month', 'year')),
  interval_count INTEGER NOT NULL DEFAULT 1 CHECK (interval_count BETWEEN 1 AND 120),
  trial_days INTEGER NOT NULL DEFAULT 0 CHECK (trial_days BETWEEN 0 AND 3650),
  archived_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  tax_inclusive INTEGER NOT NULL DEFAULT 0 CHECK (tax_inclusive IN (0, 1))
) STRICT;

-- What a plan costs: one price for each currency, and one for each meter and currency. A price is
-- never edited: it is archived and a new one made, so that what a subscriber agreed to stays what it
-- was. `unit_amount` is a decimal number of major units, which may have more decimals than the
-- currency; that is why it is TEXT. It is what a unit costs, a package, or (flat) all of it; where there
-- are tiers, there is none; of a percentage it is so many hundredths. `included` units are free; `minimum_minor` is what a period comes to at least.
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  meter_id INTEGER REFERENCES meters (id)
    CHECK (model <> 'percentage' OR (meter_id IS NOT NULL AND unit_amount IS NOT NULL)),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  model TEXT NOT NULL
    CHECK (model IN ('flat', 'per_unit', 'graduated', 'volume', 'package', 'percentage')),
  unit_amount TEXT CHECK (unit_amount GLOB '[0-9]*' AND unit_amount NOT GLOB '*[^0-9.]*'),
  archived_at TEXT,
  created_at TEXT NOT NULL,
  package_size INTEGER
    CHECK (CASE model WHEN 'package'
      THEN package_size IS NOT NULL AND package_size BETWEEN 1 AND 1000000000000
      ELSE package_size IS NULL END)
    CHECK (model = 'percentage' OR (unit_amount IS NULL) = (model IN ('graduated', 'volume'))),
  included INTEGER NOT NULL DEFAULT 0
    CHECK (included BETWEEN 0 AND CASE model WHEN 'flat' THEN 0 ELSE 1000000000000 END),
  minimum_minor INTEGER CHECK (minimum_minor BETWEEN 1 AND 1000000000000000),
  UNIQUE (id, plan_id),
  CHECK (model <> 'per_unit' OR unit_amount IS NOT NULL)
) STRICT;
CREATE INDEX prices_plan ON prices (plan_id);
CREATE UNIQUE INDEX prices_live ON prices (plan_id, coalesce(meter_id, 0), currency)
  WHERE archived_at IS NULL;
CREATE TRIGGER prices_immutable BEFORE UPDATE OF
  id, plan_id, meter_id, currency, model, unit_amount, created_at, package_size, included,
  minimum_minor ON prices
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

-- The tiers of graduated and volume prices. They rise: each goes up to a unit above the bound of the
-- one before, and the last one, which has none, ends them, so that a price has the tiers that it was
-- made with.
CREATE TABLE price_tiers (
  price_id INTEGER NOT NULL REFERENCES prices (id),
  position INTEGER NOT NULL CHECK (position >= 1),
  up_to INTEGER CHECK (up_to BETWEEN 1 AND 1000000000000),
  unit_amount TEXT NOT NULL CHECK (unit_amount GLOB '[0-9]*' AND unit_amount NOT GLOB '*[^0-9.]*'),
  flat_amount TEXT NOT NULL CHECK (flat_amount GLOB '[0-9]*' AND flat_amount NOT GLOB '*[^0-9.]*'),
  PRIMARY KEY (price_id, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER price_tiers_rise BEFORE INSERT ON price_tiers
WHEN NEW.position <> 1 + (SELECT count(*) FROM price_tiers WHERE price_id = NEW.price_id)
  OR EXISTS (SELECT 1 FROM price_tiers
    WHERE price_id = NEW.price_id AND (up_to IS NULL OR up_to >= NEW.up_to))
  OR NOT EXISTS (SELECT 1 FROM prices
    WHERE id = NEW.price_id AND model IN ('graduated', 'volume') AND archived_at IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'tiers rise, up to the last, and are of graduated and volume prices');
END;
CREATE TRIGGER price_tiers_immutable BEFORE UPDATE ON price_tiers
BEGIN
  SELECT RAISE(ABORT, 'a price cannot be changed');
END;
CREATE TRIGGER price_tiers_no_delete BEFORE DELETE ON price_tiers
BEGIN
  SELECT RAISE(ABORT, 'a price cannot be deleted');
END;

-- A price whose subscriptions go to another one, each with its first period that starts on or after that
-- day. Nothing is written of a subscription before: whoever looks at a period to come asks here.
CREATE TABLE price_moves (
  old_price_id INTEGER PRIMARY KEY,
  new_price_id INTEGER NOT NULL UNIQUE,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  from_on TEXT NOT NULL CHECK (date(from_on) IS from_on),
  created_at TEXT NOT NULL,
  FOREIGN KEY (old_price_id, plan_id) REFERENCES prices (id, plan_id),
  FOREIGN KEY (new_price_id, plan_id) REFERENCES prices (id, plan_id),
  CHECK (old_price_id < new_price_id)
) STRICT;
CREATE TRIGGER price_moves_no_update BEFORE UPDATE ON price_moves
BEGIN
  SELECT RAISE(ABORT, 'what was announced of a price cannot be changed');
END;
CREATE TRIGGER price_moves_no_delete BEFORE DELETE ON price_moves
BEGIN
  SELECT RAISE(ABORT, 'what was announced of a price cannot be deleted');
END;

-- How a tenant pays by itself. Only the gateway's token stands here, never a card number.
CREATE TABLE payment_methods (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('card', 'mobile_money', 'bank_transfer', 'other')),
  token TEXT NOT NULL CHECK (length(token) BETWEEN 1 AND 500),
  label TEXT,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'removed')),
  is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  CHECK (is_default = 0 OR status = 'active')
) STRICT;
CREATE INDEX payment_methods_tenant ON payment_methods (tenant_id);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (tenant_id) WHERE is_default = 1;

-- Promotional codes. `code_folded` is the code without case: two codes that differ only in case
-- are one. `current_uses` is the number of redemptions not returned; triggers on those keep it, and
-- db check recomputes it. A coupon is valid from the second `valid_from` to the second `valid_to`.
CREATE TABLE coupons (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL CHECK (length(code) BETWEEN 2 AND 50),
  code_folded TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description TEXT,
  discount_type TEXT NOT NULL CHECK (discount_type IN ('percentage', 'fixed_amount')),
  percent TEXT,
  amount_minor INTEGER CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  currency TEXT CHECK (length(currency) = 3),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  max_uses INTEGER NOT NULL DEFAULT 0 CHECK (max_uses >= 0),
  max_uses_per_customer INTEGER NOT NULL DEFAULT 1 CHECK (max_uses_per_customer >= 0),
  current_uses INTEGER NOT NULL DEFAULT 0 CHECK (current_uses >= 0),
  customer_eligibility TEXT NOT NULL DEFAULT 'all'
    CHECK (customer_eligibility IN ('all', 'new_customers', 'existing_customers')),
  minimum_minor INTEGER CHECK (minimum_minor BETWEEN 0 AND 1000000000000000),
  first_payment_only INTEGER NOT NULL DEFAULT 0 CHECK (first_payment_only IN (0, 1)),
  duration TEXT NOT NULL DEFAULT 'once' CHECK (duration IN ('once', 'forever', 'repeating')),
  duration_periods INTEGER CHECK (duration_periods >= 1),
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (valid_from < valid_to),
  CHECK (max_uses = 0 OR current_uses <= max_uses),
  CHECK ((discount_type = 'percentage') = (percent IS NOT NULL)),
  CHECK ((discount_type = 'fixed_amount') = (amount_minor IS NOT NULL)),
  CHECK (amount_minor IS NULL OR currency IS NOT NULL),
  CHECK (minimum_minor IS NULL OR currency IS NOT NULL),
  CHECK ((duration = 'repeating') = (duration_periods IS NOT NULL))
) STRICT;

-- The plans a coupon is limited to; no row: all plans.
CREATE TABLE coupon_plans (
  coupon_id INTEGER NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  PRIMARY KEY (coupon_id, plan_id)
) STRICT, WITHOUT ROWID;

-- Who checked a coupon on which day (`validate` and `apply`): the base of its conversion.
CREATE TABLE coupon_checks (
  coupon_id INTEGER NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  checked_on TEXT NOT NULL CHECK (date(checked_on) IS checked_on),
  PRIMARY KEY (coupon_id, tenant_id, checked_on)
) STRICT, WITHOUT ROWID;

-- A tenant's running agreement. Its periods are counted from `anchor_on` (anchor + n intervals, on
-- `anchor_day` or the last day of a shorter month), never from the period before. `next_billing_on`
-- is where the first period starts that is not billed. `ends_on` is the first day after the end, once
-- it is canceled. `imported` is the row that it was imported from. What is billed are its items.
-- Where it ended with its tenant and periods had begun that no run had billed, the first of them starts
-- on `unbilled_from` and the last on or before `unbilled_until`, and the next run bills them.
-- A pause is asked for by its customer: no period that starts on `pause_from` or later is billed, until
-- the day after `pause_until`, where that is known.
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  status TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'paused', 'suspended', 'canceled')),
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
  imported TEXT CHECK (imported IS NULL OR json_valid(imported)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  unbilled_from TEXT CHECK (date(unbilled_from) IS unbilled_from
    AND (unbilled_from IS NULL OR status = 'canceled')),
  unbilled_until TEXT CHECK (date(unbilled_until) IS unbilled_until
    AND (unbilled_until IS NULL) = (unbilled_from IS NULL)),
  pause_from TEXT CHECK (date(pause_from) IS pause_from
    AND (pause_from IS NOT NULL OR status <> 'paused')
    AND (pause_from IS NULL OR status IN ('active', 'paused', 'suspended'))),
  pause_until TEXT CHECK (date(pause_until) IS pause_until
    AND (pause_until IS NULL OR pause_until >= pause_from AND pause_from IS NOT NULL)),
  pause_reason TEXT CHECK (pause_reason IS NULL OR pause_from IS NOT NULL),
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
CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id);
CREATE INDEX subscriptions_next_billing ON subscriptions (next_billing_on, id)
  WHERE status = 'active' AND next_billing_on IS NOT NULL;
CREATE INDEX subscriptions_trials ON subscriptions (trial_ends_on, id) WHERE status = 'trialing';
CREATE INDEX subscriptions_ending ON subscriptions (ends_on, id)
  WHERE cancel_at_period_end = 1 AND status <> 'canceled';
CREATE INDEX subscriptions_pausing ON subscriptions (pause_from, id)
  WHERE status = 'active' AND pause_from IS NOT NULL;
CREATE INDEX subscriptions_resuming ON subscriptions (pause_until, id)
  WHERE status = 'paused' AND pause_until IS NOT NULL;
CREATE INDEX subscriptions_unbilled ON subscriptions (unbilled_from, id)
  WHERE unbilled_from IS NOT NULL;

-- What a subscription is made of: so many of a plan, at one of its prices. All items of a
-- subscription are billed together, at one interval and in one currency. A change of plan, price or
-- quantity waits in the pending_ columns for the next period, as does an item that `joins` or `leaves`
-- with it. One that was removed stays, since lines name it.
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
  standing TEXT NOT NULL DEFAULT 'current'
    CHECK (standing IN ('joins', 'current', 'leaves', 'removed'))
    CHECK (standing = 'current' OR pending_quantity IS NULL),
  removed_at TEXT CHECK ((removed_at IS NULL) = (standing <> 'removed')),
  UNIQUE (subscription_id, position),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id),
  FOREIGN KEY (price_id, plan_id) REFERENCES prices (id, plan_id),
  FOREIGN KEY (pending_price_id, pending_plan_id) REFERENCES prices (id, plan_id),
  CHECK ((pending_plan_id IS NULL) = (pending_price_id IS NULL)),
  CHECK ((pending_plan_id IS NULL) = (pending_quantity IS NULL))
) STRICT;

-- Where the periods of a subscription begin anew: when it was made, when its trial became a paid
-- one, when it came back from a suspension that had outlasted what was billed, when a change gave the
-- rest of a period back. Everywhere else a period starts on the day on which the one before it ends
-- (db check proves it).
CREATE TABLE billing_starts (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  starts_on TEXT NOT NULL CHECK (date(starts_on) IS starts_on),
  why TEXT NOT NULL CHECK (why IN ('created', 'trial_ended', 'returned', 'imported', 'changed')),
  PRIMARY KEY (subscription_id, starts_on)
) STRICT, WITHOUT ROWID;

-- Every standing that an item of a subscription had: what recurring revenue is computed from. Written
-- by triggers, so that no way of changing a subscription can forget it. An item has its first with its
-- first period; one that was removed ends as canceled.
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
CREATE INDEX subscription_states_subscription ON subscription_states (subscription_id, id);
CREATE TRIGGER subscription_items_first_state AFTER INSERT ON subscription_items
WHEN NEW.standing <> 'joins'
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT id, NEW.id, NEW.created_at, status, NEW.plan_id, NEW.price_id, NEW.quantity
  FROM subscriptions WHERE id = NEW.subscription_id;
END;
CREATE TRIGGER subscription_items_state
AFTER UPDATE OF plan_id, price_id, quantity, standing ON subscription_items
WHEN NEW.standing IN ('current', 'leaves')
  AND (NEW.plan_id <> OLD.plan_id OR NEW.price_id <> OLD.price_id OR NEW.quantity <> OLD.quantity
    OR OLD.standing = 'joins')
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT id, NEW.id, NEW.updated_at, status, NEW.plan_id, NEW.price_id, NEW.quantity
  FROM subscriptions WHERE id = NEW.subscription_id;
END;
CREATE TRIGGER subscription_items_last_state AFTER UPDATE OF standing ON subscription_items
WHEN NEW.standing = 'removed' AND OLD.standing <> 'joins'
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  VALUES (NEW.subscription_id, NEW.id, NEW.removed_at, 'canceled', NEW.plan_id, NEW.price_id,
    NEW.quantity);
END;
CREATE TRIGGER subscription_items_stay_removed BEFORE UPDATE ON subscription_items
WHEN OLD.standing = 'removed'
BEGIN
  SELECT RAISE(ABORT, 'an item that was removed stays removed');
END;
CREATE TRIGGER subscriptions_state AFTER UPDATE OF status ON subscriptions
WHEN NEW.status <> OLD.status
BEGIN
  INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id, price_id,
    quantity)
  SELECT NEW.id, id, NEW.updated_at, NEW.status, plan_id, price_id, quantity
  FROM subscription_items
  WHERE subscription_id = NEW.id AND standing IN ('current', 'leaves') ORDER BY position;
END;

-- What usage is measured by. How its events come to a quantity never changes.
CREATE TABLE meters (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 63),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  aggregation TEXT NOT NULL CHECK (aggregation IN ('sum', 'count', 'max', 'last', 'unique')),
  unit TEXT CHECK (length(unit) BETWEEN 1 AND 50),
  archived_at TEXT,
  created_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER meters_immutable BEFORE UPDATE OF id, code, aggregation, unit, created_at ON meters
BEGIN
  SELECT RAISE(ABORT, 'a meter cannot be changed');
END;
CREATE TRIGGER meters_no_delete BEFORE DELETE ON meters
BEGIN
  SELECT RAISE(ABORT, 'a meter cannot be deleted');
END;

-- What was used, each event once for ever: ids are of one space for all meters and count within a
-- business day, so that the newest events lie together, whatever their ids are, and no index over all
-- of them is needed. `at_us` are microseconds since 1970. `value` is a decimal number, for meters of
-- unique values any text. An event that was voided stays, so that it is not taken again.
CREATE TABLE usage_events (
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  meter_id INTEGER NOT NULL REFERENCES meters (id),
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  at_us INTEGER NOT NULL,
  value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 200),
  properties TEXT,
  voided_at TEXT,
  void_reason TEXT,
  PRIMARY KEY (day, id),
  CHECK ((voided_at IS NULL) = (void_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_events_immutable BEFORE UPDATE OF
  day, id, meter_id, subscription_id, at_us, value, properties ON usage_events
BEGIN
  SELECT RAISE(ABORT, 'an event of usage cannot be changed');
END;
CREATE TRIGGER usage_events_stay_void BEFORE UPDATE OF voided_at ON usage_events
WHEN OLD.voided_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'an event of usage that was voided stays so');
END;
CREATE TRIGGER usage_events_no_delete BEFORE DELETE ON usage_events
BEGIN
  SELECT RAISE(ABORT, 'an event of usage cannot be deleted');
END;

-- What the events of a day come to that were not voided: their number, and by the aggregation of the
-- meter their sum, the greatest or the last of them, which is that of the latest moment, and of two of
-- one moment that of the greater id. What is billed is read from here; db check recomputes it.
CREATE TABLE usage_totals (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  meter_id INTEGER NOT NULL REFERENCES meters (id),
  day TEXT NOT NULL CHECK (date(day) IS day),
  events INTEGER NOT NULL CHECK (events >= 0),
  value TEXT NOT NULL,
  last_at_us INTEGER,
  last_id TEXT,
  PRIMARY KEY (subscription_id, meter_id, day)
) STRICT, WITHOUT ROWID;

-- The distinct values of a day, of meters that count those, and how many events have each.
CREATE TABLE usage_values (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  meter_id INTEGER NOT NULL REFERENCES meters (id),
  day TEXT NOT NULL CHECK (date(day) IS day),
  value TEXT NOT NULL,
  events INTEGER NOT NULL CHECK (events >= 0),
  PRIMARY KEY (subscription_id, meter_id, day, value)
) STRICT, WITHOUT ROWID;

-- The periods of subscriptions whose usage is billed, each when it is over: the first run at or after
-- its end and the grace bills it, with the period that follows, or alone. `whole_days` are those of
-- the whole interval that it is a part of. Of a time that was not billed itself (the subscription was
-- away) usage alone counts. What comes or goes after it was billed makes it `late`: `new` until a run
-- has looked at it, then it `waits` for the next invoice of the subscription.
CREATE TABLE usage_periods (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  starts_on TEXT NOT NULL CHECK (date(starts_on) IS starts_on),
  ends_on TEXT NOT NULL CHECK (date(ends_on) IS ends_on),
  whole_days INTEGER NOT NULL CHECK (whole_days >= 1),
  away INTEGER NOT NULL DEFAULT 0 CHECK (away IN (0, 1)),
  billed_at TEXT,
  late TEXT CHECK (late IN ('new', 'waits')),
  PRIMARY KEY (subscription_id, starts_on),
  CHECK (starts_on < ends_on),
  CHECK (late IS NULL OR billed_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_periods_unbilled ON usage_periods (ends_on, subscription_id)
  WHERE billed_at IS NULL;
CREATE INDEX usage_periods_late ON usage_periods (subscription_id, starts_on) WHERE late = 'new';

-- By which price the usage of a period is charged, and for which item.
CREATE TABLE usage_prices (
  subscription_id INTEGER NOT NULL,
  starts_on TEXT NOT NULL,
  meter_id INTEGER NOT NULL REFERENCES meters (id),
  item_id INTEGER NOT NULL REFERENCES subscription_items (id),
  price_id INTEGER NOT NULL REFERENCES prices (id),
  PRIMARY KEY (subscription_id, starts_on, meter_id),
  FOREIGN KEY (subscription_id, starts_on) REFERENCES usage_periods (subscription_id, starts_on)
) STRICT, WITHOUT ROWID;

-- Seller and buyer as they were when an invoice was issued. One row a distinct text, shared by
-- all invoices that say the same; a later edit of the tenant or the config makes a new row.
CREATE TABLE parties (
  id INTEGER PRIMARY KEY,
  document TEXT NOT NULL UNIQUE CHECK (json_valid(document))
) STRICT;

-- The last number given in each series (`INV-2026-`), and how many of its numbers were taken by
-- imports or typed by hand: last = issued here + skipped, or there is a gap.
CREATE TABLE number_sequences (
  series TEXT PRIMARY KEY,
  last INTEGER NOT NULL CHECK (last >= 0),
  skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped BETWEEN 0 AND last)
) STRICT, WITHOUT ROWID;

-- The invoices. `stage` is the highest dunning stage recorded in the present round; `warned_on`
-- the day whose warning counts as notice of suspension. A promise, a dispute or a reactivation by
-- hand starts a new round, and earlier warnings give no notice any more. `paid_minor` is a copy of
-- what the ledger says was paid on it, `paid_elsewhere_minor` of that what was paid before an
-- import, `credited_minor` of that what its credit notes took off what is due, and
-- `credit_notes_minor` is what they come to in all. `due_minor` is the one definition of what is still
-- to be paid.
-- Where it is `tax_inclusive`, subtotal and discount are with tax, and so are its lines. `tax_category`
-- is why it is taxed as it is, and `tax_reason` what it says in place of a tax; none where an import
-- did not know.
-- `credit_at_issue_minor` is what credit had paid when it was issued, which its document says for ever.
-- `purpose` is what an invoice of a subscription bills: a period of it, which no other may bill, a
-- change in the middle of one, or usage; any other is `single`. Where the rest of a period was given
-- back, `billed_until` is the first day that another invoice may bill; `period_end` stays as printed.
CREATE TABLE invoices (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
  series TEXT,
  sequence INTEGER,
  origin TEXT NOT NULL CHECK (origin IN ('issued', 'typed', 'imported')),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  subscription_id INTEGER,
  status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'credited', 'void', 'uncollectible')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  subtotal_minor INTEGER NOT NULL CHECK (subtotal_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL DEFAULT 0 CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
  tax_rate TEXT NOT NULL DEFAULT '0',
  tax_minor INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor BETWEEN 0 AND 1000000000000000),
  total_minor INTEGER NOT NULL,
  paid_minor INTEGER NOT NULL DEFAULT 0 CHECK (paid_minor BETWEEN 0 AND total_minor),
  paid_elsewhere_minor INTEGER NOT NULL DEFAULT 0
    CHECK (paid_elsewhere_minor BETWEEN 0 AND paid_minor),
  coupon_id INTEGER REFERENCES coupons (id),
  collection TEXT NOT NULL DEFAULT 'invoice' CHECK (collection IN ('automatic', 'invoice')),
  seller_id INTEGER NOT NULL REFERENCES parties (id),
  buyer_id INTEGER NOT NULL REFERENCES parties (id),
  issued_on TEXT NOT NULL CHECK (date(issued_on) IS issued_on),
  due_on TEXT NOT NULL CHECK (date(due_on) IS due_on),
  paid_on TEXT CHECK (date(paid_on) IS paid_on),
  period_start TEXT CHECK (date(period_start) IS period_start),
  period_end TEXT CHECK (date(period_end) IS period_end),
  closed_reason TEXT,
  closed_at TEXT,
  stage TEXT NOT NULL DEFAULT 'none'
    CHECK (stage IN ('none', 'friendly', 'urgent', 'warning', 'suspension')),
  dunning_round INTEGER NOT NULL DEFAULT 1,
  warned_on TEXT CHECK (date(warned_on) IS warned_on),
  warning_email_id INTEGER REFERENCES emails (id),
  set_back_on TEXT CHECK (date(set_back_on) IS set_back_on),
  promised_until TEXT CHECK (date(promised_until) IS promised_until),
  promise_note TEXT,
  disputed_at TEXT,
  dispute_note TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  due_minor INTEGER GENERATED ALWAYS AS
    (CASE status WHEN 'void' THEN 0 ELSE total_minor - paid_minor - credited_minor - credit_applied_minor END) VIRTUAL,
  changed_at TEXT,
  purpose TEXT NOT NULL DEFAULT 'single'
    CHECK (purpose IN ('period', 'change', 'usage', 'single')
      AND (purpose = 'single' OR subscription_id IS NOT NULL)),
  credit_applied_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_applied_minor BETWEEN 0 AND total_minor - paid_minor),
  credited_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credited_minor BETWEEN 0 AND total_minor - paid_minor - credit_applied_minor),
  credit_notes_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_notes_minor BETWEEN credited_minor AND total_minor),
  tax_inclusive INTEGER NOT NULL DEFAULT 0 CHECK (tax_inclusive IN (0, 1)),
  tax_category TEXT DEFAULT 'standard'
    CHECK (tax_category IN ('standard', 'zero', 'reverse_charge', 'export', 'exempt',
    'outside_scope')),
  tax_reason TEXT,
  credit_at_issue_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_at_issue_minor >= 0),
  billed_until TEXT
    CHECK (date(billed_until) IS billed_until
      AND (billed_until IS NULL OR purpose = 'period' AND billed_until BETWEEN period_start AND period_end)),
  UNIQUE (id, tenant_id),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id),
  CHECK (total_minor = subtotal_minor - discount_minor
    + CASE tax_inclusive WHEN 1 THEN 0 ELSE tax_minor END),
  CHECK (issued_on <= due_on),
  CHECK ((series IS NULL) = (sequence IS NULL)),
  CHECK (origin <> 'issued' OR sequence IS NOT NULL),
  CHECK ((period_start IS NULL) = (period_end IS NULL)),
  CHECK (period_start < period_end),
  CHECK (subscription_id IS NULL OR period_start IS NOT NULL),
  CHECK ((status = 'paid') = (paid_on IS NOT NULL)),
  CHECK (status <> 'paid' OR paid_minor + credit_applied_minor + credited_minor = total_minor),
  CHECK (status <> 'open' OR paid_minor + credit_applied_minor + credited_minor < total_minor),
  CHECK (status <> 'void' OR paid_minor + credit_applied_minor + credit_notes_minor = 0),
  CHECK (status <> 'credited'
    OR (paid_minor + credit_applied_minor = 0 AND credited_minor = total_minor)),
  CHECK ((status IN ('void', 'uncollectible')) = (closed_at IS NOT NULL))
) STRICT;
CREATE INDEX invoices_tenant ON invoices (tenant_id);
-- What dunning has to look at: an invoice waits at its stage until its due date is old enough for
-- the next one, so that a run reads what is due and not what is stored. The offsets of the stages
-- come from billing.toml at each run; that is why the due date stands here and no "next" date.
CREATE INDEX invoices_dunning ON invoices (stage, due_on, tenant_id)
  WHERE status = 'open' AND disputed_at IS NULL AND stage <> 'suspension';
-- What a tenant owes, for its e-mails, its balance and the overdue list.
CREATE INDEX invoices_open ON invoices (tenant_id, due_on) WHERE status = 'open';
CREATE INDEX invoices_open_due ON invoices (due_on, id) WHERE status = 'open';
CREATE UNIQUE INDEX invoices_sequence ON invoices (series, sequence) WHERE sequence IS NOT NULL;
CREATE UNIQUE INDEX invoices_period ON invoices (subscription_id, period_start,
    CASE WHEN billed_until = period_start THEN id ELSE 0 END)
  WHERE purpose = 'period' AND status <> 'void';
CREATE INDEX invoices_change ON invoices (subscription_id, period_start) WHERE purpose = 'change';
-- What is collected by itself and not settled: what a run that charges looks at.
CREATE INDEX invoices_automatic ON invoices (id)
  WHERE status = 'open' AND collection = 'automatic';
-- Those that a coupon discounts: for the coupon that is to be deleted.
CREATE INDEX invoices_coupon ON invoices (coupon_id) WHERE coupon_id IS NOT NULL;
CREATE INDEX invoices_warning_email ON invoices (warning_email_id) WHERE warning_email_id IS NOT NULL;

-- Live periods of a subscription never overlap, so the last that starts before the new one's end is
-- the only one that can. Those of which all was given back bill nothing.
CREATE TRIGGER invoices_period_overlap BEFORE INSERT ON invoices
WHEN NEW.purpose = 'period' AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'invoice period overlaps another of the same subscription')
  WHERE NEW.period_start < (
    SELECT coalesce(billed_until, period_end) FROM invoices
    WHERE subscription_id = NEW.subscription_id AND purpose = 'period' AND status <> 'void'
      AND period_start < NEW.period_end AND (billed_until IS NULL OR billed_until > period_start)
    ORDER BY period_start DESC LIMIT 1
  );
END;
CREATE TRIGGER invoices_billed_until_once BEFORE UPDATE OF billed_until ON invoices
WHEN OLD.billed_until IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'the rest of a period is given back once');
END;
-- An issued document is never rewritten and never deleted: it is paid, voided or written off. A
-- discount may still be taken off while nothing was paid; imported ones may be corrected by
-- another import.
CREATE TRIGGER invoices_immutable BEFORE UPDATE OF
  number, series, sequence, origin, tenant_id, subscription_id, purpose, currency, subtotal_minor,
  seller_id, buyer_id, issued_on, due_on, period_start, period_end ON invoices
WHEN OLD.origin <> 'imported'
BEGIN
  SELECT RAISE(ABORT, 'an issued invoice cannot be changed');
END;
CREATE TRIGGER invoices_discounted_once BEFORE UPDATE OF
  discount_minor, tax_rate, tax_minor, total_minor, coupon_id ON invoices
WHEN OLD.origin <> 'imported'
  AND (OLD.status <> 'open' OR OLD.paid_minor > 0 OR OLD.credit_applied_minor > 0
    OR OLD.credit_notes_minor > 0 OR OLD.coupon_id IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'a coupon is taken off an open, unpaid invoice, and once');
END;
CREATE TRIGGER invoices_taxed_once BEFORE UPDATE OF tax_inclusive, tax_category, tax_reason ON invoices
WHEN OLD.origin <> 'imported'
BEGIN
  SELECT RAISE(ABORT, 'an issued invoice cannot be changed');
END;
CREATE TRIGGER invoices_unvoid BEFORE UPDATE OF status ON invoices
WHEN OLD.status = 'void' AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'a void invoice stays void');
END;
CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices
BEGIN
  SELECT RAISE(ABORT, 'an invoice cannot be deleted');
END;

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

-- Periods whose invoice was voided and that are billed anew (`invoice void --rebill`): the next run
-- issues an invoice with the lines of the void one, and takes the row away.
CREATE TABLE reopened_periods (
  invoice_id INTEGER PRIMARY KEY REFERENCES invoices (id),
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id)
) STRICT;
CREATE INDEX reopened_periods_subscription ON reopened_periods (subscription_id);

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

-- The lines of an invoice; they add up to its subtotal and discount (db check recomputes). Quantity
-- and unit price are decimal numbers, the latter of major units and with as many decimals as it has.
-- `item_id` is the item of the subscription that a line bills, `pending_item_id` the pending item. A
-- coupon takes nothing off a line that is not `discountable`.
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
  -- What the item was of: it may go to another plan later.
  plan_id INTEGER REFERENCES plans (id),
  pending_item_id INTEGER REFERENCES pending_items (id),
  discountable INTEGER NOT NULL DEFAULT 1
    CHECK (discountable IN (0, 1) AND (discountable = 1 OR discount_minor = 0)),
  PRIMARY KEY (invoice_id, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER invoice_lines_no_delete BEFORE DELETE ON invoice_lines
BEGIN
  SELECT RAISE(ABORT, 'a line of an invoice cannot be deleted');
END;

-- The credit notes: what an issued invoice says too much is taken back by another document, with a
-- series of its own, and copies of seller and buyer as they stand on the invoice. What it says is
-- never changed. Where its total went may: a refund that fails is credit, and credit takes off what
-- is due again where a payment is taken back. `lost_minor` is what had gone back by then.
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

-- The lines of a credit note; each takes back a part of the invoice's line `line`. They add up to its
-- subtotal and discount, their nets to its total less tax.
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

-- Which lines bill the usage of a period, and which credit notes a run wrote because less was used than
-- was billed: what is billed of a period is its lines less what those took back.
CREATE TABLE usage_lines (
  invoice_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  subscription_id INTEGER NOT NULL,
  starts_on TEXT NOT NULL,
  meter_id INTEGER NOT NULL,
  PRIMARY KEY (invoice_id, position),
  FOREIGN KEY (invoice_id, position) REFERENCES invoice_lines (invoice_id, position),
  FOREIGN KEY (subscription_id, starts_on, meter_id)
    REFERENCES usage_prices (subscription_id, starts_on, meter_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_lines_period ON usage_lines (subscription_id, starts_on, meter_id);
CREATE TABLE usage_corrections (
  credit_note_id INTEGER PRIMARY KEY REFERENCES credit_notes (id)
) STRICT;

-- Money that moved or was to move: payments recorded by hand or import, charges by a gateway.
-- `applied_minor` is what went to the invoice; the rest of a succeeded one is the tenant's
-- unapplied credit. A charge is one series of attempts (charge_attempts) for one debt; its
-- `next_retry_at` is the last attempt where a run has to look at it again, null where the series is
-- over. When it may be tried again is decided by the settings of that day. A payment without an invoice
-- is on account: all of it is credit. A refund gives back a payment or charge (`refund_of`), or what
-- was paid before an import: its
-- `paid_on` is the day on which the money went back.
CREATE TABLE transactions (
  id INTEGER PRIMARY KEY,
  invoice_id INTEGER,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('payment', 'charge', 'refund', 'checkout')
    AND (kind NOT IN ('charge', 'checkout') OR invoice_id IS NOT NULL)),
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'unknown')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  applied_minor INTEGER NOT NULL DEFAULT 0 CHECK (applied_minor BETWEEN 0 AND amount_minor),
  paid_on TEXT CHECK (date(paid_on) IS paid_on),
  method TEXT,
  reference TEXT CHECK (length(reference) BETWEEN 1 AND 200),
  payment_method_id INTEGER,
  failure_code TEXT,
  failure_message TEXT,
  hard_decline INTEGER NOT NULL DEFAULT 0 CHECK (hard_decline IN (0, 1)),
  retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
  first_failed_at TEXT,
  last_tried_at TEXT,
  next_retry_at TEXT,
  reversed_at TEXT,
  reversal_reason TEXT,
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  refund_of INTEGER CHECK (refund_of IS NULL OR kind = 'refund'),
  credit_note_id INTEGER CHECK (credit_note_id IS NULL OR kind = 'refund'),
  -- The first part of the payment on account of which it is a part.
  part_of INTEGER CHECK (part_of IS NULL OR kind = 'payment'),
  UNIQUE (id, tenant_id),
  FOREIGN KEY (part_of, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (refund_of, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  FOREIGN KEY (payment_method_id, tenant_id) REFERENCES payment_methods (id, tenant_id),
  CHECK (status = 'succeeded' OR applied_minor = 0),
  CHECK (invoice_id IS NOT NULL OR applied_minor = 0),
  CHECK ((status = 'succeeded') = (paid_on IS NOT NULL)),
  CHECK ((reversed_at IS NULL) = (reversal_reason IS NULL)),
  CHECK (reversed_at IS NULL OR status = 'failed')
) STRICT;
CREATE INDEX transactions_invoice ON transactions (invoice_id);
CREATE INDEX transactions_tenant ON transactions (tenant_id);
-- Never two live charges for one invoice, whoever starts them.
CREATE UNIQUE INDEX transactions_live ON transactions (invoice_id)
  WHERE kind = 'charge' AND status IN ('pending', 'unknown');
CREATE INDEX transactions_open ON transactions (id) WHERE next_retry_at IS NOT NULL;
CREATE INDEX transactions_refunds ON transactions (refund_of) WHERE refund_of IS NOT NULL;
CREATE INDEX transactions_part ON transactions (part_of) WHERE part_of IS NOT NULL;
CREATE INDEX transactions_invoice_refunds ON transactions (invoice_id) WHERE kind = 'refund';
CREATE INDEX transactions_credit_note ON transactions (credit_note_id)
  WHERE credit_note_id IS NOT NULL;
CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions
BEGIN
  SELECT RAISE(ABORT, 'a transaction cannot be deleted');
END;

-- The ledger: the one record of money. Each row is a whole double entry, and the database refuses
-- one that does not balance. `booked_on` is the business day from which it counts (of an invoice
-- that of its issue, of a payment that on which it was made), `recorded_at` when it was written
-- down. What is due on an invoice is the sum of its receivables and losses; a tenant's credit is
-- the sum of its credits.
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY,
  booked_on TEXT NOT NULL CHECK (date(booked_on) IS booked_on),
  recorded_at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('invoice', 'discount', 'payment', 'charge', 'reversal',
    'write_off', 'void', 'correction', 'credit_note', 'credit_netted', 'refund_lost', 'credit_grant', 'credit_applied',
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
  credit_note_id INTEGER REFERENCES credit_notes (id),
  -- An imported invoice may be given to the customer whose it is, and its rows go with it.
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id) ON UPDATE CASCADE,
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  CHECK (receivable_minor + cash_minor + loss_minor = credit_minor + revenue_minor + tax_minor)
) STRICT;
CREATE INDEX ledger_invoice ON ledger (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX ledger_transaction ON ledger (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX ledger_credit_note ON ledger (credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE INDEX ledger_booked ON ledger (booked_on, invoice_id);
CREATE INDEX ledger_credit ON ledger (tenant_id, currency) WHERE credit_minor <> 0;
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
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- What a customer has in credit, a row a source: the surplus of a payment, what was granted, or what a
-- credit note gave. `left_minor` is what neither pays an invoice nor goes back, nor was taken back with
-- its source; `netted_minor` what of a note's credit was set off against what is due again on the note's
-- invoice, because a payment of it was taken back. The oldest is used
-- first: `counts_from` is the business day from which it counts.
CREATE TABLE credits (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  source TEXT NOT NULL CHECK (source IN ('overpayment', 'on_account', 'grant', 'credit_note')),
  transaction_id INTEGER,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  left_minor INTEGER NOT NULL CHECK (left_minor BETWEEN 0 AND amount_minor),
  reason TEXT,
  counts_from TEXT NOT NULL CHECK (date(counts_from) IS counts_from),
  taken_back_at TEXT,
  created_at TEXT NOT NULL,
  credit_note_id INTEGER CHECK ((source = 'credit_note') = (credit_note_id IS NOT NULL)),
  netted_minor INTEGER NOT NULL DEFAULT 0
    CHECK (netted_minor BETWEEN 0 AND CASE source WHEN 'credit_note' THEN amount_minor ELSE 0 END),
  UNIQUE (id, tenant_id, currency),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id),
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  CHECK ((source IN ('overpayment', 'on_account')) = (transaction_id IS NOT NULL)),
  CHECK (taken_back_at IS NULL OR left_minor = 0)
) STRICT;
CREATE INDEX credits_tenant ON credits (tenant_id, id);
CREATE INDEX credits_left ON credits (tenant_id, currency, counts_from, id) WHERE left_minor > 0;
CREATE INDEX credits_transaction ON credits (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX credits_credit_note ON credits (credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE TRIGGER credits_no_delete BEFORE DELETE ON credits
BEGIN
  SELECT RAISE(ABORT, 'a credit cannot be deleted');
END;

-- What of a credit pays which invoice. One that a person took off an invoice (`kept_off`) does not go
-- back there by itself.
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

-- What of a credit goes back, by which refund: it is held from the day on which the refund is begun,
-- and let go where it fails. `lost_minor`: what the credit would lack by now, because the payment that it
-- came from was taken back.
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

-- Each attempt of a charge or refund. What it asks of the gateway stands here before the gateway is called, and
-- never changes: the same key always goes with the same bytes. The token is the payment method's. What was paid
-- on a page of the gateway's has no payment method here.
CREATE TABLE charge_attempts (
  id INTEGER PRIMARY KEY,
  transaction_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  payment_method_id INTEGER,
  gateway TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  status TEXT NOT NULL
    CHECK (status IN ('prepared', 'succeeded', 'declined', 'pending', 'unknown', 'not_sent')),
  reference TEXT,
  code TEXT,
  message TEXT,
  hard_decline INTEGER NOT NULL DEFAULT 0 CHECK (hard_decline IN (0, 1)),
  created_at TEXT NOT NULL,
  -- By the clock of the machine, whatever day the command was given: how long a gateway remembers a
  -- key is a matter of hours that really passed.
  prepared_at TEXT NOT NULL,
  answered_at TEXT,
  -- Since when the gateway had it without an outcome, whatever came of it.
  pending_at TEXT,
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (payment_method_id, tenant_id) REFERENCES payment_methods (id, tenant_id)
) STRICT;
CREATE INDEX charge_attempts_reference ON charge_attempts (reference, gateway)
  WHERE reference IS NOT NULL;
CREATE INDEX charge_attempts_transaction ON charge_attempts (transaction_id);
-- Never two tries of one transaction without an answer.
CREATE UNIQUE INDEX charge_attempts_live ON charge_attempts (transaction_id)
  WHERE status IN ('prepared', 'pending', 'unknown');
CREATE TRIGGER charge_attempts_immutable BEFORE UPDATE OF
  transaction_id, tenant_id, payment_method_id, gateway, idempotency_key, amount_minor, created_at,
  prepared_at ON charge_attempts
BEGIN
  SELECT RAISE(ABORT, 'what a gateway was asked cannot be changed');
END;
CREATE TRIGGER charge_attempts_no_delete BEFORE DELETE ON charge_attempts
BEGIN
  SELECT RAISE(ABORT, 'a try of a charge cannot be deleted');
END;
CREATE TRIGGER payment_methods_immutable BEFORE UPDATE OF tenant_id, kind, token ON payment_methods
BEGIN
  SELECT RAISE(ABORT, 'another token is another payment method');
END;

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

-- What was done at a gateway by other hands than ours, each booked once: refunds, and disputes as they
-- were opened, won or lost.
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

-- One redemption of a coupon: an invoice, or a subscription for the coupon's duration. It is one
-- use; it is returned when no live usage row is left and none can follow. `periods_left` is null
-- where it discounts whatever comes; `ended_at` says that nothing follows any more, and `removed_at` that a
-- person had it so, whatever is left.
CREATE TABLE redemptions (
  id INTEGER PRIMARY KEY,
  coupon_id INTEGER NOT NULL REFERENCES coupons (id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  subscription_id INTEGER,
  periods_left INTEGER CHECK (periods_left >= 0),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  redeemed_at TEXT NOT NULL,
  ended_at TEXT,
  returned_at TEXT,
  removed_at TEXT CHECK (removed_at IS NULL OR ended_at IS NOT NULL),
  UNIQUE (id, tenant_id),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id)
) STRICT;
CREATE INDEX redemptions_coupon ON redemptions (coupon_id, tenant_id);
CREATE INDEX redemptions_tenant ON redemptions (tenant_id);
CREATE UNIQUE INDEX redemptions_subscription ON redemptions (subscription_id)
  WHERE subscription_id IS NOT NULL AND ended_at IS NULL AND returned_at IS NULL;
CREATE INDEX redemptions_of_subscription ON redemptions (subscription_id, id)
  WHERE subscription_id IS NOT NULL AND returned_at IS NULL;
-- The uses of a coupon are counted here, so that no way of redeeming or returning can forget it.
CREATE TRIGGER redemptions_counted AFTER INSERT ON redemptions WHEN NEW.returned_at IS NULL
BEGIN
  UPDATE coupons SET current_uses = current_uses + 1 WHERE id = NEW.coupon_id;
END;
CREATE TRIGGER redemptions_returned AFTER UPDATE OF returned_at ON redemptions
WHEN OLD.returned_at IS NULL AND NEW.returned_at IS NOT NULL
BEGIN
  UPDATE coupons SET current_uses = current_uses - 1 WHERE id = NEW.coupon_id;
END;
CREATE TRIGGER redemptions_stay_returned BEFORE UPDATE OF returned_at ON redemptions
WHEN OLD.returned_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a use that was returned stays returned');
END;
CREATE TRIGGER redemptions_no_delete BEFORE DELETE ON redemptions
BEGIN
  SELECT RAISE(ABORT, 'a redemption cannot be deleted');
END;

-- Each invoice that a redemption discounted; where it had left before, a credit note of it did.
CREATE TABLE coupon_usages (
  id INTEGER PRIMARY KEY,
  redemption_id INTEGER NOT NULL,
  coupon_id INTEGER NOT NULL REFERENCES coupons (id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER NOT NULL,
  original_minor INTEGER NOT NULL CHECK (original_minor >= 0),
  discount_minor INTEGER NOT NULL CHECK (discount_minor BETWEEN 0 AND original_minor),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  used_at TEXT NOT NULL,
  returned_at TEXT,
  credit_note_id INTEGER REFERENCES credit_notes (id),
  FOREIGN KEY (redemption_id, tenant_id) REFERENCES redemptions (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id)
) STRICT;
CREATE UNIQUE INDEX coupon_usages_invoice ON coupon_usages (invoice_id) WHERE returned_at IS NULL;
CREATE INDEX coupon_usages_coupon ON coupon_usages (coupon_id, id);
CREATE INDEX coupon_usages_redemption ON coupon_usages (redemption_id);
CREATE INDEX coupon_usages_tenant ON coupon_usages (tenant_id);
CREATE TRIGGER coupon_usages_no_delete BEFORE DELETE ON coupon_usages
BEGIN
  SELECT RAISE(ABORT, 'a usage of a coupon cannot be deleted');
END;

-- Every dunning stage that was recorded. A second run cannot record it again: the key says so.
CREATE TABLE dunning_steps (
  invoice_id INTEGER NOT NULL,
  dunning_round INTEGER NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('friendly', 'urgent', 'warning', 'suspension')),
  tenant_id INTEGER NOT NULL,
  recorded_on TEXT NOT NULL CHECK (date(recorded_on) IS recorded_on),
  days_overdue INTEGER NOT NULL,
  run_id INTEGER REFERENCES runs (id),
  email_id INTEGER REFERENCES emails (id),
  PRIMARY KEY (invoice_id, dunning_round, stage),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dunning_steps_email ON dunning_steps (email_id) WHERE email_id IS NOT NULL;

-- The documents of invoices and credit notes, each made once in each form, and never again: what was
-- handed out is what is handed out. `sha256` is that of its bytes.
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  credit_note_id INTEGER,
  form TEXT NOT NULL CHECK (form IN ('pdf', 'facturx', 'cii', 'ubl')),
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  size INTEGER NOT NULL CHECK (size > 0),
  made_at TEXT NOT NULL,
  UNIQUE (invoice_id, form),
  UNIQUE (credit_note_id, form),
  CHECK ((invoice_id IS NULL) <> (credit_note_id IS NULL)),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id)
) STRICT;
CREATE INDEX documents_tenant ON documents (tenant_id);
CREATE TRIGGER documents_immutable BEFORE UPDATE OF
  id, tenant_id, invoice_id, credit_note_id, form, sha256, size, made_at ON documents
BEGIN
  SELECT RAISE(ABORT, 'a document cannot be changed');
END;
CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents
BEGIN
  SELECT RAISE(ABORT, 'a document cannot be deleted');
END;

-- The bytes of documents by their SHA-256, but for those that lie in `[documents] directory`.
CREATE TABLE document_files (
  sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
  bytes BLOB NOT NULL
) STRICT;

-- The outbox, and the record of what was sent. An e-mail is queued in the transaction of the fact
-- it tells of; `dedup_key` makes a second one impossible. The bytes are drawn up just before the
-- first attempt (email_messages) and never change after it.
CREATE TABLE emails (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  template TEXT NOT NULL,
  stage TEXT,
  locale TEXT NOT NULL CHECK (locale IN ('fr', 'en')),
  recipient TEXT NOT NULL,
  subject TEXT,
  facts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(facts)),
  status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent', 'failed', 'canceled')),
  attempts INTEGER NOT NULL DEFAULT 0,
  dedup_key TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL UNIQUE,
  error TEXT,
  run_id INTEGER REFERENCES runs (id),
  queued_at TEXT NOT NULL,
  first_tried_at TEXT,
  next_try_at TEXT,
  sent_at TEXT,
  -- When it failed for good or was canceled.
  ended_at TEXT,
  -- Who gets a copy of the bytes that were drawn up: an address a line.
  cc TEXT,
  -- What goes with it; the bytes are not stored again with the message.
  document_id INTEGER REFERENCES documents (id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  CHECK ((status = 'queued') = (next_try_at IS NOT NULL)),
  CHECK ((status = 'sent') = (sent_at IS NOT NULL))
) STRICT;
CREATE INDEX emails_due ON emails (next_try_at, id) WHERE next_try_at IS NOT NULL;
CREATE INDEX emails_tenant ON emails (tenant_id);

-- The bytes of each e-mail that was tried at least once, as they left but for its document.
CREATE TABLE email_messages (
  email_id INTEGER PRIMARY KEY REFERENCES emails (id),
  message BLOB NOT NULL
) STRICT;

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

-- Who is told of events ([[hooks]] of billing.toml), and how far: a row a hook, made when the
-- configuration first had it, and kept when it has it no more. `told_id` is the last event that it was told of, or
-- that is none of its kinds: those after it wait, in the order of their ids. All instants here are of the
-- machine's clock, which a hook's retries go by.
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

-- Each run of a scheduled task. `phase` says which lock it holds while it is running, so that a
-- run that died can be told from one that is at work.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  task TEXT NOT NULL,
  as_of TEXT NOT NULL,
  clock TEXT NOT NULL CHECK (clock IN ('system', 'given')),
  status TEXT NOT NULL CHECK (status IN ('running', 'ok', 'partial', 'failed', 'interrupted')),
  phase TEXT CHECK (phase IN ('deciding', 'delivering', 'telling')),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  CHECK ((status = 'running') = (phase IS NOT NULL))
) STRICT;
CREATE INDEX runs_task ON runs (task, id);
-- The last run up to an instant, and the last one on the machine's clock: what a late task and a
-- clock that jumped are told by, whenever a task starts and however many runs there were.
CREATE INDEX runs_as_of ON runs (task, as_of);
CREATE INDEX runs_system ON runs (task, id) WHERE clock = 'system';
CREATE INDEX runs_running ON runs (phase) WHERE phase IS NOT NULL;

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
