"""The portal behind real web servers, used by a real browser: python3 portal.py BILLING AXE, with the
script of axe-core. Debian's nginx with fcgiwrap and lighttpd are started with the very files of
examples/portal/, in which only names of files and ports are replaced. Chromium, by its driver, signs in
from the letter in mail/, upgrades, enters a coupon, pays in the sandbox and takes the PDF along, on a
telephone and on a wide screen; who was suspended is back when the page is, in the product too
(examples/hooks/receiver.py): axe-core may find nothing serious on any page; no page has a script, asks
anybody else for anything or writes a line to the console. A page that does wrong is opened first: it has to
be found out. No link stands in any log in the end."""

import base64
import contextlib
import email
import email.policy
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

BILLING = pathlib.Path(sys.argv[1]).resolve()
AXE = pathlib.Path(sys.argv[2]).read_text()
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "portal"
PHONE, WIDE = (390, 844), (1280, 900)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        certificate(folder / "tls")
        for server in (Nginx, Lighttpd):
            with Shop(folder / server.__name__, server) as shop:
                print(f"{server.__name__} at {shop.base}")
                refuses(shop)
                with Browser(folder / "browser") as browser:
                    finds_out(browser, folder)
                    whole_visit(shop, browser, "acme", WIDE)
                    whole_visit(shop, browser, "birch", PHONE)
                    comes_back(shop, browser, "cedar")
                    invoice_link(shop, browser, "dune")
                keeps_links(shop)


# What is done

def whole_visit(shop, browser, tenant, size):
    """Signs in from the letter, changes the plan, uses a coupon, pays, takes the PDF along."""
    browser.resize(size)
    sign_in(shop, browser, tenant)
    for place in ("/invoices", "/details", "/"):
        browser.go(shop.base + place)
        browser.look(place)
    browser.click("a[href*='subscription']")
    browser.look("subscription")
    browser.run("arguments[0].value = 'pro'", browser.find("select[name=plan]"))
    browser.type("input[name=quantity]", "2")
    browser.click("form[action$='/change'] button")
    browser.look("the price of a change")
    browser.click("form[action$='/change'] button")
    browser.look("a change")
    browser.says("2 × Pro")
    browser.type("input[name=code]", "nothing")
    browser.click("form[action$='/coupon'] button")
    browser.look("a code that is none", refused=409)
    browser.click("main a.button")
    browser.type("input[name=code]", "welcome")
    browser.click("form[action$='/coupon'] button")
    browser.look("a coupon")
    browser.says("WELCOME")
    browser.press("summary")
    browser.look("what asks before it cancels")
    browser.go(shop.base + "/")
    number = pay_first(shop, browser)
    assert shop.json("invoice", "show", number)["status"] == "paid", number
    pdf = browser.download("a[href$='.pdf']", number + ".pdf")
    assert pdf.startswith(b"%PDF-") and len(pdf) > 10_000, pdf[:20]
    new_address(shop, browser, tenant)
    browser.click("header form button")
    browser.look("signed out")
    browser.go(shop.base + "/invoices")
    assert browser.has("form[action$='/sign-in']"), "still signed in"


def new_address(shop, browser, tenant):
    """Another e-mail address, confirmed from there."""
    browser.go(shop.base + "/details")
    browser.type("input[name=email]", f"{tenant}@new.example")
    before = shop.letters()
    browser.click("form[action$='/details'] button")
    browser.look("an address that waits")
    browser.go(shop.link_in_letter(before))
    browser.look("a question")
    browser.click("form[action*='/confirm/'] button")
    browser.look("a new address")
    assert shop.json("tenant", "show", tenant)["email"] == f"{tenant}@new.example"


def comes_back(shop, browser, tenant):
    """A suspended customer pays on a telephone, and when the page that follows is there it is active, and
    the product has let it in again."""
    assert shop.json("tenant", "show", tenant)["status"] == "suspended"
    assert not shop.may_come_in(tenant), "the product has not heard of it"
    browser.resize(PHONE)
    sign_in(shop, browser, tenant)
    browser.says("suspend")
    is_back = lambda: shop.json("tenant", "show", tenant)["status"] == "active"
    pay_first(shop, browser, back=lambda: shop.may_come_in(tenant) and is_back())
    browser.go(shop.base + "/")
    browser.look("back again")


def invoice_link(shop, browser, tenant):
    """The link in an invoice's letter shows that invoice, and pays it."""
    number = shop.json("invoice", "list", "--tenant", tenant)[0]["number"]
    url = shop.json("portal", "link", tenant, "--invoice", number)["url"]
    browser.resize(PHONE)
    browser.forget()
    browser.go(url)
    browser.look("an invoice by its link")
    assert browser.url() == f"{shop.base}/invoices/{number}", browser.url()
    pay_first(shop, browser)
    browser.says("role=\"status\"")


def sign_in(shop, browser, tenant):
    browser.forget()
    browser.go(shop.base + "/")
    browser.look("who is not signed in")
    browser.type("input[name=email]", f"{tenant}@clients.example")
    before = shop.letters()
    browser.click("form[action$='/sign-in'] button")
    browser.look("a link is on its way")
    link = shop.link_in_letter(before)
    browser.go(link)
    assert browser.url() == shop.base + "/", browser.url()
    browser.look("the first page")


def pay_first(shop, browser, back=lambda: True):
    """Pays what is first in line; the number of the invoice. `back` holds when the page is there."""
    form = browser.find("form[action$='/pay']")
    number = browser.run("return arguments[0].getAttribute('action')", form).split("/")[-2]
    browser.click("form[action$='/pay'] button")
    browser.look("on to the payment page")
    browser.click("main a.button")
    browser.look("the sandbox")
    browser.click("form[action*='/sandbox/'] button")
    assert back(), "not yet active where the page is there"
    assert browser.url().startswith(f"{shop.base}/invoices/{number}?done="), browser.url()
    browser.look("paid")
    return number


def refuses(shop):
    """What a server must not let through, or change on its way."""
    link = shop.json("portal", "link", "acme")["url"]
    status, headers, _ = shop.ask("GET", link)
    assert status == 303, status
    cookie = headers["Set-Cookie"].split(";")[0]
    with_cookie = {"Cookie": cookie}
    front = shop.ask("GET", "/", with_cookie)[2].decode()
    token = re.search(r'action="[^"]*out">\s*<input type="hidden" name="token" value="([^"]*)"', front)
    body = urllib.parse.urlencode({"token": token[1]}).encode()
    form = {**with_cookie, "Content-Type": "application/x-www-form-urlencoded"}
    for path, status in [
        ("/details", 200), ("/d%65tails", 200), ("/nowhere", 404), ("/invoices/..%2fdetails", 404),
        ("/invoices/INV-2020-000777", 404), ("/?--db+/tmp/mine.db", 200), ("/?--version", 200),
    ]:
        found = shop.ask("GET", path, {**with_cookie, "Proxy": "http://127.0.0.1:9"})
        assert found[0] == status, (path, found[0])
    for name, value in [
        ("Cache-Control", "no-store"), ("Referrer-Policy", "same-origin"), ("X-Robots-Tag", "noindex"),
        ("X-Content-Type-Options", "nosniff"), ("Strict-Transport-Security", "max-age=31536000"),
    ]:
        assert found[1][name] == value, (name, found[1][name])
    head = shop.ask("HEAD", "/details", with_cookie)
    assert head[0] == 200 and not head[2], head
    # A NUL or a way up is no business of the server's: it may refuse, and leads nowhere.
    for path in ["/details%00", "/../../etc/passwd", "/invoices/../../billing.toml"]:
        found = shop.ask("GET", path, with_cookie)
        assert found[0] in (303, 400, 404), (path, found[0])
    # The servers say so before anything of it is sent.
    large = http.client.HTTPSConnection("localhost", shop.port, context=shop.trust(), timeout=20)
    large.request("POST", "/out", headers={**form, "Content-Length": str(65 * 1024)})
    assert large.getresponse().status == 413
    large.close()
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://elsewhere.example"}):
        assert shop.ask("POST", "/out", {**form, **origin}, body)[0] == 403, origin
    assert shop.ask("GET", "/details", with_cookie)[0] == 200
    assert shop.ask("POST", "/out", {**form, "Origin": shop.base}, body)[0] == 303
    assert shop.ask("GET", "/details", with_cookie)[0] == 303


def finds_out(browser, folder):
    """The same eyes on a page that does everything wrong."""
    page = folder / "bad.html"
    page.write_text(
        '<html lang="en"><title>bad</title><img src="http://no.example/">'
        '<script>console.error("bad")</script>'
        '<p style="background: white; color: #bbb">Hard to read.</p>'
    )
    browser.go(f"file://{page}")
    wrongs = browser.wrongs("file://")
    kinds = {wrong.split(":")[0] for wrong in wrongs}
    assert kinds == {"script", "asked", "console", "barrier"}, wrongs


def keeps_links(shop):
    """No log has a key in it, and the server says nothing is wrong."""
    tokens = re.compile(rb"[A-Za-z0-9_-]{100,}")
    found = 0
    for log in shop.folder.glob("*.log"):
        text = log.read_bytes()
        found += text.count(b"GET")
        assert not tokens.search(text), f"{log}: {tokens.search(text)[0]}"
    assert found > 20, "nothing was logged"


# The shop and its servers

def certificate(folder):
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Shop:
    """A business with customers, and a web server in front of it."""

    def __init__(self, folder, server):
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.base = f"https://localhost:{self.port}"
        self.receiver_port = free_port()
        secret = "whsec_" + base64.b64encode(os.urandom(24)).decode()
        (folder / "hook-secret").write_text(secret)
        (folder / "hook-secret").chmod(0o600)
        self.receiver = subprocess.Popen(
            [sys.executable, EXAMPLES.parent / "hooks" / "receiver.py", str(self.receiver_port),
             folder / "access.db"],
            env={**os.environ, "BILLING_HOOK_SECRET": secret}, stdout=subprocess.DEVNULL,
        )
        until("the receiver", lambda: answers(self.receiver_port))
        self.fill()
        self.server = server(self)

    def __enter__(self):
        self.server.start()
        until(f"port {self.port}", lambda: answers(self.port))
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.receiver.terminate()
        self.receiver.wait(20)

    def may_come_in(self, tenant):
        """What the product knows, from the example of a receiver."""
        with contextlib.closing(sqlite3.connect(self.folder / "access.db")) as access:
            row = access.execute("SELECT may_come_in FROM access WHERE tenant = ?", [tenant]).fetchone()
        return row is not None and bool(row[0])

    def billing(self, *args):
        done = subprocess.run(
            [BILLING, *args], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout

    def json(self, *args):
        return json.loads(self.billing(*args, "--json"))

    def fill(self):
        self.billing("init", "--currency", "EUR", "--locale", "fr", "--company", "Nuage SARL")
        with open(self.folder / "billing.toml", "a") as config:
            config.write(
                '\n[payments]\ngateway = "sandbox"\n\n[[hooks]]\nname = "app"\n'
                f'url = "http://127.0.0.1:{self.receiver_port}/"\nsecret_file = "hook-secret"\n'
                'kinds = ["tenant_*"]\n'
            )
        self.billing("portal", "init", "--base-url", self.base)
        for plan, price in (("basic", "20"), ("pro", "49.90")):
            self.billing("plan", "create", plan, "--name", plan.title(), "--price", price,
                         "--interval", "month")
        today = time.time()
        day = lambda back: time.strftime("%Y-%m-%d", time.gmtime(today - back * 86400))
        self.billing("coupon", "create", "WELCOME", "--name", "Welcome", "--percent", "10",
                     "--until", day(-30), "--eligibility", "all")
        for tenant, locale in (("acme", "en"), ("birch", "fr"), ("cedar", "en"), ("dune", "fr")):
            self.billing("tenant", "create", tenant, "--name", tenant.title(), "--locale", locale,
                         "--email", f"{tenant}@clients.example")
        for tenant in ("acme", "birch"):
            self.billing("subscription", "create", "--tenant", tenant, "--plan", "basic")
        self.billing("invoice", "create", "--tenant", "dune", "--amount", "75", "--description", "Help")
        self.billing("invoice", "create", "--tenant", "cedar", "--amount", "100", "--description",
                     "Help", "--issued-on", day(75), "--due-on", day(60))
        for back in range(58, -1, -1):
            self.billing("tasks", "check-overdue", "--as-of", day(back), "--quiet")
        # From here on a letter that comes is one that was asked for.
        self.billing("tasks", "deliver-emails", "--quiet")

    def letters(self):
        return set((self.folder / "mail").glob("*.eml"))

    def link_in_letter(self, before):
        """The link in the letter that came since."""
        new = until("a letter", lambda: self.letters() - before)
        assert len(new) == 1, new
        message = email.message_from_bytes(new.pop().read_bytes(), policy=email.policy.default)
        text = message.get_body(("plain",)).get_content()
        return re.search(re.escape(self.base) + r"/in/[A-Za-z0-9_-]+", text)[0]

    def trust(self):
        return ssl.create_default_context(cafile=self.folder.parent / "tls" / "fullchain.pem")

    def ask(self, method, url, headers=None, body=None):
        url = url if url.startswith("https:") else self.base + url

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=self.trust()))
        request = urllib.request.Request(url, method=method, headers=headers or {}, data=body)
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()


class Server:
    """A server that is started with the example, in which the names below are replaced."""

    def __init__(self, shop):
        self.shop, self.running = shop, []

    def example(self, name, replaced):
        text = (EXAMPLES / name).read_text()
        shop = self.shop
        for old, new in {
            "/usr/local/bin/billing": str(BILLING),
            "/etc/billing/billing.toml": f"{shop.folder}/billing.toml",
            "/etc/billing/tls": f"{shop.folder.parent}/tls",
            **replaced,
        }.items():
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        path = shop.folder / name
        path.write_text(text)
        return path

    def run(self, *args):
        with open(self.shop.folder / "server.log", "ab") as log:
            self.running.append(subprocess.Popen(args, stdout=log, stderr=log, cwd=self.shop.folder))

    def stop(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(20)


class Nginx(Server):
    def start(self):
        folder = self.shop.folder
        example = self.example("nginx.conf", {
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.shop.port} ssl;",
            "/run/fcgiwrap.socket": f"{folder}/fcgiwrap.socket",
            "/var/log/nginx": str(folder),
            "billing.example.com": "localhost",
        })
        # What stands around the example where it is put into /etc/nginx/conf.d.
        whole = folder / "whole.conf"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        kept = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        user = "user root; " if os.geteuid() == 0 else ""
        whole.write_text(
            f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\n"
            f"http {{ {kept} access_log off; include {example}; }}\n"
        )
        self.run(shutil.which("fcgiwrap") or "/usr/sbin/fcgiwrap", "-c", "4",
                 "-s", f"unix:{folder}/fcgiwrap.socket")
        until("fcgiwrap", (folder / "fcgiwrap.socket").exists)
        self.run(shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", whole)


class Lighttpd(Server):
    def start(self):
        folder = self.shop.folder
        example = self.example("lighttpd.conf", {
            "server.port = 443": f'server.port = {self.shop.port}\nserver.bind = "127.0.0.1"',
            "/var/log/lighttpd": str(folder),
            "/var/www": str(folder),
            # It is started by whoever runs the tests.
            'server.username = "billing"\n': "",
            'server.groupname = "billing"\n': "",
        })
        self.run(shutil.which("lighttpd") or "/usr/sbin/lighttpd", "-D", "-f", example)


# The browser

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """Chromium by the W3C's WebDriver."""

    def __init__(self, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "files").mkdir(parents=True)
        self.port = free_port()

    def __enter__(self):
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}", f"--log-path={self.folder}/driver.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        until("chromedriver", lambda: answers(self.port))
        options = {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
                f"--user-data-dir={self.folder}/profile",
            ],
            "prefs": {"download.default_directory": f"{self.folder}/files"},
            "perfLoggingPrefs": {"enableNetwork": True, "enablePage": False},
        }
        always = {
            "browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self.session = ""
        self.session = self.call("POST", "", {"capabilities": {"alwaysMatch": always}})["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)

    def call(self, method, path, body=None):
        session = f"/{self.session}" if self.session else ""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/session{session}{path}", method=method,
            data=json.dumps(body or {}).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:600]}") from None

    def resize(self, size):
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        self.width = size[0]

    def devtools(self, command, params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def url(self):
        return self.call("GET", "/url")

    def forget(self):
        self.devtools("Network.clearBrowserCookies", {})

    def has(self, css):
        return bool(self.call("POST", "/elements", {"using": "css selector", "value": css}))

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})

    def press(self, css):
        self.call("POST", f"/element/{self.find(css)[ELEMENT]}/click")

    def click(self, css):
        """Presses what leads on, and waits until the next page is there."""
        self.run("window.pageBefore = true")
        self.press(css)
        ready = "return !window.pageBefore && document.readyState === 'complete'"
        until(f"a page behind {css}", lambda: self.run(ready))

    def type(self, css, text):
        element = self.find(css)[ELEMENT]
        self.call("POST", f"/element/{element}/clear")
        self.call("POST", f"/element/{element}/value", {"text": text})

    def run(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": args})

    def says(self, text):
        page = self.call("GET", "/source")
        assert text in page, f"{self.url()} does not say {text!r}"

    def download(self, css, name):
        self.press(css)
        path = self.folder / "files" / name
        until(name, path.exists)
        data = path.read_bytes()
        path.unlink()
        return data

    def look(self, what, refused=None):
        """Looks at the page as it is: anything wrong ends the test. Of one that refuses the browser says so."""
        wrongs = self.wrongs("/".join(self.url().split("/")[:3]))
        wrongs = [one for one in wrongs if f"responded with a status of {refused}" not in one]
        if wrongs:
            picture = base64.b64decode(self.call("GET", "/screenshot"))
            (pathlib.Path(tempfile.gettempdir()) / "portal-wrong.png").write_bytes(picture)
        assert not wrongs, f"{what}, {self.width} wide, {self.url()}: {wrongs}"

    def wrongs(self, origin):
        """What is wrong with the page, and with how it came there."""
        wrongs = []
        if self.run("return document.scripts.length"):
            wrongs.append("script: it has one")
        for line in self.call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(line["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                referrer = message["params"]["request"]["headers"].get("Referer", "")
                if not url.startswith((origin, "data:")):
                    wrongs.append(f"asked: {url}")
                if "/in/" in referrer or "/confirm/" in referrer:
                    wrongs.append(f"told on: {referrer}")
        lines = self.call("POST", "/se/log", {"type": "browser"})
        # What could not be fetched is told above.
        wrongs += [f"console: {l['message']}" for l in lines if "ERR_NAME_NOT_RESOLVED" not in l["message"]]
        if self.run("return document.documentElement.scrollWidth > innerWidth"):
            wrongs.append("wide: it has to be moved sideways")
        for scheme in ("light", "dark"):
            feature = [{"name": "prefers-color-scheme", "value": scheme}]
            self.devtools("Emulation.setEmulatedMedia", {"features": feature})
            found = self.call("POST", "/execute/async", {"args": [], "script": AXE + (
                "; axe.run({ preload: false }).then(arguments[arguments.length - 1])"
            )})
            for one in found["violations"]:
                if one["impact"] in ("serious", "critical"):
                    wrongs.append(f"barrier: {one['id']} {one['nodes'][0]['target']} in {scheme}")
        # Looking leaves lines of its own.
        self.call("POST", "/se/log", {"type": "browser"})
        return wrongs


main()
