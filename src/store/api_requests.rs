//! What was asked of the API under an `Idempotency-Key`, and what was answered. All by the machine's
//! clock, whatever `--as-of` is: who asks again does so in real time.

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use rusqlite::OptionalExtension;

use super::Db;
use crate::domain::act::instant;
use crate::domain::{ApiKeyId, Result};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A request takes seconds: one that was begun so long ago and has no answer died.
const DIED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// A request under a key of whoever asks.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    pub api_key: ApiKeyId,
    pub idempotency_key: String,
    /// Method, path and body.
    pub asks: Vec<u8>,
    /// What the machine's clock says.
    pub now: DateTime<Utc>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What there is of a request when it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out, and was asked for first at that instant: now, or by one that died.
    Now { first_at: String },
    /// It was answered before.
    Answered(ApiAnswer),
    /// Another process is at it.
    AtWork,
    /// Something else was asked under the same key.
    Another,
}

impl Db<'_> {
    /// Begins a request, unless it was begun before; also lets go of some whose day is over.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin_api_request(&self, request: &ApiRequest) -> Result<Begun> {
        let now = instant(request.now);
        self.conn
            .prepare_cached(
                "DELETE FROM api_requests WHERE (api_key_id, idempotency_key) IN (
                   SELECT api_key_id, idempotency_key FROM api_requests
                   WHERE begun_at < ?1 ORDER BY begun_at LIMIT 50)
                 OR (api_key_id = ?2 AND idempotency_key = ?3 AND begun_at < ?1)",
            )?
            .execute((instant(request.now - KEPT), request.api_key.0, &request.idempotency_key))?;
        let fingerprint = digest(&SHA256, &request.asks).as_ref().to_vec();
        let found = self
            .conn
            .prepare_cached(
                "SELECT fingerprint, begun_at, tried_at, status, answer FROM api_requests
                 WHERE api_key_id = ?1 AND idempotency_key = ?2",
            )?
            .query_row((request.api_key.0, &request.idempotency_key), |row| {
                let status: Option<u16> = row.get("status")?;
                let answer = match status {
                    Some(status) => Some(ApiAnswer { status, body: row.get("answer")? }),
                    None => None,
                };
                let begun_at: String = row.get("begun_at")?;
                let tried_at: String = row.get("tried_at")?;
                Ok((row.get::<_, Vec<u8>>("fingerprint")?, begun_at, tried_at, answer))
            })
            .optional()?;
        match found {
            Some((other, ..)) if other != fingerprint => Ok(Begun::Another),
            Some((_, _, _, Some(answer))) => Ok(Begun::Answered(answer)),
            Some((_, _, tried_at, None)) if tried_at > instant(request.now - DIED_AFTER) => {
                Ok(Begun::AtWork)
            }
            Some((_, first_at, ..)) => {
                self.conn
                    .prepare_cached(
                        "UPDATE api_requests SET tried_at = ?3
                         WHERE api_key_id = ?1 AND idempotency_key = ?2",
                    )?
                    .execute((request.api_key.0, &request.idempotency_key, now))?;
                Ok(Begun::Now { first_at })
            }
            None => {
                self.conn
                    .prepare_cached(
                        "INSERT INTO api_requests (api_key_id, idempotency_key, fingerprint,
                           begun_at, tried_at) VALUES (?1, ?2, ?3, ?4, ?4)",
                    )?
                    .execute((request.api_key.0, &request.idempotency_key, fingerprint, &now))?;
                Ok(Begun::Now { first_at: now })
            }
        }
    }

    /// Keeps what a request that was begun was answered; `None` forgets the request, so that it can
    /// be asked again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_api_request(&self, request: &ApiRequest, answer: Option<&ApiAnswer>) -> Result<()> {
        let key = (request.api_key.0, &request.idempotency_key);
        match answer {
            Some(answer) => self
                .conn
                .prepare_cached(
                    "UPDATE api_requests SET status = ?3, answer = ?4
                     WHERE api_key_id = ?1 AND idempotency_key = ?2",
                )?
                .execute((key.0, key.1, answer.status, &answer.body))?,
            None => self
                .conn
                .prepare_cached(
                    "DELETE FROM api_requests WHERE api_key_id = ?1 AND idempotency_key = ?2",
                )?
                .execute(key)?,
        };
        Ok(())
    }
}
