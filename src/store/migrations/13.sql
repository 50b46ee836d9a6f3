-- What is billed besides the next periods: what had begun of a subscription that ended with its
-- tenant, and periods whose invoice was voided to be billed anew.
ALTER TABLE subscriptions ADD COLUMN unbilled_from TEXT
  CHECK (date(unbilled_from) IS unbilled_from
    AND (unbilled_from IS NULL OR status = 'canceled'));
ALTER TABLE subscriptions ADD COLUMN unbilled_until TEXT
  CHECK (date(unbilled_until) IS unbilled_until
    AND (unbilled_until IS NULL) = (unbilled_from IS NULL));
CREATE INDEX subscriptions_unbilled ON subscriptions (unbilled_from, id)
  WHERE unbilled_from IS NOT NULL;

-- Periods whose invoice was voided and that are billed anew (`invoice void --rebill`): the next run
-- issues an invoice with the lines of the void one, and takes the row away.
CREATE TABLE reopened_periods (
  invoice_id INTEGER PRIMARY KEY REFERENCES invoices (id),
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id)
) STRICT;
CREATE INDEX reopened_periods_subscription ON reopened_periods (subscription_id);
