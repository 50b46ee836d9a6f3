"""The gateway `stripe` against localstripe, another program's idea of Stripe.

    python tests/peers/stripe.py

Takes localstripe, and an `openssl` and a `cargo` on the path; runs the tests `localstripe` of
tests/stripe.rs and tests/stripe_refunds.rs, and looks at what they asked for. localstripe knows no
keys, no customer in the list of payments, no day in that of refunds, no disputes, and not every
parameter: a relay between the two checks the requests by Stripe's reference, takes off what
localstripe would refuse, and filters its lists.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# The parameters of "Create a PaymentIntent" and "List all PaymentIntents" that are sent.
CREATE = {
    "amount",
    "currency",
    "customer",
    "payment_method",
    "confirm",
    "off_session",
    "automatic_payment_methods[enabled]",
    "automatic_payment_methods[allow_redirects]",
    "description",
    "metadata[billing_key]",
    "metadata[invoice]",
    "metadata[tenant]",
}
LIST = {"customer", "created[gte]", "limit"}
# Those of "Create a refund", and of the lists of refunds and disputes.
REFUND = {
    "payment_intent",
    "amount",
    "metadata[billing_key]",
    "metadata[invoice]",
    "metadata[tenant]",
    "metadata[credit_note]",
}
OF_CHARGE = {"payment_intent", "limit"}
SINCE = {"created[gte]", "limit"}
# Of these, localstripe says "Unexpected".
UNEXPECTED = ("description", "automatic_payment_methods")

# It listens on every address and keeps its data in /tmp by itself: here on loopback, and nowhere.
SERVER = """
import sys
from aiohttp import web
from localstripe import resources, server
type(resources.store).dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


def check(true, what):
    if not true:
        raise AssertionError(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LocalStripe:
    """The server in a process of its own."""

    def __init__(self, folder):
        self.port = free_port()
        self.log = folder / "localstripe.log"
        command = [sys.executable, "-c", SERVER, str(self.port)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            check(self.process.poll() is None and time.monotonic() < end, "localstripe is not there")
            time.sleep(0.05)

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {KEY}", **(headers or {})}
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def post(self, target, **fields):
        form = urllib.parse.urlencode(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, body = self.call("POST", target, form, headers)
        check(status == 200, f"{target}: {status} {body}")
        return body

    def intents(self):
        """All of them, newest first, as Stripe lists them."""
        status, body = self.call("GET", "/v1/payment_intents?limit=1000")
        check(status == 200 and not body["has_more"], f"the list: {status} {body}")
        return body["data"][::-1]

    def refunds(self):
        """All of them, newest first."""
        status, body = self.call("GET", "/v1/refunds?limit=1000")
        check(status == 200 and not body["has_more"], f"the refunds: {status} {body}")
        return body["data"]


def relay(server, calls):
    """An HTTP server on a free port that checks what it is sent, and hands it on."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.answer("")

        def do_POST(self):
            self.answer(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

        def answer(self, form):
            try:
                status, body = self.handed_on(form)
            except Exception as error:  # noqa: BLE001 - told to the one who asked, and to main
                calls.append(error)
                status, body = 500, {"error": {"type": "api_error", "message": str(error)}}
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handed_on(self, form):
            url = urllib.parse.urlsplit(self.path)
            check(self.headers["Authorization"] == f"Bearer {KEY}", "the key")
            check(self.headers["Stripe-Version"].count("-") == 2, "the version")
            check(self.headers["User-Agent"].startswith("billing/"), "the user agent")
            strict = {"strict_parsing": True, "max_num_fields": 20}
            text = form if self.command == "POST" else url.query
            fields = dict(urllib.parse.parse_qsl(text, **strict) if text else [])
            calls.append((self.command, url.path, fields))
            key = self.headers["Idempotency-Key"]
            if (self.command, url.path) == ("POST", "/v1/payment_intents"):
                check(fields.keys() == CREATE, f"parameters: {sorted(fields)}")
                check(key == fields["metadata[billing_key]"], f"the key of the request: {key}")
                known = {n: v for n, v in fields.items() if not n.startswith(UNEXPECTED)}
                form = urllib.parse.urlencode(known)
            elif (self.command, url.path) == ("GET", "/v1/payment_intents"):
                check(fields.keys() == LIST, f"parameters: {sorted(fields)}")
                since = int(fields["created[gte]"])
                check(abs(since - time.time() + 24 * 3600) < 600, f"created[gte]: {since}")
                found = [
                    intent
                    for intent in server.intents()
                    if intent["customer"] == fields["customer"] and intent["created"] >= since
                ]
                return 200, {"object": "list", "data": found, "has_more": False}
            elif (self.command, url.path) == ("POST", "/v1/refunds"):
                check(fields.keys() == REFUND, f"parameters: {sorted(fields)}")
                check(key == fields["metadata[billing_key]"], f"the key of the request: {key}")
            elif (self.command, url.path) == ("GET", "/v1/refunds") and fields.keys() != OF_CHARGE:
                check(fields.keys() == SINCE, f"parameters: {sorted(fields)}")
                since = int(fields["created[gte]"])
                check(abs(since - time.time() + 180 * 24 * 3600) < 600, f"created[gte]: {since}")
                found = [refund for refund in server.refunds() if refund["created"] >= since]
                return 200, {"object": "list", "data": found, "has_more": False}
            elif (self.command, url.path) == ("GET", "/v1/disputes"):
                check(fields.keys() == SINCE, f"parameters: {sorted(fields)}")
                return 200, {"object": "list", "data": [], "has_more": False}
            own = ("content-length", "host")
            headers = {n: v for n, v in self.headers.items() if n.lower() not in own}
            return server.call(self.command, self.path, form or None, headers)

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    return httpd


def unknown_server(folder, seen):
    """A server with a certificate that nobody vouches for; what it is told ends in `seen`."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            stream, _ = listener.accept()
            seen.append(b"")
            with contextlib.suppress(OSError), context.wrap_socket(stream, server_side=True) as tls:
                seen.append(tls.recv(65536))

    threading.Thread(target=serve, daemon=True).start()
    return f"https://localhost:{listener.getsockname()[1]}"


def tokens(server):
    """A customer and his methods: variable of the test -> cus_…:pm_…"""
    customer = server.post("/v1/customers", name="Acme")["id"]

    def attached(method):
        return server.post(f"/v1/payment_methods/{method}/attach", customer=customer)["id"]

    card = {"card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 123, "type": "card"}
    asks = server.post("/v1/payment_methods", **card, **{"card[number]": "4000002500003155"})
    # A debit that is on its way for half a second, and then fails.
    iban = {"type": "sepa_debit", "sepa_debit[iban]": "DE62370400440532013001"}
    sepa = server.post("/v1/payment_methods", **iban)
    methods = {
        "VISA": attached("pm_card_visa"),
        "FAILING": attached("pm_card_chargeCustomerFail"),
        "3DS": attached(asks["id"]),
        "SEPA": attached(sepa["id"]),
    }
    return {f"LOCALSTRIPE_{name}": f"{customer}:{id}" for name, id in methods.items()}


def look(server, calls):
    """What is in localstripe after the test, and how it came there."""
    for call in calls:
        check(isinstance(call, tuple), call)
    created = [fields for method, path, fields in calls if path == "/v1/payment_intents"]
    created = [fields for fields in created if "amount" in fields]
    keys = [fields["metadata[billing_key]"] for fields in created]
    check(len(set(keys)) == len(keys) == 9 + 4, f"the keys: {keys}")
    kept = {intent["metadata"]["billing_key"]: intent for intent in server.intents()}
    paid = [(i["amount"], i["currency"]) for i in kept.values() if i["status"] == "succeeded"]
    expected = [(4990, "eur"), (15000, "xof"), (500, "ugx"), (1250, "mga"), (100, "eur")]
    # Four of the amounts once more, which are given back.
    check(sorted(paid) == sorted(expected + expected[:4]), f"paid: {paid}")
    back = [(r["amount"], r["currency"]) for r in server.refunds()]
    halves = [(1000, "eur"), (3990, "eur"), (5000, "xof"), (10000, "xof")]
    halves += [(200, "ugx"), (300, "ugx"), (250, "mga"), (1000, "mga")]
    check(sorted(back) == sorted(halves), f"given back: {back}")
    for object in [*kept.values(), *server.refunds()]:
        check(object["metadata"]["tenant"] == "société-d-exemple & fils", object["metadata"])
    counts = f"{len(created)} charges asked for, {len(paid)} paid, {len(back)} refunds"
    return f"{counts}, {len(calls)} calls"


def main():
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="billing-stripe-") as place:
        folder = pathlib.Path(place)
        server = LocalStripe(folder)
        calls, told = [], []
        try:
            given = {
                **tokens(server),
                "LOCALSTRIPE_URL": f"http://127.0.0.1:{relay(server, calls).server_port}",
                "LOCALSTRIPE_TLS_URL": unknown_server(folder, told),
            }
            command = ["cargo", "test", "--quiet", "--test", "stripe", "--test", "stripe_refunds"]
            command += ["--", "--ignored", "--exact", "localstripe"]
            subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, check=True, timeout=540)
            result = look(server, calls)
            check(told == [b""], f"the server that nobody vouches for was told {told}")
        except Exception:
            print(f"stripe: FAILED; the calls: {calls}\nlocalstripe: {server.said()}", file=sys.stderr)
            raise
        finally:
            server.stop()
    print(f"stripe: passed in {time.monotonic() - began:.1f} s; {result}")


if __name__ == "__main__":
    main()
