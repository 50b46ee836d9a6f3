//! Keys of the API, as objects.

use serde_json::{Value, json};

use super::{Align, Column};
use crate::domain::api_key::ApiKey;

/// Columns of `api-key list`.
pub const API_KEYS: &[Column] = &[
    ("id", "Key", Align::Left, 0),
    ("name", "Name", Align::Left, 0),
    ("scope", "Scope", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 1),
    ("prefix", "Begins with", Align::Left, 2),
    ("created_at", "Made", Align::Left, 3),
    ("revoked_at", "Revoked", Align::Left, 0),
];

/// Fields of a key.
pub const API_KEY_FIELDS: &[&str] =
    &["id", "name", "scope", "tenant", "prefix", "created_at", "revoked_at"];

/// A key, without what proves it.
pub fn api_key(key: &ApiKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name,
        "scope": key.scope(),
        "tenant": key.tenant.as_ref().map(|(_, slug)| slug),
        "prefix": key.prefix,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}
