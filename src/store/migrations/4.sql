-- Charges: what a gateway was asked is kept column by column. No program of a version before could
-- charge, but others may have written tries: each is kept.

ALTER TABLE charge_attempts RENAME TO charge_attempts_3;
DROP INDEX charge_attempts_transaction;
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
-- The try of a charge whose method is not known gets one that nobody can choose any more.
INSERT INTO payment_methods (tenant_id, kind, token, label, status, created_at, updated_at)
SELECT x.tenant_id, 'other', 'unknown', 'of charges of an earlier version', 'removed',
  min(a.created_at), min(a.created_at)
FROM charge_attempts_3 a JOIN transactions x ON x.id = a.transaction_id
WHERE x.payment_method_id IS NULL GROUP BY x.tenant_id;
-- Which gateway was asked is not known: where the outcome is not either, a person has to say it.
-- Where another try followed one without an answer, none can come any more.
INSERT INTO charge_attempts (id, transaction_id, tenant_id, payment_method_id, gateway,
  idempotency_key, amount_minor, status, reference, code, message, hard_decline, created_at,
  prepared_at, answered_at)
SELECT a.id, a.transaction_id, x.tenant_id,
  coalesce(x.payment_method_id, (SELECT max(id) FROM payment_methods
    WHERE tenant_id = x.tenant_id AND token = 'unknown' AND status = 'removed')),
  'unknown', a.idempotency_key, x.amount_minor,
  iif(a.superseded, 'declined', a.status), a.reference,
  iif(a.superseded, coalesce(a.code, 'no_answer'), a.code),
  iif(a.superseded, concat_ws(': ', a.status || ' when another attempt was made', a.message), a.message),
  a.status = 'declined' AND a.is_last AND x.hard_decline = 1, a.created_at, a.created_at,
  a.answered_at
FROM (SELECT *, is_last = 0 AND status IN ('prepared', 'pending', 'unknown') AS superseded
      FROM (SELECT *, row_number() OVER (PARTITION BY transaction_id ORDER BY id DESC) = 1 AS is_last
            FROM charge_attempts_3)) a
JOIN transactions x ON x.id = a.transaction_id ORDER BY a.id;
CREATE TEMP TABLE lost (rows INTEGER CONSTRAINT "no attempt is lost" CHECK (rows = 0));
INSERT INTO lost
SELECT (SELECT count(*) FROM charge_attempts_3) - (SELECT count(*) FROM charge_attempts);
DROP TABLE lost;
-- What the gateway was asked stays with the charge, but for the token: metadata are printed.
UPDATE transactions SET metadata = json_set(metadata, '$.requests', json(a.requests))
FROM (SELECT a.transaction_id, json_group_object(a.idempotency_key,
        coalesce(replace(a.request, m.token, 'token'), a.request)) AS requests
      FROM charge_attempts_3 a JOIN transactions x ON x.id = a.transaction_id
      LEFT JOIN payment_methods m ON m.id = x.payment_method_id
      GROUP BY a.transaction_id) a
WHERE a.transaction_id = transactions.id;
-- Where no outcome is known, a run has to look at it.
UPDATE transactions SET next_retry_at = coalesce(last_tried_at, updated_at)
WHERE kind = 'charge' AND status IN ('pending', 'unknown') AND next_retry_at IS NULL
  AND EXISTS (SELECT 1 FROM charge_attempts_3 WHERE transaction_id = transactions.id);
DROP TABLE charge_attempts_3;
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
