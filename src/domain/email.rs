//! E-mails as the outbox sees them: their language and where they stand.

use super::words;

words! {
    /// The languages that letters are written in.
    Locale { Fr = "fr", En = "en" }
}

words! {
    /// Where a letter stands in the outbox.
    EmailStatus { Queued = "queued", Sent = "sent", Failed = "failed", Canceled = "canceled" }
}
