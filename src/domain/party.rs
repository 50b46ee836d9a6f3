//! Who sells and who buys, in parts that other programs read: addresses, numbers, bank accounts.

use super::email::Locale;
use super::{Result, labels, text, words};

words! {
    /// What a customer is, which decides what the law wants on its invoices.
    CustomerKind { Business = "business", Consumer = "consumer", Public = "public" }
}

/// What is known of a customer in parts, besides its name and the address as one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    pub street: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    /// In the register of companies: SIREN, RCCM.
    pub legal_id: Option<String>,
    /// For VAT; where there is none, the tax number stands for it.
    pub vat_id: Option<String>,
    /// Where it takes e-invoices, as its platform writes it.
    pub electronic_address: Option<String>,
    pub kind: Option<CustomerKind>,
}

/// Seller or buyer, as an invoice keeps them. What is not known is `None`, never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    pub name: Option<String>,
    pub email: Option<String>,
    /// As one text of several lines, where it was not written in parts.
    pub address: Option<String>,
    /// ISO 3166.
    pub country: Option<String>,
    pub tax_id: Option<String>,
    pub registration: Option<String>,
    pub street: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    /// In the register of companies: SIREN, RCCM.
    pub legal_id: Option<String>,
    pub vat_id: Option<String>,
    pub electronic_address: Option<String>,
    /// Without spaces.
    pub iban: Option<String>,
    pub bic: Option<String>,
    /// Of a buyer.
    pub kind: Option<CustomerKind>,
}

impl Party {
    /// The party with what it does not say from what is known of it now: a number that was not known
    /// when the invoice was issued may stand on its document, one that was is never changed. Who has
    /// moved to another country has other numbers there, and parts of two addresses make none.
    pub fn filled_from(self, now: &Party) -> Party {
        let some = |text: &String| !text.trim().is_empty();
        let or =
            |this: Option<String>, now: &Option<String>| this.or_else(|| now.clone()).filter(some);
        let stayed = self.country.is_none() || self.country == now.country;
        let nowhere = Party::default();
        let numbers = if stayed { now } else { &nowhere };
        let has_address = [&self.address, &self.street, &self.postcode, &self.city];
        let has_address = has_address.into_iter().any(Option::is_some);
        let place = if stayed && !has_address { now } else { &nowhere };
        let bank = if self.iban.is_none() { now } else { &nowhere };
        Party {
            name: or(self.name, &now.name),
            email: or(self.email, &now.email),
            address: or(self.address, &place.address),
            country: or(self.country, &now.country),
            tax_id: or(self.tax_id, &numbers.tax_id),
            registration: or(self.registration, &numbers.registration),
            street: or(self.street, &place.street),
            postcode: or(self.postcode, &place.postcode),
            city: or(self.city, &place.city),
            legal_id: or(self.legal_id, &numbers.legal_id),
            vat_id: or(self.vat_id, &numbers.vat_id),
            electronic_address: or(self.electronic_address, &numbers.electronic_address),
            iban: or(self.iban, &bank.iban),
            bic: or(self.bic, &bank.bic),
            kind: self.kind.or(now.kind),
        }
    }

    /// The lines of its address without the country: as it was written, else from its parts.
    pub fn address_lines(&self) -> Vec<String> {
        if let Some(address) = &self.address {
            return address
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(str::to_owned)
                .collect();
        }
        let (street, postcode, city) = (&self.street, &self.postcode, &self.city);
        let on_one_line = |parts: [&Option<String>; 2]| {
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        // As the post of the country has it: the town first in English, with a line of its own for the
        // British postcode.
        let place = match self.country.as_deref() {
            Some("GB") => [city.clone(), postcode.clone()],
            Some("US" | "CA" | "AU" | "NZ" | "IE") => [on_one_line([city, postcode]), None],
            _ => [on_one_line([postcode, city]), None],
        };
        [street.clone()].into_iter().chain(place).flatten().collect()
    }

    /// Its numbers, a line each, as people of its country call them.
    pub fn number_lines(&self, locale: Locale) -> Vec<String> {
        let numbers = self.numbers();
        let country = self.country.as_deref();
        let in_register = |number| labels::registration(country, locale, number);
        [
            numbers.registration.map(in_register),
            numbers.legal_id.map(in_register),
            numbers.tax_id.map(|id| labels::tax_id(country, locale, id)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Its numbers, none of them twice.
    pub fn numbers(&self) -> Numbers<'_> {
        let legal_id = self.legal_id.as_deref();
        let registration = self.registration.as_deref().or(legal_id);
        // `RCS Paris 552 100 554` says the number already.
        let digits =
            |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let said = |id: &&str| registration.is_some_and(|said| digits(said).contains(&digits(id)));
        Numbers {
            registration,
            legal_id: legal_id.filter(|id| !said(id)),
            tax_id: self.vat_id.as_deref().or(self.tax_id.as_deref()),
        }
    }
}

/// The numbers of a party, as an invoice prints them.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    /// In a register, as it was written.
    pub registration: Option<&'a str>,
    /// That of the company, where the registration does not say it.
    pub legal_id: Option<&'a str>,
    /// For VAT, else for taxes.
    pub tax_id: Option<&'a str>,
}

/// Checks the street of an address.
pub fn street(value: &str) -> Result<String> {
    text::line("street", value, 200)
}

/// Checks a postcode.
pub fn postcode(value: &str) -> Result<String> {
    text::line("postcode", value, 20)
}

/// Checks a city.
pub fn city(value: &str) -> Result<String> {
    text::line("city", value, 100)
}

/// Checks a number in a register of companies.
pub fn legal_id(value: &str) -> Result<String> {
    text::line("legal_id", value, 50)
}

/// Checks a number for VAT.
pub fn vat_id(value: &str) -> Result<String> {
    text::line("vat_id", value, 50)
}

/// Checks where somebody takes e-invoices.
pub fn electronic_address(value: &str) -> Result<String> {
    text::line("electronic_address", value, 200)
}

/// An IBAN that its two check digits prove (ISO 13616: modulo 97), without spaces and in capital letters;
/// `None` where it is none, or a digit of it is wrong.
pub fn iban(value: &str) -> Option<String> {
    let iban = compact(value);
    let bytes = iban.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    // The country and the check digits come last.
    let proved = || modulo_97(bytes[4..].iter().chain(&bytes[..4]).copied()) == 1;
    (shaped && proved()).then_some(iban)
}

/// What check digits of banks are reckoned with (ISO 7064): capital letters and digits as one number, in
/// which a letter is two digits (A is 10, Z is 35), modulo 97.
pub(super) fn modulo_97(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// Where a transfer in euros can be sent by the schemes of the European Payments Council.
#[rustfmt::skip]
const SEPA: &[&str] = &[
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI",
    "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL",
    "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// Whether an account can be paid to by a SEPA transfer.
pub fn is_sepa(iban: &str) -> bool {
    iban.get(..2).is_some_and(|country| SEPA.contains(&country))
}

/// A BIC (ISO 9362) in capital letters: a bank, a country, a place, and a branch or none; `None` of another
/// shape.
pub fn bic(value: &str) -> Option<String> {
    let bic = compact(value);
    let bytes = bic.as_bytes();
    let shaped = matches!(bytes.len(), 8 | 11)
        && bytes[..6].iter().all(u8::is_ascii_uppercase)
        && bytes[6..].iter().all(u8::is_ascii_alphanumeric);
    shaped.then_some(bic)
}

fn compact(value: &str) -> String {
    value.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(parts: &[(&str, &str)]) -> Party {
        let mut party = Party::default();
        for (field, value) in parts {
            let value = Some((*value).to_owned());
            match *field {
                "name" => party.name = value,
                "country" => party.country = value,
                "street" => party.street = value,
                "city" => party.city = value,
                "vat_id" => party.vat_id = value,
                "iban" => party.iban = value,
                "bic" => party.bic = value,
                other => panic!("{other}"),
            }
        }
        party
    }

    #[test]
    fn what_a_copy_does_not_say_comes_from_what_is_known_now() {
        for (copy, now, filled) in [
            (
                &[("name", "A")][..],
                &[("name", "B"), ("vat_id", "FR1")][..],
                &[("name", "A"), ("vat_id", "FR1")][..],
            ),
            // A number of one country is none of another.
            (
                &[("country", "SN")],
                &[("country", "IE"), ("vat_id", "IE1"), ("city", "Cork")],
                &[("country", "SN")],
            ),
            (
                &[("country", "FR")],
                &[("country", "FR"), ("vat_id", "FR1"), ("city", "Lyon")],
                &[("country", "FR"), ("vat_id", "FR1"), ("city", "Lyon")],
            ),
            // A street of here in a city of there.
            (
                &[("street", "1 quai")],
                &[("street", "2 rue"), ("city", "Lyon")],
                &[("street", "1 quai")],
            ),
            (&[("iban", "FR7")], &[("iban", "DE1"), ("bic", "DEUTDEFF")], &[("iban", "FR7")]),
            (&[("name", " ")], &[], &[]),
        ] {
            assert_eq!(party(copy).filled_from(&party(now)), party(filled), "{copy:?} {now:?}");
        }
    }

    #[test]
    fn an_address_is_written_as_the_post_of_its_country_has_it() {
        for (country, lines) in [
            ("FR", &["1 High Street", "LS1 1AA Leeds"][..]),
            ("GB", &["1 High Street", "Leeds", "LS1 1AA"]),
            ("US", &["1 High Street", "Leeds LS1 1AA"]),
        ] {
            let party = Party {
                postcode: Some("LS1 1AA".into()),
                ..party(&[("country", country), ("street", "1 High Street"), ("city", "Leeds")])
            };
            assert_eq!(party.address_lines(), lines);
        }
    }

    #[test]
    fn an_iban_is_checked_by_its_digits() {
        for (typed, read) in [
            ("FR76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890189"),
            ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
            ("SN08SN0100152000048500003035", "SN08SN0100152000048500003035"),
            ("NO9386011117947", "NO9386011117947"),
        ] {
            assert_eq!(iban(typed).unwrap(), read);
        }
        for wrong in [
            "",
            "FR76",
            // Two digits changed their places, or one is another.
            "FR76 3000 6000 0112 3456 7890 198",
            "FR77 3000 6000 0112 3456 7890 189",
            "FRAB 3000 6000 0112 3456 7890 189",
            "FR76 3000 6000 0112 3456 7890 18é",
            "7630006000011234567890189FR",
        ] {
            assert!(iban(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_bic_has_the_shape_of_one() {
        assert_eq!(bic("bnpafrpp").unwrap(), "BNPAFRPP");
        assert_eq!(bic("CBAO SNDA XXX").unwrap(), "CBAOSNDAXXX");
        for wrong in ["", "BNPAFRP", "BNPAFRPPXX", "B1PAFRPP", "BNPAFRPPXXXX", "BNPAFRP\u{e9}"] {
            assert!(bic(wrong).is_none(), "{wrong}");
        }
    }
}
