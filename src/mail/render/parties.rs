//! Sellers and buyers as e-mails tell of them: addresses, numbers, accounts.

use minijinja::{Value, context};

use crate::domain::countries;
use crate::domain::email::{ByLanguage, Locale};
use crate::domain::labels;
use crate::domain::party::Party;
use crate::domain::template::Company;
use crate::domain::wording;

/// What is told of the seller as it is now.
pub(super) fn company_facts(company: &Company, locale: Locale) -> Value {
    let said = |text: &Option<ByLanguage>| {
        text.as_ref().and_then(|text| text.get(locale)).map(str::to_owned)
    };
    context! {
        bank => some(company.bank.as_ref()).map(str::to_owned).or_else(|| account(company, locale)),
        how_to_pay => said(&company.how_to_pay),
        legal_text => said(&company.legal_text),
        ..party_facts(&company.party(), locale)
    }
}

/// The account to pay to, in lines.
fn account(company: &Company, locale: Locale) -> Option<String> {
    let iban = company.iban.as_deref()?;
    let line = |label: &str, value: &str| labels::labeled(label, locale, value, false);
    let bic = company.bic.as_deref().map(|bic| format!("\n{}", line("BIC", bic)));
    Some(line("IBAN", &wording::in_fours(iban)) + &bic.unwrap_or_default())
}

/// The text, where there is one.
pub(super) fn some(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// What is told of a seller or a buyer, as people of its country call it.
pub(super) fn party_facts(party: &Party, locale: Locale) -> Value {
    let country = party.country.as_deref();
    let numbers = party.numbers();
    let address = party.address_lines().join("\n");
    context! {
        name => some(party.name.as_ref()),
        email => some(party.email.as_ref()),
        address => some(Some(&address)),
        country => some(party.country.as_ref()).map(|code| countries::name(code, locale)),
        tax_id => numbers.tax_id,
        tax_id_line => numbers.tax_id.map(|id| labels::tax_id(country, locale, id)),
        registration => numbers.registration,
        registration_line => numbers.registration
            .map(|number| labels::registration(country, locale, number)),
        legal_id_line => numbers.legal_id
            .map(|number| labels::registration(country, locale, number)),
    }
}
