-- Several items: one that joins or leaves with the next period, and one that was removed.
ALTER TABLE subscription_items ADD COLUMN standing TEXT NOT NULL DEFAULT 'current'
    CHECK (standing IN ('joins', 'current', 'leaves', 'removed'))
    CHECK (standing = 'current' OR pending_quantity IS NULL);
ALTER TABLE subscription_items ADD COLUMN removed_at TEXT
    CHECK ((removed_at IS NULL) = (standing <> 'removed'));
DROP TRIGGER subscription_items_first_state;
DROP TRIGGER subscription_items_state;
DROP TRIGGER subscriptions_state;
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

-- Which plan a line bills: a coupon that is limited to plans takes those plans' lines alone.
ALTER TABLE invoice_lines ADD COLUMN plan_id INTEGER REFERENCES plans (id);
UPDATE invoice_lines SET plan_id = coalesce(
    (SELECT h.plan_id FROM invoices i
     JOIN subscription_states h ON h.subscription_id = i.subscription_id
     WHERE i.id = invoice_lines.invoice_id AND h.item_id = invoice_lines.item_id
       AND h.since <= i.created_at
     ORDER BY h.id DESC LIMIT 1),
    (SELECT plan_id FROM subscription_items WHERE id = invoice_lines.item_id))
  WHERE item_id IS NOT NULL;

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
