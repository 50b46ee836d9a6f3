"""Letters of billing through a real SMTP server, read by another program's parser.

    python tests/peers/smtp.py PATH_TO_BILLING

Takes aiosmtpd and an `openssl` on the path. The server speaks STARTTLS with a certificate of its
own and asks for a password; what arrives is parsed by Python's `email`.
"""

import asyncio
import base64
import contextlib
import csv
import datetime
import email
import email.header
import email.policy
import email.utils
import html.parser
import json
import logging
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from aiosmtpd.smtp import SMTP, AuthResult, TLSSetupException

USER = "billing"
PASSWORD = "kTz8-Vq2!relay-password-Zw5"
FROM_NAME = 'Société d\'Exemple, "S.A."'
FROM = "facturation@exemple.example"
REPLY_TO = "compta@exemple.example"
# Long past on any machine, so that nothing asks whether e-mails may leave from the future.
DAY = "2025-03-20"
NOON = "2025-03-20T12:00:00Z"
# A letter is tried again after 5 min, 30 min, 2 h, 8 h and 24 h.
LATER = [
    "2025-03-20T12:10:00Z",
    "2025-03-20T13:00:00Z",
    "2025-03-20T16:00:00Z",
    "2025-03-21T02:00:00Z",
]


# ---- the server ----------------------------------------------------------------------------------


class Relay:
    """A relay on 127.0.0.1 in a thread of its own. `script(point, letter_number, envelope)` is asked
    at "rcpt", at "dot" (text read, not yet kept) and at "kept" (kept, not yet answered); it returns
    a reply in place of the usual one, `Relay.DIE`, or None. No recipient is answered before `ready`
    says so: on a slow disk, one connection could be done before another is opened."""

    DIE = object()

    def __init__(self, cert, script=None, most_connections=None, ready=lambda relay: True):
        self.ready = ready
        self.script = script or (lambda point, number, envelope: None)
        self.most_connections = most_connections
        self.comes_back = True
        self.kept = []  # (connection, recipient, bytes)
        self.connections = 0
        self.most_open = 0
        self.refused = 0
        self.logins = []
        self.deaths = 0
        self.errors = []
        self._mails = 0
        self._open = {}
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(cert)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._server = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.start()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def start(self):
        self._call(self._listen())

    def stop(self):
        async def stop():
            self._die()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _listen(self):
        self._server = await self._loop.create_server(
            self._protocol, "127.0.0.1", self.port, reuse_address=True
        )

    def _protocol(self):
        if self.most_connections is not None and len(self._open) >= self.most_connections:
            self.refused += 1
            return TooMany()
        self.connections += 1
        conversation = Conversation(self, self.connections)
        # Counted from here: several are taken on before the first of them is made.
        self._open[conversation] = None
        self.most_open = max(self.most_open, len(self._open))
        return conversation

    def _die(self):
        """Every socket is closed at once, as if the process were killed."""
        self._server.close()
        for transport in list(self._open.values()):
            if transport:
                transport.abort()
        self._open.clear()

    async def at(self, point, conversation, envelope):
        """What the script wants there, as a reply; dies where it wants that."""
        what = self.script(point, conversation.letter, envelope)
        if what is Relay.DIE:
            self.deaths += 1
            self._die()
            if self.comes_back:
                # A task of its own: this one is cancelled with its connection.
                self._back = self._loop.create_task(self._listen())
            return "421 dead"  # into an aborted socket
        return what

    # aiosmtpd's handler.

    async def handle_MAIL(self, server, session, envelope, address, options):
        self._mails += 1
        server.letter = self._mails
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        for _ in range(1000):
            if self.ready(self):
                break
            await asyncio.sleep(0.01)
        envelope.rcpt_tos.append(address)
        reply = await self.at("rcpt", server, envelope)
        if reply:
            envelope.rcpt_tos.pop()
        return reply or "250 OK"

    async def handle_exception(self, error):
        self.errors.append(error)
        return "500 5.3.0 the test's server failed"

    async def handle_DATA(self, server, session, envelope):
        reply = await self.at("dot", server, envelope)
        if reply:
            return reply
        check(len(envelope.rcpt_tos) == 1, "one recipient a letter")
        check(envelope.mail_from == FROM, "the envelope's sender", envelope.mail_from)
        check(session.ssl is not None, "a letter came in plain text")
        check(session.authenticated, "a letter came without a password")
        self.kept.append((server.number, envelope.rcpt_tos[0], envelope.original_content))
        return await self.at("kept", server, envelope) or "250 OK"


class Conversation(SMTP):
    def __init__(self, relay, number):
        self.relay, self.number, self.letter = relay, number, 0
        super().__init__(
            relay,
            hostname="localhost",
            tls_context=relay._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self.log_in,
            loop=relay._loop,
        )

    def connection_made(self, transport):
        self.relay._open[self] = transport
        super().connection_made(transport)

    def connection_lost(self, error):
        self.relay._open.pop(self, None)
        super().connection_lost(error)

    def log_in(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.relay.logins.append(good)
        return AuthResult(success=good, handled=False)


class TooMany(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"421 4.7.0 too many connections from you\r\n")
        transport.close()


# ---- the business --------------------------------------------------------------------------------

NAMES = [
    "Atelier d'Été n° 7 & Fils",
    '"Chez Awa", Épicerie',
    "<b>Bold</b> & Söhne GmbH",
    "Café São Paulo 🚀 Ltd.",
    "O'Brien; Müller <x@y.example>, Inc.",
    "Société Générale de Très Longue Dénomination pour l'Étude et la Réalisation des Grands Ouvrages "
    "d'Art du Département, Établissements Réunis",
    "Łukasz Żółć \\ Partnerzy",
    "=?utf-8?q?plain?=",
    "日本の会社",
    "Plain Name",
]


class Tenant:
    def __init__(self, number):
        self.slug = f"tenant-{number:04}"
        self.email = f"accounts+{number:04}@client-{number % 7}.example"
        self.name = f"{NAMES[number % len(NAMES)]} {number}"
        self.locale = ("fr", "en")[number % 3 == 0]
        self.currency = ("EUR", "XOF", "KWD")[number % 11 % 3]
        # Days past the due date, one for each invoice: friendly, urgent or warning.
        self.ages = [(3, 9, 16)[number % 13 % 3]] + ([4] if number % 5 == 0 else [])
        minor = [1_234_567 + 1_009 * number + age for age in self.ages]
        self.invoices = [
            (f"F-{number:04}-{place}", amount) for place, amount in enumerate(minor, start=1)
        ]

    def major(self, minor):
        digits = {"EUR": 2, "XOF": 0, "KWD": 3}[self.currency]
        if digits == 0:
            return str(minor)
        return f"{minor // 10**digits}.{minor % 10**digits:0{digits}}"

    def written(self, minor):
        """The amount as people write it in the tenant's language."""
        whole, _, fraction = self.major(minor).partition(".")
        point, group = {"fr": (",", " "), "en": (".", ",")}[self.locale]
        number = f"{int(whole):,}".replace(",", group) + (point + fraction if fraction else "")
        if self.currency == "XOF":
            return f"{number} F CFA"
        if self.currency == "EUR":
            return f"{number} €" if self.locale == "fr" else f"€{number}"
        return f"{number} KWD"


class Shop:
    """A folder with billing.toml, a database and the password's file."""

    def __init__(self, binary, folder, relay, connections=4):
        self.binary, self.folder = binary, folder
        self.configure(relay, connections)

    def configure(self, relay, connections=4, ca_file=True, password=PASSWORD):
        secret = self.folder / "password"
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        (self.folder / "billing.toml").write_text(
            f"""database = "billing.db"
[company]
name = "Exemple"
email = "{FROM}"
how_to_pay = "Par virement à l'échéance, s'il vous plaît."
[mail]
transport = "smtp"
from = {json.dumps(f"{FROM_NAME} <{FROM}>", ensure_ascii=False)}
reply_to = "{REPLY_TO}"
host = "localhost"
port = {relay.port}
tls = "starttls"
user = "{USER}"
password_file = "password"
connections = {connections}
{'ca_file = "' + str(TRUSTED) + '"' if ca_file else ''}
""",
            encoding="utf-8",
        )

    def copy(self, folder, relay, connections=4):
        """The same business in a folder of its own, with another relay."""
        shutil.copytree(self.folder, folder)
        return Shop(self.binary, folder, relay, connections)

    def start(self, *args):
        return subprocess.Popen(
            [self.binary, *args],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def finish(self, process, status=0):
        out, err = process.communicate(timeout=300)
        for secret in SECRETS:
            check(secret not in out + err, "the password is printed", process.args)
        if status is not None:
            check(process.returncode == status, process.args, process.returncode, out, err)
        return out, err

    def run(self, *args, status=0):
        return self.finish(self.start(*args), status)[0]

    def json(self, *args, status=0):
        return json.loads(self.run(*args, "--json", status=status))

    def deliver(self, at, status=0):
        return self.json("tasks", "deliver-emails", "--as-of", at, status=status)

    def emails(self):
        return self.json("email", "list", "--as-of", NOON)

    def close(self):
        """Whole, and without the password in anything that was kept."""
        self.run("db", "check")
        kept = self.run("event", "list", "--json") + self.run("tasks", "runs", "--json")
        for secret in SECRETS:
            check(secret not in kept, "the password is in events or runs")
            for path in self.folder.iterdir():
                if path.is_file() and path.name != "password":
                    check(secret.encode() not in path.read_bytes(), "the password is in", path)
        check((self.folder / "billing.db").stat().st_size > 0, "no database")


def import_business(shop, tenants):
    def write(name, header, rows):
        with open(shop.folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])

    write(
        "tenants.csv",
        ["slug", "name", "email", "currency", "locale", "created_on"],
        [[t.slug, t.name, t.email, t.currency, t.locale, "2025-01-02"] for t in tenants],
    )
    today = datetime.date.fromisoformat(DAY)

    def days_ago(days):
        return (today - datetime.timedelta(days=days)).isoformat()

    write(
        "invoices.csv",
        ["number", "tenant", "total", "currency", "issued_on", "due_on"],
        [
            [number, t.slug, t.major(minor), t.currency, days_ago(age + 15), days_ago(age)]
            for t in tenants
            for (number, minor), age in zip(t.invoices, t.ages)
        ],
    )
    shop.run("db", "migrate", "--as-of", "2025-01-02")
    shop.run("import", "tenants", "tenants.csv", "--as-of", DAY)
    shop.run("import", "invoices", "invoices.csv", "--as-of", DAY)


# ---- checks --------------------------------------------------------------------------------------


def check(good, *what):
    if not good:
        raise AssertionError(" ".join(str(part) for part in what)[:4000])


class Words(html.parser.HTMLParser):
    """What a reader of the HTML sees, and its tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.words, self.tags = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            check(name not in ("src", "background"), "something is loaded from elsewhere", value)

    def handle_data(self, data):
        self.words.append(data)

    def text(self):
        return one_line("".join(self.words))


def one_line(text):
    return " ".join(text.split())


def check_letter(raw, recipient, tenant, record):
    """One letter as it arrived, against what was imported and what `email list` says."""
    check(raw.isascii(), "not 7-bit clean")
    check(raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r"), "a bare CR or LF")
    check(max(map(len, raw.split(b"\r\n"))) <= 998, "a line longer than 998")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for part in message.walk():
        check(not part.defects, "defects", part.defects)
        for name, value in part.items():
            check(not value.defects, "defects in", name, value.defects)
    for name in ["From", "To", "Reply-To", "Date", "Subject", "Message-ID", "Auto-Submitted"]:
        check(len(message.get_all(name, [])) == 1, name, "is there", message.get_all(name))

    # By `email.header`: the newer parser of some Python versions keeps the space between two encoded
    # words of a name, which RFC 2047 (6.2) drops.
    headers = email.message_from_bytes(raw, policy=email.policy.compat32)

    def mailbox(name):
        (mailbox,) = email.utils.getaddresses([headers[name].replace("\r\n", "")])
        return str(email.header.make_header(email.header.decode_header(mailbox[0]))), mailbox[1]

    check(mailbox("From") == (FROM_NAME, FROM), "From", mailbox("From"))
    check(mailbox("To") == (tenant.name, tenant.email), "To", mailbox("To"), tenant.name)
    check(mailbox("Reply-To")[1] == REPLY_TO, "Reply-To", mailbox("Reply-To"))
    check(recipient == tenant.email == record["to"], "the envelope's recipient", recipient)
    check(message["Message-ID"] == record["message_id"], "Message-ID", message["Message-ID"])
    check(message["Message-ID"].endswith("@exemple.example>"), message["Message-ID"])
    check(message["Auto-Submitted"] == "auto-generated", message["Auto-Submitted"])
    check("List-Unsubscribe" not in message, "List-Unsubscribe")
    queued_at = datetime.datetime.fromisoformat(NOON.replace("Z", "+00:00"))
    check(message["Date"].datetime == queued_at, "Date", message["Date"])

    subject = str(message["Subject"])
    check(subject == record["subject"], "Subject", subject, record["subject"])
    stage = {3: "friendly", 9: "urgent", 16: "warning"}[tenant.ages[0]]
    check(record["stage"] == stage, "stage", record["stage"], stage)
    begins = {
        ("friendly", "fr"): "Rappel : ",
        ("friendly", "en"): "Reminder: ",
        ("urgent", "fr"): "Relance : ",
        ("urgent", "en"): "Overdue: ",
        ("warning", "fr"): "Avis de suspension : votre accès ",
        ("warning", "en"): "Notice: your access ",
    }[stage, tenant.locale]
    check(one_line(subject).startswith(begins.strip()), "Subject", subject)
    if stage != "warning":
        named = tenant.invoices[0][0] if len(tenant.invoices) == 1 else str(len(tenant.invoices))
        check(named in subject, "Subject", subject, named)

    check(message.get_content_type() == "multipart/alternative", message.get_content_type())
    parts = list(message.iter_parts())
    types = [part.get_content_type() for part in parts]
    check(types == ["text/plain", "text/html"], "parts", types)
    for part in parts:
        check(part.get_content_charset() == "utf-8", "charset", part.get_content_charset())
        check(part["Content-Transfer-Encoding"] in ("7bit", "quoted-printable", "base64"))
    plain = parts[0].get_content()
    page = Words(parts[1].get_content())
    check("b" not in page.tags and "script" not in page.tags, "a name became a tag", page.tags)
    check("\ufffd" not in plain and "\ufffd" not in page.text(), "a character was lost")
    hello = {"fr": "Bonjour", "en": "Hello"}[tenant.locale]
    total = tenant.written(sum(minor for _, minor in tenant.invoices))
    for text in (one_line(plain), page.text()):
        check(one_line(f"{hello} {tenant.name},") in text, "greeting of", tenant.name, text)
        check(total in text, "no total of", total, text)
        for number, minor in tenant.invoices:
            check(number in text, number, text)
            check(tenant.written(minor) in text, tenant.written(minor), text)
        check(("virement à l'échéance, s'il vous plaît" in text), "how to pay", text)


def check_arrivals(shop, relay, expected):
    """Every letter arrived, and what arrived twice is the same message. Returns how many did."""
    records = shop.emails()
    check(len(records) == expected, len(records), "e-mails")
    check({r["status"] for r in records} == {"sent"}, [r for r in records if r["status"] != "sent"])
    arrived = {}
    for _, recipient, raw in relay.kept:
        message_id = email.message_from_bytes(raw, policy=email.policy.default)["Message-ID"]
        arrived.setdefault(str(message_id), []).append((recipient, raw))
    check(set(arrived) == {r["message_id"] for r in records}, "e-mails lost, or of nobody")
    for message_id, copies in arrived.items():
        check(len(set(copies)) == 1, message_id, "came twice and not the same")
    return len(relay.kept) - len(arrived)


# ---- the tests -----------------------------------------------------------------------------------

TESTS = []


def test(function):
    TESTS.append(function)
    return function


@contextlib.contextmanager
def relay(*args, **kwargs):
    server = Relay(CERT, *args, **kwargs)
    try:
        yield server
        own = [e for e in server.errors if not isinstance(e, (TLSSetupException, OSError))]
        check(not own, "in the server:", *map(repr, own))
    finally:
        server.stop()


def scratch():
    return pathlib.Path(tempfile.mkdtemp(dir=ROOT))


_prepared = {}


def queued(count, server, connections=4):
    """A business whose `count` e-mails are queued, none of them tried."""
    if count not in _prepared:
        shop = Shop(BINARY, scratch(), server)
        import_business(shop, [Tenant(n) for n in range(1, count + 1)])
        done = shop.json(
            "tasks", "check-overdue", "--as-of", NOON, "--allow-mass-email", "--no-deliver"
        )
        check(done["emails_queued"] == count, done)
        _prepared[count] = shop
    return _prepared[count].copy(scratch() / "shop", server, connections)


@test
def a_thousand_letters():
    """A dunning run of 1,000 tenants."""
    tenants = [Tenant(number) for number in range(1, 1001)]
    with relay(ready=lambda server: server.connections >= 4) as server:
        shop = Shop(BINARY, scratch(), server)
        import_business(shop, tenants)
        held = shop.json("tasks", "check-overdue", "--as-of", NOON, status=3)
        check(held["emails_queued"] == 0 and not server.kept, held)
        check("--allow-mass-email" in held["errors"][0]["message"], held["errors"])
        began = time.monotonic()
        done = shop.json("tasks", "check-overdue", "--as-of", NOON, "--allow-mass-email")
        seconds = time.monotonic() - began
        check((done["emails_queued"], done["emails_sent"]) == (1000, 1000), done)
        check(not done["errors"] and done["emails_failed"] == 0, done)
        check(check_arrivals(shop, server, 1000) == 0, "e-mails came twice")
        records = {record["to"]: record for record in shop.emails()}
        by_email = {tenant.email: tenant for tenant in tenants}
        for _, recipient, raw in server.kept:
            try:
                check_letter(raw, recipient, by_email[recipient], records[recipient])
            except AssertionError as error:
                raise AssertionError(f"{error}\n{raw[:2000].decode()}") from error
        for record in server.kept[:1], server.kept[-1:]:
            ((_, recipient, raw),) = record
            shown = shop.json("email", "show", records[recipient]["id"])
            check(shown["message_id"] == records[recipient]["message_id"], shown)
        used = [number for number, _, _ in server.kept]
        most = max(used.count(number) for number in set(used))
        check(len(set(used)) >= 4, "connections", len(set(used)))
        check(server.most_open >= 4, "connections at a time", server.most_open)
        check(1 < most <= 100, "e-mails over one connection", most)
        check(all(server.logins) and len(server.logins) == server.connections, "logins")
        again = shop.json("tasks", "check-overdue", "--as-of", NOON)
        check(again["emails_queued"] == again["emails_sent"] == 0, again)
        check(len(server.kept) == 1000, "a second run sent more")
        shop.close()
        return (
            f"{seconds:.1f} s with 4 connections, {1000 / seconds:.0f} e-mails a second; "
            f"{server.connections} connections, at most {most} e-mails each"
        )


def deliver_until_sent(shop, first_status):
    status = first_status
    for at in [NOON, *LATER]:
        done = shop.deliver(at, status=status)
        status = None
        if all(record["status"] == "sent" for record in shop.emails()):
            return done
    check(False, "still not sent", [r for r in shop.emails() if r["status"] != "sent"])


@test
def a_server_that_dies():
    """Abruptly, at several points; it comes back at once, or only after the run has ended."""
    twice = {}
    for point in ["rcpt", "dot", "kept"]:
        for after in [1, 2, 23, 60]:
            for at_once in [True, False]:
                dead = []

                def script(where, number, envelope):
                    if where == point and number >= after and not dead:
                        dead.append(number)
                        return Relay.DIE

                with relay(script) as server:
                    server.comes_back = at_once
                    shop = queued(60, server)
                    first = shop.deliver(NOON, status=None)
                    check(server.deaths == 1, "the server did not die", point, after)
                    # Whatever the relay kept before it died is there; nothing counts as sent that
                    # it has not.
                    check(first["emails_sent"] <= len(server.kept), first, len(server.kept))
                    check(first["emails_failed"] == 0, first)
                    if not at_once:
                        server.start()
                    deliver_until_sent(shop, None)
                    copies = check_arrivals(shop, server, 60)
                    # Only what was kept without an answer can come again: a letter a connection.
                    check(copies <= (4 if point == "kept" else 3), point, copies, "came twice")
                    check(point != "kept" or copies >= 1, "nothing came twice?")
                    twice[point] = twice.get(point, 0) + copies
                    shop.close()
    return f"24 deaths, none lost; came twice: {twice}"


@test
def billing_that_is_killed():
    """With SIGKILL, while the server is at some point of some letter."""
    twice = kills = 0
    for point in ["rcpt", "dot", "kept"]:
        for after in [1, 5, 31, 58]:
            running = []

            def script(where, number, envelope):
                if where == point and number >= after and running:
                    running.pop().send_signal(signal.SIGKILL)

            with relay(script) as server:
                shop = queued(60, server)
                process = shop.start("tasks", "deliver-emails", "--as-of", NOON, "--json")
                running.append(process)
                shop.finish(process, -signal.SIGKILL)
                kills += 1
                time.sleep(0.1)
                status = shop.json("tasks", "runs", "--task", "deliver-emails")[0]["status"]
                check(status == "interrupted", status)
                # Due still: the next run, at the same moment, sends all of it.
                done = shop.deliver(NOON)
                check(done["emails_failed"] == 0, done)
                copies = check_arrivals(shop, server, 60)
                check(copies <= 4, copies, "came twice")
                twice += copies
                shop.close()
    return f"{kills} kills, none lost, {twice} came twice"


@test
def an_address_that_is_refused():
    """550 for one, at RCPT, which is for good; and one more whose text is refused, which is not."""
    victims = {Tenant(7).email: "550 5.1.1 no such user", Tenant(9).email: "554 5.7.1 spam"}
    unknown, suspect = victims

    def script(where, number, envelope):
        if where == ("rcpt", "dot")[envelope.rcpt_tos[0] == suspect]:
            return victims.get(envelope.rcpt_tos[0])

    with relay(script) as server:
        shop = queued(60, server)
        done = shop.deliver(NOON, status=3)
        check((done["emails_sent"], done["emails_failed"]) == (58, 1), done)
        records = {record["to"]: record for record in shop.emails()}
        check(records[unknown]["status"] == "failed", records[unknown])
        check(records[suspect]["status"] == "queued", records[suspect])
        for address, said in victims.items():
            check(said in records[address]["error"], records[address])
        told = [e for e in done["errors"] if unknown in e["message"]]
        check([e["code"] for e in told] == ["email_failed"], done["errors"])
        check(len(done["errors"]) == 1, done["errors"])
        later = shop.deliver(LATER[-1], status=3)
        check(later["emails_sent"] == 0, later)
        codes = [e["code"] for e in later["errors"]]
        check(codes == ["nothing_left", "email_waiting"], later["errors"])
        victims.clear()
        check(shop.deliver("2025-03-21T12:00:00Z")["emails_sent"] == 1, "not tried again")
        shop.close()
    return "1 of 60 failed for good, 1 waited, the others sent"


@test
def a_sender_that_is_not_verified():
    """What SendGrid says to the text of every e-mail; later the sender is verified."""
    said = "550 The from address does not match a verified Sender Identity"
    verified = []

    def script(where, number, envelope):
        return said if where == "dot" and not verified else None

    with relay(script) as server:
        shop = queued(60, server)
        done = shop.deliver(NOON, status=3)
        check((done["emails_sent"], done["emails_failed"]) == (0, 0), done)
        check([e["code"] for e in done["errors"]] == ["transport_down"], done["errors"])
        tried = sum(r["attempts"] for r in shop.emails())
        check(tried < 12, f"{tried} e-mails lost an attempt")
        verified.append(True)
        check(shop.deliver(LATER[0])["emails_sent"] == 60, "not tried again")
        shop.close()
    return f"{tried} of 60 tried, none failed"


@test
def a_server_that_is_busy():
    """451 for one tenant in three, twice; later they are sent."""
    tries = {}

    def script(where, number, envelope):
        address = envelope.rcpt_tos[0]
        if where == "rcpt" and int(address[9:13]) % 3 == 0:
            tries[address] = tries.get(address, 0) + 1
            return "451 4.7.1 greylisted" if tries[address] <= 2 else None

    with relay(script) as server:
        shop = queued(60, server)
        sent = []
        for at in [NOON, "2025-03-20T12:04:00Z", *LATER[:3]]:
            # At the second attempt none of those that are left is let in, and the run says so.
            done = shop.deliver(at, status=3 if at == LATER[0] else 0)
            check(done["emails_failed"] == 0, done)
            sent.append(done["emails_sent"])
        check(sent == [40, 0, 0, 20, 0], sent)
        check({r["attempts"] for r in shop.emails()} == {1, 3}, "tries")
        check(check_arrivals(shop, server, 60) == 0, "e-mails came twice")
        shop.close()
    return "20 of 60 came on their third try"


@test
def a_relay_with_few_connections():
    """It takes two at a time, where four are configured."""
    with relay(most_connections=2, ready=lambda server: server.refused > 0) as server:
        shop = queued(60, server)
        done = shop.deliver(NOON)
        check(done["emails_sent"] == 60 and not done["errors"], done)
        check(check_arrivals(shop, server, 60) == 0, "e-mails came twice")
        check(server.refused >= 1, "no connection was refused")
        shop.close()
        return f"60 e-mails in one run, {server.refused} connections refused"


@test
def a_relay_that_must_not_be_trusted_or_does_not_trust():
    """A wrong password, a certificate of nobody, a password that others may read."""
    with relay() as server:
        shop = queued(60, server)

        def nothing_leaves(at):
            done = shop.deliver(at, status=3)
            check((done["emails_sent"], done["emails_failed"]) == (0, 0), done)
            check([e["code"] for e in done["errors"]] == ["transport_down"], done["errors"])
            check({r["status"] for r in shop.emails()} == {"queued"}, "not queued any more")
            return done["errors"][0]["message"]

        shop.configure(server, password=PASSWORD[::-1])
        said = nothing_leaves(NOON)
        check("535" in said, said)
        check(server.logins and not any(server.logins) and len(server.logins) <= 4, "logins")
        server.logins.clear()
        shop.configure(server, ca_file=False)
        said = nothing_leaves(LATER[0])
        check("certificate" in said.lower(), said)
        check(not server.logins, "a password went to a stranger")
        shop.configure(server)
        (shop.folder / "password").chmod(0o640)
        refused = shop.start("tasks", "deliver-emails", "--as-of", LATER[1])
        check("chmod 600" in shop.finish(refused, 1)[1], "a password that others may read")
        shop.configure(server)
        deliver_until_sent(shop, None)
        check(check_arrivals(shop, server, 60) == 0, "e-mails came twice")
        shop.close()
    return "nothing left, nothing was given up"


def make_certificate(folder):
    """Signed by itself, for localhost: what an operator's own relay may have."""
    request = folder / "request.cnf"
    request.write_text(
        "[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n"
        "[name]\nCN = localhost\n"
        "[more]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical, CA:FALSE\n"
    )
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        + ["-config", request, "-keyout", key, "-out", folder / "only-cert.pem"],
        check=True,
        capture_output=True,
    )
    cert.write_text((folder / "only-cert.pem").read_text() + key.read_text())
    return cert, folder / "only-cert.pem"


def main():
    names = sys.argv[2:]
    failed = []
    for function in TESTS:
        if names and function.__name__ not in names:
            continue
        began = time.monotonic()
        try:
            result = function()
            word = "passed"
        except Exception as error:  # noqa: BLE001 - every test is to be told of
            traceback.print_exc(limit=-3)
            result, word = error, "FAILED"
            failed.append(function.__name__)
        took = time.monotonic() - began
        print(f"smtp: {function.__name__}: {word} in {took:.1f} s; {str(result)[:6000]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    BINARY = str(pathlib.Path(sys.argv[1]).resolve())
    # What went wrong in it is told by the tests; it also warns of its own use of what it will drop.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    SECRETS = [PASSWORD, PASSWORD[::-1]]
    for login in ["", f"\0{USER}\0"]:
        SECRETS.append(base64.b64encode((login + PASSWORD).encode()).decode())
    with tempfile.TemporaryDirectory(prefix="billing-smtp-") as place:
        ROOT = pathlib.Path(place)
        CERT, TRUSTED = make_certificate(ROOT)
        status = main()
    sys.exit(status)
