#!/usr/bin/env python3
"""Mobile money as a gateway of billing: a program to start from.

    [payments]
    gateway = "command"
    command = ["/usr/local/lib/billing/mobile_money.py", "/var/lib/billing/mobile-money"]
    pass_env = ["MOBILE_MONEY_API_KEY"]
    timeout_seconds = 30
    refunds = true

The argument is a folder of this program's own; it is made where it is not there. Python 3.8 or
newer, nothing but the standard library.

Billing starts the program once for each question, with one JSON object on standard input:

    {"version":1,"operation":"charge","idempotency_key":"9b2e-txn7-1","amount":"15000",
     "amount_minor":15000,"currency":"XOF","invoice":"INV-2026-000001","tenant":"acme",
     "payment_method":{"id":"pm_3","kind":"mobile_money","token":"+221770000001"}}

and reads one from standard output. So it can be tried by hand, with these lines in a file:

    ./mobile_money.py /tmp/mobile-money < question.json

The token is what was typed into billing for this payment method; here it is the telephone number
of the customer's account. "operation":"status" asks with the same key, and with the reference that
was answered, what became of the charge. With refunds = true two more questions come:

    {"version":1,"operation":"refund","idempotency_key":"9b2e-txn9-1","amount":"5000",
     "amount_minor":5000,"currency":"XOF","invoice":"INV-2026-000001","tenant":"acme",
     "reference":"mm_9","credit_note":"CN-2026-000001"}
    {"version":1,"operation":"changes","since":"2026-03-01T00:00:00Z"}

The reference of a refund is that of its charge. What became of it is asked by "status" with
"of":"refund", the refund's own reference, and the charge's as "charge". Changes are the refunds and
disputes that came about at the provider.

Where a customer is to pay now, billing asks for a page of the provider's, and what became of it:

    {"version":1,"operation":"checkout","idempotency_key":"9b2e-1","amount":"15000",
     "amount_minor":15000,"currency":"XOF","invoice":"INV-2026-000001","tenant":"acme",
     "return_url":"https://shop.example/thanks"}

"status" with "of":"checkout" asks about the page, "expire" has it closed. With "setup":true the
customer would add an account there; this program does not do that, and says so.

WHAT TO CHANGE: the class `Provider` is made up. Replace the bodies of its methods by the HTTP calls
of your provider, and `CURRENCIES` and `account_of` by what it takes. The rest, which keeps a
customer from being charged twice and you from paying back twice, can stay as it is. Where your
provider pays nothing back, leave refunds = false: then nobody asks, and what is about refunds can go.

HOW NOBODY IS CHARGED TWICE, OR PAID BACK TWICE
  1. Billing sends the same key again whenever it does not know what became of a charge: this
     program was killed, answered nonsense, or the machine lost its power.
  2. So each key is written into a ledger BEFORE the provider is called, and stays there for at
     least 30 days.
  3. A key that is in the ledger is never simply sent again: the provider is asked first whether
     it has it. Only if it says no is the request sent once more, under the same key, which the
     provider is to take as its own idempotency key too.
  4. A lock on the key lets two runs for the same key go one after the other. Runs for other keys
     do not wait.

EXIT CODES: 0 with an answer; 64 wrong arguments; 65 a question that is not understood; 75 the
provider cannot be reached or said nothing clear; 1 a bug. Billing takes any but 0 as "unknown" and
asks again with the same key in its next run. When in doubt, fail: a wrong "declined" lets billing
make a NEW key, and with a new key the customer may pay a second time.

Standard error is for people. Billing shows its first words in the transaction. Never write the
token there.
"""

import contextlib
import datetime
import decimal
import fcntl
import hashlib
import json
import os
import re
import sqlite3
import sys

# Billing sends a key again for 29 days.
DAYS_REMEMBERED = 30

# What the provider can move, and the decimals of each.
CURRENCIES = {"XOF": 0, "XAF": 0, "GHS": 2, "KES": 2}

# For your HTTP client. It has to be well below billing's timeout_seconds: a program that is killed
# cannot write down what it was just told.
HTTP_TIMEOUT_SECONDS = 15


class BadQuestion(Exception):
    """The question is not one that billing asks. Exit code 65."""


class NoAnswer(Exception):
    """The provider said nothing that can be relied on. Exit code 75."""


# ---- the provider: replace this ------------------------------------------------------------------


class Provider:
    """A MADE-UP provider, kept in a file, so that the program can be tried without a contract.

    What the customer does is told by the last digits of the account:

        0000   not enough money: declined, worth another try later
        9999   the account is closed: declined for good
        8888   asked on the telephone, the customer says no: pending, then declined
        7777   the customer never answers: pending for ever
        else   the customer says yes: pending, then succeeded

    What is paid back is there at once, but for two:

        6666   the account takes no money: pending, then declined
        5555   the operator takes its time: pending for ever

    A method raises `NoAnswer` where it does not KNOW the outcome: no connection, a time-out, HTTP
    500, a body that it cannot read. Real code:

        request = urllib.request.Request(
            "https://api.provider.example/v1/requests-to-pay",
            data=json.dumps({...}).encode(),
            headers={
                "Authorization": "Bearer " + os.environ["MOBILE_MONEY_API_KEY"],
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_SECONDS) as response:
                body = json.load(response)
        except (OSError, ValueError) as error:  # HTTPError and URLError are OSErrors
            raise NoAnswer(f"the provider: {error}") from error

    Look at the code of an HTTPError before that where 4xx means a decline, not a doubt.
    """

    def __init__(self, folder):
        self.db = connect(os.path.join(folder, "made-up-provider.sqlite"))
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS requests (external_id TEXT PRIMARY KEY, reference TEXT,"
            " amount TEXT, currency TEXT, account TEXT, state TEXT, reason TEXT)"
        )
        self.db.execute(
            # One that was made in the provider's own pages has no external id.
            "CREATE TABLE IF NOT EXISTS refunds (external_id TEXT UNIQUE, reference TEXT,"
            " charge TEXT, amount TEXT, currency TEXT, state TEXT, reason TEXT, at TEXT)"
        )
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS disputes (reference TEXT, charge TEXT, state TEXT, at TEXT)"
        )

    def request_payment(self, key, amount, currency, account, text):
        """Asks the customer to pay; returns what `_state` does.

        HTTP HERE: POST /v1/requests-to-pay, with the key as idempotency key and external id.
        """
        state, reason = "pending", None
        if account.endswith("0000"):
            state, reason = "failed", "insufficient_funds"
        elif account.endswith("9999"):
            state, reason = "failed", "account_closed"
        reference = "mm_" + hashlib.sha256(key.encode()).hexdigest()[:16]
        with self.db:
            # As a real one does: what it has by that id, it does not book again.
            self.db.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (external_id) DO NOTHING",
                (key, reference, amount, currency, account, state, reason),
            )
        return self.find(key)

    def find(self, key):
        """What the provider has by our key; `None` where it has nothing.

        HTTP HERE: GET /v1/requests-to-pay?external_id=KEY. An empty list is `None`. A 404 is only
        where the provider's manual says that it means this.
        """
        row = self.db.execute("SELECT * FROM requests WHERE external_id = ?", (key,)).fetchone()
        return self._state(row)

    def get(self, reference):
        """What became of a request.

        HTTP HERE: GET /v1/requests-to-pay/REFERENCE.
        """
        # MADE UP: between charge and status, the customer has looked at the telephone.
        with self.db:
            self.db.execute(
                "UPDATE requests SET state = 'failed', reason = 'refused_by_customer'"
                " WHERE reference = ? AND state = 'pending' AND account LIKE '%8888'",
                (reference,),
            )
            self.db.execute(
                "UPDATE requests SET state = 'paid' WHERE reference = ? AND state = 'pending'"
                " AND account NOT LIKE '%7777'",
                (reference,),
            )
        row = self.db.execute("SELECT * FROM requests WHERE reference = ?", (reference,)).fetchone()
        return self._state(row)

    def make_page(self, key, amount, currency, return_url, text):
        """Makes a page on which a customer pays; returns what `_state` does.

        HTTP HERE: POST /v1/payment-pages, with the key as idempotency key and external id.
        """
        # MADE UP: a page is a request for nobody in particular, and who looks at it pays.
        return self.request_payment(key, amount, currency, "", text)

    @staticmethod
    def page(reference):
        """Where the page is."""
        return "https://pay.provider.example/" + reference

    def close_page(self, reference):
        """Closes a page, unless it is paid; returns what `_state` does.

        HTTP HERE: POST /v1/payment-pages/REFERENCE/close.
        """
        with self.db:
            self.db.execute(
                "UPDATE requests SET state = 'failed', reason = 'expired'"
                " WHERE reference = ? AND state = 'pending'",
                (reference,),
            )
        row = self.db.execute("SELECT * FROM requests WHERE reference = ?", (reference,)).fetchone()
        return self._state(row)

    def request_refund(self, key, charge, amount, currency, text):
        """Pays back of a charge, never more than it took; returns what `_state` does.

        HTTP HERE: POST /v1/requests-to-pay/CHARGE/refunds, with the key as idempotency key and
        external id. A refusal such as "already refunded" is a decline, not a doubt.
        """
        with self.db:
            # Looked at and written in one go: two refunds of one charge may come at once.
            self.db.execute("BEGIN IMMEDIATE")
            known = self.find_refund(key)
            if known is not None:
                return known
            state, reason = self._refund_state(charge, amount, currency)
            reference = "mr_" + hashlib.sha256(key.encode()).hexdigest()[:16]
            self.db.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (key, reference, charge, amount, currency, state, reason, now().isoformat()),
            )
        return self.find_refund(key)

    def _refund_state(self, charge, amount, currency):
        """MADE UP: what the provider says to a refund, and why."""
        paid = self.db.execute("SELECT * FROM requests WHERE reference = ?", (charge,)).fetchone()
        if paid is None or paid["state"] != "paid" or paid["currency"] != currency:
            return "failed", "unknown_charge"
        rows = self.db.execute(
            "SELECT amount FROM refunds WHERE charge = ? AND state <> 'failed'", (charge,)
        )
        back = sum(decimal.Decimal(row["amount"]) for row in rows)
        if back + decimal.Decimal(amount) > decimal.Decimal(paid["amount"]):
            return "failed", "refund_above_charge"
        return ("pending" if paid["account"].endswith(("6666", "5555")) else "paid"), None

    def find_refund(self, key):
        """What the provider has of a refund by our key; `None` where it has nothing.

        HTTP HERE: GET /v1/refunds?external_id=KEY, with its end: one that succeeded may have come
        back since.
        """
        row = self.db.execute("SELECT * FROM refunds WHERE external_id = ?", (key,)).fetchone()
        return self._state(row)

    def get_refund(self, reference):
        """What became of a refund.

        HTTP HERE: GET /v1/refunds/REFERENCE.
        """
        # MADE UP: between refund and status, the operator has seen that the account is full.
        with self.db:
            self.db.execute(
                "UPDATE refunds SET state = 'failed', reason = 'account_takes_no_money'"
                " WHERE reference = ? AND state = 'pending' AND charge IN"
                " (SELECT reference FROM requests WHERE account LIKE '%6666')",
                (reference,),
            )
        row = self.db.execute("SELECT * FROM refunds WHERE reference = ?", (reference,)).fetchone()
        return self._state(row)

    def changes(self, since):
        """The refunds and disputes since then, in billing's words. Refunds that billing asked for
        may be among them: it knows them by their reference.

        HTTP HERE: GET /v1/refunds?since=AT and GET /v1/disputes?since=AT, every page of both. Only
        what succeeded is a refund; a page that cannot be had is `NoAnswer`, not an end.
        """
        refunds = self.db.execute("SELECT * FROM refunds WHERE state = 'paid'").fetchall()
        disputes = self.db.execute("SELECT * FROM disputes").fetchall()
        told = []
        for row in refunds:
            change = {name: row[name] for name in ("reference", "charge", "amount", "currency")}
            told.append({"kind": "refund", **change, "at": row["at"]})
        for row in disputes:
            states = {"opened": "open", "won": "won", "lost": "lost"}
            if row["state"] not in states:
                raise NoAnswer(f"the provider says of a dispute {row['state']!r}")
            change = {name: row[name] for name in ("reference", "charge", "at")}
            told.append({"kind": "dispute", "status": states[row["state"]], **change})
        return [change for change in told if moment(change["at"]) >= since]

    @staticmethod
    def _state(row):
        """The provider's words in billing's. A word that is new here is no answer."""
        if row is None:
            return None
        states = {"paid": "succeeded", "pending": "pending", "failed": "declined"}
        if row["state"] not in states:
            raise NoAnswer(f"the provider says {row['state']!r}")
        return {
            "status": states[row["state"]],
            "reference": row["reference"],
            "code": row["reason"],
        }


# Declines after which the same account will not do. After any other, billing tries again later.
FOR_GOOD = {
    "account_closed",
    "account_takes_no_money",
    "not_an_account",
    "refund_above_charge",
    "unknown_charge",
    "unsupported_currency",
    "unsupported_method",
}

# What the people who read billing's lists are told.
IN_WORDS = {
    "insufficient_funds": "not enough money in the account",
    "account_closed": "the account is closed",
    "refused_by_customer": "the customer said no",
    "not_an_account": "the token is no telephone number, such as +221770000001",
    "unsupported_method": "only mobile money is charged here",
    "unsupported_currency": "the provider does not move this currency",
    "account_takes_no_money": "the account takes no money back",
    "refund_above_charge": "more than is left of the charge",
    "unknown_charge": "the provider took no such charge",
}


def account_of(token):
    """The account that a token names, or `None`: +221770000001, with or without the +."""
    number = re.sub(r"[ .-]", "", token)
    return number if re.fullmatch(r"\+?[0-9]{8,15}", number) else None


# ---- the ledger ----------------------------------------------------------------------------------


class Ledger:
    """Which keys were seen, what they asked for, and what came of them."""

    def __init__(self, folder):
        self.db = connect(os.path.join(folder, "ledger.sqlite"))
        self.db.execute(
            # `body` is a digest: the question holds the token, which need not be kept here.
            # `status` is 'sent' from before the provider is called until it has answered.
            # Charges and refunds have one table: no key is of both.
            "CREATE TABLE IF NOT EXISTS charges (key TEXT PRIMARY KEY, body TEXT NOT NULL,"
            " invoice TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL,"
            " created_at TEXT NOT NULL, status TEXT NOT NULL, reference TEXT, code TEXT)"
        )

    def find(self, key):
        return self.db.execute("SELECT * FROM charges WHERE key = ?", (key,)).fetchone()

    def begin(self, question):
        """Writes the key down. On disk when this returns: connect() says so."""
        with self.db:
            self.db.execute(
                "INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, 'sent', NULL, NULL)",
                (
                    question["idempotency_key"],
                    digest(question),
                    question["invoice"],
                    question["amount"],
                    question["currency"],
                    now().isoformat(),
                ),
            )

    def settle(self, key, state):
        """Writes down what the provider said."""
        with self.db:
            self.db.execute(
                "UPDATE charges SET status = ?, reference = coalesce(?, reference), code = ?"
                " WHERE key = ?",
                (state["status"], state.get("reference"), state.get("code"), key),
            )

    def forget(self):
        """Drops what came to its end and is older than anybody asks for. What is open stays."""
        before = now() - datetime.timedelta(days=DAYS_REMEMBERED)
        with self.db:
            self.db.execute(
                "DELETE FROM charges WHERE created_at < ? AND status IN ('succeeded', 'declined')",
                (before.isoformat(),),
            )


def connect(path):
    # Writers wait for each other. A write is on disk before the next line runs.
    db = sqlite3.connect(path, timeout=10)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA synchronous = FULL")
    return db


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def moment(text):
    # Python before 3.11 reads no Z.
    at = datetime.datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


def digest(question):
    """The same for every question about the same charge or refund: status asks with its fields."""
    fields = {k: v for k, v in question.items() if k not in ("operation", "of", "reference")}
    if question["operation"] == "refund":
        # In a status the reference is the refund's, and that of the charge has a name of its own.
        fields["charge"] = question["reference"]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def locked(folder, key):
    """Holds the key's lock. The system takes it back when the program ends, however it ends."""
    # 256 files for all keys: two keys may share one, and nothing has to be cleaned up.
    name = "lock-" + hashlib.sha256(key.encode()).hexdigest()[:2]
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ---- the operations ------------------------------------------------------------------------------


def charge(ledger, provider, question):
    key = question["idempotency_key"]
    row = known(ledger, question)
    if row is not None and row["status"] != "sent":
        # Asked for the second time. It was answered once, and is answered the same.
        return answer(row["status"], row["reference"], row["code"])
    account = account_of(question["payment_method"]["token"])
    refused = refusal(question, account)
    if row is None:
        ledger.begin(question)
    if refused is not None:
        state = {"status": "declined", "code": refused}
    else:
        # A key in the ledger without an answer: an earlier run was cut off, perhaps after the
        # provider had heard it.
        state = provider.find(key) if row is not None else None
        if state is None:
            text = f"{question['invoice']} {question['tenant']}"
            state = provider.request_payment(
                key, question["amount"], question["currency"], account, text
            )
    ledger.settle(key, state)
    return answer(**state)


def checkout(ledger, provider, question):
    if question.get("setup"):
        return answer("declined", code="unsupported")
    key = question["idempotency_key"]
    row = known(ledger, question)
    if row is None:
        ledger.begin(question)
    if row is not None and row["status"] != "sent":
        # Asked for the second time: the same page.
        state = {"status": row["status"], "reference": row["reference"], "code": row["code"]}
    elif question["currency"] not in CURRENCIES:
        state = {"status": "declined", "code": "unsupported_currency"}
    else:
        state = provider.find(key) if row is not None else None
        if state is None:
            text = f"{question['invoice']} {question['tenant']}"
            state = provider.make_page(
                key, question["amount"], question["currency"], question["return_url"], text
            )
    ledger.settle(key, state)
    if state["status"] == "declined":
        return answer(**state)
    reference = state["reference"]
    return {"status": "redirect", "url": provider.page(reference), "reference": reference}


def expire(ledger, provider, question):
    row = known(ledger, question)
    if row is None or not row["reference"]:
        return {"status": "not_found"}
    state = provider.close_page(row["reference"])
    ledger.settle(question["idempotency_key"], state)
    return of_page(state)


def of_page(state):
    """What is said of a page: one that was closed is no decline."""
    if state["status"] == "declined" and state.get("code") == "expired":
        return {"status": "expired"}
    said = answer(**state)
    if state["status"] == "succeeded":
        said["method"] = "mobile_money"
    return said


def refund(ledger, provider, question):
    key = question["idempotency_key"]
    row = known(ledger, question)
    if row is not None and row["status"] != "sent":
        return answer(row["status"], row["reference"], row["code"])
    if row is None:
        ledger.begin(question)
    # As with a charge: a key in the ledger without an answer is asked after before it is sent.
    state = provider.find_refund(key) if row is not None else None
    if state is None and question["currency"] not in CURRENCIES:
        state = {"status": "declined", "code": "unsupported_currency"}
    elif state is None:
        text = f"{question.get('credit_note') or question['invoice']} {question['tenant']}"
        state = provider.request_refund(
            key, question["reference"], question["amount"], question["currency"], text
        )
    ledger.settle(key, state)
    return answer(**state)


def status(ledger, provider, question):
    key = question["idempotency_key"]
    row = known(ledger, question)
    if row is None:
        return {"status": "not_found"}
    of_refund = question.get("of") == "refund"
    says = (lambda **state: of_page(state)) if question.get("of") == "checkout" else answer
    # A charge that was paid stays so. Billing asks again about a refund that succeeded, since the
    # money may come back days later.
    ends = ("declined",) if of_refund else ("succeeded", "declined")
    if row["status"] in ends:
        return says(status=row["status"], reference=row["reference"], code=row["code"])
    get, find = provider.get, provider.find
    if of_refund:
        get, find = provider.get_refund, provider.find_refund
    # Our own reference, not the question's: billing may never have got it.
    state = get(row["reference"]) if row["reference"] else find(key)
    if state is None and row["status"] == "sent":
        # Written down, and cut off before the provider heard of it. Billing sends it again, with
        # the same key: should the first request still arrive, it is the same one.
        return {"status": "not_found"}
    if state is None:
        raise NoAnswer("the provider does not know a request that it has confirmed")
    ledger.settle(key, state)
    return says(**state)


def known(ledger, question):
    """The key's row, `None` where it is new. The same key for another charge is a bug somewhere,
    and nothing may be charged before somebody has looked."""
    row = ledger.find(question["idempotency_key"])
    if row is not None and row["body"] != digest(question):
        raise BadQuestion("the key was used for another charge or refund before")
    return row


def refusal(question, account):
    """Why the provider need not be asked, or `None`."""
    if question["payment_method"]["kind"] != "mobile_money":
        return "unsupported_method"
    if question["currency"] not in CURRENCIES:
        return "unsupported_currency"
    return "not_an_account" if account is None else None


def answer(status, reference=None, code=None):
    """What is printed."""
    said = {"status": status}
    if reference:
        said["reference"] = reference
    if status == "declined":
        code = code or "declined"
        said["code"] = code
        said["message"] = IN_WORDS.get(code, code)
        said["retryable"] = code not in FOR_GOOD
    return said


# ---- in and out ----------------------------------------------------------------------------------


def read_question(file):
    """The question, with every field that is used here checked."""
    try:
        question = json.loads(file.read())
    except ValueError:
        raise BadQuestion("standard input holds no JSON object") from None
    if not isinstance(question, dict):
        raise BadQuestion("standard input holds no JSON object")
    if question.get("version") != 1:
        raise BadQuestion("only version 1 of the protocol is understood")
    operation = question.get("operation")
    if operation == "changes":
        check_since(question)
        return question
    if operation not in ("charge", "refund", "status", "checkout", "expire"):
        raise BadQuestion(
            "the operation is none of charge, refund, status, checkout, expire and changes"
        )
    of = question.get("of")
    asked_of = {"status": (None, "refund", "checkout"), "expire": ("checkout",)}
    if of not in asked_of.get(operation, (None,)):
        raise BadQuestion("of is refund or checkout, of a status")
    if question.get("setup"):
        # It has neither amount nor invoice.
        check_text(question, "idempotency_key")
        return question
    for name in ("idempotency_key", "amount", "currency", "invoice", "tenant"):
        check_text(question, name)
    check_amount(question)
    if operation == "checkout" or of == "checkout":
        check_text(question, "return_url")
        return question
    if operation == "refund" or of == "refund":
        check_text(question, "reference" if operation == "refund" else "charge")
        if question.get("credit_note") is not None:
            check_text(question, "credit_note")
        return question
    method = question.get("payment_method")
    if not isinstance(method, dict):
        raise BadQuestion("payment_method is no object")
    for name in ("id", "kind", "token"):
        check_text(method, name)
    return question


def check_text(where, name):
    value = where.get(name)
    # The value is not named: it may be the token.
    if not isinstance(value, str) or not 1 <= len(value) <= 500:
        raise BadQuestion(f"{name} is no text of 1 to 500 characters")


def check_since(question):
    check_text(question, "since")
    try:
        moment(question["since"])
    except ValueError:
        raise BadQuestion("since is no time such as 2026-03-01T00:00:00Z") from None


def check_amount(question):
    """Both spellings of the amount have to say the same, wherever the decimals are known."""
    minor = question.get("amount_minor")
    if isinstance(minor, bool) or not isinstance(minor, int) or minor <= 0:
        raise BadQuestion("amount_minor is no whole number above 0")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", question["amount"]):
        raise BadQuestion("amount is no number")
    decimals = CURRENCIES.get(question["currency"])
    if decimals is None:
        return
    if decimal.Decimal(question["amount"]).scaleb(decimals) != minor:
        raise BadQuestion("amount and amount_minor differ")


def about_money(folder, question):
    """What is said of one key, by one run at a time."""
    with locked(folder, question["idempotency_key"]):
        ledger, provider = Ledger(folder), Provider(folder)
        operations = {
            "charge": charge,
            "refund": refund,
            "status": status,
            "checkout": checkout,
            "expire": expire,
        }
        said = operations[question["operation"]](ledger, provider, question)
        ledger.forget()
    return said


def main(arguments):
    if len(arguments) != 1:
        print("usage: mobile_money.py FOLDER < QUESTION", file=sys.stderr)
        return 64
    # The made-up provider keeps telephone numbers.
    os.umask(0o077)
    folder = arguments[0]
    os.makedirs(folder, exist_ok=True)
    try:
        question = read_question(sys.stdin.buffer)
        if question["operation"] == "changes":
            said = {"changes": Provider(folder).changes(moment(question["since"]))}
        else:
            said = about_money(folder, question)
    except BadQuestion as error:
        print(error, file=sys.stderr)
        return 65
    except NoAnswer as error:
        print(error, file=sys.stderr)
        return 75
    # Last, once all of it is on disk. Anything else that goes wrong above is a bug or a full disk,
    # and Python ends with a traceback and exit code 1.
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
