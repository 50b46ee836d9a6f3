//! E-mails as the outbox sees them: their language and where they stand.

use super::words;

words! {
    /// The languages that e-mails are written in.
    Locale { Fr = "fr", En = "en" }
}

words! {
    /// Where an e-mail stands in the outbox.
    EmailStatus { Queued = "queued", Sent = "sent", Failed = "failed", Canceled = "canceled" }
}
