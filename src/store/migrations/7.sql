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

DROP TRIGGER invoice_lines_no_delete;
ALTER TABLE invoice_lines RENAME TO invoice_lines_6;
-- The lines of an invoice; they add up to its subtotal and discount (db check recomputes). Quantity
-- and unit price are decimal numbers, the latter of major units and with as many decimals as it has.
CREATE TABLE invoice_lines (
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  position INTEGER NOT NULL CHECK (position >= 1),
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
INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_price, amount_minor,
    discount_minor, period_start, period_end)
  SELECT l.invoice_id, l.position, l.description, CAST(l.quantity AS TEXT),
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

DROP TABLE copied;
DROP TABLE currency_decimals;
