//! Who sells and who buys, in parts that other programs read: addresses, numbers, bank accounts.

use super::{Result, text, words};

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
    // The country and the check digits come last, and a letter is two digits: A is 10, Z is 35.
    let rest = |bytes: &[u8]| {
        bytes[4..].iter().chain(&bytes[..4]).fold(0u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        })
    };
    (shaped && rest(bytes) == 1).then_some(iban)
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
