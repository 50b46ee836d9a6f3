-- Coupons: uses counted by the database, discounts taken off once.

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
CREATE TRIGGER coupon_usages_no_delete BEFORE DELETE ON coupon_usages
BEGIN
  SELECT RAISE(ABORT, 'a usage of a coupon cannot be deleted');
END;
CREATE TRIGGER invoices_discounted_once BEFORE UPDATE OF
  discount_minor, tax_rate, tax_minor, total_minor, coupon_id ON invoices
WHEN OLD.origin <> 'imported'
  AND (OLD.status <> 'open' OR OLD.paid_minor > 0 OR OLD.coupon_id IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'a coupon is taken off an open, unpaid invoice, and once');
END;
-- Those that a coupon discounts: for the coupon that is to be deleted.
CREATE INDEX invoices_coupon ON invoices (coupon_id) WHERE coupon_id IS NOT NULL;
