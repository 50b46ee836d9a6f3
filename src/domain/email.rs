//! E-mails as the outbox sees them: their language and where they stand.

use super::words;

words! {
    /// The languages that e-mails are written in.
    Locale { Fr = "fr", En = "en" }
}

/// A text in each language, or in some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByLanguage {
    pub fr: Option<String>,
    pub en: Option<String>,
}

impl ByLanguage {
    /// The same text in every language.
    pub fn same(text: &str) -> ByLanguage {
        ByLanguage { fr: Some(text.to_owned()), en: Some(text.to_owned()) }
    }

    /// Whether it says nothing in any language.
    pub fn is_empty(&self) -> bool {
        [&self.fr, &self.en].into_iter().flatten().all(String::is_empty)
    }

    /// The text in that language, else in the other one.
    pub fn get(&self, locale: Locale) -> Option<&str> {
        let (first, other) = match locale {
            Locale::Fr => (&self.fr, &self.en),
            Locale::En => (&self.en, &self.fr),
        };
        first.as_deref().or(other.as_deref())
    }
}

words! {
    /// Where an e-mail stands in the outbox.
    EmailStatus { Queued = "queued", Sent = "sent", Failed = "failed", Canceled = "canceled" }
}
