//! What happens to the documents of invoices and credit notes.

use super::data::kinds;
use crate::domain::DocumentId;
use crate::domain::document::DocumentForm;

kinds! {
    /// What happens to a document.
    DocumentEvent<'a> {
        /// The document of an invoice or credit note was made, and stays as it is.
        Made = "document_made" {
            /// The document.
            document: DocumentId,
            /// The number of the invoice or credit note.
            number: &'a str,
            /// In which form.
            form: DocumentForm,
            /// SHA-256 over its bytes, in hexadecimal digits.
            sha256: &'a str,
        },
    }
}
