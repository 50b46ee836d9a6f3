//! The signed links of the portal, and its other tokens: who may see what, until when. What they say is
//! not secret; that we said it is proved by a MAC over all of it.
//!
//! A token is `base64url(claims ‖ HMAC-SHA256(secret, domain ‖ claims))`, always of the same length. The
//! claims begin with the purpose, so that what was signed for one is never taken for another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use ring::{digest, hmac};

use crate::domain::charge::Token;
use crate::domain::{InvoiceId, TenantId};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A link that signs a customer in, from an e-mail that was asked for or from the operator.
    Portal,
    /// A link that shows one invoice, from an e-mail that speaks of it.
    Invoice,
    /// The cookie of who came in; with an invoice, of who may see that one alone.
    Session,
    /// What a form carries: [`Subject::form`].
    Form,
    /// A link that confirms a new e-mail address: [`Subject::address`].
    Confirm,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Purpose; 5] =
        [Purpose::Portal, Purpose::Invoice, Purpose::Session, Purpose::Form, Purpose::Confirm];

    /// How it is written down. Never given to another purpose.
    const fn byte(self) -> u8 {
        match self {
            Purpose::Portal => 1,
            Purpose::Invoice => 2,
            Purpose::Session => 3,
            Purpose::Form => 4,
            Purpose::Confirm => 5,
        }
    }
}

/// What a token is about besides customer and invoice, hashed: nothing, or what it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject([u8; SUBJECT]);

impl Subject {
    /// Nothing.
    pub const NONE: Subject = Subject([0; SUBJECT]);

    /// A form by its name, in the session of this cookie: one that was made for another is not taken.
    pub fn form(session_token: &str, form: &str) -> Subject {
        Subject::of("form", &[session_token, form])
    }

    /// A session, told from others of the same customer by what was drawn for it.
    pub fn session(nonce: &[u8]) -> Subject {
        let mut subject = Subject::NONE;
        subject.0.iter_mut().zip(nonce).for_each(|(byte, drawn)| *byte = *drawn);
        subject
    }

    /// An e-mail address, whatever its case.
    pub fn address(address: &str) -> Subject {
        Subject::of("address", &[&address.to_lowercase()])
    }

    /// The parts, each with its length, so that none goes over into the next.
    fn of(kind: &str, parts: &[&str]) -> Subject {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in [&[kind], parts].concat() {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash = hash.finish();
        let mut subject = [0; SUBJECT];
        subject.copy_from_slice(&hash.as_ref()[..SUBJECT]);
        Subject(subject)
    }
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    pub purpose: Purpose,
    pub tenant: TenantId,
    pub invoice: Option<InvoiceId>,
    /// From this moment on it is not taken any more; whole seconds are kept.
    pub expires_at: DateTime<Utc>,
    /// That of the tenant when it was made. One of another generation was revoked: whoever reads the
    /// tenant compares them.
    pub generation: i64,
    pub subject: Subject,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is no token at all.
    Malformed,
    /// We did not sign it, or not for this.
    Forged,
    /// It was one until then.
    Expired,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bad::Malformed => "malformed",
            Bad::Forged => "forged",
            Bad::Expired => "expired",
        })
    }
}

/// Signs tokens and reads them.
pub struct Signer {
    /// The first signs, each verifies.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// What is signed before the claims: these keys may sign other things one day.
const DOMAIN: &[u8] = b"billing link 1\0";
/// Purpose, tenant, invoice, expiry, generation, subject.
const CLAIMS: usize = 1 + 8 + 8 + 8 + 8 + SUBJECT;
const SUBJECT: usize = 16;
const MAC: usize = 32;
/// The letters of a token.
pub const TOKEN_LENGTH: usize = ((CLAIMS + MAC) * 8).div_ceil(6);

impl Signer {
    /// One with the secrets of a file: see `Config::portal_secrets`. `None` where there are none.
    pub fn from_secrets(secrets: &[Token]) -> Option<Signer> {
        let key = |secret: &Token| hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        (!secrets.is_empty()).then(|| Signer { keys: secrets.iter().map(key).collect() })
    }

    /// One with a secret.
    pub fn from_secret(secret: &str) -> Signer {
        Signer { keys: vec![hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())] }
    }

    /// The token that says so: letters, digits, `-` and `_`, [`TOKEN_LENGTH`] of them. Of the same claims
    /// always the same.
    pub fn sign(&self, claims: &Claims) -> String {
        let written = claims.to_bytes();
        let mut token = written.to_vec();
        if let Some(key) = self.keys.first() {
            token.extend_from_slice(hmac::sign(key, &signed(&written)).as_ref());
        }
        BASE64.encode(token)
    }

    /// What a token for this purpose says.
    ///
    /// # Errors
    /// It is none, it was not signed here or not for this, or its time is over.
    pub fn verify(&self, purpose: Purpose, token: &str, now: DateTime<Utc>) -> Result<Claims, Bad> {
        self.verify_any(&[purpose], token, now)
    }

    /// What a token for one of these purposes says.
    ///
    /// # Errors
    /// As [`Signer::verify`].
    pub fn verify_any(
        &self,
        purposes: &[Purpose],
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Claims, Bad> {
        if token.len() != TOKEN_LENGTH {
            return Err(Bad::Malformed);
        }
        let bytes = BASE64.decode(token).map_err(|_| Bad::Malformed)?;
        let (written, mac) = bytes.split_first_chunk::<CLAIMS>().ok_or(Bad::Malformed)?;
        let message = signed(written);
        let is_ours = |key: &hmac::Key| hmac::verify(key, &message, mac).is_ok();
        if !self.keys.iter().any(is_ours) {
            return Err(Bad::Forged);
        }
        let claims = Claims::from_bytes(written).ok_or(Bad::Malformed)?;
        if !purposes.contains(&claims.purpose) {
            return Err(Bad::Forged);
        }
        if claims.expires_at <= now { Err(Bad::Expired) } else { Ok(claims) }
    }
}

/// What the MAC is over.
fn signed(claims: &[u8; CLAIMS]) -> Vec<u8> {
    [DOMAIN, claims].concat()
}

impl Claims {
    fn to_bytes(self) -> [u8; CLAIMS] {
        let mut bytes = [0; CLAIMS];
        bytes[0] = self.purpose.byte();
        let invoice = self.invoice.map_or(0, |invoice| invoice.0);
        let numbers = [self.tenant.0, invoice, self.expires_at.timestamp(), self.generation];
        for (place, number) in bytes[1..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes[CLAIMS - SUBJECT..].copy_from_slice(&self.subject.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; CLAIMS]) -> Option<Claims> {
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.byte() == bytes[0])?;
        let mut numbers = bytes[1..].chunks_exact(8).map(|number| {
            number.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).cast_signed()
        });
        let (tenant, invoice) = (numbers.next()?, numbers.next()?);
        let (expires_at, generation) = (numbers.next()?, numbers.next()?);
        let mut subject = [0; SUBJECT];
        subject.copy_from_slice(&bytes[CLAIMS - SUBJECT..]);
        Some(Claims {
            purpose,
            tenant: TenantId(tenant),
            invoice: (invoice != 0).then_some(InvoiceId(invoice)),
            expires_at: DateTime::from_timestamp(expires_at, 0)?,
            generation,
            subject: Subject(subject),
        })
    }
}

/// The address of a link, below `[portal] base_url`.
pub fn url(base_url: &str, token: &str) -> String {
    format!("{base_url}/in/{token}")
}

#[cfg(test)]
mod tests;
