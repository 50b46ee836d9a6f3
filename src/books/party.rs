//! The copies of seller and buyer that an invoice keeps, as JSON.

use serde::{Deserialize, Serialize};

use super::Book;
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tenant::Tenant;
use crate::domain::{Refusal, Result};
use crate::store::{Fault, FaultKind};

/// A copy. Of the parts that came later, what there is not is left out: it is the same copy as before.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Copy {
    name: Option<String>,
    email: Option<String>,
    address: Option<String>,
    country: Option<String>,
    tax_id: Option<String>,
    registration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postcode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    electronic_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iban: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_kind: Option<String>,
}

/// Seller or buyer as an invoice keeps them.
pub fn copy(party: Party) -> String {
    let copy = Copy {
        name: party.name,
        email: party.email,
        address: party.address,
        country: party.country,
        tax_id: party.tax_id,
        registration: party.registration,
        street: party.street,
        postcode: party.postcode,
        city: party.city,
        legal_id: party.legal_id,
        vat_id: party.vat_id,
        electronic_address: party.electronic_address,
        iban: party.iban,
        bic: party.bic,
        customer_kind: party.kind.map(|kind| kind.word().to_owned()),
    };
    // Straight to text, without a tree of values between: a run writes two an invoice.
    serde_json::to_string(&copy).unwrap_or_else(|_| "{}".to_owned())
}

/// A copy read back; what is empty in it is not there.
fn read(number: &str, which: &str, copy: &str) -> Result<Party> {
    let read = serde_json::from_str::<Option<Copy>>(copy).map(Option::unwrap_or_default);
    let copy = read.map_err(|error| {
        let found = format!("the {which} of {number} cannot be read: {error}");
        Refusal::from(Fault { path: std::path::PathBuf::new(), kind: FaultKind::Other(found) })
    })?;
    let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Ok(Party {
        name: some(copy.name),
        email: some(copy.email),
        address: some(copy.address),
        country: some(copy.country),
        tax_id: some(copy.tax_id),
        registration: some(copy.registration),
        street: some(copy.street),
        postcode: some(copy.postcode),
        city: some(copy.city),
        legal_id: some(copy.legal_id),
        vat_id: some(copy.vat_id),
        electronic_address: some(copy.electronic_address),
        iban: some(copy.iban),
        bic: some(copy.bic),
        kind: copy.customer_kind.as_deref().and_then(CustomerKind::from_word),
    })
}

impl Book<'_> {
    /// Seller and buyer of an invoice or credit note: as its copies say, and where those are silent, as
    /// both are now. An invoice of before the config named a country is of where the seller is now.
    ///
    /// # Errors
    /// A copy that cannot be read.
    pub fn parties(
        &self,
        number: &str,
        (seller, buyer): (&str, &str),
        tenant: &Tenant,
    ) -> Result<(Party, Party)> {
        let seller = read(number, "seller", seller)?.filled_from(&self.config.company.party());
        let buyer = read(number, "buyer", buyer)?.filled_from(&tenant.party());
        Ok((seller, buyer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_read_back_as_it_was_written() {
        let party = Party {
            name: Some("Été & Fils".into()),
            country: Some("FR".into()),
            vat_id: Some("FR96552100554".into()),
            kind: Some(CustomerKind::Business),
            ..Party::default()
        };
        assert_eq!(read("INV-1", "buyer", &copy(party.clone())), Ok(party));
    }

    #[test]
    fn a_copy_says_nothing_of_what_is_not_known() {
        let written = copy(Party { name: Some("Awa".into()), ..Party::default() });
        assert_eq!(
            written,
            r#"{"name":"Awa","email":null,"address":null,"country":null,"tax_id":null,"registration":null}"#
        );
        for nothing in ["null", "{}", r#"{"name":" ","customer_kind":"friend"}"#] {
            assert_eq!(read("INV-1", "buyer", nothing), Ok(Party::default()), "{nothing}");
        }
    }

    #[test]
    fn a_copy_that_cannot_be_read_is_named() {
        let refused = read("INV-1", "seller", "{").unwrap_err();
        assert!(format!("{refused:?}").contains("the seller of INV-1"), "{refused:?}");
    }
}
