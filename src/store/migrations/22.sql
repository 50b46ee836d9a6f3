-- Meters, what is used by them, and what of it is billed.

-- A price may be of a meter. Nothing of this is stored in a row, so that the definition is set right where it
-- stands, as SQLite's own instructions for ALTER TABLE have it; the CHECK of the next table stops where it was
-- not found.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT sql, replace(sql,
    'meter_id INTEGER CHECK (meter_id IS NULL),',
    'meter_id INTEGER REFERENCES meters (id)
    CHECK (model <> ''percentage'' OR (meter_id IS NOT NULL AND unit_amount IS NOT NULL)),')
  FROM sqlite_schema WHERE type = 'table' AND name = 'prices';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten)
  WHERE type = 'table' AND name = 'prices';
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;

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
