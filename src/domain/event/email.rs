//! What happens to e-mails that were queued.

use chrono::NaiveDate;

use super::data::{Flat, group, kinds};
use crate::domain::EmailId;
use crate::domain::template::Template;

kinds! {
    /// What happens to an e-mail.
    EmailEvent<'a> {
        /// An e-mail left.
        Sent = "email_sent" {
            /// The e-mail.
            email: Flat<EmailFacts<'a>>,
        },
        /// An e-mail was refused, or could not be sent for three days.
        Failed = "email_failed" {
            /// The e-mail.
            email: Flat<EmailFacts<'a>>,
        },
        /// What an e-mail was to tell had ceased to be true before it left.
        Canceled = "email_canceled" {
            /// The e-mail.
            email: Flat<EmailFacts<'a>>,
        },
        /// A person had an e-mail queued again.
        Resent = "email_resent" {
            /// The e-mail.
            email: EmailId,
            /// The new one.
            r#as: EmailId,
            /// Of a warning: the numbers of the invoices whose notice starts anew.
            warned: &'a [String],
            /// The business day.
            on: NaiveDate,
        },
    }
}

group! {
    /// Which e-mail it is.
    EmailFacts<'a> {
        /// The e-mail.
        email: EmailId,
        /// What it is about.
        template: Template,
        /// To which address.
        to: &'a str,
    }
}
