-- Periods whose rest was given back: what bills from that day on is another invoice. Of those of which all
-- was given back, any number may start on one day.
ALTER TABLE invoices ADD COLUMN billed_until TEXT
    CHECK (date(billed_until) IS billed_until
      AND (billed_until IS NULL OR purpose = 'period' AND billed_until BETWEEN period_start AND period_end));
DROP INDEX invoices_period;
CREATE UNIQUE INDEX invoices_period ON invoices (subscription_id, period_start,
    CASE WHEN billed_until = period_start THEN id ELSE 0 END)
  WHERE purpose = 'period' AND status <> 'void';
CREATE INDEX invoices_change ON invoices (subscription_id, period_start) WHERE purpose = 'change';
DROP TRIGGER invoices_period_overlap;
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

-- Pauses, which are planned or have begun.
ALTER TABLE subscriptions ADD COLUMN pause_from TEXT CHECK (date(pause_from) IS pause_from
    AND (pause_from IS NOT NULL OR status <> 'paused')
    AND (pause_from IS NULL OR status IN ('active', 'paused', 'suspended')));
ALTER TABLE subscriptions ADD COLUMN pause_until TEXT CHECK (date(pause_until) IS pause_until
    AND (pause_until IS NULL OR pause_until >= pause_from AND pause_from IS NOT NULL));
ALTER TABLE subscriptions ADD COLUMN pause_reason TEXT CHECK (pause_reason IS NULL OR pause_from IS NOT NULL);
CREATE INDEX subscriptions_pausing ON subscriptions (pause_from, id)
  WHERE status = 'active' AND pause_from IS NOT NULL;
CREATE INDEX subscriptions_resuming ON subscriptions (pause_until, id)
  WHERE status = 'paused' AND pause_until IS NOT NULL;

-- Nothing of this is stored in a row: see migration 10.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  name TEXT PRIMARY KEY,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT 'billing_starts', sql, replace(sql, '''returned'', ''imported''', '''returned'', ''imported'', ''changed''')
  FROM sqlite_schema WHERE type = 'table' AND name = 'billing_starts';
INSERT INTO rewritten
  SELECT 'subscriptions', sql, replace(sql, '''active'', ''suspended'', ''canceled''', '''active'', ''paused'', ''suspended'', ''canceled''')
  FROM sqlite_schema WHERE type = 'table' AND name = 'subscriptions';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten r WHERE r.name = sqlite_schema.name)
  WHERE type = 'table' AND name IN (SELECT name FROM rewritten);
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;
