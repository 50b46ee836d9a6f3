-- Charges: what a gateway was asked is kept column by column. No version before could charge, so
-- that the table of tries is empty.

DROP TABLE charge_attempts;
-- Each try of a charge. What it asks of the gateway stands here before the gateway is called, and
-- never changes: the same key always goes with the same bytes. The token is the payment method's.
CREATE TABLE charge_attempts (
  id INTEGER PRIMARY KEY,
  transaction_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  payment_method_id INTEGER NOT NULL,
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
  FOREIGN KEY (transaction_id, tenant_id) REFERENCES transactions (id, tenant_id),
  FOREIGN KEY (payment_method_id, tenant_id) REFERENCES payment_methods (id, tenant_id)
) STRICT;
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

-- What is collected by itself and not settled: what a run that charges looks at.
CREATE INDEX invoices_automatic ON invoices (id)
  WHERE status = 'open' AND collection = 'automatic';

DROP INDEX transactions_retry;
CREATE INDEX transactions_open ON transactions (id) WHERE next_retry_at IS NOT NULL;
