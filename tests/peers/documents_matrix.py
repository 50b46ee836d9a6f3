"""Documents of every kind, made by the command line as an operator makes them.

    python tests/peers/documents_matrix.py BILLING DIR

DIR must be empty. DIR/all gets what `documents.py` looks at, by SHOP-NUMBER: the two XMLs, the
Factur-X, the PDF without it (SHOP-NUMBER-plain), and what the commands said of the document when it
was issued; DIR/few those of one document of each kind. On the way there it is checked here that
what cannot be an e-invoice is refused by name, and that a document is made once: neither payments,
nor edits of the customer, nor another billing.toml change a byte of it.
"""

import collections
import decimal
import email
import email.policy
import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent import futures

BILLING = pathlib.Path(sys.argv[1]).resolve()
OUT = pathlib.Path(sys.argv[2])
D = decimal.Decimal
MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}
# So many shops at once: each has a folder of its own.
WORKERS = 4
# Which send an invoice.
MAILS = ("life", "de")


def check(true, what):
    if not true:
        raise AssertionError(what)


# ---- as the PDF writes it ------------------------------------------------------------------------


def written_amount(amount, currency, locale):
    whole, _, fraction = amount.partition(".")
    whole = f"{int(whole):,}".replace(",", " " if locale == "fr" else ",")
    number = whole + ("," if locale == "fr" else ".") * bool(fraction) + fraction
    sign = {"EUR": "€", "USD": "$", "GBP": "£"}.get(currency)
    if locale == "en" and sign:
        return sign + number
    if locale == "fr" and currency == "EUR":
        return f"{number} €"
    return f"{number} {'F CFA' if currency == 'XOF' else currency}"


def written_date(date, locale):
    year, month, day = map(int, date.split("-"))
    ordinal = "er" if locale == "fr" and day == 1 else ""
    return f"{day}{ordinal} {MONTHS[locale].split()[month - 1]} {year}"


# ---- a seller, its customers and what it issues --------------------------------------------------


class Shop:
    def __init__(self, root, name, config):
        self.name, self.folder = name, pathlib.Path(root) / name
        self.folder.mkdir()
        self.today = "2026-03-02"
        # By number: which noun it is, and what the command said of it once it was issued.
        self.issued = {}
        # By number: the code by which its e-invoice is refused.
        self.refused = {}
        # Those whose PDF is: the font lacks a character.
        self.glyphless = set()
        self.locales = {}
        self.config(config)
        self.run("db", "migrate")

    def config(self, text):
        head = 'database = "billing.db"\n'
        (self.folder / "billing.toml").write_text(head + text)

    def run(self, *words, status=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("BILLING_")}
        done = subprocess.run([BILLING, *words, "--yes", "--as-of", self.today], cwd=self.folder,
                              env=env, capture_output=True)
        check(done.returncode == status,
              f"{self.name}: {words}: {done.returncode} {(done.stderr + done.stdout).decode()}")
        return done.stdout if status in (0, 3) or done.stdout else done.stderr

    def json(self, *words, status=0):
        return json.loads(self.run(*words, "--json", status=status))

    def customer(self, slug, name=None, locale="fr", **more):
        """A customer with what is given: `legal_id="…"` for --legal-id."""
        flags = [word for key, value in more.items()
                 for word in (f"--{key.replace('_', '-')}", value)]
        email = [] if "email" in more else ["--email", f"{slug}@clients.example"]
        self.run("tenant", "create", slug, "--name", name or f"Client {slug}", "--locale", locale,
                 *email, *flags)
        self.locales[slug] = locale
        return slug

    def catch(self):
        """Asks what was issued since."""
        new = []
        for noun in ("invoice", "credit-note"):
            for number in [one["number"] for one in self.json(noun, "list")]:
                if number not in self.issued:
                    self.see(noun, number)
                    new.append(number)
        return new

    def see(self, noun, number):
        """What is due is told as it was at the issue: credit had paid its part of what was issued
        here, and of what was imported what was paid before."""
        says = self.json(noun, "show", number)
        of = says if noun == "invoice" else self.issued[says["invoice"]][1]
        due = D(says["total"])
        if noun == "invoice":
            imported = says["origin"] == "imported"
            due -= D(says["amount_paid" if imported else "credit_applied"])
        says |= {"due": str(due), "tax_category": of["tax_category"],
                 "tax_reason": of["tax_reason"], "corrected": of["issued_on"]}
        self.issued[number] = noun, says

    def bill(self, slug, amount, *more, refused=None):
        number = self.json("invoice", "create", "--tenant", slug, "--amount", amount,
                           *([] if "--description" in more else ["--description", "Prestation"]),
                           *more)["number"]
        self.see("invoice", number)
        self.refuse(number, refused)
        return number

    def bill_lines(self, slug, lines, *more):
        typed = [word for line in lines for word in ("--line", line)]
        number = self.json("invoice", "create", "--tenant", slug, *typed, *more)["number"]
        self.see("invoice", number)
        return number

    def note(self, invoice, *how, refused=None):
        number = self.json("credit-note", "create", "--invoice", invoice, "--reason", "correction",
                           "--no-email", *how)["number"]
        self.see("credit-note", number)
        self.refuse(number, refused)
        return number

    def refuse(self, number, code):
        if code:
            self.refused[number] = code

    def subscribe(self, slug, plan, *more):
        self.run("subscription", "create", "--tenant", slug, "--plan", plan, *more)
        return self.catch()

    def pay(self, number, amount="all"):
        self.run("invoice", "pay", number, "--amount", amount, "--method", "transfer", "--no-email")

    def coupon(self, code, *what):
        self.run("coupon", "create", code, "--name", code, "--until", "2027-12-31",
                 "--max-uses-per-customer", "0", *what)

    def imported(self, kind, *rows):
        path = self.folder / f"{kind}.csv"
        path.write_text("\n".join([*rows, ""]))
        self.run("import", kind, str(path))
        return self.catch()

    # ---- what comes of it

    def export(self, form, place=""):
        """Into a folder of its own; what is told of it."""
        return self.json("export", "documents", "--format", form, "--out", f"out{place}/{form}",
                         status=3 if self.unwritable(form) else 0)

    def unwritable(self, form):
        """What an export names. A void invoice has no document, and nothing to name."""
        by_font = dict.fromkeys(self.glyphless if form in ("pdf", "facturx") else (),
                                "glyph_missing")
        refused = {} if form == "pdf" else self.refused
        return {number: code for number, code in (by_font | refused).items()
                if code != "invoice_void"}

    def exported(self, form, place=""):
        path = self.folder / f"out{place}" / form
        return {one.name: one.read_bytes() for one in path.iterdir()}


# ---- the sellers ---------------------------------------------------------------------------------


FR = """
currency = "EUR"
locale = "fr"
[company]
name = "Société d’Exemple & Cie"
email = "compta@exemple.example"
country = "FR"
street = "1 rue de la Paix"
postcode = "75002"
city = "Paris"
legal_id = "552 100 554"
vat_id = "FR 27 552100554"
electronic_address = "552100554"
iban = "FR76 3000 6000 0112 3456 7890 189"
bic = "AGRIFRPP"
how_to_pay = { fr = "Par virement, sous #référence#", en = "By transfer" }
legal_text = { fr = "SAS au capital de 10 000 € <RCS Paris>", en = "SAS, capital €10,000" }
[invoicing]
tax_rate = "20"
number_format = "FA-{year}-{seq:4}"
credit_note_format = "AV-{year}-{seq:4}"
[payments]
gateway = "sandbox"
[documents]
footer = "Société d’Exemple & Cie"
"""

# Of 293 B: without a number for VAT.
FRANCHISE = """
currency = "EUR"
locale = "fr"
[company]
name = "Jeanne Martin EI"
email = "jeanne@martin.example"
country = "FR"
address = "3 place du Marché\\nBâtiment B\\nEscalier 4\\n13001 Marseille"
registration = "RCS Marseille 301 502 401"
bank = "Banque postale, compte 12345"
[invoicing]
tax_category = "exempt"
"""

DE = """
currency = "EUR"
locale = "en"
[company]
name = "Muster GmbH"
email = "post@muster.example"
country = "DE"
street = "Hauptstraße 1"
postcode = "50667"
city = "Köln"
legal_id = "HRB 12345"
vat_id = "DE123456789"
electronic_address = "9930:DE123456789"
iban = "DE89370400440532013000"
[invoicing]
tax_rate = "19"
[documents]
attach = "facturx"
directory = "papers"
"""

BE = """
currency = "EUR"
locale = "fr"
[company]
name = "Exemple SRL"
email = "compta@exemple-be.example"
country = "BE"
street = "Rue Neuve 1"
postcode = "1000"
city = "Bruxelles"
legal_id = "0123456749"
vat_id = "BE0123456749"
electronic_address = "0208:0123456749"
iban = "BE68539007547034"
[invoicing]
tax_rate = "21"
prices_include_tax = true
legal_notes = { fr = "Escompte : néant.\\n#PMT# Intérêts de 8 %.", en = "" }
"""

SN = """
currency = "XOF"
locale = "fr"
[company]
name = "Exemple Sénégal SARL"
email = "compta@exemple-sn.example"
country = "SN"
street = "12 rue Carnot"
city = "Dakar"
tax_id = "0042 2G3"
legal_id = "SN-DKR-2024-B-1"
how_to_pay = { fr = "Orange Money 77 000 00 00" }
[invoicing]
tax_rate = "18"
"""

GB = """
currency = "GBP"
locale = "en"
[company]
name = "Example Ltd"
email = "accounts@example-gb.example"
country = "GB"
street = "1 High Street"
postcode = "LS1 1AA"
city = "Leeds"
registration = "Registered in England No. 1234567"
vat_id = "GB123456789"
iban = "GB29NWBK60161331926819"
[invoicing]
tax_rate = "20"
"""

# Who forgot everything.
BARE = """
currency = "EUR"
[company]
name = "Vite Fait"
country = "FR"
[invoicing]
tax_rate = "20"
"""

# The same after it moved, and thinks otherwise of everything.
MOVED = """
currency = "EUR"
locale = "en"
[company]
name = "Somebody Else"
email = "else@else.example"
country = "IE"
street = "Elsewhere"
city = "Dublin"
how_to_pay = "Never"
legal_text = "Nothing"
[invoicing]
tax_rate = "23"
tax_category = "outside_scope"
legal_notes = "No notes"
[documents]
footer = "Another footer"
"""

AT_HOME = dict(country="FR", street="5 rue du Lac", postcode="69001", city="Lyon")
FIRM = dict(legal_id="301502401", vat_id="FR12301502401", customer_kind="business")


def refused_in_france(shop):
    shop.bill("atelier", "10", "--number", "FA.2026.1", refused="number_not_french")
    dotted = shop.bill("atelier", "10", "--number", "FA.2026.2", refused="number_not_french")
    shop.note(dotted, "--full", refused="corrected_number_not_french")
    shop.bill("atelier", "10", "--number", "F" * 35)
    shop.bill("atelier", "10", "--number", "F" * 36, refused="number_not_french")
    shop.customer("francs", currency="XOF", **AT_HOME, **FIRM)
    shop.note(shop.bill("francs", "10000", refused="currency_needs_rate"), "--full",
              refused="currency_needs_rate")
    shop.customer("dinars", currency="KWD", **AT_HOME, **FIRM)
    shop.bill("dinars", "10.123", refused="currency_not_in_standard")
    shop.customer("nowhere")
    shop.bill("nowhere", "10", refused="buyer_country_missing")
    shop.customer("nosiren", **AT_HOME)
    shop.bill("nosiren", "10", refused="buyer_siren_missing")
    shop.customer("eighteen", tax_rate="18", **AT_HOME, **FIRM)
    shop.bill("eighteen", "10", refused="tax_rate_not_french")
    shop.customer("untaxed", tax_rate="0", **AT_HOME, **FIRM)
    shop.bill("untaxed", "10", refused="tax_category_missing")
    shop.customer("badvat", "Bad", country="DE", vat_id="12", tax_category="reverse_charge")
    shop.bill("badvat", "10", refused="buyer_vat_id_bad")
    shop.customer("badaddress", electronic_address="nowhere", **AT_HOME, **FIRM)
    shop.bill("badaddress", "10", refused="buyer_electronic_address_bad")
    void = shop.bill("atelier", "10", refused="invoice_void")
    shop.run("invoice", "void", void, "--reason", "en double")


def french_customers(root):
    """One of each tax, kind and country: prices without and with tax, and a credit note."""
    shop = Shop(root, "fr", FR)
    slugs = [
        shop.customer("atelier", "Atelier SARL", electronic_address="301502401_PDP", **AT_HOME,
                      **FIRM),
        shop.customer("siret", "Vieux Client", country="FR", legal_id="301 502 401 00013",
                      address="ZI Nord\\nBP 12\\nCedex 3\\n59000 Lille", tax_rate="10"),
        shop.customer("mairie", "Ville d’Évian — Régie “Eaux”", customer_kind="public",
                      legal_id="217401199", tax_rate="5.5", **AT_HOME),
        shop.customer("dupont", "Mme Dupont", customer_kind="consumer", tax_rate="2.1", **AT_HOME),
        shop.customer("reunion", "Île & Fils", tax_rate="8.5", locale="en", **AT_HOME, **FIRM),
        shop.customer("bastia", "Corse <Presse> \"Libre\"", tax_rate="0.90", **AT_HOME, **FIRM),
        shop.customer("long", ("Établissements Très Longuement Nommés " * 6)[:200].strip(),
                      **AT_HOME, **FIRM),
        shop.customer("zero", "Export & Zéro", tax_category="zero", **AT_HOME, **FIRM),
        shop.customer("ong", "Les Amis du Livre", tax_category="exempt",
                      tax_reason="Exonération : art. 261-4-4° <CGI> & convention", **AT_HOME,
                      **FIRM),
        shop.customer("hors", "Hors Champ", tax_category="outside_scope", **AT_HOME, **FIRM),
        shop.customer("koeln", "Köln GmbH", locale="en", tax_category="reverse_charge",
                      country="DE", city="Köln", vat_id="DE129273398", customer_kind="business"),
        shop.customer("athen", "Αθήνα ΕΠΕ", locale="en", tax_category="reverse_charge",
                      country="GR", vat_id="EL123456783", customer_kind="business"),
        shop.customer("dakar", "Dakar SA", tax_category="export", country="SN",
                      legal_id="SN-DKR-2020-B-7", tax_id="0042", customer_kind="business"),
        shop.customer("zurich", "Herr Müller", locale="en", tax_category="export", country="CH",
                      customer_kind="consumer"),
        shop.customer("wien", "Frau Novák", locale="en", country="AT", customer_kind="consumer"),
    ]
    odd = itertools.cycle(["33.33", "0.07", "1234.56", "99.99", "10.01"])
    for slug in slugs:
        shop.bill(slug, next(odd))
        inclusive = shop.bill(slug, next(odd), "--tax-inclusive", "--description",
                              "L’été “indien” & <autres>")
        half = D(shop.issued[inclusive][1]["total"]) / 2
        shop.note(inclusive, "--amount", str(half.quantize(D("0.01"), decimal.ROUND_UP)))
    shop.customer("fleurs", "Fleurs 🌸", **AT_HOME, **FIRM)
    shop.glyphless = {shop.bill("fleurs", "10")}
    refused_in_france(shop)
    return shop


def discounts(shop):
    shop.coupon("THIRD", "--percent", "33.33", "--duration", "forever")
    shop.coupon("FIVE", "--amount", "5", "--currency", "EUR")
    shop.coupon("FREE", "--percent", "100")
    for basis in ("--tax-exclusive", "--tax-inclusive"):
        for code in ("THIRD", "FIVE", "FREE"):
            number = shop.bill("atelier", "77.77", "--coupon", code, basis)
            if code != "FREE":
                shop.note(number, "--line", "1:12.34")
                shop.note(number, "--amount", "7.77")
                shop.note(number, "--full", "--memo", "#PMT# Geste & <excuses>")
    # Before anybody had it the invoice itself is discounted; after that a credit note does it.
    number = shop.bill("atelier", "100")
    shop.run("coupon", "apply", "THIRD", "--invoice", number)
    shop.see("invoice", number)
    number = shop.bill("atelier", "100", "--send")
    shop.run("tasks", "deliver-emails")
    shop.run("coupon", "apply", "FIVE", "--invoice", number)
    check(len(shop.catch()) == 1, "a credit note was to give the discount")


def credit(shop):
    for slug, credit in (("whole", "500"), ("partly", "30")):
        shop.customer(slug, **AT_HOME, **FIRM)
        shop.run("credit", "grant", "--tenant", slug, "--amount", credit, "--reason", "geste")
        number = shop.bill(slug, "100")
        check((D(shop.issued[number][1]["due"]) == 0) == (slug == "whole"), number)
        shop.note(number, "--full")
    number = shop.bill("whole", "50", "--tax-inclusive", "--due-on", shop.today)
    shop.note(number, "--line", "1")


def subscriptions(shop):
    for code, price, *more in [
            ("month", "29.90", "--interval", "month"),
            ("with-tax", "19.99", "--interval", "month", "--tax-inclusive"),
            ("year", "1999", "--interval", "year"),
            ("quarter", "77.77", "--interval", "month", "--interval-count", "3"),
            ("trial", "15", "--interval", "month", "--trial-days", "14")]:
        shop.run("plan", "create", code, "--name", f"Offre {code}", "--price", price, *more)
    shop.customer("abo", "Abonné SAS", **AT_HOME, **FIRM)
    shop.today = "2026-03-16"
    # Prorated, of a number of seats, of a year, and by the day on which it began.
    prorated = shop.subscribe("abo", "month", "--quantity", "3")
    shop.subscribe("abo", "with-tax", "--quantity", "7")
    shop.subscribe("abo", "year")
    shop.subscribe("abo", "year", "--anchor", "anniversary", "--quantity", "2")
    shop.subscribe("abo", "quarter", "--anchor", "anniversary", "--coupon", "THIRD")
    shop.note(prorated[0], "--amount", "10")
    shop.customer("carte", "Carte SARL", **AT_HOME, **FIRM)
    shop.run("payment-method", "create", "--tenant", "carte", "--kind", "card", "--token", "tok_ok",
             "--default")
    [charged] = shop.subscribe("carte", "month", "--collection", "automatic", "--anchor",
                               "anniversary")
    check(shop.issued[charged][1]["status"] == "paid", "it was to be charged")
    shop.note(charged, "--amount", "11.11", "--refund", "5", "--credit", "6.11")
    shop.note(charged, "--full", "--refund")
    shop.run("subscription", "create", "--tenant", "carte", "--plan", "trial", "--collection",
             "automatic")
    # The credit of the note pays the next one in part.
    shop.today = "2026-04-16"
    shop.run("tasks", "cleanup-expired-trials")
    shop.run("tasks", "generate-recurring-invoices")
    new = shop.catch()
    check(len(new) == 4, f"of April and of the trial four were to be billed: {new}")


def payments(shop):
    """What was paid in whole or in part goes back."""
    number = shop.bill("atelier", "240")
    shop.pay(number)
    shop.note(number, "--full", "--outside", "--reference", "virement 77")
    number = shop.bill("dupont", "48", "--tax-inclusive")
    shop.run("payment", "record", "--tenant", "dupont", "--amount", "20", "--no-email")
    shop.note(number, "--full")
    shop.catch()
    shop.bill("atelier", "9999999999.99", "--description", "Très grand et très long. " * 20)
    lost = shop.bill("atelier", "12.50")
    shop.run("invoice", "write-off", lost, "--reason", "introuvable")


def imports(shop):
    shop.imported(
        "invoices", "number,tenant,total,issued_on,due_on,status,paid_on,tax_rate,description",
        "2025/0001,atelier,1200.01,2025-11-03,2025-12-03,open,,20,Ancienne facture",
        "2025/0002,atelier,105.49,2025-11-03,2025-11-03,paid,2025-11-20,5.5,Livres",
        "2025/0003,dupont,99.99,2025-11-03,2025-12-03,open,,2.1,",
        "OLD-1,atelier,50.00,2025-11-03,2025-12-03,open,,,Sans taux",
        "OLD-2,atelier,50.00,1999-11-03,1999-12-03,open,,20,Du siècle dernier")
    shop.refuse("OLD-1", "tax_category_missing")
    shop.refuse("OLD-2", "date_not_french")
    shop.note("2025/0002", "--amount", "33.33")
    shop.note("OLD-2", "--amount", "10", refused="date_not_french")
    shop.imported("credit-notes", "number,invoice,total,issued_on,reason",
                  "2025/A1,2025/0001,12.00,2025-12-24,goodwill")


def lines(shop):
    """300 lines that were discounted, some with more decimals than a price of an e-invoice has, and a
    few whose prices are with tax."""
    figures = itertools.cycle([("1", 0), ("3", 0), ("0.125", 0), ("2.5", 0), ("1234", 9)])
    typed = []
    for at, (quantity, more) in zip(range(1, 301), figures):
        price = D(7 * at) / 100 + D(more * at) / 10 ** 9
        typed.append(f"Ligne {at} : à l’unité:{quantity}:{price:f}")
    number = shop.bill_lines("atelier", typed, "--coupon", "THIRD")
    shop.note(number, "--line", "7", "--line", "300")
    shop.note(number, "--amount", "1000")
    number = shop.bill_lines("atelier", ["Ligne 1:1:33.33", "Ligne 2:2:16.67", "Ligne 3:3:11.11"],
                             "--tax-inclusive")
    shop.note(number, "--line", "2", "--line", "3:5.55")


def french_life(root):
    """One customer's invoices, and all that becomes of invoices."""
    shop = Shop(root, "life", FR)
    shop.customer("atelier", "Atelier SARL", **AT_HOME, **FIRM)
    shop.customer("dupont", "Mme Dupont", customer_kind="consumer", tax_rate="2.1", **AT_HOME)
    discounts(shop)
    credit(shop)
    subscriptions(shop)
    payments(shop)
    imports(shop)
    lines(shop)
    return shop


def abroad(root, name, config, unit, customers):
    """Of each customer an invoice of a price without and one with tax, and a credit note of one."""
    shop = Shop(root, name, config)
    hundreds = itertools.cycle([123456, 9999, 5, 7777])
    ways = itertools.cycle([(0, "--full"), (1, "--line", "1"), (0, "--line", "1"), (1, "--full")])
    for slug, more in customers.items():
        shop.customer(slug, **more)
        numbers = [shop.bill(slug, str(next(hundreds) * D(unit)), basis, "--description", "Conseil")
                   for basis in ("--tax-exclusive", "--tax-inclusive")]
        which, *how = next(ways)
        shop.note(numbers[which], *how)
    return shop


def franchise(root):
    return abroad(root, "ei", FRANCHISE, "0.01", {
        "firm": dict(country="FR", legal_id="552100554", customer_kind="business"),
        "person": dict(country="FR", city="Nice", customer_kind="consumer"),
        "wien": dict(country="AT", locale="en", vat_id="ATU12345678", customer_kind="business"),
    })


def germany(root):
    shop = abroad(root, "de", DE, "0.01", {
        "berlin": dict(locale="en", country="DE", vat_id="DE129273398", customer_kind="business"),
        "seven": dict(locale="en", country="DE", tax_rate="7", customer_kind="consumer"),
        "paris": dict(country="FR", legal_id="552100554", vat_id="FR96552100554",
                      tax_category="reverse_charge"),
        "texas": dict(locale="en", country="US", currency="USD", tax_category="export",
                      customer_kind="public"),
        "amt": dict(locale="en", country="DE", electronic_address="0204:04011000-1234512345-06",
                    customer_kind="public"),
        "small": dict(locale="en", country="DE", tax_category="exempt"),
    })
    shop.coupon("HALF", "--percent", "50", "--currency", "EUR")
    number = shop.bill("berlin", "33.33", "--coupon", "HALF", "--send")
    shop.note(number, "--amount", "9.99")
    shop.run("tasks", "deliver-emails")
    return shop


def belgium(root):
    return abroad(root, "be", BE, "0.01", {
        "gent": dict(locale="en", country="BE", electronic_address="0208:0202239951"),
        "lille": dict(country="FR", vat_id="FR12301502401", tax_category="reverse_charge"),
        "asbl": dict(country="BE", tax_category="outside_scope", customer_kind="public"),
        "six": dict(country="BE", tax_rate="6", customer_kind="consumer"),
    })


def senegal(root):
    shop = abroad(root, "sn", SN, "1", {
        "dakar": dict(country="SN", tax_id="0042", customer_kind="business"),
        "thies": dict(country="SN", customer_kind="consumer"),
        "bamako": dict(country="ML", tax_category="zero"),
        "ministere": dict(country="SN", tax_category="exempt", customer_kind="public",
                          tax_reason="Exonéré, convention du 3 mai 2019"),
        "hors": dict(country="SN", tax_category="outside_scope"),
    })
    shop.run("plan", "create", "mois", "--name", "Mois", "--price", "10000", "--interval", "month",
             "--tax-inclusive")
    shop.today = "2026-03-16"
    shop.subscribe("dakar", "mois", "--quantity", "3")
    shop.customer("kigali", country="RW", currency="EUR")
    shop.bill("kigali", "12.34")
    # Export takes a number for VAT, which no NINEA is.
    shop.customer("conakry", country="GN", tax_category="export")
    shop.bill("conakry", "5000", refused="seller_vat_id_missing")
    return shop


def britain(root):
    shop = abroad(root, "gb", GB, "0.01", {
        "leeds": dict(locale="en", country="GB", legal_id="7654321", customer_kind="business"),
        "lyon": dict(country="FR", tax_category="export", customer_kind="business"),
        "boston": dict(locale="en", country="US", currency="USD", tax_category="export"),
        "books": dict(locale="en", country="GB", tax_category="zero", customer_kind="consumer"),
        "council": dict(locale="en", country="GB", tax_rate="5", customer_kind="public"),
        "belfast": dict(locale="en", country="GB", vat_id="XI123456789", currency="EUR",
                        tax_category="reverse_charge"),
    })
    for currency, amount in (("KWD", "10.123"), ("STN", "100")):
        shop.customer(currency.lower(), country="KW", locale="en", currency=currency)
        number = shop.bill(currency.lower(), amount, refused="currency_not_in_standard")
        shop.note(number, "--full", refused="currency_not_in_standard")
    return shop


def forgetful(root):
    shop = Shop(root, "bare", BARE)
    shop.customer("client", country="FR")
    shop.bill("client", "10", refused="seller_siren_missing")
    return shop


SHOPS = [french_life, french_customers, germany, belgium, senegal, britain, franchise, forgetful]


# ---- what they issued ----------------------------------------------------------------------------


def code_of(shop, noun, number):
    """Why it cannot be an e-invoice, as `check` says; None where it can."""
    says = shop.json(noun, "check", number, status=1 if number in shop.refused else 0)
    if "error" in says:
        return [says["error"]["code"]]
    check(says["valid"] == (not says["lacks"]), says)
    for lack in says["lacks"]:
        check(lack["term"] and lack["message"] not in ("", lack["code"]) and lack["hint"], lack)
    return [lack["code"] for lack in says["lacks"]]


def checked(shop):
    for number, (noun, _) in shop.issued.items():
        found, wanted = code_of(shop, noun, number), shop.refused.get(number)
        check(wanted in found if wanted else not found,
              f"{shop.name} {number}: {found}, not {wanted}")
        if wanted:
            words = shop.json(noun, "xml", number, status=1)["error"]["code"]
            check(words in (wanted, "einvoice_incomplete"), f"{number}: xml is refused by {words}")


ELSE = dict(
    name="Someone Else", email="else@clients.example", street="Elsewhere", city="Nowhere",
    postcode="00000", address="Elsewhere", country="IT", legal_id="732829320", tax_id="1",
    vat_id="IT12345678901", electronic_address="0211:IT12345678901", customer_kind="public",
    tax_rate="3",
)


def life_goes_on(shop):
    """What may not change what was issued."""
    shop.today = "2026-05-04"
    for one in shop.json("invoice", "list"):
        if one["status"] == "open":
            shop.pay(one["number"])
    # What is lacking may be said later: whose invoice was refused gets no more than it had.
    lacking = {shop.issued[number][1]["tenant"] for number in shop.refused}
    for slug in shop.locales:
        now = shop.json("tenant", "show", slug)
        flags = [word for key, value in ELSE.items()
                 if now[key] is not None or slug not in lacking
                 for word in (f"--{key.replace('_', '-')}", value)]
        shop.run("tenant", "edit", slug, *flags)


def xml_of(shop, step=1):
    """The CII that is printed, of all or of every second one."""
    numbers = [number for number in shop.issued if number not in shop.refused]
    return {number: shop.run(shop.issued[number][0], "xml", number) for number in numbers[::step]}


def files(shop, form):
    """By number what the export wrote, as its list has it."""
    found = shop.exported(form)
    rows = found.pop("manifest.csv").decode().splitlines()
    check(rows[0] == "number,type,sha256,file", rows[0])
    of = {}
    for row in rows[1:]:
        number, kind, digest, name = row.split(",")
        data = found.pop(name)
        check(hashlib.sha256(data).hexdigest() == digest, f"{name} is not what the list says")
        check(kind.replace("_", "-") == shop.issued[number][0], row)
        of[number] = data
    check(not found, f"not in the list: {[*found]}")
    return of


def exported(shop, form, told):
    of, wanted = files(shop, form), shop.unwritable(form)
    void = {number for number, code in shop.refused.items() if code == "invoice_void"}
    there = set(shop.issued) - set(wanted) - void
    check(set(of) == there, f"{shop.name} {form}: {set(of) ^ there}")
    check(told["written"] == len(of) and told["left"] == 0, told)
    check_codes(shop, form, told)
    return of


def check_codes(shop, form, told):
    codes = {one["number"]: one["code"] for one in told["errors"]}
    wanted = shop.unwritable(form)
    check(set(codes) == set(wanted), (codes, wanted))
    for number, code in codes.items():
        check(code in (wanted[number], "einvoice_incomplete"),
              f"{shop.name} {number}: {form} is refused by {code}, not {wanted[number]}")


def mailed(shop):
    """The files that its e-mails carry, by name."""
    for path in (shop.folder / "mail").glob("**/*.eml"):
        with path.open("rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        for part in mail.iter_attachments():
            yield part.get_filename(), part.get_payload(decode=True)


def documents_of(shop):
    """Made while everything changes around them; by form and number."""
    checked(shop)
    before = xml_of(shop, 2)
    life_goes_on(shop)
    made = {form: exported(shop, form, shop.export(form))
            for form in ("facturx", "pdf", "cii", "ubl")}
    check(made["cii"] | before == made["cii"], f"{shop.name}: what was printed is not exported")
    for number, ubl in itertools.islice(made["ubl"].items(), 5):
        words = shop.issued[number][0], "xml", number, "--syntax", "ubl"
        check(shop.run(*words) == ubl, f"{shop.name}: xml prints another UBL than is exported")

    kept = {form: shop.exported(form) for form in made}
    stamps = {one: one.stat().st_mtime_ns for one in (shop.folder / "out").rglob("*-*")}
    papers = 'directory = "papers"\n' if (shop.folder / "papers").exists() else ""
    shop.config(MOVED + papers)
    for form in made:
        told = shop.export(form)
        check(told["written"] == 0 and told["left"] == len(made[form]), told)
        check_codes(shop, form, told)
        check(shop.exported(form) == kept[form], f"{shop.name}: exported again, {form} differs")
        shop.export(form, "-anew")
        check(shop.exported(form, "-anew") == kept[form], f"{shop.name}: {form} was made anew")
    check(all(one.stat().st_mtime_ns == at for one, at in stamps.items()), "written again")
    check(xml_of(shop) == made["cii"], f"{shop.name}: xml prints another CII")
    for name, data in mailed(shop):
        form = "facturx" if shop.name == "de" else "pdf"
        check(kept[form][name] == data, f"{shop.name}: another {name} was mailed")
    check(shop.name not in MAILS or any(mailed(shop)), f"{shop.name}: no document was mailed")
    shop.run("db", "check")
    return made


def shop_and_documents(make, root):
    shop = make(root)
    return shop, documents_of(shop)


def beside(shop, number, noun, says):
    """What documents.py compares with."""
    locale = shop.locales[says["tenant"]]
    amount = lambda text: written_amount(text, says["currency"], locale)
    buyer = says["buyer"]["name"]
    text = [number, says["seller"]["name"], written_date(says["issued_on"], locale),
            amount(says["total"]), *([] if len(buyer) > 40 else [buyer])]
    if D(says["tax"]):
        text.append(amount(says["tax"]))
    if says["tax_reason"]:
        text.append(says["tax_reason"])
    if noun == "invoice":
        text += [amount(says["due"]), written_date(says["due_on"], locale)]
    else:
        text += [says["invoice"], written_date(says["corrected"], locale)]
    return {
        "number": number, "total": says["total"], "tax": says["tax"], "due": says["due"],
        "net": str(D(says["total"]) - D(says["tax"])), "text": text,
        "loose_tax": says["tax_inclusive"] or noun == "credit-note",
    }


def lay_out(shop, made, number, place):
    noun, says = shop.issued[number]
    stem = f"{shop.name}-{number.replace('/', '_')}"
    side = beside(shop, number, noun, says)
    if number in made["cii"]:
        for form, end in (("cii", ".cii.xml"), ("ubl", ".ubl.xml"), ("facturx", ".pdf")):
            if number in made[form]:
                (place / (stem + end)).write_bytes(made[form][number])
        (place / f"{stem}.json").write_text(json.dumps({**side, "facturx": True}))
    if number in made["pdf"]:
        plain = {"text": side["text"], "facturx": False}
        (place / f"{stem}-plain.pdf").write_bytes(made["pdf"][number])
        (place / f"{stem}-plain.json").write_text(json.dumps(plain))


def tell(what, found):
    print(f"documents: {what}:", ", ".join(f"{n} {name}" for name, n in sorted(found.items())))


def main():
    of = collections.defaultdict(collections.Counter)
    few = set()
    (OUT / "all").mkdir()
    (OUT / "few").mkdir()
    with tempfile.TemporaryDirectory() as root, futures.ThreadPoolExecutor(WORKERS) as pool:
        work = [pool.submit(shop_and_documents, make, root) for make in SHOPS]
        for shop, made in [one.result() for one in work]:
            of["refused"].update(shop.refused.values())
            for number, (noun, says) in shop.issued.items():
                if number not in shop.refused:
                    seller, buyer = says["seller"]["country"], says["buyer"]
                    of["issued"][noun] += 1
                    of["sellers"][seller] += 1
                    of["categories"][f"{says['tax_category']} {noun}"] += 1
                    of["rates"][says["tax_rate"] + " %"] += 1
                    of["currencies"][says["currency"]] += 1
                    of["prices"]["with tax" if says["tax_inclusive"] else "without tax"] += 1
                    where = "at home" if buyer["country"] == seller else "abroad"
                    of["buyers"][f"{buyer['customer_kind'] or 'of no kind'} {where}"] += 1
                    # One of each that the rules tell apart.
                    key = noun, says["tax_category"], seller == "FR"
                    if key not in few:
                        few.add(key)
                        lay_out(shop, made, number, OUT / "few")
                lay_out(shop, made, number, OUT / "all")
    for what, found in of.items():
        tell(what, found)
    wanted = itertools.product(
        "standard zero reverse_charge export exempt outside_scope".split(),
        ("invoice", "credit-note"))
    check({" ".join(one) for one in wanted} == set(of["categories"]), "not every category")
    check(sum(of["issued"].values()) >= 90, of["issued"])


if __name__ == "__main__":
    main()
