//! The rows of the API's keys; what they are is in `domain/api_key.rs`.

use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, Row};

use super::random::Random;
use super::{Db, columns};
use crate::domain::api_key::{ApiKey, PREFIX, SHOWN, Scope, in_words};
use crate::domain::{Act, ApiKeyId, Refusal, Result, TenantId};

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub tenant: Option<TenantId>,
}

macro_rules! key_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT k.id, k.name, k.prefix, k.scopes, k.tenant_id, k.created_at, k.revoked_at,
                    t.slug AS tenant
             FROM api_keys k LEFT JOIN tenants t ON t.id = k.tenant_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// Makes a key; returns its row and the key itself, which is kept nowhere.
    ///
    /// # Errors
    /// The name is taken by another key that holds, or there is no randomness to be had.
    pub fn insert_api_key(&self, act: &Act, new: &NewApiKey) -> Result<(ApiKeyId, String)> {
        let bytes: [u8; 32] = Random::default().take()?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{PREFIX}{hex}");
        let id = self.insert_unless_there(
            "INSERT INTO api_keys (name, key_hash, prefix, scopes, tenant_id, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING",
            (
                new.name,
                hash_of(&key),
                &key[..SHOWN],
                in_words(new.scopes),
                new.tenant.map(|id| id.0),
                act.at(),
            ),
        )?;
        match id {
            Some(id) => Ok((ApiKeyId(id), key)),
            None => Err(Refusal::Exists { noun: "API key", name: new.name.to_owned() }),
        }
    }

    /// The key with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn api_key(&self, id: ApiKeyId) -> Result<ApiKey> {
        self.one_api_key(key_query!("WHERE k.id = ?1"), id.0, &id.to_string())
    }

    /// The key with that id or name; of a name, the one that holds.
    ///
    /// # Errors
    /// There is none.
    pub fn api_key_named(&self, name: &str) -> Result<ApiKey> {
        match name.parse::<ApiKeyId>() {
            Ok(id) => self.api_key(id),
            Err(_) => self.one_api_key(
                key_query!(
                    "WHERE k.name = ?1 ORDER BY k.revoked_at IS NOT NULL, k.id DESC LIMIT 1"
                ),
                name,
                name,
            ),
        }
    }

    fn one_api_key(&self, sql: &str, value: impl rusqlite::ToSql, name: &str) -> Result<ApiKey> {
        let found = self.conn.prepare_cached(sql)?.query_row([value], key).optional()?;
        let none = || Refusal::NotFound { noun: "API key", name: name.to_owned(), near: None };
        found.ok_or_else(none)
    }

    /// The key that someone who asks has proved to hold, if it was not revoked. It is looked up by
    /// its hash: how long that takes says nothing of any key.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn api_key_of(&self, secret: &str) -> Result<Option<ApiKey>> {
        Ok(self
            .conn
            .prepare_cached(key_query!("WHERE k.key_hash = ?1 AND k.revoked_at IS NULL"))?
            .query_row([hash_of(secret)], key)
            .optional()?)
    }

    /// Hands each key to `each`, in the order in which they were made; revoked ones too.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_api_key(
        &self,
        limit: Option<u32>,
        mut each: impl FnMut(ApiKey) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(columns::newest_last!(
            limit,
            key_query,
            ["WHERE 1"],
            "k.id",
            "k.id",
            "id",
            "?1"
        ))?;
        let mut rows = statement.query([columns::limit(limit)])?;
        while let Some(row) = rows.next()? {
            each(key(row)?)?;
        }
        Ok(())
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// A fault of the file, or it was revoked before.
    pub fn revoke_api_key(&self, act: &Act, id: ApiKeyId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }
}

fn hash_of(key: &str) -> Vec<u8> {
    digest(&SHA256, key.as_bytes()).as_ref().to_vec()
}

fn key(row: &Row) -> rusqlite::Result<ApiKey> {
    let scopes: String = row.get("scopes")?;
    let read = |word: &str| Scope::from_word(word).ok_or_else(|| columns::bad("scopes", &scopes));
    let tenant = match row.get::<_, Option<i64>>("tenant_id")? {
        Some(id) => Some((TenantId(id), row.get("tenant")?)),
        None => None,
    };
    Ok(ApiKey {
        id: ApiKeyId(row.get("id")?),
        name: row.get("name")?,
        scopes: scopes.split(',').map(read).collect::<rusqlite::Result<_>>()?,
        tenant,
        prefix: row.get("prefix")?,
        created_at: row.get("created_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}
