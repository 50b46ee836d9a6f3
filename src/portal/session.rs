//! Who is there: the cookie of a session, and the tokens of its forms.
//!
//! A session is a signed token and no row, since `GET /in/TOKEN` writes nothing; one that was ended
//! is a row until it would have expired.

use chrono::{DateTime, TimeDelta, Utc};

use super::request::Request;
use super::{Ground, Visit};
use crate::domain::{InvoiceId, TenantId};
use crate::links::{Claims, Purpose, Signer, Subject};

/// Each form, and what it asks for; its token is good for no other.
pub const FORMS: [&str; 13] = [
    "sign-in",
    "out",
    "pay",
    "dispute",
    "change",
    "cancel",
    "resume",
    "coupon",
    "details",
    "method",
    "add-method",
    "sandbox",
    "confirm",
];

/// How long the forms of somebody who is not signed in hold.
const ANONYMOUS_FOR: TimeDelta = TimeDelta::hours(12);

/// Who came in by a link, as its cookie says; whether that still holds is asked of the tenant.
#[derive(Debug, Clone)]
pub struct Session {
    pub claims: Claims,
    /// The cookie's value.
    pub token: String,
}

impl Session {
    /// Begins a session of a link: of all that a customer has, or of one invoice. It lasts
    /// `hours`, and no longer than the link.
    pub fn begin(
        signer: &Signer,
        link: &Claims,
        hours: i64,
        nonce: &[u8],
        now: DateTime<Utc>,
    ) -> Session {
        let until = now + TimeDelta::hours(hours);
        // A link that signs in is used within its time, and the session goes on after it.
        let expires_at = match link.purpose {
            Purpose::Invoice => until.min(link.expires_at),
            _ => until,
        };
        let subject = Subject::session(nonce);
        let claims = Claims { purpose: Purpose::Session, expires_at, subject, ..*link };
        Session { token: signer.sign(&claims), claims }
    }

    /// The session of a request; `None`: there is none that we signed, or it is over.
    pub fn of(
        request: &Request,
        ground: Ground,
        signer: &Signer,
        now: DateTime<Utc>,
    ) -> Option<Session> {
        let token = request.cookie(cookie_name(ground))?;
        let claims = signer.verify(Purpose::Session, token, now).ok()?;
        Some(Session { claims, token: token.to_owned() })
    }

    /// The one invoice that it may see; `None`: all of its customer.
    pub fn invoice(&self) -> Option<InvoiceId> {
        self.claims.invoice
    }

    /// What it is known by once it was ended: not its token, which somebody may still hold.
    pub fn key(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.token.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The header that has a browser keep it.
    pub fn cookie(&self, ground: Ground, now: DateTime<Utc>) -> String {
        let seconds = (self.claims.expires_at - now).num_seconds().max(0);
        cookie(ground, &self.token, seconds)
    }
}

/// The header that has a browser forget its session.
pub fn no_cookie(ground: Ground) -> String {
    cookie(ground, "", 0)
}

/// `__Host-` binds a cookie to this very host; a browser takes it over TLS alone.
fn cookie_name(ground: Ground) -> &'static str {
    match ground {
        Ground::Cgi => "__Host-billing",
        Ground::Loopback(_) => "billing",
    }
}

fn cookie(ground: Ground, value: &str, seconds: i64) -> String {
    let secure = match ground {
        Ground::Cgi => "; Secure",
        Ground::Loopback(_) => "",
    };
    let name = cookie_name(ground);
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// The token of a form in a session, or of one that needs none.
pub fn form_token(
    signer: &Signer,
    session: Option<&Session>,
    form: &str,
    now: DateTime<Utc>,
) -> String {
    let anonymous = Claims {
        purpose: Purpose::Form,
        tenant: TenantId(0),
        invoice: None,
        expires_at: now + ANONYMOUS_FOR,
        generation: 0,
        subject: Subject::form("", form),
    };
    signer.sign(&match session {
        Some(Session { claims, token }) => Claims {
            purpose: Purpose::Form,
            invoice: None,
            subject: Subject::form(token, form),
            ..*claims
        },
        None => anonymous,
    })
}

/// Whether a form's token is one that this session was given for it.
pub fn is_form_token(
    signer: &Signer,
    session: Option<&Session>,
    form: &str,
    token: &str,
    now: DateTime<Utc>,
) -> bool {
    let cookie = session.map_or("", |session| session.token.as_str());
    let claims = signer.verify(Purpose::Form, token, now);
    claims.is_ok_and(|claims| claims.subject == Subject::form(cookie, form))
}

/// Whether a request that does something comes from one of our own pages.
pub fn is_own_origin(visit: &Visit) -> bool {
    let Some(origin) = visit.request.origin.as_deref() else { return false };
    match visit.ground {
        // The same socket by the name that every machine has for itself.
        Ground::Loopback(address) if origin == format!("http://localhost:{}", address.port()) => {
            true
        }
        _ => origin == visit.origin(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_of_its_session_and_of_its_name() {
        let (signer, now) = (Signer::from_secret(&"s".repeat(40)), DateTime::UNIX_EPOCH);
        let link = Claims {
            purpose: Purpose::Portal,
            tenant: TenantId(7),
            invoice: None,
            expires_at: now + TimeDelta::hours(1),
            generation: 1,
            subject: Subject::NONE,
        };
        let session = |nonce: &[u8]| Session::begin(&signer, &link, 12, nonce, now);
        let (one, two) = (session(b"1"), session(b"2"));
        let token = form_token(&signer, Some(&one), "pay", now);
        let good =
            |session: Option<&Session>, form, at| is_form_token(&signer, session, form, &token, at);
        assert!(good(Some(&one), "pay", now));
        assert!(!good(Some(&two), "pay", now) && !good(None, "pay", now));
        assert!(!good(Some(&one), "cancel", now));
        assert!(!good(Some(&one), "pay", now + TimeDelta::hours(12)));
        assert!(!is_form_token(&signer, Some(&one), "pay", &one.token, now));
        let anonymous = form_token(&signer, None, "sign-in", now);
        assert!(is_form_token(&signer, None, "sign-in", &anonymous, now));
        assert!(!is_form_token(&signer, Some(&one), "sign-in", &anonymous, now));
    }

    #[test]
    fn a_session_of_an_invoice_ends_with_its_link() {
        let (signer, now) = (Signer::from_secret(&"s".repeat(40)), DateTime::UNIX_EPOCH);
        let expires_at = now + TimeDelta::hours(1);
        let link = Claims {
            purpose: Purpose::Invoice,
            tenant: TenantId(7),
            invoice: Some(InvoiceId(3)),
            expires_at,
            generation: 1,
            subject: Subject::NONE,
        };
        let session = Session::begin(&signer, &link, 12, b"1", now);
        assert_eq!(
            (session.claims.expires_at, session.invoice()),
            (expires_at, Some(InvoiceId(3)))
        );
        let signs_in = Claims { purpose: Purpose::Portal, ..link };
        let session = Session::begin(&signer, &signs_in, 12, b"1", now);
        assert_eq!(session.claims.expires_at, now + TimeDelta::hours(12));
    }
}
