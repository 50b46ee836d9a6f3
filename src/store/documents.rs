//! The rows of documents, and their bytes: in the database, or in a folder of the operator's by their
//! SHA-256. What makes them is in `documents/`, when in `books/document.rs`.

use std::fmt::Write as _;
use std::path::Path;

use chrono::NaiveDate;
use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, Row};

use super::files::{Owner, Part, make_folder, read_file};
use super::{Days, Db, columns};
use crate::domain::document::{DocumentForm, DocumentOf, file_stem};
use crate::domain::{Act, CreditNoteId, DocumentId, InvoiceId, Refusal, Result, TenantId};

/// Where the bytes of new documents are kept.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    /// `None`: in the database.
    pub folder: Option<&'a Path>,
}

/// A document that was made.
#[derive(Debug, Clone)]
pub struct KeptDocument {
    pub id: DocumentId,
    pub of: DocumentOf,
    /// Of the invoice or credit note.
    pub number: String,
    pub form: DocumentForm,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// In bytes.
    pub size: usize,
}

impl KeptDocument {
    /// Its SHA-256 in hexadecimal digits.
    pub fn hash(&self) -> String {
        hex(&self.sha256)
    }

    /// What its file is called where people see it. A number with letters that no file has, `F/1`, is
    /// told from one that has others in their place, `F_1`, by the id.
    pub fn file_name(&self) -> String {
        let (stem, ending) = (file_stem(&self.number), self.form.ending());
        match (stem == self.number, self.of) {
            (true, _) => format!("{stem}.{ending}"),
            (false, DocumentOf::Invoice(id)) => format!("{stem}-{id}.{ending}"),
            (false, DocumentOf::CreditNote(id)) => format!("{stem}-{id}.{ending}"),
        }
    }

    fn name_by_hash(&self) -> String {
        name_by_hash(&self.sha256, self.form)
    }
}

/// A document to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewDocument<'a> {
    pub tenant: TenantId,
    pub of: DocumentOf,
    pub form: DocumentForm,
    pub bytes: &'a [u8],
}

macro_rules! document_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT d.*, coalesce(i.number, n.number) AS number
             FROM documents d LEFT JOIN invoices i ON i.id = d.invoice_id
             LEFT JOIN credit_notes n ON n.id = d.credit_note_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The document of an invoice or credit note in a form, if it was made.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn document(&self, of: DocumentOf, form: DocumentForm) -> Result<Option<KeptDocument>> {
        let (sql, id) = match of {
            DocumentOf::Invoice(id) => {
                (document_query!("WHERE d.invoice_id = ?1 AND d.form = ?2"), id.0)
            }
            DocumentOf::CreditNote(id) => {
                (document_query!("WHERE d.credit_note_id = ?1 AND d.form = ?2"), id.0)
            }
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row((id, form.word()), document).optional()?)
    }

    /// The PDF of an invoice or credit note that was made first, whichever form it has: what its customer
    /// has.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn first_pdf(&self, of: DocumentOf) -> Result<Option<KeptDocument>> {
        let made = [DocumentForm::Pdf, DocumentForm::Facturx].map(|form| self.document(of, form));
        let [pdf, facturx] = made;
        Ok([pdf?, facturx?].into_iter().flatten().min_by_key(|kept| kept.id))
    }

    /// The document with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn document_by_id(&self, id: DocumentId) -> Result<KeptDocument> {
        let mut statement = self.conn.prepare_cached(document_query!("WHERE d.id = ?1"))?;
        Ok(statement.query_row([id.0], document)?)
    }

    /// What was issued in a span of days, in order: invoices, then credit notes, of each the next behind
    /// `after`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn issued_documents(
        &self,
        days: Days,
        after: Option<DocumentOf>,
        limit: usize,
    ) -> Result<Vec<DocumentOf>> {
        let since = days.since.map(|day| day.to_string()).unwrap_or_default();
        let (after_invoice, after_note) = match after {
            None => (0, 0),
            Some(DocumentOf::Invoice(id)) => (id.0, 0),
            Some(DocumentOf::CreditNote(id)) => (i64::MAX, id.0),
        };
        let page = |sql: &str, after: i64, limit: usize| -> Result<Vec<i64>> {
            let mut statement = self.conn.prepare_cached(sql)?;
            let values = (after, &since, days.until.to_string(), limit as i64);
            let rows = statement.query_map(values, |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        let invoices = page(
            "SELECT id FROM invoices WHERE id > ?1 AND issued_on BETWEEN ?2 AND ?3
               AND status <> 'draft' ORDER BY id LIMIT ?4",
            after_invoice,
            limit,
        )?;
        let notes = page(
            "SELECT id FROM credit_notes WHERE id > ?1 AND issued_on BETWEEN ?2 AND ?3
             ORDER BY id LIMIT ?4",
            after_note,
            limit - invoices.len(),
        )?;
        let invoices = invoices.into_iter().map(|id| DocumentOf::Invoice(InvoiceId(id)));
        let notes = notes.into_iter().map(|id| DocumentOf::CreditNote(CreditNoteId(id)));
        Ok(invoices.chain(notes).collect())
    }

    /// The day on which the first document of an invoice was made, where one was.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn document_made_on(&self, invoice: InvoiceId) -> Result<Option<NaiveDate>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT made_at FROM documents WHERE invoice_id = ?1 ORDER BY id LIMIT 1",
        )?;
        let zone = self.zone;
        let row = statement.query_row([invoice.0], |row| columns::date_in(row, "made_at", zone));
        Ok(row.optional()?.flatten())
    }

    /// The PDFs of a tenant's invoices and credit notes that were made; of one that was made in both forms, the
    /// one with the e-invoice inside.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn pdfs_of_tenant(&self, tenant: TenantId) -> Result<Vec<KeptDocument>> {
        let mut statement = self.conn.prepare_cached(document_query!(
            "WHERE d.tenant_id = ?1 AND (d.form = 'facturx' OR d.form = 'pdf' AND NOT EXISTS (
               SELECT 1 FROM documents x WHERE x.form = 'facturx'
                 AND (x.invoice_id = d.invoice_id OR x.credit_note_id = d.credit_note_id)))
             ORDER BY d.id"
        ))?;
        let kept = statement.query_map([tenant.0], document)?;
        Ok(kept.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps a document for ever. Its bytes are on disk before its row is: what a crash leaves in the
    /// folder is found there when the same document is made again.
    ///
    /// # Errors
    /// It was made already, or there is no room or permission.
    pub fn keep_document(
        &self,
        act: &Act,
        new: &NewDocument,
        shelf: Shelf,
    ) -> Result<KeptDocument> {
        let sha256 = sha256(new.bytes);
        match shelf.folder {
            Some(folder) => self.put_into(folder, &name_by_hash(&sha256, new.form), new.bytes)?,
            None => {
                self.conn
                    .prepare_cached(
                        "INSERT INTO document_files (sha256, bytes) VALUES (?1, ?2)
                         ON CONFLICT (sha256) DO NOTHING",
                    )?
                    .execute((sha256, new.bytes))?;
            }
        }
        let (invoice, note) = match new.of {
            DocumentOf::Invoice(id) => (Some(id.0), None),
            DocumentOf::CreditNote(id) => (None, Some(id.0)),
        };
        self.conn
            .prepare_cached(
                "INSERT INTO documents (tenant_id, invoice_id, credit_note_id, form, sha256, size,
                   made_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                new.tenant.0,
                invoice,
                note,
                new.form.word(),
                sha256,
                new.bytes.len() as i64,
                act.at(),
            ))?;
        self.document_by_id(DocumentId(self.conn.last_insert_rowid()))
    }

    /// What lies there under the name of these bytes and is not these, half of a file that a disk lost,
    /// gives way.
    fn put_into(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
        let path = folder.join(name);
        if read_file(&path).is_some_and(|there| there == bytes) {
            return Ok(());
        }
        let owner = self.conn.path().and_then(|db| Owner::of(Path::new(db)));
        if !folder.is_dir() {
            self.check_no_document_lies_in_a_folder(folder)?;
            make_folder(folder, owner)?;
        }
        let mut part = Part::begin_over(&path)?;
        part.write_bytes(bytes)?;
        owner.into_iter().for_each(|owner| owner.take(part.path()));
        part.publish_over()
    }

    /// A folder that is gone is none to be made anew while documents lie in it: its disk is not there.
    fn check_no_document_lies_in_a_folder(&self, folder: &Path) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM documents d WHERE NOT EXISTS (
               SELECT 1 FROM document_files f WHERE f.sha256 = d.sha256))",
        )?;
        if !statement.query_row([], |row| row.get::<_, bool>(0))? {
            return Ok(());
        }
        let gone = "it is gone, and documents lie in it: is its disk there?";
        Err(Refusal::file(folder, "find", &std::io::Error::other(gone)))
    }

    /// The bytes of a document, proved by their SHA-256. They are looked for where they may have been
    /// put: in the database, then in the folder.
    ///
    /// # Errors
    /// They are gone, or are others.
    pub fn document_bytes(&self, kept: &KeptDocument, shelf: Shelf) -> Result<Vec<u8>> {
        let lost = |what| Refusal::DocumentLost { number: kept.number.clone(), what };
        self.read_document(kept, shelf)?.map_err(lost)
    }

    /// The bytes, or what became of them.
    fn read_document(
        &self,
        kept: &KeptDocument,
        shelf: Shelf,
    ) -> Result<std::result::Result<Vec<u8>, String>> {
        let mut statement =
            self.conn.prepare_cached("SELECT bytes FROM document_files WHERE sha256 = ?1")?;
        let stored: Option<Vec<u8>> =
            statement.query_row([kept.sha256], |row| row.get(0)).optional()?;
        let file = shelf.folder.map(|folder| folder.join(kept.name_by_hash()));
        let bytes = stored.or_else(|| file.as_deref().and_then(read_file));
        let what = format!("its {} ({})", kept.form, kept.hash());
        Ok(match bytes {
            Some(bytes) if sha256(&bytes) == kept.sha256 => Ok(bytes),
            Some(_) => Err(format!("{what} is not what it was when it was made")),
            None => Err(match file {
                Some(path) => format!("{what} is missing: {}", path.display()),
                None => format!("{what} is missing: it was put into a folder"),
            }),
        })
    }

    /// Reads every document, and hands what is wrong with each that is lost to `each`.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_lost_document(
        &self,
        shelf: Shelf,
        mut each: impl FnMut(String) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare(document_query!("ORDER BY d.id"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kept = document(row)?;
            match self.read_document(&kept, shelf)? {
                Ok(_) => {}
                Err(what) => each(format!("{}: {what}", kept.number))?,
            }
        }
        Ok(())
    }
}

/// What the file of a document in the folder is called.
fn name_by_hash(sha256: &[u8; 32], form: DocumentForm) -> String {
    format!("{}.{}", hex(sha256), form.ending())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sha256
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A String takes whatever is written to it.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn document(row: &Row) -> rusqlite::Result<KeptDocument> {
    Ok(KeptDocument {
        id: DocumentId(row.get("id")?),
        of: match row.get::<_, Option<i64>>("invoice_id")? {
            Some(id) => DocumentOf::Invoice(InvoiceId(id)),
            None => DocumentOf::CreditNote(CreditNoteId(row.get("credit_note_id")?)),
        },
        number: row.get("number")?,
        form: columns::word(row, "form")?,
        sha256: row.get("sha256")?,
        size: row.get::<_, i64>("size")?.unsigned_abs() as usize,
    })
}
