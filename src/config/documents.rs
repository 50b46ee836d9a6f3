//! `[documents]`: what invoices and credit notes are written with, and where they are kept.

use std::path::PathBuf;

use serde::Deserialize;

use super::values::{by_language, parsed};
use crate::domain::document::DocumentForm;
use crate::domain::email::ByLanguage;
use crate::domain::words;

words! {
    /// What the e-mails `invoice` and `credit_note` carry.
    Attach { Pdf = "pdf", Facturx = "facturx", None = "none" }
}

/// `[documents]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    #[serde(deserialize_with = "parsed")]
    pub attach: Attach,
    /// A JPEG or PNG at the top of the first page.
    pub logo: Option<PathBuf>,
    /// The last line of each page.
    #[serde(deserialize_with = "by_language")]
    pub footer: Option<ByLanguage>,
    /// A TTF in place of the built-in one.
    pub font: Option<PathBuf>,
    /// Its bold face; where it is not given, `font` stands for both.
    pub font_bold: Option<PathBuf>,
    /// Where documents are kept, in files by their SHA-256; `None`: in the database.
    pub directory: Option<PathBuf>,
}

impl Default for Documents {
    fn default() -> Self {
        Documents {
            attach: Attach::Pdf,
            logo: None,
            footer: None,
            font: None,
            font_bold: None,
            directory: None,
        }
    }
}

impl Documents {
    /// The form of the PDF that customers get where nothing else is asked for.
    pub fn form(&self) -> DocumentForm {
        match self.attach {
            Attach::Facturx => DocumentForm::Facturx,
            Attach::Pdf | Attach::None => DocumentForm::Pdf,
        }
    }

    /// Its paths, which are relative to the config file's folder.
    pub(super) fn paths(&mut self) -> [&mut Option<PathBuf>; 4] {
        [&mut self.logo, &mut self.font, &mut self.font_bold, &mut self.directory]
    }
}
