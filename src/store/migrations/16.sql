-- Which entries are of versions before this one: what they say of past days is what those said.
ALTER TABLE database_info ADD COLUMN earlier_entries INTEGER NOT NULL DEFAULT 0;
UPDATE database_info SET earlier_entries = (SELECT coalesce(max(id), 0) FROM ledger);

-- Prices with tax, and why there is none.
ALTER TABLE plans ADD COLUMN tax_inclusive INTEGER NOT NULL DEFAULT 0 CHECK (tax_inclusive IN (0, 1));
ALTER TABLE invoices ADD COLUMN tax_inclusive INTEGER NOT NULL DEFAULT 0 CHECK (tax_inclusive IN (0, 1));
ALTER TABLE invoices ADD COLUMN tax_category TEXT DEFAULT 'standard'
    CHECK (tax_category IN ('standard', 'zero', 'reverse_charge', 'export', 'exempt',
    'outside_scope'));
ALTER TABLE invoices ADD COLUMN tax_reason TEXT;
-- What of an imported invoice was tax, and why, is not known.
UPDATE invoices SET tax_category = NULL WHERE origin = 'imported';

-- The total of an invoice with tax has it in it. Nothing of this is stored in a row, so that the
-- definition is set right where it stands, as SQLite's own instructions for ALTER TABLE have it; the
-- CHECK of the next table stops where it was not found.
PRAGMA writable_schema = 1;
CREATE TEMP TABLE rewritten (
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  CHECK (length(before) <> length(after))
);
INSERT INTO rewritten
  SELECT sql, replace(sql,
    'CHECK (total_minor = subtotal_minor - discount_minor + tax_minor)',
    'CHECK (total_minor = subtotal_minor - discount_minor
    + CASE tax_inclusive WHEN 1 THEN 0 ELSE tax_minor END)')
  FROM sqlite_schema WHERE type = 'table' AND name = 'invoices';
UPDATE sqlite_schema SET sql = (SELECT after FROM rewritten)
  WHERE type = 'table' AND name = 'invoices';
DROP TABLE rewritten;
PRAGMA writable_schema = RESET;

CREATE TRIGGER invoices_taxed_once BEFORE UPDATE OF tax_inclusive, tax_category, tax_reason ON invoices
WHEN OLD.origin <> 'imported'
BEGIN
  SELECT RAISE(ABORT, 'an issued invoice cannot be changed');
END;

-- What e-invoices want of customers in parts.
ALTER TABLE tenants ADD COLUMN street TEXT;
ALTER TABLE tenants ADD COLUMN postcode TEXT;
ALTER TABLE tenants ADD COLUMN city TEXT;
ALTER TABLE tenants ADD COLUMN legal_id TEXT;
ALTER TABLE tenants ADD COLUMN vat_id TEXT;
ALTER TABLE tenants ADD COLUMN electronic_address TEXT;
ALTER TABLE tenants ADD COLUMN customer_kind TEXT
  CHECK (customer_kind IN ('business', 'consumer', 'public'));

-- Why a customer's invoices are taxed as they are.
ALTER TABLE tenants ADD COLUMN tax_category TEXT CHECK (tax_category IN ('standard', 'zero', 'reverse_charge', 'export', 'exempt',
    'outside_scope'));
ALTER TABLE tenants ADD COLUMN tax_reason TEXT;
