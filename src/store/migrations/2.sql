-- No program of version 1 wrote a subscription, but others may have: each is kept. Invoices and
-- redemptions refer to the table by its name, so that its rows step aside while it is made anew; the
-- references are looked at again when all is done.
PRAGMA defer_foreign_keys = ON;
CREATE TEMP TABLE lost (rows INTEGER CONSTRAINT "no subscription is lost" CHECK (rows = 0));
CREATE TABLE subscriptions_1 AS SELECT * FROM subscriptions;
INSERT INTO lost
SELECT (SELECT count(*) FROM subscriptions) - (SELECT count(*) FROM subscriptions_1);
DROP TABLE subscriptions;

-- A tenant's running agreement on a plan. Its periods are counted from `anchor_on` (anchor + n
-- intervals, on `anchor_day` or the last day of a shorter month), never from the period before.
-- `next_billing_on` is where the first period starts that is not billed; a change of plan or
-- quantity waits in the pending_ columns for it. `ends_on` is the first day after the end, once it
-- is canceled. `imported` is the row that it was imported from.
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  status TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'suspended', 'canceled')),
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 1000000),
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
  pending_plan_id INTEGER REFERENCES plans (id),
  pending_quantity INTEGER CHECK (pending_quantity BETWEEN 1 AND 1000000),
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
  CHECK ((pending_plan_id IS NULL) = (pending_quantity IS NULL)),
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
CREATE INDEX subscriptions_plan ON subscriptions (plan_id);
CREATE INDEX subscriptions_next_billing ON subscriptions (next_billing_on, id)
  WHERE status = 'active' AND next_billing_on IS NOT NULL;
CREATE INDEX subscriptions_trials ON subscriptions (trial_ends_on, id) WHERE status = 'trialing';
CREATE INDEX subscriptions_ending ON subscriptions (ends_on, id)
  WHERE cancel_at_period_end = 1 AND status <> 'canceled';

-- What version 1 did not know is derived. The days of instants are those of UTC here;
-- store/migrate/subscriptions.rs makes them days of the business.
INSERT INTO subscriptions (id, tenant_id, plan_id, status, quantity, anchor, anchor_on, anchor_day,
  started_on, current_period_start, current_period_end, next_billing_on, trial_ends_on,
  trial_reminded_at, collection, cancel_at_period_end, ends_on, canceled_at, pending_plan_id,
  pending_quantity, suspended_at, suspended_on, suspension_cause, suspended_from, created_at,
  updated_at)
SELECT id, tenant_id, plan_id, status, quantity, anchor, anchor_on,
  CAST(strftime('%d', anchor_on) AS INTEGER), started_on, current_period_start, current_period_end,
  CASE WHEN status = 'active' OR suspended_from = 'active'
    THEN coalesce(next_billing_on, billed_until, current_period_end, anchor_on) END,
  trial_ends_on, trial_reminded_at, collection, cancel_at_period_end,
  CASE WHEN status = 'canceled' AND cancel_at_period_end = 0
      THEN coalesce(date(canceled_at), started_on)
    WHEN status = 'canceled' OR cancel_at_period_end = 1
      THEN coalesce(current_period_end, date(trial_ends_on, '+1 day'), next_billing_on, anchor_on)
    END,
  canceled_at,
  CASE WHEN pending_quantity IS NOT NULL THEN coalesce(pending_plan_id, plan_id)
    ELSE pending_plan_id END,
  CASE WHEN pending_plan_id IS NOT NULL THEN coalesce(pending_quantity, quantity)
    ELSE pending_quantity END,
  suspended_at, CASE status WHEN 'suspended' THEN coalesce(date(suspended_at), started_on) END,
  suspension_cause, suspended_from, created_at, updated_at
FROM (SELECT *,
        CASE WHEN status = 'suspended' THEN
          CASE WHEN suspension_cause = 'trial' OR suspended_at <= trial_ends_on || 'T23:59:59Z'
            THEN 'trialing' ELSE 'active' END END AS suspended_from,
        (SELECT max(period_end) FROM invoices
         WHERE subscription_id = o.id AND status <> 'void') AS billed_until
      FROM subscriptions_1 o);
INSERT INTO lost
SELECT (SELECT count(*) FROM subscriptions_1) - (SELECT count(*) FROM subscriptions);
DROP TABLE subscriptions_1;
DROP TABLE lost;

-- Where the periods of a subscription begin anew: when it was made, when its trial became a paid
-- one, when it came back from a suspension that had outlasted what was billed. Everywhere else a
-- period starts on the day on which the one before it ends (db check proves it).
CREATE TABLE billing_starts (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  starts_on TEXT NOT NULL CHECK (date(starts_on) IS starts_on),
  why TEXT NOT NULL CHECK (why IN ('created', 'trial_ended', 'returned', 'imported')),
  PRIMARY KEY (subscription_id, starts_on)
) STRICT, WITHOUT ROWID;
INSERT INTO billing_starts (subscription_id, starts_on, why)
SELECT subscription_id, starts_on,
  CASE starts_on WHEN min(starts_on) OVER (PARTITION BY subscription_id) THEN 'created'
    ELSE 'returned' END
FROM (SELECT subscription_id, period_start AS starts_on FROM invoices
      WHERE subscription_id IS NOT NULL
      UNION SELECT id, next_billing_on FROM subscriptions WHERE status = 'active') p
WHERE NOT EXISTS (SELECT 1 FROM invoices i
  WHERE i.subscription_id = p.subscription_id AND i.period_end = p.starts_on);

-- Every standing that a subscription had: what recurring revenue is computed from. Written by
-- triggers, so that no way of changing a subscription can forget it.
CREATE TABLE subscription_states (
  id INTEGER PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  since TEXT NOT NULL,
  status TEXT NOT NULL,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  quantity INTEGER NOT NULL
) STRICT;
CREATE INDEX subscription_states_subscription ON subscription_states (subscription_id, id);
-- How each began, and how it stands.
INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
SELECT id, created_at, CASE WHEN trial_ends_on IS NULL THEN 'active' ELSE 'trialing' END, plan_id,
  quantity
FROM subscriptions;
INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
SELECT s.id, max(s.created_at,
    coalesce(s.canceled_at, s.suspended_at, date(s.trial_ends_on, '+1 day') || 'T00:00:00Z')),
  s.status, s.plan_id, s.quantity
FROM subscriptions s JOIN subscription_states h ON h.subscription_id = s.id
WHERE s.status <> h.status;
CREATE TRIGGER subscriptions_first_state AFTER INSERT ON subscriptions
BEGIN
  INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
  VALUES (NEW.id, NEW.created_at, NEW.status, NEW.plan_id, NEW.quantity);
END;
CREATE TRIGGER subscriptions_state AFTER UPDATE OF status, plan_id, quantity ON subscriptions
WHEN NEW.status <> OLD.status OR NEW.plan_id <> OLD.plan_id OR NEW.quantity <> OLD.quantity
BEGIN
  INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
  VALUES (NEW.id, NEW.updated_at, NEW.status, NEW.plan_id, NEW.quantity);
END;

-- A subscription runs only where its tenant is served.
UPDATE subscriptions SET suspended_from = subscriptions.status, status = 'suspended',
  suspended_at = t.suspended_at, suspended_on = coalesce(date(t.suspended_at), started_on),
  suspension_cause = t.suspension_cause, updated_at = max(subscriptions.updated_at, t.suspended_at)
FROM tenants t
WHERE t.id = tenant_id AND t.status = 'suspended'
  AND subscriptions.status IN ('active', 'trialing');
UPDATE subscriptions SET status = 'canceled', canceled_at = t.updated_at,
  ends_on = coalesce(date(t.updated_at), started_on), next_billing_on = NULL, suspended_at = NULL,
  suspended_on = NULL, suspension_cause = NULL, suspended_from = NULL, cancel_at_period_end = 0,
  updated_at = max(subscriptions.updated_at, t.updated_at)
FROM tenants t
WHERE t.id = tenant_id AND t.status = 'closed' AND subscriptions.status <> 'canceled';

DROP TRIGGER invoices_period_overlap;
-- Live periods of a subscription never overlap, so the last that starts before the new one's end is
-- the only one that can.
CREATE TRIGGER invoices_period_overlap BEFORE INSERT ON invoices
WHEN NEW.subscription_id IS NOT NULL AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'invoice period overlaps another of the same subscription')
  WHERE NEW.period_start < (
    SELECT period_end FROM invoices
    WHERE subscription_id = NEW.subscription_id AND status <> 'void'
      AND period_start < NEW.period_end
    ORDER BY period_start DESC LIMIT 1
  );
END;
