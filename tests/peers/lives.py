"""Random lives of a small business, lived by an earlier program and told by the one of today.

    lives.py OLD NEW SEED...

OLD plays weeks of random commands on an empty database and is asked for every list, and for every
report of many days. The file is lifted by NEW, which is asked the same: every answer must be the
same, key for key; a key that is new is no difference.
"""

import concurrent.futures
import datetime
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zoneinfo

ZONES = ["UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"]
# Not those whose promise is another one since: recurring revenue is exact, a payment belongs to the day
# on which it was made.
REPORTS = ["overdue", "kpi", "coupons", "automation"]
TOKENS = ["tok_ok", "tok_ok", "tok_flaky_1", "tok_flaky_2", "tok_pending", "tok_unknown",
          "tok_declined", "tok_declined_hard"]
# Drawn at random or by the machine's clock, so that two programs never agree; and the day of a step that
# counts from the day on which a warning left, and no longer from that on which it was recorded.
IGNORED = {"idempotency_key", "message_id", "duration_ms", "database", "uuid", "next_step_on"}


class Life:
    def __init__(self, seed, old, folder):
        self.random = random.Random(seed)
        self.old, self.folder = old, folder
        choose = self.random.choice
        self.zone = choose(ZONES)
        self.currency = choose(["EUR", "EUR", "XOF", "KWD"])
        self.day = datetime.date(2025, choose([1, 6, 12]), choose([2, 15, 28]))
        self.first = self.day
        self.minutes = 0
        steps = sorted(self.random.sample(range(1, 16), 4))
        self.write("billing.toml", f"""database = "billing.db"
currency = "{self.currency}"
timezone = "{self.zone}"
locale = "{choose(["en", "fr"])}"
[invoicing]
net_days = {choose([0, 3, 15])}
tax_rate = "{choose(["0", "18", "19.25"])}"
[dunning]
friendly_days = {steps[0]}
urgent_days = {steps[1]}
warning_days = {steps[2]}
suspension_days = {steps[3]}
min_notice_days = {choose([0, 3, 7])}
max_suspensions_per_run = {choose([100, 100, 1])}
max_emails_per_run = {choose([1000, 1000, 3])}
reactivate_on_payment = {choose(["true", "true", "false"])}
[trials]
on_end = "{choose(["convert", "suspend"])}"
[payments]
gateway = "sandbox"
max_retries = {choose([0, 1, 3])}
parallel = 1
collection = "{choose(["invoice", "automatic"])}"
[mail]
from = "billing@services.example"
transport = "{choose(["file", "sendmail"])}"
sendmail = "{os.path.join(folder, "sendmail")}"
""")
        # Refuses the e-mails to t3 for good, and puts off those to t4.
        self.write("sendmail", """#!/bin/sh
case "$*" in *t3@*) exit 67 ;; *t4@*) exit 75 ;; esac
exec cat > /dev/null
""")
        os.chmod(os.path.join(folder, "sendmail"), 0o755)
        self.tenants, self.imported = [], 0
        self.log = open(os.path.join(folder, "log"), "w")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def sql(self, query):
        connection = sqlite3.connect(os.path.join(self.folder, "billing.db"))
        try:
            return [row[0] for row in connection.execute(query)]
        finally:
            connection.close()

    def pick(self, query, otherwise="999"):
        """A row of the query, mostly; now and then something that is not there."""
        found = self.sql(query)
        if not found or self.random.random() < 0.02:
            return str(otherwise)
        return str(self.random.choice(found))

    def date(self, low, high):
        return str(self.day + datetime.timedelta(days=self.random.randint(low, high)))

    def amount(self, most):
        places = {"EUR": 2, "XOF": 0, "KWD": 3}[self.currency]
        minor = self.random.randint(1, most * 10 ** places)
        return str(minor) if places == 0 else f"{minor // 10**places}.{minor % 10**places:0{places}}"

    def now(self):
        """Later than the command before, and on the day."""
        self.minutes = min(self.minutes + self.random.randint(0, 120), 1439)
        if self.random.random() < 0.3:
            return str(self.day)
        hours, minutes = divmod(self.minutes, 60)
        return local(self.day, f"{hours:02}:{minutes:02}:00", self.zone)

    def next_day(self):
        self.day += datetime.timedelta(days=1)
        self.minutes = 0

    def tenant(self):
        return self.pick("SELECT slug FROM tenants", "nobody")

    def invoice(self, where="1"):
        return self.pick(f"SELECT number FROM invoices WHERE {where}", "INV-1")

    def a_command(self):
        """Something that an operator does; being refused is an outcome like any other."""
        draw, pick = self.random, self.pick
        chance = draw.random
        open_ = "status = 'open'"
        unpaid = "status = 'open' AND paid_minor = 0"

        def create_invoice():
            args = ["invoice", "create", "--tenant", self.tenant(), "--amount", self.amount(200)]
            if chance() < 0.5:
                args += ["--due-on", self.date(0, 12)]
            if chance() < 0.2:
                args += ["--issued-on", self.date(-20, 0)]
            if chance() < 0.3:
                args += ["--send"]
            if chance() < 0.15:
                args += ["--coupon", pick("SELECT code FROM coupons", "NONE")]
            return args

        def pay():
            number = self.invoice(open_ if chance() < 0.8 else "status <> 'draft'")
            due = self.sql("SELECT total_minor - paid_minor FROM invoices"
                           f" WHERE number = '{number}'")
            amount = self.amount(60)
            if due and chance() < 0.6:
                amount = self.minor(max(due[0], 1))
            elif due and chance() < 0.3:
                amount = self.minor(due[0] + draw.randint(1, 3000))
            args = ["invoice", "pay", number, "--amount", amount]
            if chance() < 0.4:
                args += ["--paid-on", self.date(-15, 0)]
            if chance() < 0.3:
                args += ["--reference", f"REF-{draw.randint(1, 40)}"]
            if chance() < 0.2:
                args += ["--no-email"]
            return args

        def subscribe():
            args = ["subscription", "create", "--tenant", self.tenant(),
                    "--plan", pick("SELECT code FROM plans", "none")]
            if chance() < 0.3:
                args += ["--start", self.date(-40, 10)]
            if chance() < 0.3:
                args += ["--trial-days", str(draw.randint(0, 12))]
            if chance() < 0.3:
                args += ["--anchor", draw.choice(["calendar", "anniversary"])]
            if chance() < 0.3:
                args += ["--quantity", str(draw.randint(1, 5))]
            if chance() < 0.3:
                args += ["--coupon", pick("SELECT code FROM coupons", "NONE")]
            if chance() < 0.4:
                args += ["--collection", "automatic"]
            if chance() < 0.2:
                args += ["--no-invoice"]
            return args

        def new_tenant():
            slug = f"t{len(self.tenants)}"
            self.tenants.append(slug)
            args = ["tenant", "create", slug, "--name", slug, "--email", f"{slug}@clients.example"]
            if chance() < 0.2:
                args += ["--tax-rate", draw.choice(["0", "8.5"])]
            if chance() < 0.3:
                args += ["--created-on", self.date(-60, 0)]
            if chance() < 0.3:
                args += ["--currency", "CHF"]
            return args

        def coupon():
            args = ["coupon", "create", f"C{draw.randint(1, 30)}", "--name", "c",
                    "--until", self.date(0, 90), "--from", self.date(-9, 1)]
            args += (["--percent", draw.choice(["10", "12.5", "33.33", "100"])] if chance() < 0.7
                     else ["--amount", self.amount(80), "--currency", self.currency])
            args += ["--max-uses-per-customer", draw.choice(["0", "1", "3"])]
            args += ["--duration", draw.choice(["once", "forever", "2", "3"])]
            if chance() < 0.2:
                args += ["--max-uses", "2"]
            return args

        def method():
            args = ["payment-method", "create", "--tenant", self.tenant(), "--kind", "card",
                    "--token", draw.choice(TOKENS)]
            return args + (["--default"] if chance() < 0.8 else [])

        subscription = lambda: pick("SELECT 'sub_' || id FROM subscriptions")  # noqa: E731
        code = lambda: pick("SELECT code FROM coupons", "NONE")  # noqa: E731
        transaction = lambda where: pick(  # noqa: E731
            f"SELECT 'txn_' || id FROM transactions WHERE {where}")
        commands = [
            (14, create_invoice), (16, pay), (7, subscribe), (2, new_tenant), (3, coupon),
            (4, method),
            (4, lambda: ["transaction", "reverse", transaction("status = 'succeeded'"),
                         "--reason", "it bounced"]),
            (2, lambda: ["invoice", "write-off", self.invoice(open_), "--reason", "gone"]),
            (3, lambda: ["invoice", "void", self.invoice(unpaid), "--reason", "wrong"]),
            (4, lambda: ["invoice", "promise", self.invoice(open_), "--until", self.date(0, 9)]),
            (3, lambda: ["invoice", "dispute", self.invoice(open_)]),
            (3, lambda: ["invoice", "dispute", self.invoice("disputed_at IS NOT NULL"),
                         "--resolve"]),
            (4, lambda: ["coupon", "apply", code(), "--invoice", self.invoice(unpaid)]),
            (3, lambda: ["coupon", "apply", code(), "--subscription", subscription()]),
            (2, lambda: ["coupon", "validate", code(), "--tenant", self.tenant(), "--amount",
                         self.amount(90)]),
            (1, lambda: ["coupon", draw.choice(["activate", "deactivate"]), code()]),
            (1, lambda: ["coupon", "edit", code(), "--until", self.date(0, 60)]),
            (5, lambda: ["invoice", "charge", self.invoice(open_)]),
            (3, lambda: ["transaction", "resolve", transaction("status IN ('pending','unknown')"),
                         draw.choice(["--succeeded", "--failed"]), "--note", "seen"]),
            (1, lambda: ["payment-method", draw.choice(["remove", "set-default"]),
                         pick("SELECT 'pm_' || id FROM payment_methods")]),
            (3, lambda: ["subscription", "change", subscription(), "--quantity",
                         str(draw.randint(1, 4))]),
            (2, lambda: ["subscription", "change", subscription(), "--plan",
                         pick("SELECT code FROM plans")]),
            (3, lambda: ["subscription", "cancel", subscription()]
                + (["--now"] if chance() < 0.4 else [])),
            (1, lambda: ["subscription", "resume", subscription()]),
            (2, lambda: ["tenant", "suspend", self.tenant(), "--reason", "a quarrel"]),
            (4, lambda: ["tenant", "reactivate",
                         pick("SELECT slug FROM tenants WHERE status = 'suspended'", "nobody")]),
            (1, lambda: ["tenant", "close", self.tenant()]),
            (2, lambda: ["tenant", "edit", self.tenant(), "--name", f"N{draw.randint(1, 9)}"]),
            (4, lambda: ["email", "resend", pick(
                "SELECT 'eml_' || id FROM emails WHERE stage = 'warning' OR id % 3 = 0")]),
            (1, lambda: ["plan", "archive", pick("SELECT code FROM plans")]),
            (4, self.import_invoices), (2, self.import_payments), (2, self.import_subscriptions),
            (2, self.import_tenants),
            (2, lambda: ["tasks", "deliver-emails"]),
        ]
        weights = [weight for weight, _ in commands]
        return draw.choices([make for _, make in commands], weights)[0]()

    def minor(self, minor):
        places = {"EUR": 2, "XOF": 0, "KWD": 3}[self.currency]
        return str(minor) if places == 0 else f"{minor // 10**places}.{minor % 10**places:0{places}}"

    def import_invoices(self):
        draw, rows = self.random, []
        for _ in range(draw.randint(1, 3)):
            if draw.random() < 0.3 and self.imported:
                number = f"OLD-{draw.randint(1, self.imported)}"
            else:
                self.imported += 1
                number = f"OLD-{self.imported}"
            issued = self.day - datetime.timedelta(days=draw.randint(0, 40))
            due = issued + datetime.timedelta(days=draw.randint(0, 15))
            status = draw.choice(["", "", "", "paid", "void", "uncollectible"])
            paid = str(issued) if status == "paid" else ""
            rows.append(f"{number},{self.tenant()},{self.amount(90)},{issued},{due},{status},{paid}")
        header = "number,tenant,total,issued_on,due_on,status,paid_on"
        self.write("invoices.csv", "\n".join([header, *rows]) + "\n")
        return ["import", "invoices", "invoices.csv"] + draw.choice([[], ["--update"], ["--update"]])

    def import_payments(self):
        draw, rows = self.random, []
        for _ in range(draw.randint(1, 3)):
            number = self.invoice("status IN ('open', 'uncollectible')")
            rows.append(f"{number},{self.amount(60)},{self.date(-12, 0)},BANK-{draw.randint(1, 60)}")
        self.write("payments.csv", "\n".join(["invoice,amount,paid_on,reference", *rows]) + "\n")
        return ["import", "payments", "payments.csv", "--allow-overpayment"]

    def import_tenants(self):
        draw = self.random
        number = draw.randint(0, len(self.tenants))
        slug = f"t{number}"
        if number == len(self.tenants):
            self.tenants.append(slug)
        status = draw.choice(["", "", "active", "active", "suspended", "closed"])
        row = f"{slug},{draw.choice(['A', 'B', slug])},{slug}@clients.example,{status}"
        self.write("tenants.csv", f"slug,name,email,status\n{row}\n")
        return ["import", "tenants", "tenants.csv", "--update"]

    def import_subscriptions(self):
        draw = self.random
        started = self.day - datetime.timedelta(days=draw.randint(1, 200))
        row = [self.tenant(), self.pick("SELECT code FROM plans"), str(started),
               draw.choice(["", "", "canceled", "suspended"]),
               draw.choice(["calendar", "anniversary", ""]), str(draw.randint(1, 3))]
        header = "tenant,plan,started_on,status,anchor,quantity"
        self.write("subscriptions.csv", header + "\n" + ",".join(row) + "\n")
        return ["import", "subscriptions", "subscriptions.csv"] + draw.choice([[], ["--update"]])

    def start(self):
        yield ["db", "migrate"]
        for code, price, interval in [("basic", 30, "month"), ("pro", 99, "month"),
                                      ("yearly", 700, "year"), ("free", 0, "month")]:
            trial = self.random.choice([[], ["--trial-days", "5"]])
            yield ["plan", "create", code, "--name", code, "--price", str(price), "--interval",
                   interval, *trial]
        for _ in range(6):
            slug = f"t{len(self.tenants)}"
            self.tenants.append(slug)
            yield ["tenant", "create", slug, "--name", slug, "--email", f"{slug}@clients.example"]

    def a_day(self):
        """What is done on a day, command by command: each is made when the one before is done."""
        for _ in range(self.random.randint(2, 5)):
            yield self.a_command()
        # Cron misses a day now and then.
        if self.random.random() < 0.9:
            for task in ["generate-recurring-invoices", "cleanup-expired-trials",
                         "retry-failed-payments", "check-overdue"]:
                yield ["tasks", task]
        for _ in range(self.random.randint(0, 3)):
            yield self.a_command()
        self.next_day()


def local(day, time, zone):
    """The instant of that time of that day in the zone, as RFC 3339."""
    at = datetime.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return at.isoformat()


def run(program, folder, args, as_of):
    """Runs a command; its exit status, what it printed as JSON, and its error."""
    done = subprocess.run(
        [program, *args, "--as-of", as_of, "--yes", "--json"], cwd=folder, capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": folder, "TZ": "UTC", "LOGNAME": "awa"},
        stdin=subprocess.DEVNULL)
    try:
        out = json.loads(done.stdout) if done.stdout.strip() else None
    except ValueError:
        out = done.stdout.decode()
    return done.returncode, out, done.stderr.decode()


def lists(life):
    """The lists of now, and all that is said of each customer, invoice and subscription."""
    now = local(life.day, "23:30:00", life.zone)
    for args in ["tenant list", "plan list", "subscription list", "invoice list",
                 "transaction list", "coupon list", "coupon usages", "coupon stats",
                 "payment-method list", "email list", "event list", "tasks runs",
                 "invoice overdue", "db check"]:
        yield args.split(), now
    for slug in life.sql("SELECT slug FROM tenants"):
        yield ["tenant", "show", slug], now
    for number in life.sql("SELECT number FROM invoices ORDER BY id"):
        yield ["invoice", "explain", number], now
    for id in life.sql("SELECT 'sub_' || id FROM subscriptions"):
        yield ["subscription", "explain", id], now


def reports(life):
    """The reports of every third day up to now, and of longer spans."""
    now = local(life.day, "23:30:00", life.zone)
    days = (life.day - life.first).days
    for ago in range(-2, days + 2, 3):
        day = life.day - datetime.timedelta(days=ago)
        for report in REPORTS:
            at = str(day) if ago % 2 else local(day, "23:59:00", life.zone)
            yield ["report", report], at
    for ago in range(0, days, 10):
        until = life.day - datetime.timedelta(days=ago)
        since = until - datetime.timedelta(days=7)
        for report in REPORTS:
            yield ["report", report, "--since", str(since), "--until", str(until)], now
        yield ["invoice", "overdue"], str(until)


def plain(value):
    """A value as a sentence of today says it: what was called a letter is called an e-mail, and an
    amount never breaks."""
    if not isinstance(value, str):
        return value
    return value.replace("letter", "e-mail").replace("\u00a0", " ").replace("\u202f", " ")


def differences(expected, found, place, into):
    """What is missing in `found`, or other than in `expected`."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in IGNORED:
                differences(value, found.get(name, "nothing"), f"{place}.{name}", into)
    elif isinstance(expected, list) and isinstance(found, list):
        # Checks are added behind those that there were.
        may_grow = place.endswith(".checks") and len(found) > len(expected)
        if len(expected) != len(found) and not may_grow:
            into.append(f"{place}: {len(found)} items, {len(expected)} expected")
        for at, (one, other) in enumerate(zip(expected, found)):
            differences(one, other, f"{place}[{at}]", into)
    elif plain(expected) != plain(found):
        into.append(f"{place}: {found!r}, {expected!r} expected")


def compare(questions, programs, folders, wrong):
    """Asks both.

    Days to collect are left out where a payment is all surplus: OLD counts it as the last one of
    its invoice, or not, by whether anything of the invoice was changed later, be it a reminder.
    """
    for args, at in questions:
        (old_status, old_out, old_err), (status, out, err) = [
            run(program, folder, args, at) for program, folder in zip(programs, folders)]
        place = f"{' '.join(args)} --as-of {at}"
        if old_status != status:
            wrong.append(f"{place}: exit {status}, {old_status} expected: {err}{old_err} {out}")
        for figure in old_out + out if args[:2] == ["report", "kpi"] else ():
            if figure["kpi"] == "days_to_collect" and all_surplus(folders[0]):
                figure.clear()
        if args[1] == "explain" and "history" in (old_out or {}) and "history" in (out or {}):
            # In the order of the business's days now, and not of UTC's.
            for explained in old_out, out:
                explained["history"].sort(key=lambda entry: plain(entry["what"]) + entry["at"])
        differences(old_out, out, place, wrong)


def all_surplus(folder):
    """Whether a payment or charge ever was all surplus."""
    connection = sqlite3.connect(os.path.join(folder, "billing.db"))
    try:
        query = """SELECT count(*) FROM events WHERE kind IN ('payment_recorded', 'charge_succeeded')
                   AND CAST(replace(json_extract(data, '$.applied'), '.', '') AS INTEGER) = 0"""
        return connection.execute(query).fetchone()[0] > 0
    finally:
        connection.close()


def live(seed, old, new, keep):
    folder = tempfile.mkdtemp(prefix=f"life-{seed}-")
    first, second = os.path.join(folder, "old"), os.path.join(folder, "new")
    os.mkdir(first)
    life = Life(seed, old, first)
    done = {0: 0}
    wrong = []

    def do(args, at):
        status, _, error = run(old, first, args, at)
        life.log.write(f"{status} {' '.join(args)} --as-of {at} {error.strip()}\n")
        if status not in (0, 1, 3):
            wrong.append(f"{args}: exit {status}: {error}")
        done[status] = done.get(status, 0) + 1

    for args in life.start():
        do(args, str(life.day))
    if len(done) > 1 or wrong:
        raise RuntimeError(f"seed {seed} does not begin: {folder}")
    life.next_day()
    for _ in range(50):
        for args in life.a_day():
            do(args, life.now())
    life.log.flush()
    shutil.copytree(first, second)
    status, _, error = run(new, second, ["db", "migrate"], str(life.day))
    if status != 0:
        wrong.append(f"db migrate: exit {status}: {error}")
    programs, folders = (old, new), (first, second)
    compare(lists(life), programs, folders, wrong)
    compare(reports(life), programs, folders, wrong)
    life.log.write("\n".join(wrong) + "\n")
    life.log.close()
    if not wrong and not keep:
        shutil.rmtree(folder)
    return seed, folder, done, wrong


def main():
    old, new, *seeds = sys.argv[1:]
    old, new = os.path.abspath(old), os.path.abspath(new)
    jobs = int(os.environ.get("JOBS", "2"))
    keep, failed = "KEEP" in os.environ, 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        lives = [pool.submit(live, int(seed), old, new, keep) for seed in seeds]
        for life in concurrent.futures.as_completed(lives):
            seed, folder, done, wrong = life.result()
            counts = ", ".join(f"{n} x exit {status}" for status, n in sorted(done.items()))
            print(f"seed {seed}: {counts}; {len(wrong)} differences"
                  + (f", in {folder}" if wrong or keep else ""), flush=True)
            for difference in wrong[:40]:
                print(f"  {difference[:600]}")
            failed += bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
