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

    /// The text in that language, else in the other one; `None` where both are empty.
    pub fn get(&self, locale: Locale) -> Option<&str> {
        let (first, other) = match locale {
            Locale::Fr => (&self.fr, &self.en),
            Locale::En => (&self.en, &self.fr),
        };
        [first, other].into_iter().flatten().map(String::as_str).find(|text| !text.is_empty())
    }
}

words! {
    /// Where an e-mail stands in the outbox.
    EmailStatus { Queued = "queued", Sent = "sent", Failed = "failed", Canceled = "canceled" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_that_of_its_language_where_there_is_one() {
        let text = |fr: &str, en: Option<&str>| ByLanguage {
            fr: Some(fr.to_owned()),
            en: en.map(str::to_owned),
        };
        for (text, in_french, in_english) in [
            (text("un", Some("one")), Some("un"), Some("one")),
            (text("un", None), Some("un"), Some("un")),
            (text("", Some("one")), Some("one"), Some("one")),
            (text("", None), None, None),
            (ByLanguage::same("1"), Some("1"), Some("1")),
        ] {
            assert_eq!((text.get(Locale::Fr), text.get(Locale::En)), (in_french, in_english));
        }
    }
}
