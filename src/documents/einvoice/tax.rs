//! The VAT of an e-invoice (BG-23): one category and one rate, as the document has.

use rust_decimal::Decimal;

use super::is_french;
use crate::documents::lack::Lack;
use crate::documents::xml::is_said;
use crate::domain::document::Document;
use crate::domain::money::scaled;
use crate::domain::tax::TaxCategory;
use crate::domain::words;

words! {
    /// BT-118, and BT-151 of each line.
    VatCategory {
        Standard = "S",
        Zero = "Z",
        ReverseCharge = "AE",
        Export = "G",
        Exempt = "E",
        OutsideScope = "O",
    }
}

/// The VAT of an e-invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vat {
    pub category: VatCategory,
    /// BT-119, and BT-152 of each line, in percent; none outside the scope of VAT.
    pub rate: Option<Decimal>,
    /// BT-120, of those that are not taxed.
    pub reason: Option<String>,
    /// BT-121.
    pub reason_code: Option<&'static str>,
}

/// The rates that France has or had, its islands among them (BR-FR-16), in hundredths of a percent.
const FRENCH_RATES: [i64; 15] =
    [0, 90, 105, 175, 210, 550, 700, 850, 920, 960, 1000, 1300, 1960, 2000, 2060];

/// The VAT of a document.
pub(super) fn of(document: &Document, lacks: &mut Vec<Lack>) -> Vat {
    let category = match document.tax_category {
        Some(TaxCategory::Zero) => VatCategory::Zero,
        Some(TaxCategory::ReverseCharge) => VatCategory::ReverseCharge,
        Some(TaxCategory::Export) => VatCategory::Export,
        Some(TaxCategory::Exempt) => VatCategory::Exempt,
        Some(TaxCategory::OutsideScope) => VatCategory::OutsideScope,
        Some(TaxCategory::Standard) | None => VatCategory::Standard,
    };
    let rate = match category {
        VatCategory::Standard => document.tax_rate.normalize(),
        _ => Decimal::ZERO,
    };
    if category == VatCategory::Standard && rate.is_zero() {
        lacks.push(Lack::TaxCategory);
    } else {
        check(document, rate, lacks);
    }
    let (reason, reason_code) = reason(document, category);
    let rate = (category != VatCategory::OutsideScope).then_some(rate);
    Vat { category, rate, reason, reason_code }
}

fn check(document: &Document, rate: Decimal, lacks: &mut Vec<Lack>) {
    let known = FRENCH_RATES.iter().any(|french| Decimal::new(*french, 2) == rate);
    if is_french(document) && !known {
        lacks.push(Lack::Rate { rate });
    }
    if !is_tax_of(document, rate) {
        lacks.push(Lack::Tax { tax: document.amounts.tax, rate });
    }
}

/// Whether the rules take the tax for that of its rate: less than one unit off (BR-S-09), and none that
/// rounds to a unit where the rate rounds to nothing (BR-CO-17). The tax of a credit note, and of prices with
/// tax, may be a smallest unit off, which of francs without cents is a unit.
fn is_tax_of(document: &Document, rate: Decimal) -> bool {
    let (net, tax) = (document.amounts.net().exact(), document.amounts.tax.exact());
    if rate.is_zero() {
        return tax.is_zero();
    }
    let Some(exact) = net.checked_mul(rate).map(|product| product / Decimal::ONE_HUNDRED) else {
        return false;
    };
    let half = Decimal::new(5, 1);
    (tax - scaled(exact, 2)).abs() < Decimal::ONE && (rate >= half || tax < half)
}

/// BT-120 and BT-121. What is taxed, also at a rate of zero, may have neither (BR-S-10, BR-Z-10).
fn reason(document: &Document, category: VatCategory) -> (Option<String>, Option<&'static str>) {
    if matches!(category, VatCategory::Standard | VatCategory::Zero) {
        return (None, None);
    }
    let reason = written_reason(document);
    let code = match category {
        VatCategory::ReverseCharge => Some("VATEX-EU-AE"),
        VatCategory::Export => Some("VATEX-EU-G"),
        VatCategory::OutsideScope => Some("VATEX-EU-O"),
        VatCategory::Exempt if is_french(document) && is_franchise(reason.as_deref()) => {
            Some("VATEX-FR-FRANCHISE")
        }
        _ => None,
    };
    (reason, code)
}

/// What the document says in place of a tax.
pub(super) fn written_reason(document: &Document) -> Option<String> {
    let default = || {
        let country = document.seller.country.as_deref();
        document.tax_category?.default_reason(country, document.locale).map(str::to_owned)
    };
    document.tax_reason.clone().filter(|reason| is_said(reason)).or_else(default)
}

/// Whether a reason is that of a French small business: article 293 B of its tax code, however it is typed.
fn is_franchise(reason: Option<&str>) -> bool {
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    reason.is_some_and(|reason| bare(reason).to_lowercase().contains("293b"))
}
