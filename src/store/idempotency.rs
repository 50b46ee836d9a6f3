//! The keys under which objects were made, so that who asks again with the same key gets the same
//! object.

use ring::digest::{SHA256, digest};
use rusqlite::OptionalExtension;

use super::Db;
use crate::domain::{Act, Refusal, Result};

impl Db<'_> {
    /// The row of what was made under that key, if anything was. `arguments` are the command and
    /// what it was given.
    ///
    /// # Errors
    /// The key was used with other arguments.
    pub fn made_under(&self, key: &str, arguments: &str) -> Result<Option<i64>> {
        let found = self
            .conn
            .prepare_cached("SELECT fingerprint, object_id FROM idempotency_keys WHERE key = ?1")?
            .query_row([key], |row| {
                Ok((row.get::<_, Vec<u8>>("fingerprint")?, row.get("object_id")?))
            })
            .optional()?;
        match found {
            None => Ok(None),
            Some((fingerprint, object)) if fingerprint == fingerprint_of(arguments) => {
                Ok(Some(object))
            }
            Some(_) => Err(Refusal::IdempotencyKeyReused { key: key.to_owned() }),
        }
    }

    /// Remembers what was made under a key.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn remember_key(&self, act: &Act, key: &str, arguments: &str, object: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO idempotency_keys (key, fingerprint, object_id, created_at)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((key, fingerprint_of(arguments), object, act.at()))?;
        Ok(())
    }
}

/// Arguments may hold a token: they are kept as a hash.
fn fingerprint_of(arguments: &str) -> Vec<u8> {
    digest(&SHA256, arguments.as_bytes()).as_ref().to_vec()
}
