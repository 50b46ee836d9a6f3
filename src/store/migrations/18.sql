-- Prices by other models than so much each: what a package has, what is included, what a period comes to at
-- least, and tiers.
ALTER TABLE prices ADD COLUMN package_size INTEGER
    CHECK (CASE model WHEN 'package'
      THEN package_size IS NOT NULL AND package_size BETWEEN 1 AND 1000000000000
      ELSE package_size IS NULL END)
    CHECK (model = 'percentage' OR (unit_amount IS NULL) = (model IN ('graduated', 'volume')));
ALTER TABLE prices ADD COLUMN included INTEGER NOT NULL DEFAULT 0
    CHECK (included BETWEEN 0 AND CASE model WHEN 'flat' THEN 0 ELSE 1000000000000 END);
ALTER TABLE prices ADD COLUMN minimum_minor INTEGER
    CHECK (minimum_minor BETWEEN 1 AND 1000000000000000);
CREATE INDEX prices_plan ON prices (plan_id);
DROP TRIGGER prices_immutable;
CREATE TRIGGER prices_immutable BEFORE UPDATE OF
  id, plan_id, meter_id, currency, model, unit_amount, created_at, package_size, included,
  minimum_minor ON prices
BEGIN
  SELECT RAISE(ABORT, 'a price cannot be changed');
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
