"""Makes the full databases of older versions that stand beside this file:

    make.py PROGRAM VERSION

PROGRAM is the last one of that version, whose commit stands at the top of the file. A small business
in Kolkata lives through everything that the program can do; what it has tables for and no commands
is written as its schema allows.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile

COMMITS = {1: "3309af0", 2: "4e57d9f", 3: "e89d632", 4: "5a3ff41"}
HERE = os.path.dirname(os.path.abspath(__file__))

# What each version has tables for and its program no commands.
SUBSCRIPTIONS_1 = """
INSERT INTO plans (id, code, name, price_minor, currency, interval, interval_count, trial_days,
  created_at, updated_at)
VALUES (1, 'basic', 'Basic', 3000, 'EUR', 'month', 1, 0, '2026-01-02T06:30:00Z', '2026-01-02T06:30:00Z'),
       (2, 'pro', 'Pro', 9900, 'EUR', 'month', 1, 14, '2026-01-02T06:30:00Z', '2026-01-02T06:30:00Z');
INSERT INTO subscriptions (id, tenant_id, plan_id, status, quantity, anchor, anchor_on, started_on,
  current_period_start, current_period_end, next_billing_on, trial_ends_on, cancel_at_period_end,
  canceled_at, pending_plan_id, pending_quantity, suspended_at, suspension_cause, created_at, updated_at)
VALUES
  -- Billed for two periods, with a gap between them; a change of quantity waits.
  (1, 1, 1, 'active', 2, 'anniversary', '2026-01-31', '2026-01-31', '2026-03-31', '2026-04-30',
   '2026-04-30', NULL, 0, NULL, NULL, 3, NULL, NULL, '2026-01-31T04:00:00Z', '2026-03-31T04:00:00Z'),
  -- Canceled late in the evening in UTC, which is the next day in Kolkata.
  (2, 1, 2, 'canceled', 1, 'calendar', '2026-02-01', '2026-02-01', NULL, NULL, NULL, NULL, 0,
   '2026-03-09T20:30:00Z', NULL, NULL, NULL, NULL, '2026-02-01T04:00:00Z', '2026-03-09T20:30:00Z'),
  (3, 3, 2, 'trialing', 1, 'anniversary', '2026-03-20', '2026-03-06', '2026-03-06', '2026-03-20',
   NULL, '2026-03-19', 0, NULL, NULL, NULL, NULL, NULL, '2026-03-06T04:00:00Z', '2026-03-06T04:00:00Z'),
  (4, 4, 1, 'suspended', 1, 'calendar', '2026-02-01', '2026-02-01', '2026-02-01', '2026-03-01',
   '2026-03-01', NULL, 0, NULL, NULL, NULL, '2026-02-20T20:00:00Z', 'manual',
   '2026-02-01T04:00:00Z', '2026-02-20T20:00:00Z'),
  (5, 5, 2, 'suspended', 1, 'calendar', '2026-02-15', '2026-02-01', '2026-02-01', '2026-02-15',
   NULL, '2026-02-14', 0, NULL, NULL, NULL, '2026-02-15T04:00:00Z', 'trial',
   '2026-02-01T04:00:00Z', '2026-02-15T04:00:00Z'),
  (6, 6, 1, 'active', 1, 'calendar', '2026-03-01', '2026-03-01', '2026-03-01', '2026-04-01',
   '2026-04-01', NULL, 1, NULL, NULL, NULL, NULL, NULL, '2026-03-01T04:00:00Z', '2026-03-02T04:00:00Z'),
  -- A trial that became a paid one, of which no one said what is to be billed next.
  (7, 6, 2, 'active', 1, 'calendar', '2026-03-01', '2026-02-15', '2026-03-01', '2026-04-01',
   NULL, '2026-02-28', 0, NULL, NULL, NULL, NULL, NULL, '2026-02-15T04:00:00Z', '2026-03-01T04:00:00Z'),
  -- Those of a customer who is suspended, and of one that is closed.
  (8, 8, 1, 'active', 1, 'calendar', '2026-03-01', '2026-03-01', NULL, NULL, '2026-03-01', NULL, 0,
   NULL, NULL, NULL, NULL, NULL, '2026-03-01T04:00:00Z', '2026-03-01T04:00:00Z'),
  (9, 9, 1, 'active', 1, 'calendar', '2026-03-01', '2026-03-01', NULL, NULL, '2026-03-01', NULL, 0,
   NULL, NULL, NULL, NULL, NULL, '2026-03-01T04:00:00Z', '2026-03-01T04:00:00Z');
INSERT INTO invoices (id, number, origin, tenant_id, subscription_id, status, currency, subtotal_minor,
  total_minor, paid_minor, seller_id, buyer_id, issued_on, due_on, period_start, period_end,
  created_at, updated_at)
SELECT 101, 'S-1', 'typed', 1, 1, 'open', 'EUR', 6000, 6000, 0, seller_id, buyer_id, '2026-01-31',
  '2026-05-10', '2026-01-31', '2026-02-28', '2026-01-31T04:00:00Z', '2026-01-31T04:00:00Z'
FROM invoices WHERE tenant_id = 1 ORDER BY id LIMIT 1;
INSERT INTO invoices (id, number, origin, tenant_id, subscription_id, status, currency, subtotal_minor,
  total_minor, paid_minor, seller_id, buyer_id, issued_on, due_on, period_start, period_end,
  created_at, updated_at)
SELECT 102, 'S-2', 'typed', 1, 1, 'open', 'EUR', 6000, 6000, 0, seller_id, buyer_id, '2026-03-31',
  '2026-05-20', '2026-03-31', '2026-04-30', '2026-03-31T04:00:00Z', '2026-03-31T04:00:00Z'
FROM invoices WHERE tenant_id = 1 ORDER BY id LIMIT 1;
INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor, amount_minor,
  period_start, period_end)
VALUES (101, 1, 'Basic', 2, 3000, 6000, '2026-01-31', '2026-02-28'),
       (102, 1, 'Basic', 2, 3000, 6000, '2026-03-31', '2026-04-30');
INSERT INTO payment_methods (id, tenant_id, kind, token, label, status, is_default, created_at, updated_at)
VALUES (1, 1, 'card', 'tok_ok', 'Visa 4242', 'active', 1, '2026-02-01T04:00:00Z', '2026-02-01T04:00:00Z');
"""
COUPONS_2 = """
INSERT INTO coupons (id, code, code_folded, name, discount_type, percent, valid_from, valid_to,
  max_uses_per_customer, current_uses, duration, created_at, updated_at)
VALUES (1, 'Ten', 'ten', 'Ten off', 'percentage', '10', '2026-01-01T00:00:00Z', '2026-12-31T23:59:59Z',
  0, 1, 'forever', '2026-01-02T06:30:00Z', '2026-01-02T06:30:00Z');
INSERT INTO coupon_plans (coupon_id, plan_id) VALUES (1, 1);
INSERT INTO coupon_checks (coupon_id, tenant_id, checked_on) VALUES (1, 1, '2026-02-03');
INSERT INTO redemptions (id, coupon_id, tenant_id, subscription_id, periods_left, redeemed_at,
  ended_at)
VALUES (2, 1, 1, NULL, 0, '2026-02-03T04:00:00Z', '2026-02-03T04:00:00Z');
INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor, discount_minor,
  tax_rate, tax_minor, total_minor, coupon_id, seller_id, buyer_id, issued_on, due_on, created_at, updated_at)
SELECT 103, 'S-3', 'typed', 1, 'open', 'EUR', 10000, 1000, '18', 1620, 10620, 1, seller_id, buyer_id,
  '2026-02-03', '2026-05-20', '2026-02-03T04:00:00Z', '2026-02-03T04:00:00Z'
FROM invoices WHERE tenant_id = 1 ORDER BY id LIMIT 1;
INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor, amount_minor,
  discount_minor)
VALUES (103, 1, 'Advice', 1, 10000, 10000, 1000);
INSERT INTO coupon_usages (id, redemption_id, coupon_id, tenant_id, invoice_id, original_minor,
  discount_minor, currency, used_at)
VALUES (1, 2, 1, 1, 103, 10000, 1000, 'EUR', '2026-02-03T04:00:00Z');
"""
REFERENCES_1 = """
INSERT INTO redemptions (id, coupon_id, tenant_id, subscription_id, periods_left, redeemed_at)
VALUES (1, 1, 1, 1, NULL, '2026-02-03T04:00:00Z');
UPDATE coupons SET current_uses = 2;
-- No one said by which method it was charged.
INSERT INTO transactions (id, invoice_id, tenant_id, kind, status, currency, amount_minor, retries,
  last_tried_at, next_retry_at, created_at, updated_at)
VALUES (104, 107, 1, 'charge', 'pending', 'EUR', 2000, 0, '2026-02-07T04:00:00Z',
   '2026-02-08T04:00:00Z', '2026-02-07T04:00:00Z', '2026-02-07T04:00:00Z');
INSERT INTO charge_attempts (id, transaction_id, idempotency_key, request, status, reference,
  created_at, answered_at)
VALUES (6, 104, 'key-6', '{"amount":2000}', 'pending', 'ch_6', '2026-02-07T04:00:00Z',
   '2026-02-07T04:00:01Z');
"""
CHARGES_3 = """
INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor, total_minor,
  paid_minor, paid_on, collection, seller_id, buyer_id, issued_on, due_on, created_at, updated_at)
SELECT 104, 'S-4', 'typed', 1, 'paid', 'EUR', 2000, 2000, 2000, '2026-02-06', 'automatic', seller_id,
  buyer_id, '2026-02-04', '2026-05-20', '2026-02-04T04:00:00Z', '2026-02-06T04:00:00Z'
FROM invoices WHERE tenant_id = 1 ORDER BY id LIMIT 1;
INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor, total_minor,
  collection, seller_id, buyer_id, issued_on, due_on, created_at, updated_at)
SELECT 104 + n, 'S-' || (4 + n), 'typed', 1, 'open', 'EUR', 2000, 2000, 'automatic', seller_id,
  buyer_id, '2026-02-04', '2026-05-20', '2026-02-04T04:00:00Z', '2026-02-07T04:00:00Z'
FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3),
  (SELECT seller_id, buyer_id FROM invoices WHERE tenant_id = 1 ORDER BY id LIMIT 1);
INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor, amount_minor)
SELECT id, 1, 'Advice', 1, 2000, 2000 FROM invoices WHERE id BETWEEN 104 AND 107;
INSERT INTO transactions (id, invoice_id, tenant_id, kind, status, currency, amount_minor, applied_minor,
  paid_on, method, payment_method_id, failure_code, failure_message, hard_decline, retries,
  first_failed_at, last_tried_at, next_retry_at, created_at, updated_at)
VALUES
  (101, 104, 1, 'charge', 'succeeded', 'EUR', 2000, 2000, '2026-02-06', 'card', 1, NULL, NULL, 0, 1,
   '2026-02-05T04:00:00Z', '2026-02-06T04:00:00Z', NULL, '2026-02-05T04:00:00Z', '2026-02-06T04:00:00Z'),
  (102, 105, 1, 'charge', 'failed', 'EUR', 2000, 0, NULL, 'card', 1, 'stolen_card', 'stolen', 1, 0,
   '2026-02-05T04:00:00Z', '2026-02-05T04:00:00Z', NULL, '2026-02-05T04:00:00Z', '2026-02-05T04:00:00Z'),
  (103, 106, 1, 'charge', 'unknown', 'EUR', 2000, 0, NULL, 'card', 1, NULL, NULL, 0, 1, NULL,
   '2026-02-07T04:00:00Z', NULL, '2026-02-05T04:00:00Z', '2026-02-07T04:00:00Z');
INSERT INTO charge_attempts (id, transaction_id, idempotency_key, request, status, reference, code,
  message, created_at, answered_at)
VALUES
  (1, 101, 'key-1', '{"amount":2000,"token":"tok_flaky_1"}', 'declined', NULL, 'insufficient_funds',
   'too little', '2026-02-05T04:00:00Z', '2026-02-05T04:00:05Z'),
  (2, 101, 'key-2', '{"amount":2000,"token":"tok_ok"}', 'succeeded', 'ch_2', NULL, NULL,
   '2026-02-06T04:00:00Z', '2026-02-06T04:00:03Z'),
  (3, 102, 'key-3', '{"amount":2000}', 'declined', NULL, 'stolen_card', 'stolen',
   '2026-02-05T04:00:00Z', '2026-02-05T04:00:02Z'),
  -- Two without an answer, one after the other.
  (4, 103, 'key-4', 'not even JSON', 'prepared', NULL, NULL, NULL, '2026-02-05T04:00:00Z', NULL),
  (5, 103, 'key-5', '{"amount":2000}', 'unknown', NULL, NULL, 'timeout', '2026-02-07T04:00:00Z', NULL);
"""


class Business:
    def __init__(self, program, version, folder):
        self.program, self.version, self.folder = program, version, folder
        with open(os.path.join(HERE, "billing.toml")) as file:
            config = file.read()
        self.write("billing.toml", config + ('[payments]\ngateway = "sandbox"\n' if version > 3 else ""))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def run(self, *args, at, allowed=(0,)):
        at = at if "T" not in at else at + "+05:30"
        done = subprocess.run(
            [self.program, *args, "--as-of", at, "--yes", "--json"], cwd=self.folder,
            capture_output=True, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": self.folder, "TZ": "UTC", "LOGNAME": "awa"})
        assert done.returncode in allowed, (args, at, done)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def import_rows(self, kind, *rows, at, more=()):
        self.write(f"{kind}.csv", "\n".join(rows) + "\n")
        self.run("import", kind, f"{kind}.csv", *more, at=at)

    def tasks(self, first, last):
        """What cron does on these days, counted from the first of January."""
        for day in range(first, last + 1):
            if self.version > 1:
                for task in ("generate-recurring-invoices", "cleanup-expired-trials"):
                    self.run("tasks", task, at=date(day), allowed=(0, 3))
            if self.version > 3:
                self.run("tasks", "retry-failed-payments", at=date(day), allowed=(0, 3))
            self.run("tasks", "check-overdue", at=date(day), allowed=(0, 3))

    def live(self):
        self.run("db", "migrate", at="2026-01-02")
        slugs = ["acme", "birch", "cedar", "dune", "elm", "fern", "grove", "heath", "iris", "jade"]
        for slug in slugs:
            self.run("tenant", "create", slug, "--name", slug.title(), "--email",
                     f"{slug}@clients.example", at="2026-01-02")
        invoice = lambda slug, amount, at, *more: self.run(  # noqa: E731
            "invoice", "create", "--tenant", slug, "--amount", amount, *more, at=at)["number"]
        part = invoice("acme", "100", "2026-01-03")
        settled = invoice("acme", "50", "2026-01-03", "--send")
        invoice("heath", "80", "2026-01-03")
        promised = invoice("cedar", "60", "2026-01-03")
        disputed = invoice("dune", "70", "2026-01-03")
        voided = invoice("elm", "40", "2026-01-04")
        lost = invoice("fern", "90", "2026-01-04")
        bounced = invoice("grove", "30", "2026-01-04")
        comes_back = invoice("birch", "20", "2026-01-04")
        invoice("iris", "20", "2026-01-04")
        invoice("jade", "25", "2026-01-05")
        self.run("invoice", "pay", part, "--amount", "18", "--method", "cash", at="2026-01-05")
        self.run("invoice", "pay", settled, "--amount", "59", "--paid-on", "2026-01-04",
                 "--reference", "BANK 1", at="2026-01-06T02:10:00")
        self.run("invoice", "void", voided, "--reason", "a mistake", at="2026-01-06")
        self.run("invoice", "pay", bounced, "--amount", "35.40", at="2026-01-07")
        self.import_rows(
            "invoices", "number,tenant,total,issued_on,due_on,status,paid_on",
            "OLD-1,acme,120,2025-10-01,2025-10-15,paid,2025-10-12",
            "OLD-2,acme,75,2025-11-01,2025-11-15,void,",
            "OLD-3,elm,66,2025-11-01,2025-11-15,uncollectible,",
            "OLD-4,elm,55,2025-12-20,2026-02-20,,",
            *(f"OLD-{n},cedar,40,2025-12-20,2026-03-20,," for n in range(5, 10)), at="2026-01-08")
        self.import_rows(
            "invoices", "number,tenant,total,issued_on,due_on,status,paid_on",
            "OLD-4,elm,54,2025-12-21,2026-02-21,,", at="2026-01-09", more=("--update",))
        self.import_rows(
            "payments", "invoice,amount,paid_on,reference", "OLD-4,60,2026-01-05,BANK 2",
            f"{part},10,2026-01-06,BANK 3", f"{settled},12,2026-01-08,BANK 4",
            at="2026-01-09T23:50:00", more=("--allow-overpayment",))
        for number in ("OLD-5", "OLD-6", "OLD-7", "OLD-8"):
            self.run("invoice", "write-off", number, "--reason", "gone", at="2026-01-12")
        # Closed, and active again by an import.
        self.import_rows("tenants", "slug,name,email", "kale,Kale,kale@clients.example", at="2026-01-09")
        self.run("tenant", "close", "kale", at="2026-01-09T18:00:00")
        self.import_rows("tenants", "slug,name,email,status", "kale,Kale,kale@clients.example,active",
                         at="2026-01-10", more=("--update",))
        if self.version > 1:
            self.recurring()
        if self.version > 2:
            self.coupons(invoice)
        if self.version > 3:
            self.charges(invoice)
        self.tasks(10, 17)
        transactions = self.run("transaction", "list", at="2026-01-18")
        of = lambda number: next(x["id"] for x in transactions if x["invoice"] == number)  # noqa: E731
        self.run("transaction", "reverse", of(bounced), "--reason", "no funds", at="2026-01-18")
        self.run("invoice", "promise", promised, "--until", "2026-02-10", "--note", "by phone",
                 at="2026-01-18")
        self.run("invoice", "dispute", disputed, "--note", "not as ordered", at="2026-01-18")
        # Those that were given up are void, open, open and given up again, and still given up.
        self.import_rows(
            "invoices", "number,tenant,total,issued_on,due_on,status,paid_on",
            "OLD-5,cedar,40,2025-12-20,2026-03-20,void,", "OLD-6,cedar,41,2025-12-20,2026-03-20,,",
            "OLD-7,cedar,42,2025-12-20,2026-03-20,open,",
            "OLD-8,cedar,43,2025-12-20,2026-03-20,uncollectible,",
            "OLD-9,cedar,44,2025-12-20,2026-03-20,paid,2026-01-15", at="2026-01-19",
            more=("--update",))
        self.tasks(18, 22)
        warning = self.run("email", "list", "--stage", "warning", at="2026-01-22")
        resent = next(mail["id"] for mail in warning if mail["tenant"] == "heath")
        self.run("email", "resend", resent, at="2026-01-22T14:00:00")
        self.run("invoice", "write-off", lost, "--reason", "gone", at="2026-01-23")
        self.run("invoice", "dispute", disputed, "--resolve", at="2026-01-24")
        self.run("invoice", "write-off", "OLD-7", "--reason", "gone after all", at="2026-01-24")
        # It was all surplus, and changes nothing of its invoice.
        surplus = next(x["id"] for x in transactions if x["reference"] == "BANK 4")
        self.run("transaction", "reverse", surplus, "--reason", "not ours", at="2026-01-24")
        self.tasks(24, 27)
        self.run("invoice", "pay", comes_back, "--amount", "23.60", "--paid-on", "2026-01-26",
                 at="2026-01-28T01:15:00")
        self.run("invoice", "pay", lost, "--amount", "6.20", at="2026-01-29")
        self.run("tenant", "suspend", "jade", "--reason", "a quarrel", at="2026-01-29")
        self.run("tenant", "reactivate", "dune", at="2026-01-30", allowed=(0, 1))
        self.run("tenant", "edit", "acme", "--email", "books@acme.example", at="2026-01-30")
        self.run("tenant", "close", "iris", at="2026-01-31")
        self.run("tenant", "reactivate", "jade", at="2026-02-01")
        self.tasks(33, 35)
        if self.version > 1:
            self.later()
        self.by_hand()

    def recurring(self):
        at = "2026-01-05"
        self.run("plan", "create", "basic", "--name", "Basic", "--price", "30", "--interval", "month",
                 at=at)
        self.run("plan", "create", "pro", "--name", "Pro", "--price", "99", "--interval", "month",
                 "--trial-days", "5", at=at)
        subscribe = lambda slug, plan, *more: self.run(  # noqa: E731
            "subscription", "create", "--tenant", slug, "--plan", plan, *more, at=at)
        subscribe("acme", "basic", "--quantity", "2", "--start", "2025-12-31", "--anchor", "anniversary")
        subscribe("acme", "pro")
        subscribe("birch", "basic", "--anchor", "calendar")
        subscribe("cedar", "pro", "--trial-days", "60")
        subscribe("jade", "basic")
        subscribe("iris", "pro")
        self.run("payment-method", "create", "--tenant", "acme", "--kind", "card", "--token",
                 "tok_flaky_1", "--default", at=at)
        self.import_rows("subscriptions", "tenant,plan,started_on,status,quantity",
                         "grove,basic,2025-06-10,,3", "elm,basic,2025-01-10,canceled,1", at=at)

    def later(self):
        """Changes of subscriptions, after the first month."""
        listed = self.run("subscription", "list", at="2026-02-04")
        of = {}
        for subscription in listed:
            of.setdefault(subscription["tenant"], subscription["id"])
        self.run("subscription", "change", of["acme"], "--quantity", "4", at="2026-02-04",
                 allowed=(0, 1))
        self.run("subscription", "cancel", of["grove"], at="2026-02-04")
        self.run("subscription", "cancel", of["jade"], "--now", at="2026-02-04T03:00:00")
        self.run("plan", "archive", "pro", at="2026-02-05")

    def coupons(self, invoice):
        at = "2026-01-06"
        for code, *more in [("TEN", "--percent", "10", "--duration", "forever"),
                            ("FIVE", "--amount", "5", "--currency", "EUR", "--max-uses", "3"),
                            ("ALL", "--percent", "100", "--plan", "basic")]:
            self.run("coupon", "create", code, "--name", code.title(), "--from", "2026-01-01",
                     "--until", "2026-12-31", *more, at=at)
        self.run("coupon", "validate", "FIVE", "--tenant", "acme", "--amount", "100", at=at)
        self.run("coupon", "apply", "TEN", "--subscription", "sub_1", at=at)
        used = invoice("dune", "45", at, "--coupon", "FIVE")
        number = invoice("birch", "15", at)
        self.run("coupon", "apply", "FIVE", "--invoice", number, "--metadata", "campaign=spring", at=at)
        self.run("invoice", "void", number, "--reason", "wrong", at="2026-01-07")
        self.run("invoice", "pay", used, "--amount", "20", at="2026-01-07")

    def charges(self, invoice):
        at = "2026-01-08"
        for slug, token in [("heath", "tok_declined"), ("cedar", "tok_pending"), ("fern", "tok_unknown"),
                            ("elm", "tok_declined_hard"), ("birch", "tok_ok")]:
            self.run("payment-method", "create", "--tenant", slug, "--kind", "card", "--token", token,
                     "--default", at=at)
            self.run("invoice", "charge", invoice(slug, "33", at), at=at, allowed=(0, 1, 3))
        self.run("invoice", "charge", invoice("acme", "44", at), at=at, allowed=(0, 1, 3))
        unknown = self.run("transaction", "list", "--status", "unknown", at=at)[0]["id"]
        self.run("transaction", "resolve", unknown, "--succeeded", "--note", "seen at the bank",
                 at="2026-01-12")

    def by_hand(self):
        sql = sqlite3.connect(os.path.join(self.folder, "billing.db"))
        sql.execute("PRAGMA foreign_keys = ON")
        if self.version == 1:
            sql.executescript(SUBSCRIPTIONS_1)
        if self.version in (1, 2):
            sql.executescript(COUPONS_2)
        if self.version in (1, 2, 3):
            sql.executescript(CHARGES_3)
        if self.version == 1:
            sql.executescript(REFERENCES_1)
        sql.close()


def date(day):
    month, day = (1, day) if day <= 31 else (2, day - 31)
    return f"2026-{month:02}-{day:02}"


def dump(folder, version):
    sql = sqlite3.connect(os.path.join(folder, "billing.db"))
    # What its bytes are is no matter, and they are most of the file.
    sql.execute("UPDATE email_messages SET message = substr(message, 1, 60)")
    empty = [name for (name,) in sql.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
             if not sql.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    assert not empty, empty
    yield f"-- Version {version}, as the program of commit {COMMITS[version]} left it. Made by make.py."
    yield from sql.iterdump()
    yield f"PRAGMA application_id = {0x42494C4C};"
    yield f"PRAGMA user_version = {version};"


def expected(business):
    """What this version prints: its lists, and from version 4 on the reports of several days."""
    said = {}

    def ask(args, day):
        said[f"{args} --as-of {day}"] = business.run(*args.split(), at=day)

    for args in ["tenant list", "invoice list", "transaction list", "invoice overdue"]:
        ask(args, "2026-02-06")
    if business.version > 1:
        for args in ["plan list", "subscription list", "payment-method list"]:
            ask(args, "2026-02-06")
    if business.version > 2:
        for args in ["coupon list", "coupon usages", "coupon stats"]:
            ask(args, "2026-02-06")
    if business.version > 3:
        for day in ["2026-01-07", "2026-01-19", "2026-01-23", "2026-01-29", "2026-02-05"]:
            for report in ["overdue", "transactions", "mrr", "kpi", "coupons", "automation"]:
                ask(f"report {report}", day)
    return said


def main():
    program, version = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        business = Business(program, version, folder)
        business.live()
        with open(os.path.join(HERE, f"v{version}.sql"), "w") as file:
            file.write("\n".join(dump(folder, version)) + "\n")
        with open(os.path.join(HERE, f"v{version}.expected.json"), "w") as file:
            said = (f"{json.dumps(command)}:{json.dumps(printed, separators=(',', ':'))}"
                    for command, printed in expected(business).items())
            file.write("{\n" + ",\n".join(said) + "\n}\n")


if __name__ == "__main__":
    main()
