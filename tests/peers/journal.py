"""What `export journal` writes, read by hledger and by the rules of the FEC.

    python tests/peers/journal.py BILLING

Takes Debian's `hledger`. A demo is joined by customers of other currencies, by names that are made to
break a journal, and by every kind of entry. hledger must take the journal under `check --strict`, and
find on every account what the ledger and the commands say.
"""

import collections
import csv
import datetime
import decimal
import io
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

BILLING = pathlib.Path(sys.argv[1]).resolve()
DECIMALS = {"XOF": 0, "EUR": 2, "KWD": 3}
ACCOUNTS = {
    "receivable": "411", "cash": "512", "loss": "654",
    "credit": "4197", "revenue": "706", "tax": "4457",
}
# The left three are debits where they are positive, the others credits.
SIDES = {"receivable": 1, "cash": 1, "loss": 1, "credit": -1, "revenue": -1, "tax": -1}
# What was typed before names were checked may say anything.
HOSTILE = [
    "a;b|c", "a\n2026-01-01 x\n    411  5 EUR\n    706", "(code) * ! =2026-01-01 x",
    "a, type:L, date:2020-01-01", "a  \t b\u2028c", "[2020-01-01] x", "=HYPERLINK(\"x\")", "; x", ")",
    "include /etc/passwd\ncomment", "100 EUR @ 2 XOF", "\r\nend",
]


def check(true, what):
    if not true:
        raise AssertionError(what)


class Shop:
    def __init__(self, folder, currency):
        self.folder = pathlib.Path(folder)
        self.today = None
        if currency:
            self.run("init", "--currency", currency, "--locale", "en", "--tax-rate", "20",
                     "--company", "Bench")

    def run(self, *words, status=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("BILLING_")}
        clock = ["--as-of", self.today] if self.today else []
        done = subprocess.run([BILLING, *words, *clock], cwd=self.folder, env=env,
                              capture_output=True, text=True)
        check(done.returncode == status, f"{words}: {done.returncode} {done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def db(self):
        return sqlite3.connect(self.folder / "billing.db")

    def customer(self, slug, currency):
        self.run("tenant", "create", slug, "--name", slug.title(), "--email", f"{slug}@c.example",
                 "--currency", currency)

    def bill(self, slug, amount, *more):
        out = self.json("invoice", "create", "--tenant", slug, "--amount", amount,
                        "--description", "Work", *more)
        return out["number"]

    def live(self, slug, amount):
        """Every kind of entry that there is."""
        pay = lambda number, amount, *more: self.json(
            "invoice", "pay", number, "--amount", amount, "--no-email", *more)
        void, lost, late, paid = (self.bill(slug, amount) for _ in range(4))
        self.run("coupon", "apply", "TEN", "--invoice", late)
        self.run("invoice", "void", void, "--reason", "wrong")
        self.run("invoice", "write-off", lost, "--reason", "gone")
        pay(lost, amount)
        # What is due on it is credited, then what was paid on another goes back.
        self.run("credit-note", "create", "--invoice", self.bill(slug, amount), "--full",
                 "--reason", "error", "--no-email")
        back = self.bill(slug, amount)
        pay(back, amount)
        self.run("credit-note", "create", "--invoice", back, "--full", "--reason", "other",
                 "--outside", "--reference", "by hand", "--no-email")
        # More than is due: the rest is credit, which pays what is issued next.
        pay(paid, str(int(amount) * 3), "--allow-overpayment")
        self.bill(slug, amount)
        self.run("credit", "grant", "--tenant", slug, "--amount", amount, "--reason", "sorry")
        # It bounces, and what its surplus had paid is due again.
        moved = self.json("transaction", "list", "--tenant", slug)
        surplus = max(moved, key=lambda one: decimal.Decimal(one["amount"]))
        self.run("transaction", "reverse", surplus["id"], "--reason", "bounced")
        self.bill(slug, "0")


def hledger(*words):
    return subprocess.run(["hledger", *words], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def balances(path):
    """Account and currency to amount, as hledger adds them up."""
    done = hledger("-f", str(path), "balance", "--flat", "--no-total", "--layout=bare", "-O", "csv")
    check(done.returncode == 0, done.stderr)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    return {(row["account"], row["commodity"]): decimal.Decimal(row["balance"])
            for row in rows if decimal.Decimal(row["balance"])}


def sums(shop):
    """The same, as the table of the ledger has it."""
    found = collections.defaultdict(decimal.Decimal)
    columns = ", ".join(f"{name}_minor" for name in ACCOUNTS)
    query = f"""SELECT slug, l.currency, {columns} FROM ledger l
                JOIN tenants t ON t.id = l.tenant_id"""
    for slug, currency, *amounts in shop.db().execute(query):
        for name, minor in zip(ACCOUNTS, amounts):
            by_customer = name in ("receivable", "credit")
            account = f"{ACCOUNTS[name]}:{slug}" if by_customer else ACCOUNTS[name]
            scale = decimal.Decimal(10) ** DECIMALS[currency]
            found[account, currency] += SIDES[name] * minor / scale
    return {key: amount for key, amount in found.items() if amount}


def journal_of_hledger(folder):
    shop = Shop(folder, None)
    shop.run("demo", "--dir", "demo")
    shop.folder /= "demo"
    # After it, so that a month is in several files.
    days = ["2027-01-05", "2027-01-20", "2027-02-03"]
    shop.today = days[0]
    shop.run("coupon", "create", "TEN", "--name", "Ten", "--percent", "10", "--until", "2027-12-31",
             "--max-uses-per-customer", "0", "--yes")
    for currency, amount in (("XOF", "15000"), ("EUR", "40"), ("KWD", "7")):
        for at, day in enumerate(days):
            shop.today = day
            shop.customer(f"hostile-{currency.lower()}-{at}", currency)
            shop.live(f"hostile-{currency.lower()}-{at}", amount)
    with shop.db() as db:
        for at, name in enumerate(HOSTILE):
            db.execute("UPDATE tenants SET name = ?1 WHERE id = ?2", (name, at + 1))
            db.execute("UPDATE tenants SET name = ?1 WHERE slug LIKE 'hostile-%' AND id % 12 = ?2",
                       (name, at))
        kinds = {kind for (kind,) in db.execute("SELECT DISTINCT kind FROM ledger")}
    wanted = {"invoice", "discount", "payment", "charge", "reversal", "write_off", "void",
              "credit_note", "refund", "credit_grant", "credit_applied", "credit_unapplied"}
    check(wanted <= kinds, f"no entry of {wanted - kinds}")

    shop.run("export", "journal", "--format", "hledger", "--out", "all.journal")
    whole = shop.folder / "all.journal"
    text = whole.read_text()
    for wrong in (text.replace("  -", " -", 1), text.replace("account 411:", "; 411:", 1),
                  text.replace("commodity ", "; ", 1)):
        broken = shop.folder / "broken.journal"
        broken.write_text(wrong)
        check(hledger("-f", str(broken), "check", "--strict").returncode, "hledger finds nothing out")
    done = hledger("-f", str(whole), "check", "--strict")
    check(done.returncode == 0, done.stderr)
    expected = sums(shop)
    check({currency for _, currency in expected} == set(DECIMALS), "not all currencies")
    found = balances(whole)
    check(found == expected, {k: (found.get(k), expected.get(k))
                              for k in {*found, *expected} if found.get(k) != expected.get(k)})
    # Each customer owes what the commands say it does.
    for tenant in shop.json("tenant", "list"):
        owed = found.get((f"411:{tenant['slug']}", tenant["currency"]), decimal.Decimal(0))
        check(owed == decimal.Decimal(tenant["balance_due"]), (tenant, owed))
        credit = shop.json("tenant", "show", tenant["slug"])["credit_balance"]
        had = -found.get((f"4197:{tenant['slug']}", tenant["currency"]), decimal.Decimal(0))
        check(had == decimal.Decimal(credit.get(tenant["currency"], "0")), (tenant, had, credit))

    # A name is in nobody's way: every transaction of the file is an entry of the ledger.
    entries = shop.db().execute("""SELECT count(*) FROM ledger WHERE receivable_minor <> 0
        OR cash_minor <> 0 OR loss_minor <> 0 OR credit_minor <> 0 OR revenue_minor <> 0
        OR tax_minor <> 0""").fetchone()[0]
    printed = json.loads(hledger("-f", str(whole), "print", "-O", "json").stdout)
    check(len(printed) == entries, f"{len(printed)} of {entries}")
    for one in printed:
        check(re.fullmatch(r"ent_\d+", dict(one["ttags"])["entry"]), one)
        check(one["tdate2"] is None and len(one["ttags"]) in (3, 4, 5, 6), one)
    types = hledger("-f", str(whole), "balance", "type:A", "--depth=1", "-N").stdout
    check("411" in types and "4197" not in types and "706" not in types, types)

    # Month by month, included in one file, it is the same.
    last, parts = None, []
    for at, until in enumerate(["2026-11-30", "2027-01-10", "2027-01-31", "2027-12-31"]):
        since = ["--since", last] if last else []
        name = f"part{at}.journal"
        shop.run("export", "journal", *since, "--until", until, "--format", "hledger", "--out", name)
        last = next_day(until)
        parts.append(f"include {name}\n")
    (shop.folder / "year.journal").write_text("".join(parts))
    done = hledger("-f", str(shop.folder / "year.journal"), "check", "--strict")
    check(done.returncode == 0, done.stderr)
    check(balances(shop.folder / "year.journal") == expected, "the months differ from the year")
    # Not in euros.
    shop.run("export", "journal", "--format", "fec", status=1)
    return len(printed)


def next_day(day):
    return str(datetime.date.fromisoformat(day) + datetime.timedelta(days=1))


def fec(folder):
    shop = Shop(folder, "EUR")
    shop.today = "2026-03-05"
    shop.run("coupon", "create", "TEN", "--name", "Ten", "--percent", "10", "--until", "2027-12-31",
             "--max-uses-per-customer", "0", "--yes")
    for at in range(len(HOSTILE)):
        shop.customer(f"c{at}", "EUR")
        shop.live(f"c{at}", "40")
        shop.today = f"2026-03-{28 - at:02}"
    with shop.db() as db:
        for at, name in enumerate(HOSTILE):
            db.execute("UPDATE tenants SET name = ?1 WHERE slug = ?2", (name, f"c{at}"))
    expected = sums(shop)
    total = lambda account: sum(v for (k, _), v in expected.items() if k.split(":")[0] == account)
    number = lambda text: decimal.Decimal(text.replace(",", "."))
    lines = 0
    for journals in ("sales", "sales,bank,other"):
        text = shop.run("export", "journal", "--format", "fec", "--journals", journals,
                        "--until", "2026-03-31")
        check(text == shop.run("export", "journal", "--format", "fec", "--journals", journals,
                               "--until", "2026-03-31"), "asked twice, numbered otherwise")
        rows = [line.split("\t") for line in text.split("\n")]
        check(rows.pop() == [""], "the last line is not ended")
        head = rows.pop(0)
        check(head == """JournalCode JournalLib EcritureNum EcritureDate CompteNum CompteLib
            CompAuxNum CompAuxLib PieceRef PieceDate EcritureLib Debit Credit EcritureLet DateLet
            ValidDate Montantdevise Idevise""".split(), head)
        entries = collections.defaultdict(list)
        by_account = collections.Counter()
        for row in rows:
            check(len(row) == 18, row)
            line = dict(zip(head, row))
            for name in ("EcritureDate", "PieceDate", "ValidDate"):
                check(re.fullmatch(r"20\d{6}", line[name]), line)
            for name in ("Debit", "Credit"):
                check(re.fullmatch(r"\d+,\d\d", line[name]), line)
            check(re.fullmatch(r"\d{3}[0-9A-Za-z]*", line["CompteNum"]), line)
            check(line["PieceRef"] and line["EcritureLib"] and line["CompteLib"], line)
            check(bool(line["CompAuxNum"]) == (line["CompteNum"] in ("411", "4197")), line)
            check("0,00" in (line["Debit"], line["Credit"]), line)
            entries[line["JournalCode"], int(line["EcritureNum"])].append(line)
            by_account[line["CompteNum"]] += number(line["Debit"]) - number(line["Credit"])
        for key, of in entries.items():
            check(sum(number(line["Debit"]) for line in of)
                  == sum(number(line["Credit"]) for line in of), (key, of))
            check(len({line["EcritureDate"] for line in of}) == 1, of)
        for code in {code for code, _ in entries}:
            numbers = [n for of, n in entries if of == code]
            check(numbers == list(range(1, len(numbers) + 1)), (code, numbers))
            dates = [entries[code, n][0]["EcritureDate"] for n in numbers]
            check(dates == sorted(dates), (code, dates))
        codes = {code for code, _ in entries}
        check(codes == ({"VE"} if journals == "sales" else {"VE", "BQ", "OD"}), codes)
        for account in ACCOUNTS.values():
            if journals != "sales" or account in ("706", "4457"):
                check(by_account[account] == total(account), (account, by_account, total(account)))
        lines += len(rows)
    return lines


with tempfile.TemporaryDirectory() as folder:
    transactions = journal_of_hledger(folder)
with tempfile.TemporaryDirectory() as folder:
    lines = fec(folder)
print(f"journal: hledger took {transactions} transactions, and {lines} lines of a FEC balance")
