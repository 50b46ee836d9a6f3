//! Sellers and buyers as e-mails tell of them: addresses, numbers, accounts.

use minijinja::{Value, context};
use serde::Deserialize;

use crate::domain::countries;
use crate::domain::email::{ByLanguage, Locale};
use crate::domain::labels;
use crate::domain::template::Company;

/// Seller or buyer as an invoice keeps them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Party {
    pub(super) name: Option<String>,
    email: Option<String>,
    address: Option<String>,
    pub(super) country: Option<String>,
    tax_id: Option<String>,
    registration: Option<String>,
    street: Option<String>,
    postcode: Option<String>,
    city: Option<String>,
    legal_id: Option<String>,
    vat_id: Option<String>,
    pub(super) customer_kind: Option<String>,
}

/// What is told of the seller as it is now.
pub(super) fn company_facts(company: &Company, locale: Locale) -> Value {
    let Company { name, email, address, tax_id, registration, .. } = company;
    let party = Party {
        name: Some(name.clone()),
        email: email.clone(),
        address: address.clone(),
        country: company.country.clone(),
        tax_id: tax_id.clone(),
        registration: registration.clone(),
        street: company.street.clone(),
        postcode: company.postcode.clone(),
        city: company.city.clone(),
        legal_id: company.legal_id.clone(),
        vat_id: company.vat_id.clone(),
        customer_kind: None,
    };
    let said = |text: &Option<ByLanguage>| {
        text.as_ref().and_then(|text| text.get(locale)).map(str::to_owned)
    };
    context! {
        bank => some(company.bank.as_ref()).map(str::to_owned).or_else(|| account(company, locale)),
        how_to_pay => said(&company.how_to_pay),
        legal_text => said(&company.legal_text),
        ..party_facts(&party, locale)
    }
}

/// The account to pay to, in lines: the IBAN in groups of four, as people copy it.
fn account(company: &Company, locale: Locale) -> Option<String> {
    let iban = company.iban.as_deref()?;
    let groups: Vec<&str> =
        (0..iban.len()).step_by(4).map(|at| iban.get(at..at + 4).unwrap_or(&iban[at..])).collect();
    let line = |label: &str, value: &str| labels::labeled(label, locale, value, false);
    let bic = company.bic.as_deref().map(|bic| format!("\n{}", line("BIC", bic)));
    Some(line("IBAN", &groups.join(" ")) + &bic.unwrap_or_default())
}

/// The text, where there is one.
pub(super) fn some(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// What is told of a seller or a buyer, as people of its country call it.
pub(super) fn party_facts(party: &Party, locale: Locale) -> Value {
    let country = party.country.as_deref();
    let tax_id = some(party.vat_id.as_ref()).or(some(party.tax_id.as_ref()));
    let legal_id = some(party.legal_id.as_ref());
    let registration = some(party.registration.as_ref()).or(legal_id);
    // `RCS Paris 552 100 554` says the number already.
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let said = |id: &&str| registration.is_some_and(|said| digits(said).contains(&digits(id)));
    let legal_id = legal_id.filter(|id| !said(id));
    context! {
        name => some(party.name.as_ref()),
        email => some(party.email.as_ref()),
        address => some(party.address.as_ref()).map(str::to_owned).or_else(|| in_lines(party)),
        country => some(party.country.as_ref()).map(|code| countries::name(code, locale)),
        tax_id => tax_id,
        tax_id_line => tax_id.map(|id| labels::tax_id(country, locale, id)),
        registration => registration,
        registration_line => registration
            .map(|number| labels::registration(country, locale, number)),
        legal_id_line => legal_id.map(|number| labels::registration(country, locale, number)),
    }
}

/// An address from its parts.
fn in_lines(party: &Party) -> Option<String> {
    let place = [&party.postcode, &party.city].map(|part| some(part.as_ref()));
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let place = place.join(" ");
    let lines = [some(party.street.as_ref()), Some(place.as_str())];
    let lines: Vec<&str> = lines.into_iter().flatten().filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
