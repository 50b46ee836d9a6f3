//! What happens to keys of the API.

use super::data::kinds;
use crate::domain::ApiKeyId;

kinds! {
    /// What happens to a key of the API.
    ApiKeyEvent<'a> {
        /// A key of the API was made.
        Created = "api_key_created" {
            /// The key.
            api_key: ApiKeyId,
            /// What it is called.
            name: &'a str,
            /// What it may ask for, set apart by commas.
            scope: &'a str,
            /// How it begins.
            prefix: &'a str,
        },
        /// A key of the API was revoked.
        Revoked = "api_key_revoked" {
            /// The key.
            api_key: ApiKeyId,
            /// What it is called.
            name: &'a str,
        },
    }
}
