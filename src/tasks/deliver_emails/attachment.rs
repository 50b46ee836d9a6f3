//! The document that goes with an e-mail. One that cannot be made, or is lost, never stops the e-mail: it
//! leaves without, and the run says so.

use crate::books::Book;
use crate::books::document::{Paper, Press, Printed};
use crate::config::{Attach, Config};
use crate::domain::template::Content;
use crate::domain::{Refusal, Result};
use crate::store::Email;
use crate::tasks::{ItemError, item_error, item_refused};

/// What makes the documents of a run.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    press: Press<'a>,
    /// Whether e-mails carry any; a simulation makes none.
    attached: bool,
    /// What could not be made, by the e-mail that left without.
    pub(super) errors: Vec<ItemError>,
}

impl<'a> Documents<'a> {
    /// `leaves`: whether the e-mails really leave.
    pub(super) fn new(config: &'a Config, leaves: bool) -> Self {
        let attached = leaves && carries(config);
        Documents { press: Press::new(config), attached, errors: Vec::new() }
    }

    /// The document of what the e-mail brings; `None` where it brings nothing, nothing is to be
    /// attached, or the document cannot be made.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn of(
        &mut self,
        book: &Book,
        email: &Email,
        content: &Content,
    ) -> Result<Option<Printed>> {
        let Some(paper) = paper(content).filter(|_| self.attached) else { return Ok(None) };
        match book.pdf(&paper, &self.press) {
            Ok((printed, einvoice)) => {
                if let Some(refusal) = einvoice {
                    self.name(email, &refusal, "the e-mail leaves with a PDF alone");
                }
                Ok(Some(printed))
            }
            Err(refusal) => self.without(email, refusal),
        }
    }

    /// The document that an earlier attempt of the e-mail carried.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn again(&mut self, book: &Book, email: &Email) -> Result<Option<Printed>> {
        let Some(id) = email.document else { return Ok(None) };
        match book.db.document_by_id(id).and_then(|kept| book.printed(kept)) {
            Ok(printed) => Ok(Some(printed)),
            Err(refusal) => self.without(email, refusal),
        }
    }

    fn without(&mut self, email: &Email, refusal: Refusal) -> Result<Option<Printed>> {
        if !refusal.is_of_the_item() {
            return Err(refusal);
        }
        self.name(email, &refusal, "the e-mail leaves without it");
        Ok(None)
    }

    fn name(&mut self, email: &Email, refusal: &Refusal, so: &str) {
        let error = item_refused(&email.id.to_string(), refusal);
        let message = format!("{}; {so}", error.message);
        self.errors.push(item_error(&error.subject, &error.code, message));
    }
}

/// Whether e-mails carry documents.
pub(super) fn carries(config: &Config) -> bool {
    config.documents.attach != Attach::None
}

/// What an e-mail brings; `None` where it tells of something else.
pub(super) fn paper(content: &Content) -> Option<Paper<'_>> {
    match (&content.invoice, &content.credit_note) {
        (Some(invoice), _) => Some(Paper::Invoice(invoice)),
        (_, Some(told)) => Some(Paper::CreditNote(&told.note, &told.invoice)),
        _ => None,
    }
}
