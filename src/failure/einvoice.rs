//! The words of what a document lacks to be an e-invoice, and where each is set.

use crate::documents::{Lack, Side, Unwritable};
use crate::domain::text::printable_value;

use super::{Failure, new};

impl From<&Unwritable> for Failure {
    fn from(refusal: &Unwritable) -> Failure {
        match refusal {
            Unwritable::Glyph { number, character } => {
                let code = u32::from(*character);
                new("glyph_missing", format!("{number}: the font has no {character} (U+{code:04X})"))
                    .hint("[documents] font in billing.toml names a font that has it")
            }
            Unwritable::Asset { what, message } => {
                new("bad_asset", format!("[documents] {what}: {message}"))
                    .hint("docs/configuration.md lists every key")
            }
            Unwritable::CurrencyNotInStandard { number, currency } => {
                let why = match currency.decimals() {
                    decimals if decimals > 2 => {
                        format!("{currency} has {decimals} decimals, and e-invoices have two at most")
                    }
                    _ => format!("e-invoices know no {currency}"),
                };
                new("currency_not_in_standard", format!("{number} cannot be an e-invoice: {why}"))
                    .hint("its PDF can be had all the same")
            }
            Unwritable::CurrencyNeedsRate { number, currency } => new(
                "currency_needs_rate",
                format!("{number} is in {currency}, and a French e-invoice says its tax in euros too, by a rate that is not known here"),
            )
            .hint("its PDF can be had all the same"),
            Unwritable::Incomplete { number, lacks } => incomplete(number, lacks),
        }
    }
}

/// All that a document lacks, a line each.
fn incomplete(number: &str, lacks: &[Lack]) -> Failure {
    let mut said = format!("{number} lacks what an e-invoice says");
    let mut details = Vec::new();
    for lack in lacks {
        let (term, words) = (lack.term(), message(lack));
        said.push_str(&format!("\n  {term}: {words}"));
        details.push(serde_json::json!({ "code": lack.code(), "term": term, "message": words }));
    }
    let failure = new("einvoice_incomplete", said);
    Failure { details: serde_json::json!({ "lacks": details }), ..failure }
        .hint(format!("billing invoice check {number} says where each is set, and of a credit note credit-note check"))
}

/// What is not there.
pub fn message(lack: &Lack) -> String {
    let value = |value: &str| printable_value(value);
    match lack {
        Lack::Name(side) => format!("{} has no name", the(*side)),
        Lack::Country(side) => format!("{} has no country", the(*side)),
        Lack::UnknownCountry { side, country } => {
            format!("{} has a country that ISO 3166 does not know: {}", the(*side), value(country))
        }
        Lack::Siren(side) => {
            format!("{} has no SIREN, the nine digits of a French firm", the(*side))
        }
        Lack::Identifier => "the seller has neither a number in a register nor a VAT id".to_owned(),
        Lack::VatId(side) => format!("{} has no VAT id", the(*side)),
        Lack::BadVatId { side, vat_id } => {
            format!(
                "the VAT id of {} does not begin with its country: {}",
                the(*side),
                value(vat_id)
            )
        }
        Lack::TaxNumber => "the seller has neither a VAT id nor a tax number".to_owned(),
        Lack::Address(side) => format!("{} has no address for e-invoices", the(*side)),
        Lack::BadAddress { side, address } => {
            format!(
                "the electronic address of {} is none that platforms know: {}",
                the(*side),
                value(address)
            )
        }
        Lack::TaxCategory => "it bears no tax, and nothing says why".to_owned(),
        Lack::Rate { rate } => format!("France has no VAT of {rate} %"),
        Lack::Tax { tax, rate } => format!(
            "its tax, {tax}, is none that the rules of e-invoices let stand at {rate} % (BR-CO-17)"
        ),
        Lack::Number { number } => format!("France takes no such number: {}", value(number)),
        Lack::Corrects => "nothing says which invoice it takes back".to_owned(),
        Lack::CorrectedNumber { number } => {
            format!(
                "France takes no such number of the invoice that it takes back: {}",
                value(number)
            )
        }
        Lack::DueDate => "it has no due date".to_owned(),
        Lack::DueBeforeIssue { issued_on, due_on } => {
            format!("it is due on {due_on}, before it was issued on {issued_on}")
        }
        Lack::Date { date } => format!("France takes dates of 2000 to 2099 alone, not {date}"),
        Lack::NoLines => "it has no lines".to_owned(),
        Lack::Description { line } => format!("line {line} does not say what it bills"),
        Lack::Sum { lines, net } => format!("its lines come to {lines}, not to its net, {net}"),
    }
}

fn the(side: Side) -> &'static str {
    match side {
        Side::Seller => "the seller",
        Side::Buyer => "the buyer",
    }
}

/// Where it is set, for the customer of that slug.
pub fn hint(lack: &Lack, slug: &str) -> String {
    let issued = "it is kept as it was issued; write one that is right by hand".to_owned();
    match lack {
        Lack::Name(side) => set(*side, slug, ["name", "--name NAME"]),
        Lack::Country(side) => set(*side, slug, ["country", "--country CC"]),
        Lack::UnknownCountry { side, .. } => kept(set(*side, slug, ["country", "--country CC"])),
        Lack::Siren(Side::Seller) | Lack::Identifier => {
            set(Side::Seller, slug, ["legal_id", "--legal-id ID"])
        }
        Lack::Siren(Side::Buyer) => {
            let business = set(Side::Buyer, slug, ["legal_id", "--legal-id SIREN"]);
            format!("{business}; a private person is --customer-kind consumer")
        }
        Lack::VatId(side) => set(*side, slug, ["vat_id", "--vat-id ID"]),
        Lack::BadVatId { side, .. } => kept(set(*side, slug, ["vat_id", "--vat-id ID"])),
        Lack::TaxNumber => set(Side::Seller, slug, ["tax_id", "--tax-id ID"]),
        Lack::Address(side) => address(*side, slug),
        Lack::BadAddress { side, .. } => kept(address(*side, slug)),
        Lack::TaxCategory => kept(format!(
            "[invoicing] tax_category in billing.toml, or billing tenant edit {slug} --tax-category CATEGORY"
        )),
        Lack::Rate { .. } => kept(format!(
            "[invoicing] tax_rate in billing.toml, or billing tenant edit {slug} --tax-rate PCT"
        )),
        Lack::Number { .. } => kept("[invoicing] number_format and credit_note_format in billing.toml, of at most 35 letters, digits and + - _ /".to_owned()),
        Lack::Tax { .. }
        | Lack::Corrects
        | Lack::CorrectedNumber { .. }
        | Lack::DueDate
        | Lack::DueBeforeIssue { .. }
        | Lack::Date { .. }
        | Lack::NoLines
        | Lack::Description { .. }
        | Lack::Sum { .. } => issued,
    }
}

fn address(side: Side, slug: &str) -> String {
    let place = set(side, slug, ["electronic_address", "--electronic-address ADDRESS"]);
    format!("{place}, such as 0225:SIREN or an e-mail address")
}

/// What is wrong on an invoice that was issued is set for those that come: it can only be credited, and
/// billed anew.
fn kept(set: String) -> String {
    format!("{set}; what was issued with it keeps it, and is credited in full and billed anew")
}

/// The key of the seller in the config, or the flag of the buyer.
fn set(side: Side, slug: &str, [key, flag]: [&str; 2]) -> String {
    match side {
        Side::Seller => format!("[company] {key} in billing.toml"),
        Side::Buyer => format!("billing tenant edit {slug} {flag}"),
    }
}
