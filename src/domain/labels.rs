//! What the sums and the numbers of an invoice are called where the seller is.

use rust_decimal::Decimal;

use super::email::Locale;
use super::tax::TaxBasis;
use super::wording::{self, unbroken};

/// What an invoice's sums are called.
pub struct Sums {
    /// Of the lines, before discount.
    pub subtotal: &'static str,
    /// After the discount, without tax.
    pub net: &'static str,
    /// With its rate.
    pub tax: String,
    pub total: &'static str,
    /// What is left to be paid.
    pub due: &'static str,
}

/// The sums of an invoice; `country` is the seller's, and `basis` is that of one that is taxed.
pub fn sums(country: Option<&str>, locale: Locale, rate: Decimal, basis: Option<TaxBasis>) -> Sums {
    let rate = wording::percent(&rate.normalize().to_string(), locale);
    // The same tax in all of them; elsewhere it may be another one, of another name.
    let vat = matches!(country, Some("FR" | "GB" | "SN"));
    let inclusive = basis == Some(TaxBasis::Inclusive);
    match locale {
        Locale::Fr => Sums {
            subtotal: match basis {
                None => "Sous-total",
                Some(TaxBasis::Exclusive) => "Total HT",
                Some(TaxBasis::Inclusive) => "Sous-total TTC",
            },
            net: if inclusive { "Total HT" } else { "Total HT net" },
            tax: unbroken(&format!("TVA {rate}")),
            total: if basis.is_some() { "Total TTC" } else { "Total" },
            due: "Net à payer",
        },
        Locale::En => Sums {
            subtotal: match basis {
                Some(TaxBasis::Exclusive) if vat => "Total excluding VAT",
                Some(TaxBasis::Inclusive) if vat => "Subtotal including VAT",
                Some(TaxBasis::Inclusive) => "Subtotal including tax",
                _ => "Subtotal",
            },
            net: match (inclusive, vat) {
                (true, true) => "Total excluding VAT",
                (true, false) => "Total excluding tax",
                (false, true) => "Net excluding VAT",
                (false, false) => "Net",
            },
            tax: if vat { format!("VAT ({rate})") } else { format!("Tax ({rate})") },
            total: "Total",
            due: "Amount due",
        },
    }
}

/// A tax number with what it is called in its country: `N° TVA intracommunautaire : FR 32 …`.
pub fn tax_id(country: Option<&str>, locale: Locale, id: &str) -> String {
    let label = match (country, locale) {
        (Some("FR"), Locale::Fr) => "N° TVA intracommunautaire",
        (Some("GB"), Locale::Fr) => "N° TVA",
        (Some("FR" | "GB"), Locale::En) => "VAT no.",
        (Some("SN"), _) => "NINEA",
        (_, Locale::Fr) => "Identifiant fiscal",
        (_, Locale::En) => "Tax ID",
    };
    // What says itself what it is needs no label: `NINEA 0042`.
    let named = ["NINEA", "TVA", "VAT", "SIRET", "SIREN", "N°", "IFU", "NIF"];
    labeled(label, locale, id, named.iter().any(|name| id.starts_with(name)))
}

/// The number in a register, with what it is called in its country: `RCCM : SN-DKR-…`.
pub fn registration(country: Option<&str>, locale: Locale, number: &str) -> String {
    let label = match (country, locale) {
        (Some("SN"), _) => "RCCM",
        // Of the company nine digits, of one of its places five more.
        (Some("FR"), _) if number.starts_with(|c: char| c.is_ascii_digit()) => {
            match number.chars().filter(char::is_ascii_digit).count() {
                14 => "SIRET",
                _ => "SIREN",
            }
        }
        (_, Locale::Fr) => "Immatriculation",
        (_, Locale::En) => "Registration",
    };
    // A whole sentence, or the register's own name: `Registered in England`, `RCS Paris 552 …`.
    let first = number.split_whitespace().next().unwrap_or_default();
    let said = first.chars().count() >= 3 && first.chars().all(char::is_alphabetic);
    labeled(label, locale, number, said)
}

/// A number behind its label, unless it says itself what it is.
pub fn labeled(label: &str, locale: Locale, number: &str, said: bool) -> String {
    match (said, label.ends_with('.')) {
        (true, _) => number.to_owned(),
        (false, true) => format!("{label} {number}"),
        (false, false) => match locale {
            Locale::Fr => wording::typographic(&format!("{label} : "), locale) + number,
            Locale::En => format!("{label}: {number}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_called_as_they_are_called_there() {
        let (fr, en) = (Locale::Fr, Locale::En);
        for (country, locale, id, told) in [
            (Some("FR"), fr, "FR 32 123", "N° TVA intracommunautaire\u{a0}: FR 32 123"),
            (Some("GB"), en, "GB 123", "VAT no. GB 123"),
            (Some("SN"), fr, "0042", "NINEA\u{a0}: 0042"),
            (Some("SN"), fr, "NINEA 0042", "NINEA 0042"),
            (Some("CH"), fr, "CHE-1", "Identifiant fiscal\u{a0}: CHE-1"),
            (None, en, "1", "Tax ID: 1"),
        ] {
            assert_eq!(tax_id(country, locale, id), told);
        }
        for (country, locale, number, told) in [
            (Some("GB"), en, "Registered in England No. 1", "Registered in England No. 1"),
            (Some("SN"), fr, "SN-DKR-2024-B-1", "RCCM\u{a0}: SN-DKR-2024-B-1"),
            (Some("SN"), fr, "RCCM SN-DKR-2024-B-1", "RCCM SN-DKR-2024-B-1"),
            (Some("FR"), fr, "552 100 554", "SIREN\u{a0}: 552 100 554"),
            (Some("FR"), fr, "552 100 554 00013", "SIRET\u{a0}: 552 100 554 00013"),
            (Some("FR"), fr, "RCS Paris 552 100 554", "RCS Paris 552 100 554"),
            (None, fr, "B-1", "Immatriculation\u{a0}: B-1"),
        ] {
            assert_eq!(registration(country, locale, number), told);
        }
    }

    #[test]
    fn a_tax_is_called_by_its_name_where_it_is_known() {
        let rate = Decimal::from(20);
        let (on_top, within) = (Some(TaxBasis::Exclusive), Some(TaxBasis::Inclusive));
        assert_eq!(sums(Some("GB"), Locale::En, rate, on_top).tax, "VAT (20%)");
        assert_eq!(sums(Some("US"), Locale::En, rate, on_top).tax, "Tax (20%)");
        assert_eq!(sums(None, Locale::Fr, rate, on_top).tax, "TVA\u{a0}20\u{a0}%");
        assert_eq!(sums(None, Locale::Fr, rate, None).total, "Total");
        let french = sums(Some("FR"), Locale::Fr, rate, within);
        assert_eq!(
            (french.subtotal, french.net, french.total),
            ("Sous-total TTC", "Total HT", "Total TTC")
        );
    }
}
