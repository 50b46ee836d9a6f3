"""CPU time of the portal's pages, each a process as a web server starts it, beside bare starts:
python3 benches/portal.py [BILLING]. Without a program, a release build is made. TENANTS (100,000) are
stored, with two invoices and a subscription each; RUNS (41) starts a page, taken in turn with those of
`true`, of `billing --version` and of a request that is refused before anything is read. What counts is the
least user and system time, as the system says when the process ends: the rest is other work's. A page may take 5 ms more than
`billing --version`; a page above that ends the script with 1."""

import csv
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TENANTS = int(os.environ.get("TENANTS", 100_000))
RUNS = int(os.environ.get("RUNS", 41))
LIMIT_MS = 5.0
BASE = "https://billing.example"


def main():
    billing = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else build()
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(billing, pathlib.Path(folder))
        shop.fill()
        measured = measure(shop, shop.pages())
    bare = measured["billing --version"]
    print(f"\n| what | CPU | over a bare start |\n| --- | ---: | ---: |")
    for what, spent in measured.items():
        over = f"+{spent - bare:.1f} ms" if what.startswith(("GET", "POST")) else ""
        print(f"| {what} | {spent:.1f} ms | {over} |")
    return any(spent > bare + LIMIT_MS for spent in measured.values())


def build():
    root = pathlib.Path(__file__).resolve().parents[1]
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=root, check=True)
    told = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=root,
                          check=True, capture_output=True)
    return pathlib.Path(json.loads(told.stdout)["target_directory"]) / "release" / "billing"


class Shop:
    def __init__(self, billing, folder):
        self.program, self.folder = billing, folder

    def billing(self, *args):
        done = subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, (args, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def fill(self):
        self.billing("init", "--currency", "EUR", "--locale", "en", "--company", "Example Services")
        with open(self.folder / "billing.toml", "a") as config:
            config.write('\n[payments]\ngateway = "sandbox"\n')
        self.billing("portal", "init", "--base-url", BASE)
        for plan, price in (("basic", "20"), ("pro", "49.90")):
            self.billing("plan", "create", plan, "--name", plan.title(), "--price", price,
                         "--interval", "month")
        today = datetime.date.today()
        issued, due = today - datetime.timedelta(20), today - datetime.timedelta(5)
        year = issued.year
        self.load("tenants", ["slug", "name", "email"],
                  ([f"t{n}", f"Customer {n}", f"t{n}@clients.example"] for n in range(TENANTS)))
        self.load("invoices", ["number", "tenant", "total", "issued_on", "due_on"],
                  ([f"INV-{year}-{n + 1:06}", f"t{n % TENANTS}", "100", issued, due]
                   for n in range(2 * TENANTS)))
        start = today.replace(day=1)
        end = (start + datetime.timedelta(31)).replace(day=1)
        columns = ["tenant", "plan", "started_on", "current_period_start", "current_period_end", "anchor"]
        self.load("subscriptions", columns,
                  ([f"t{n}", "basic", start, start, end, "calendar"] for n in range(TENANTS)))
        print(f"{TENANTS} tenants, {os.path.getsize(self.folder / 'billing.db') >> 20} MB")

    def load(self, kind, columns, rows):
        path = self.folder / f"{kind}.csv"
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        self.billing("import", kind, str(path))
        path.unlink()

    def pages(self):
        """Each page by its name, as the environment of its request."""
        tenant = f"t{TENANTS // 2}"
        shown = lambda *args: json.loads(self.billing(*args, "--json"))
        link = shown("portal", "link", tenant)["url"].removeprefix(BASE)
        number = shown("invoice", "list", "--tenant", tenant)[0]["number"]
        subscription = shown("subscription", "list", "--tenant", tenant)[0]["id"]
        entered = subprocess.run([self.program], env=self.request("GET", link), capture_output=True,
                                 check=True).stdout.decode()
        self.cookie = re.search(r"Set-Cookie: ([^;]+)", entered)[1]
        front = subprocess.run([self.program], env=self.request("GET", "/"), capture_output=True,
                               check=True).stdout.decode()
        assert number in front and subscription in front, front
        change = f"/subscription/{subscription}/change?item=basic&plan=pro&quantity=2&when="
        pages = {
            "GET / (signed in)": ("GET", "/"),
            "GET /invoices": ("GET", "/invoices"),
            "GET /invoices/N": ("GET", f"/invoices/{number}"),
            "GET /invoices/N.pdf": ("GET", f"/invoices/{number}.pdf"),
            "GET /subscription/ID": ("GET", f"/subscription/{subscription}"),
            "GET /subscription/ID/change, now": ("GET", change + "now"),
            "GET /subscription/ID/change, next": ("GET", change + "next"),
            "GET /details": ("GET", "/details"),
            "GET /in/TOKEN": ("GET", link),
            "GET /nowhere": ("GET", "/nowhere"),
        }
        return {name: self.request(*page) for name, page in pages.items()}

    cookie = ""

    def request(self, method, uri):
        return {
            "PATH": os.environ["PATH"], "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
            "REQUEST_URI": uri, "QUERY_STRING": uri.partition("?")[2], "HTTP_COOKIE": self.cookie,
            "BILLING_CONFIG": f"{self.folder}/billing.toml",
        }


def measure(shop, pages):
    """The least of each, in ms of CPU time; all in turn, so that what disturbs one disturbs all."""
    starts = {
        "true": (["/bin/true"], {}),
        "billing --version": ([shop.program, "--version"], {}),
        "a method that is none": ([shop.program], shop.request("PUT", "/")),
        **{name: ([shop.program], env) for name, env in pages.items()},
    }
    spent = {name: [] for name in starts}
    nothing = os.open("/dev/null", os.O_RDWR)
    for _ in range(RUNS + 1):
        for name, (words, env) in starts.items():
            actions = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in (0, 1, 2)]
            child = os.posix_spawn(words[0], [str(word) for word in words], env, file_actions=actions)
            _, status, usage = os.wait4(child, 0)
            assert status == 0, name
            spent[name].append((usage.ru_utime + usage.ru_stime) * 1000)
    # The first of each makes what is made once.
    return {name: min(times[1:]) for name, times in spent.items()}


sys.exit(main())
