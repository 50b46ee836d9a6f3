//! Seller (BG-4) and buyer (BG-7) of an e-invoice: their numbers, addresses, and where they take e-invoices.

use super::is_french;
use super::tax::VatCategory;
use crate::documents::lack::{Lack, Side};
use crate::documents::xml::is_said;
use crate::domain::countries;
use crate::domain::document::Document;
use crate::domain::email::Locale;
use crate::domain::party::{CustomerKind, Party};

/// A seller or a buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trader {
    /// BT-27, BT-44.
    pub name: String,
    /// BT-30, BT-47.
    pub legal_id: Option<Identifier>,
    /// BT-31, BT-48: begins with its country.
    pub vat_id: Option<String>,
    /// BT-32, of a seller.
    pub tax_number: Option<String>,
    /// BT-34, BT-49.
    pub electronic_address: Option<Identifier>,
    /// BT-43, of a seller.
    pub email: Option<String>,
    /// BG-5, BG-8.
    pub address: PostalAddress,
}

/// A number, with the list that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    pub scheme: Option<&'static str>,
    pub value: String,
}

impl Identifier {
    /// Its list as an attribute, where it is of one.
    pub(super) fn attributes(&self) -> Vec<(&'static str, &'static str)> {
        self.scheme.map(|scheme| ("schemeID", scheme)).into_iter().collect()
    }
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostalAddress {
    /// BT-35, BT-36 and BT-162; BT-50, BT-51 and BT-163: at most three.
    pub lines: Vec<String>,
    /// BT-37, BT-52.
    pub city: Option<String>,
    /// BT-38, BT-53.
    pub postcode: Option<String>,
    /// BT-40, BT-55.
    pub country: String,
}

/// The list of SIREN.
const SIREN: &str = "0002";
/// The list of addresses on French platforms: a SIREN, or one with a suffix.
const FRENCH_ADDRESS: &str = "0225";
/// An e-mail address.
const EMAIL: &str = "EM";

/// The lists of electronic addresses that both syntaxes know (BR-CL-25).
#[rustfmt::skip]
const SCHEMES: [&str; 102] = [
    "0002", "0007", "0009", "0037", "0060", "0088", "0096", "0097", "0106", "0130", "0135", "0142",
    "0147", "0151", "0154", "0158", "0170", "0177", "0183", "0184", "0188", "0190", "0191", "0192",
    "0193", "0194", "0195", "0196", "0198", "0199", "0200", "0201", "0202", "0203", "0204", "0205",
    "0208", "0209", "0210", "0211", "0212", "0213", "0215", "0216", "0217", "0218", "0221", "0225",
    "0230", "0235", "0240", "0242", "0244", "0245", "0246", "0248", "9910", "9913", "9914", "9915",
    "9918", "9919", "9920", "9922", "9923", "9924", "9925", "9926", "9927", "9928", "9929", "9930",
    "9931", "9932", "9933", "9934", "9935", "9936", "9937", "9938", "9939", "9940", "9941", "9942",
    "9943", "9944", "9945", "9946", "9947", "9948", "9949", "9950", "9951", "9952", "9953", "9957",
    "9959", "AN", "AQ", "AS", "AU", "EM",
];

/// With what numbers for VAT begin in the European Union; Greece and Northern Ireland have their own.
const EU: [&str; 29] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
    "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
];

/// Whether a country, or the beginning of a number for VAT, is of the European Union.
fn is_eu(country: &str) -> bool {
    EU.contains(&country)
}

/// Seller and buyer of a document that is taxed so.
pub(super) fn of(
    document: &Document,
    category: VatCategory,
    lacks: &mut Vec<Lack>,
) -> (Trader, Trader) {
    let mut look = Look { document, category, lacks };
    (look.seller(&told(&document.seller)), look.buyer(&told(&document.buyer)))
}

/// A party with what says something alone.
fn told(party: &Party) -> Party {
    let said = |text: &Option<String>| text.clone().filter(|text| is_said(text));
    Party {
        name: said(&party.name),
        email: said(&party.email),
        address: said(&party.address),
        country: said(&party.country),
        tax_id: said(&party.tax_id),
        registration: said(&party.registration),
        street: said(&party.street),
        postcode: said(&party.postcode),
        city: said(&party.city),
        legal_id: said(&party.legal_id),
        vat_id: said(&party.vat_id),
        electronic_address: said(&party.electronic_address),
        ..party.clone()
    }
}

/// A look at the parties of a document, and what was not found.
struct Look<'a> {
    document: &'a Document,
    category: VatCategory,
    lacks: &'a mut Vec<Lack>,
}

impl Look<'_> {
    fn seller(&mut self, party: &Party) -> Trader {
        let mut seller = self.trader(Side::Seller, party);
        seller.email = party.email.clone();
        seller.legal_id = self.legal_id(Side::Seller, party);
        let french = is_french(self.document);
        if seller.vat_id.is_none() {
            let siren = || siren(party).filter(|_| french);
            seller.tax_number = tax_number(party).or_else(siren);
        }
        self.check_tax_ids(&seller, french);
        if seller.legal_id.is_none() && seller.vat_id.is_none() && !french {
            self.lacks.push(Lack::Identifier);
        }
        seller
    }

    fn buyer(&mut self, party: &Party) -> Trader {
        let mut buyer = self.trader(Side::Buyer, party);
        buyer.legal_id = self.legal_id(Side::Buyer, party);
        // The buyer accounts for the tax: in the European Union by its number for VAT (BR-AE-02).
        let registered = buyer.legal_id.is_some() && !is_eu(&buyer.address.country);
        let told = buyer.vat_id.is_some() || registered || self.has_bad_vat_id(Side::Buyer);
        if self.category == VatCategory::ReverseCharge && !told {
            self.lacks.push(Lack::VatId(Side::Buyer));
        }
        buyer
    }

    /// What both have alike.
    fn trader(&mut self, side: Side, party: &Party) -> Trader {
        if party.name.is_none() {
            self.lacks.push(Lack::Name(side));
        }
        Trader {
            name: party.name.clone().unwrap_or_default(),
            vat_id: self.vat_id(side, party),
            electronic_address: self.electronic_address(side, party),
            address: self.address(side, party),
            ..Trader::default()
        }
    }

    fn address(&mut self, side: Side, party: &Party) -> PostalAddress {
        let country = match party.country.as_deref() {
            // Where a country has no name, its code is told.
            Some(code) if countries::name(code, Locale::En) == code => {
                self.lacks.push(Lack::UnknownCountry { side, country: code.to_owned() });
                None
            }
            Some(code) => Some(code.to_owned()),
            None => {
                self.lacks.push(Lack::Country(side));
                None
            }
        };
        PostalAddress {
            lines: address_lines(party),
            city: party.city.clone(),
            postcode: party.postcode.clone(),
            country: country.unwrap_or_default(),
        }
    }

    /// The number in a register. A French one is the SIREN: of a seller by BR-FR-10, and of a buyer who is a
    /// business too, to whom a platform could not bring the invoice without it.
    fn legal_id(&mut self, side: Side, party: &Party) -> Option<Identifier> {
        let consumer = is_consumer(side, party);
        if party.country.as_deref() == Some("FR") {
            let siren = siren(party);
            if siren.is_none() && is_french(self.document) && !consumer {
                self.lacks.push(Lack::Siren(side));
            }
            return siren.map(|value| Identifier { scheme: Some(SIREN), value });
        }
        let value = party.legal_id.clone().or_else(|| party.registration.clone())?;
        Some(Identifier { scheme: None, value })
    }

    /// The number for VAT; none outside its scope, where the standard takes none (BR-O-02).
    fn vat_id(&mut self, side: Side, party: &Party) -> Option<String> {
        if self.category == VatCategory::OutsideScope {
            return None;
        }
        let country = party.country.as_deref();
        let written = party.vat_id.as_deref().map(|id| (id, vat_id(id, country)));
        if let Some((id, None)) = written
            && country.is_some_and(is_eu)
        {
            self.lacks.push(Lack::BadVatId { side, vat_id: id.to_owned() });
        }
        let (_, found) = written.unwrap_or_default();
        found.or_else(|| vat_id(party.tax_id.as_deref()?, None))
    }

    fn has_bad_vat_id(&self, of: Side) -> bool {
        self.lacks.iter().any(|lack| matches!(lack, Lack::BadVatId { side, .. } if *side == of))
    }

    /// Checks that the seller can be told by its tax office (BR-S-02, BR-G-02 and the like). On an invoice
    /// with French tax that is its number for VAT by law.
    fn check_tax_ids(&mut self, seller: &Trader, french: bool) {
        let needs_vat = match self.category {
            VatCategory::OutsideScope => return,
            VatCategory::Export => true,
            VatCategory::Standard | VatCategory::ReverseCharge => french,
            VatCategory::Exempt | VatCategory::Zero => false,
        };
        if seller.vat_id.is_some() || self.has_bad_vat_id(Side::Seller) {
            return;
        }
        if needs_vat {
            self.lacks.push(Lack::VatId(Side::Seller));
        } else if seller.tax_number.is_none() && !french {
            self.lacks.push(Lack::TaxNumber);
        }
    }

    /// Where it takes e-invoices: as it was written, else by the SIREN of a French business, else by e-mail.
    /// France wants one of both (BR-FR-12 and 13), also of a consumer.
    fn electronic_address(&mut self, side: Side, party: &Party) -> Option<Identifier> {
        let french = is_french(self.document);
        if let Some(written) = &party.electronic_address {
            let read = electronic_address(written);
            let read = read.filter(|address| !french || is_french_address(address));
            if read.is_none() {
                self.lacks.push(Lack::BadAddress { side, address: written.clone() });
            }
            return read;
        }
        let business = !is_consumer(side, party);
        let on_platform = siren(party)
            .filter(|_| business && party.country.as_deref() == Some("FR"))
            .map(|value| Identifier { scheme: Some(FRENCH_ADDRESS), value });
        let by_email = || party.email.as_deref().and_then(electronic_address);
        let found = on_platform.or_else(by_email);
        let found = found.filter(|address| !french || is_french_address(address));
        if found.is_none() && french {
            self.lacks.push(Lack::Address(side));
        }
        found
    }
}

/// Whether it buys as a private person, who has no SIREN and no platform.
fn is_consumer(side: Side, party: &Party) -> bool {
    side == Side::Buyer && party.kind == Some(CustomerKind::Consumer)
}

/// The lines of an address besides city and postcode: the street where it is known, else as it was written,
/// the last of three with all that is left.
fn address_lines(party: &Party) -> Vec<String> {
    if let Some(street) = &party.street {
        return vec![street.clone()];
    }
    let written = party.address.as_deref().unwrap_or_default();
    let lines = written.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let (first, rest) = lines.split_at(lines.len().min(2));
    let mut lines: Vec<String> = first.iter().map(|line| (*line).to_owned()).collect();
    lines.extend((!rest.is_empty()).then(|| rest.join(", ")));
    lines
}

/// The SIREN of a French firm, from whatever number of it says it: that itself, a SIRET, `RCS Paris 552 100 554`,
/// a number for VAT.
fn siren(party: &Party) -> Option<String> {
    let registers = [&party.legal_id, &party.registration];
    let written = registers.into_iter().flatten().find_map(|text| siren_in(text));
    let taxes = || {
        let ids = [&party.vat_id, &party.tax_id];
        ids.into_iter().flatten().find_map(|text| {
            let id = compact(text);
            let body = id.strip_prefix("FR").filter(|body| body.len() == 11);
            let siren = body.and_then(|body| body.get(2..)).map(str::to_owned);
            siren.filter(|siren| is_digits(siren)).or_else(|| siren_in(text))
        })
    };
    written.or_else(taxes)
}

/// The SIREN that a text says: nine digits in a row, or the first nine of fourteen, whatever sets them
/// apart. Of several that of which the last digit proves the others.
fn siren_in(text: &str) -> Option<String> {
    let apart = |c: char| c.is_whitespace() || matches!(c, '.' | '-');
    let runs = text.split(|c: char| !c.is_ascii_digit() && !apart(c));
    let runs = runs.map(|run| run.chars().filter(char::is_ascii_digit).collect::<String>());
    let found: Vec<String> = runs
        .filter(|digits| matches!(digits.len(), 9 | 14))
        .map(|digits| digits.chars().take(9).collect())
        .collect();
    let proved = found.iter().find(|siren| is_proved(siren));
    proved.or(found.first()).cloned()
}

/// Whether the last digit proves the others (Luhn): of every second one, from the last but one on, twice as
/// much, the digits of which are added up.
fn is_proved(digits: &str) -> bool {
    let values = digits.bytes().rev().map(|b| u32::from(b.saturating_sub(b'0')));
    let sum: u32 = values
        .enumerate()
        .map(|(at, value)| match at % 2 {
            0 => value,
            _ => value * 2 / 10 + value * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A number for VAT, without what sets its parts apart: it begins with a country of the European Union, or with
/// that of whose number it is (BR-CO-09).
fn vat_id(written: &str, country: Option<&str>) -> Option<String> {
    let id = compact(written);
    let (prefix, body) = id.split_at_checked(2)?;
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let shaped = (2..=12).contains(&body.len()) && digits * 2 >= body.len();
    let own = country == Some(prefix) && body.len() <= 20 && digits >= 2;
    // GR is the country, EL the beginning of its numbers.
    let known = is_eu(prefix) && prefix != "GR" || prefix == "GB";
    (own || shaped && known).then_some(id)
}

/// What a seller's tax office calls it where that is no number for VAT. A tax number that looks like one is.
fn tax_number(party: &Party) -> Option<String> {
    let of = |id: &Option<String>, country| id.clone().filter(|id| vat_id(id, country).is_none());
    of(&party.vat_id, party.country.as_deref()).or_else(|| of(&party.tax_id, None))
}

/// An electronic address as platforms write it: `0225:552100554`, `9930:DE123456789`, or an e-mail address.
fn electronic_address(written: &str) -> Option<Identifier> {
    let written = written.trim();
    let written = written.strip_prefix("iso6523-actorid-upis::").unwrap_or(written);
    if let Some((scheme, value)) = written.split_once(':') {
        let scheme = scheme.trim().to_ascii_uppercase();
        let scheme = *SCHEMES.iter().find(|known| **known == scheme)?;
        let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        return (!value.is_empty()).then_some(Identifier { scheme: Some(scheme), value });
    }
    let value = written.to_owned();
    if written.contains('@') {
        return Some(Identifier { scheme: Some(EMAIL), value });
    }
    // What a French platform knows by itself: a SIREN, or one with a suffix.
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let french =
        matches!(digits, 9 | 14) && (written.len() == digits || written.as_bytes()[digits] == b'_');
    french.then_some(Identifier { scheme: Some(FRENCH_ADDRESS), value })
}

/// Whether France takes such an electronic address (BR-FR-23 and 25).
fn is_french_address(address: &Identifier) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '.');
    let plain = address.scheme != Some(FRENCH_ADDRESS) || address.value.chars().all(fits);
    plain && address.value.chars().count() <= 125
}

/// Letters and digits alone, in capitals.
fn compact(written: &str) -> String {
    let plain = written.chars().filter(char::is_ascii_alphanumeric);
    plain.map(|c| c.to_ascii_uppercase()).collect()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}
