//! Who does something, and when: what every change is recorded with.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// The moment at which a command acts, fixed once a command, and who or what acts.
#[derive(Debug, Clone)]
pub struct Act {
    pub now: DateTime<Utc>,
    /// The date of `now` in the business time zone.
    pub today: NaiveDate,
    /// `operator:awa`, `task:check-overdue`, `import:invoices`.
    pub actor: String,
}

impl Act {
    /// `now` as it is stored: RFC 3339 in UTC, to the second.
    pub fn at(&self) -> String {
        instant(self.now)
    }

    /// The same moment, acted in by someone else.
    pub fn by(&self, actor: impl Into<String>) -> Act {
        Act { actor: actor.into(), ..self.clone() }
    }
}

/// An instant as it is stored and shown: RFC 3339 in UTC, to the second.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
