//! `[portal]`: where customers find their pages, what signs the links to them, and what they may do there.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::values::is_loopback;
use super::{Config, Unusable, owners_file};
use crate::domain::charge::Token;
use crate::domain::{Refusal, Result, plan, words};

words! {
    /// What customers may do on their pages besides looking.
    PortalAction {
        Pay = "pay",
        Change = "change",
        Cancel = "cancel",
        Coupon = "coupon",
        Details = "details",
        Methods = "methods",
        Dispute = "dispute",
    }
}

/// `[portal]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Where the portal is: `https://…`, or `http://` to a loopback address, maybe with a path; without
    /// a slash at its end, so that `{base_url}/in/TOKEN` is a link.
    #[serde(deserialize_with = "portal_url")]
    pub base_url: String,
    /// What signs links: see [`Config::portal_secrets`]. Relative to the config file's folder.
    #[serde(default = "secret_file_by_default")]
    pub secret_file: PathBuf,
    /// How long a session lasts.
    #[serde(default = "session_hours_by_default", deserialize_with = "session_hours")]
    pub session_hours: i64,
    /// What customers may do.
    #[serde(default = "allowed_by_default", deserialize_with = "allowed")]
    pub allow: Vec<PortalAction>,
    /// The plans, by code, that a customer may change to; `None`: each that is not archived.
    #[serde(default, deserialize_with = "plans")]
    pub plans: Option<Vec<String>>,
}

/// A secret is at least so many bytes long: as many as what is signed with it has.
const LEAST_BYTES: usize = 32;

impl Portal {
    /// Whether customers may do it.
    pub fn allows(&self, action: PortalAction) -> bool {
        self.allow.contains(&action)
    }

    /// Whether a customer may change to a plan that is not archived.
    pub fn offers(&self, plan_code: &str) -> bool {
        self.plans.as_ref().is_none_or(|plans| plans.iter().any(|plan| plan == plan_code))
    }
}

impl Config {
    /// `[portal]`, for what cannot be done without it.
    ///
    /// # Errors
    /// There is none.
    pub fn need_portal(&self) -> Result<&Portal> {
        self.portal.as_ref().ok_or_else(|| Unusable::NoPortal.into())
    }

    /// The secrets of the portal's links: the first signs, each verifies. Nothing where there is no
    /// `[portal]`.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or it holds no secret, a short one, or more than two.
    pub fn portal_secrets(&self) -> Result<Vec<Token>> {
        let Some(Portal { secret_file, .. }) = &self.portal else { return Ok(Vec::new()) };
        let written = owners_file(secret_file, "secret file")?;
        let secrets: Vec<_> = written.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let why = match secrets.as_slice() {
            [] => "holds no secret: billing portal init writes one".to_owned(),
            [_, _, _, ..] => {
                "holds more than two secrets, the one that signs and the one before it".to_owned()
            }
            short if short.iter().any(|secret| secret.len() < LEAST_BYTES) => {
                format!("holds a secret of less than {LEAST_BYTES} characters")
            }
            _ => {
                return Ok(secrets.iter().map(|secret| Token::new((*secret).to_owned())).collect());
            }
        };
        let place = secret_file.display().to_string();
        Err(Refusal::from(Unusable::Setting { place, message: format!("this secret file {why}") }))
    }
}

/// What `base_url` is once it is understood: without a slash at its end.
///
/// # Errors
/// Why it is none, in words that go on behind it.
pub fn base_url(url: &str) -> std::result::Result<String, &'static str> {
    const NONE: &str = "is no address such as https://billing.example.com";
    let (scheme, rest) = url.split_once("://").ok_or(NONE)?;
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_place = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let path = path.trim_end_matches('/');
    let is_understood = !place.is_empty()
        && place.chars().all(is_place)
        && path.chars().all(is_path)
        && !path.contains("//")
        && !path.split('/').any(|part| [".", ".."].contains(&part));
    match scheme {
        "https" | "http" if !is_understood => Err(NONE),
        "http" if !is_loopback(place) && !is_localhost(place) => {
            Err("would show customers' invoices to whoever listens: https is needed")
        }
        // As a browser says the origin: in small letters, without the port that goes without saying.
        "https" | "http" => {
            let place = place.to_ascii_lowercase();
            let usual = if scheme == "https" { ":443" } else { ":80" };
            let place = place.strip_suffix(usual).unwrap_or(&place);
            Ok(format!("{scheme}://{place}{path}"))
        }
        _ => Err(NONE),
    }
}

/// The name that every machine has for itself, with a port or without.
fn is_localhost(place: &str) -> bool {
    place.split(':').next() == Some("localhost")
}

fn portal_url<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    let url = String::deserialize(d)?;
    base_url(url.trim()).map_err(|why| serde::de::Error::custom(format!("{url:?} {why}")))
}

/// What `portal init` calls it.
pub const SECRET_FILE: &str = "portal-secret";

fn secret_file_by_default() -> PathBuf {
    PathBuf::from(SECRET_FILE)
}

fn session_hours_by_default() -> i64 {
    12
}

/// An hour to 30 days.
fn session_hours<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    let hours = i64::deserialize(d)?;
    match hours {
        1..=720 => Ok(hours),
        _ => Err(serde::de::Error::custom(format!("{hours} does not lie between 1 and 720 hours"))),
    }
}

/// All but `dispute`, which stops the chasing of what is owed.
fn allowed_by_default() -> Vec<PortalAction> {
    PortalAction::ALL.iter().copied().filter(|action| *action != PortalAction::Dispute).collect()
}

fn allowed<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<PortalAction>, D::Error> {
    let read = |word: &String| PortalAction::from_word(word).ok_or_else(|| unknown(word));
    let words = Vec::<String>::deserialize(d)?;
    words.iter().map(read).collect::<std::result::Result<_, _>>().map_err(serde::de::Error::custom)
}

/// Names the known words, and the nearest.
fn unknown(word: &str) -> String {
    let all: Vec<_> = PortalAction::ALL.iter().map(|action| action.word()).collect();
    let distance = |known: &str| strsim::damerau_levenshtein(&word.to_lowercase(), known);
    let nearest =
        all.iter().min_by_key(|known| distance(known)).filter(|known| distance(known) < 3);
    let meant = nearest.map_or_else(String::new, |nearest| format!(": did you mean {nearest:?}?"));
    format!("{word:?} is not one of {}{meant}", all.join(", "))
}

fn plans<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Vec<String>>, D::Error> {
    let codes = Vec::<String>::deserialize(d)?;
    match codes.iter().find(|code| plan::code(code).is_err()) {
        Some(code) => Err(serde::de::Error::custom(format!("{code:?} is no code of a plan"))),
        None => Ok(Some(codes)),
    }
}
