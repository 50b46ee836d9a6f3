//! The document that goes with an e-mail. One that cannot be made never stops the e-mail: it leaves
//! without, and the run says so.

use crate::books::Book;
use crate::books::document::{Paper, Press, Printed};
use crate::config::{Attach, Config};
use crate::domain::template::Content;
use crate::domain::{EmailId, Refusal, Result};
use crate::tasks::{ItemError, item_error, item_refused};

/// What makes the documents of a run.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    press: Press<'a>,
    /// Whether e-mails carry any; a simulation makes none.
    attached: bool,
    /// Fonts or the logo cannot be used, which was said.
    broken: bool,
    /// What could not be made.
    pub(super) errors: Vec<ItemError>,
}

impl<'a> Documents<'a> {
    /// `leaves`: whether the e-mails really leave.
    pub(super) fn new(config: &'a Config, leaves: bool) -> Self {
        let attached = leaves && config.documents.attach != Attach::None;
        Documents { press: Press::new(config), attached, broken: false, errors: Vec::new() }
    }

    /// The document of what the e-mail brings; `None` where it brings nothing, nothing is to be
    /// attached, or the document cannot be made.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn of(
        &mut self,
        book: &Book,
        email: EmailId,
        content: &Content,
    ) -> Result<Option<Printed>> {
        let paper = match (&content.invoice, &content.credit_note) {
            (Some(invoice), _) => Paper::Invoice(invoice),
            (_, Some(told)) => Paper::CreditNote(&told.note, &told.invoice),
            _ => return Ok(None),
        };
        if !self.attached || self.broken {
            return Ok(None);
        }
        match book.pdf(&paper, &self.press) {
            Ok((printed, einvoice)) => {
                if let Some(refusal) = einvoice {
                    self.name(email, &refusal, "the e-mail leaves with a PDF alone");
                }
                Ok(Some(printed))
            }
            Err(refusal) if refusal.is_of_the_item() => {
                // What is wrong with fonts and logo is the same for all of them.
                self.broken = !self.press.is_ready();
                match self.broken {
                    true => self.errors.push(item_refused("documents", &refusal)),
                    false => self.name(email, &refusal, "the e-mail leaves without it"),
                }
                Ok(None)
            }
            Err(fatal) => Err(fatal),
        }
    }

    fn name(&mut self, email: EmailId, refusal: &Refusal, so: &str) {
        let error = item_refused(&email.to_string(), refusal);
        let message = format!("{}; {so}", error.message);
        self.errors.push(item_error(&error.subject, &error.code, message));
    }
}
