//! Keys of the API: who may ask it for what. Their rows are in `store/api_keys.rs`, their words in
//! `commands/api_key.rs`; what each request needs is said by `portal/api/routes.rs`.

use super::refusal::Why;
use super::{ApiKeyId, Refusal, Result, TenantId, text, words};

words! {
    /// What a key may ask for.
    Scope {
        /// All that only looks.
        Read = "read",
        /// Everything.
        Write = "write",
        /// To check, apply and manage coupons.
        Coupons = "coupons",
        /// To hand usage in.
        Usage = "usage",
    }
}

/// What stands before the random part of a key, so that one that was left lying about is known for
/// what it is.
pub const PREFIX: &str = "bk_";

/// So many letters of a key are kept to tell it by: its beginning, and eight of its sixty-four.
pub const SHOWN: usize = PREFIX.len() + 8;

/// A key, without what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The customer whose key it is; `None`: the product's.
    pub tenant: Option<(TenantId, String)>,
    /// How it begins.
    pub prefix: String,
    pub created_at: String,
    pub revoked_at: Option<String>,
}

impl ApiKey {
    /// Its scopes, as they are typed.
    pub fn scope(&self) -> String {
        in_words(&self.scopes)
    }
}

/// Scopes as they are typed, and as they are stored: `read,usage`.
pub fn in_words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(",")
}

/// A key's name, as it is typed.
///
/// # Errors
/// It cannot be printed, or looks like the id of a key, by which another is named.
pub fn name(value: &str) -> Result<String> {
    let name = text::line("name", value, 100)?;
    match name.parse::<ApiKeyId>() {
        Ok(_) => Err(Refusal::bad("name", &name, Why::LooksLikeId)),
        Err(_) => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_id() {
        assert_eq!(name(" the shop "), Ok("the shop".to_owned()));
        for id in ["key_3", "3", "", "a\nb"] {
            assert!(name(id).is_err(), "{id}");
        }
    }
}
