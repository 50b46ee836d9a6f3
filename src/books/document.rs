//! The documents of invoices and credit notes: drawn up from what was issued, made once, and kept.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::Book;
use crate::config::{Config, Documents};
use crate::documents::einvoice::{self, Syntax};
use crate::documents::{Assets, Lack, Typesetter, Unwritable};
use crate::domain::credit_note::{CreditNote, NoteLine};
use crate::domain::document::{
    Corrected, Document, DocumentForm, DocumentKind, DocumentLine, DocumentOf, Payment,
    creditor_reference,
};
use crate::domain::event::DocumentEvent;
use crate::domain::invoice::{AtIssue, Invoice, InvoiceStatus};
use crate::domain::legal::{LegalNotes, Notes};
use crate::domain::party::Party;
use crate::domain::subscription::Collection;
use crate::domain::tenant::Tenant;
use crate::domain::{Money, Refusal, Result, TenantId, wording};
use crate::store::{KeptDocument, NewDocument, Shelf};

/// What documents are written with: fonts and the logo, read when the first PDF is made.
#[derive(Debug)]
pub struct Press<'a> {
    config: &'a Documents,
    typesetter: OnceCell<Typesetter>,
}

impl<'a> Press<'a> {
    /// Reads nothing yet.
    pub fn new(config: &'a Config) -> Press<'a> {
        Press { config: &config.documents, typesetter: OnceCell::new() }
    }

    fn pdf(&self, document: &Document, einvoice: Option<&str>) -> Result<Vec<u8>> {
        let typesetter = match self.typesetter.get() {
            Some(typesetter) => typesetter,
            None => {
                let made = self.typesetter()?;
                self.typesetter.get_or_init(|| made)
            }
        };
        typesetter.pdf(document, einvoice)
    }

    fn typesetter(&self) -> Result<Typesetter> {
        let read = |what, path: &Option<PathBuf>| {
            let read = |path: &Path| {
                let unreadable = |error| format!("cannot read {}: {error}", path.display());
                std::fs::read(path)
                    .map_err(|error| Unwritable::Asset { what, message: unreadable(error) })
            };
            path.as_deref().map(read).transpose()
        };
        let of = self.config;
        Typesetter::new(&Assets {
            font: read("font", &of.font)?,
            font_bold: read("font_bold", &of.font_bold)?,
            logo: read("logo", &of.logo)?,
        })
    }
}

/// What a document is made of.
#[derive(Debug, Clone, Copy)]
pub enum Paper<'a> {
    Invoice(&'a Invoice),
    /// With the invoice that it takes back.
    CreditNote(&'a CreditNote, &'a Invoice),
}

impl Paper<'_> {
    /// Its number.
    pub fn number(&self) -> &str {
        match self {
            Paper::Invoice(invoice) => &invoice.number,
            Paper::CreditNote(note, _) => &note.number,
        }
    }

    /// Whose document it is.
    pub fn of(&self) -> DocumentOf {
        match self {
            Paper::Invoice(invoice) => DocumentOf::Invoice(invoice.id),
            Paper::CreditNote(note, _) => DocumentOf::CreditNote(note.id),
        }
    }

    /// Who gets it.
    pub fn tenant(&self) -> TenantId {
        self.invoice().tenant_id
    }

    /// Refuses what is void: no document of it is made any more.
    fn check_stands(&self, form: DocumentForm) -> Result<()> {
        match self {
            Paper::Invoice(invoice) if invoice.status == InvoiceStatus::Void => {
                let invoice = invoice.number.clone();
                Err(Refusal::VoidHasNoDocument { invoice, form: form.word() })
            }
            _ => Ok(()),
        }
    }

    fn invoice(&self) -> &Invoice {
        match self {
            Paper::Invoice(invoice) | Paper::CreditNote(_, invoice) => invoice,
        }
    }
}

/// A document with its bytes.
#[derive(Debug)]
pub struct Printed {
    pub kept: KeptDocument,
    pub bytes: Vec<u8>,
}

impl Book<'_> {
    /// The document in that form: the one that was made, else made now from what was issued, and kept
    /// for ever.
    ///
    /// # Errors
    /// The font lacks a character, the e-invoice lacks something, the invoice is void and has no
    /// document, or bytes that were kept are gone.
    pub fn document(&self, paper: &Paper, form: DocumentForm, press: &Press) -> Result<Printed> {
        match self.kept(paper, form)? {
            Some(printed) => Ok(printed),
            // Half an e-invoice could never become a whole one.
            None => self.db.wholly(|| self.make(paper, form, press)),
        }
    }

    /// The PDF that customers get: the one that was made first, so that nobody has two of one number. Where
    /// there is none yet, it is made with the e-invoice inside, where the config says so and one can be
    /// written; else without, and then why, where that can be mended.
    ///
    /// # Errors
    /// As [`Book::document`].
    pub fn pdf(&self, paper: &Paper, press: &Press) -> Result<(Printed, Option<Refusal>)> {
        if let Some(printed) = self.first_pdf(paper)? {
            return Ok((printed, None));
        }
        let form = self.config.documents.form();
        let refusal = match self.document(paper, form, press) {
            Ok(printed) => return Ok((printed, None)),
            Err(refusal) => refusal,
        };
        let Some(why) = refusal.of::<Unwritable>().filter(|why| why.is_of_the_einvoice()) else {
            return Err(refusal);
        };
        let can_be_mended = matches!(why, Unwritable::Incomplete { .. });
        let printed = self.document(paper, DocumentForm::Pdf, press)?;
        Ok((printed, can_be_mended.then_some(refusal)))
    }

    /// The PDF that customers have, where one was made.
    ///
    /// # Errors
    /// Its bytes are gone, or a fault of the file.
    pub fn first_pdf(&self, paper: &Paper) -> Result<Option<Printed>> {
        self.db.first_pdf(paper.of())?.map(|kept| self.printed(kept)).transpose()
    }

    /// Where documents are kept.
    pub fn shelf(&self) -> Shelf<'_> {
        Shelf { folder: self.config.documents.directory.as_deref() }
    }

    /// What an e-invoice of it lacks; nothing, where there is one already.
    ///
    /// # Errors
    /// A currency that e-invoices do not know, a void invoice, or a fault of the file.
    pub fn lacks(&self, paper: &Paper) -> Result<Vec<Lack>> {
        if self.db.document(paper.of(), DocumentForm::Cii)?.is_some() {
            return Ok(Vec::new());
        }
        paper.check_stands(DocumentForm::Cii)?;
        let document = self.draw_up(paper)?;
        einvoice::check_currency(&document)?;
        Ok(einvoice::check(&document))
    }

    fn make(&self, paper: &Paper, form: DocumentForm, press: &Press) -> Result<Printed> {
        paper.check_stands(form)?;
        let document = self.draw_up(paper)?;
        if form == DocumentForm::Pdf {
            return self.keep(paper, form, press.pdf(&document, None)?);
        }
        // Both syntaxes and the PDF around one are made at once: what is edited in between would have
        // them say different things of one number. Where the font lacked a character, the e-invoice is
        // there, and stays.
        let cii = match self.kept(paper, DocumentForm::Cii)? {
            Some(cii) => cii,
            None => {
                let cii = einvoice::xml(&document, Syntax::Cii)?.into_bytes();
                let ubl = einvoice::xml(&document, Syntax::Ubl)?.into_bytes();
                self.keep(paper, DocumentForm::Ubl, ubl)?;
                self.keep(paper, DocumentForm::Cii, cii)?
            }
        };
        let inside = String::from_utf8_lossy(&cii.bytes);
        let pdf = press.pdf(&document, Some(&inside));
        let facturx = pdf.and_then(|pdf| self.keep(paper, DocumentForm::Facturx, pdf));
        match (form, self.kept(paper, form)?) {
            (DocumentForm::Cii | DocumentForm::Ubl, Some(made)) => Ok(made),
            _ => facturx,
        }
    }

    /// The document in that form, where it was made.
    ///
    /// # Errors
    /// Its bytes are gone, or a fault of the file.
    pub fn kept(&self, paper: &Paper, form: DocumentForm) -> Result<Option<Printed>> {
        self.db.document(paper.of(), form)?.map(|kept| self.printed(kept)).transpose()
    }

    /// A document with its bytes.
    ///
    /// # Errors
    /// They are gone, or a fault of the file.
    pub fn printed(&self, kept: KeptDocument) -> Result<Printed> {
        let bytes = self.db.document_bytes(&kept, self.shelf())?;
        Ok(Printed { kept, bytes })
    }

    fn keep(&self, paper: &Paper, form: DocumentForm, bytes: Vec<u8>) -> Result<Printed> {
        let (tenant, of) = (paper.tenant(), paper.of());
        let new = NewDocument { tenant, of, form, bytes: &bytes };
        let kept = self.db.keep_document(self.act, &new, self.shelf())?;
        let (number, sha256) = (paper.number(), kept.hash());
        let event = DocumentEvent::Made { document: kept.id, number, form, sha256: &sha256 };
        self.record((tenant, paper.invoice().id), event, None)?;
        Ok(Printed { kept, bytes })
    }

    /// What a document says.
    ///
    /// # Errors
    /// A seller or buyer that cannot be read.
    pub fn draw_up(&self, paper: &Paper) -> Result<Document> {
        let tenant = self.db.tenant_by_id(paper.tenant())?;
        match paper {
            Paper::Invoice(invoice) => self.draw_up_invoice(invoice, &tenant),
            Paper::CreditNote(note, invoice) => self.draw_up_note(note, invoice, &tenant),
        }
    }

    fn draw_up_invoice(&self, invoice: &Invoice, tenant: &Tenant) -> Result<Document> {
        let copies = (invoice.seller.as_str(), invoice.buyer.as_str());
        let (seller, buyer) = self.parties(&invoice.number, copies, tenant)?;
        let AtIssue { credit, due } = invoice.at_issue()?;
        Ok(Document {
            kind: DocumentKind::Invoice,
            number: invoice.number.clone(),
            locale: tenant.locale,
            issued_on: invoice.issued_on,
            due_on: Some(invoice.due_on),
            period: invoice.period,
            notes: self.notes(&seller, &buyer, tenant),
            lines: lines_of(invoice, tenant),
            basis: invoice.tax_basis,
            tax_rate: invoice.tax_rate,
            tax_category: invoice.tax_category,
            tax_reason: invoice.tax_reason.clone(),
            amounts: invoice.amounts(),
            coupon: invoice.coupon.clone(),
            paid: invoice.paid_elsewhere,
            credit_applied: credit,
            due,
            corrects: None,
            memo: None,
            payment: self.payment(invoice, tenant)?,
            reference: Some(creditor_reference(&invoice.number, invoice.origin, invoice.id)),
            legal_text: self.said(&self.config.company.legal_text, tenant),
            footer: self.said(&self.config.documents.footer, tenant),
            seller,
            buyer,
        })
    }

    fn draw_up_note(
        &self,
        note: &CreditNote,
        invoice: &Invoice,
        tenant: &Tenant,
    ) -> Result<Document> {
        let copies = (note.seller.as_str(), note.buyer.as_str());
        let (seller, buyer) = self.parties(&note.number, copies, tenant)?;
        let nothing = Money::zero(note.amounts.total.currency());
        Ok(Document {
            kind: DocumentKind::CreditNote,
            number: note.number.clone(),
            locale: tenant.locale,
            issued_on: note.issued_on,
            due_on: None,
            period: invoice.period,
            notes: Notes::None,
            lines: lines_of_note(note, tenant),
            basis: note.basis,
            tax_rate: note.tax_rate,
            tax_category: invoice.tax_category,
            tax_reason: invoice.tax_reason.clone(),
            amounts: note.amounts,
            coupon: None,
            paid: nothing,
            credit_applied: nothing,
            due: nothing,
            corrects: Some(Corrected {
                number: note.invoice.clone(),
                issued_on: invoice.issued_on,
            }),
            memo: note.memo.clone(),
            payment: Payment::default(),
            reference: None,
            legal_text: self.said(&self.config.company.legal_text, tenant),
            footer: self.said(&self.config.documents.footer, tenant),
            seller,
            buyer,
        })
    }

    fn notes(&self, seller: &Party, buyer: &Party, tenant: &Tenant) -> Notes {
        let own = self.config.invoicing.legal_notes.as_ref();
        LegalNotes::on_invoice(own, seller.country.as_deref(), buyer.kind, tenant.locale)
    }

    /// One that is charged by itself is paid in no other way; where there is nothing to charge, it is
    /// paid as any other.
    fn payment(&self, invoice: &Invoice, tenant: &Tenant) -> Result<Payment> {
        let charged = invoice.collection == Collection::Automatic
            && (self.db.default_payment_method(tenant.id)?.is_some()
                || self.db.was_charged(invoice.id)? && !self.db.was_declined(invoice.id)?);
        if charged {
            return Ok(Payment { automatic: true, ..Payment::default() });
        }
        let company = &self.config.company;
        Ok(Payment {
            automatic: false,
            how_to_pay: self.said(&company.how_to_pay, tenant),
            bank: company.bank.clone().filter(|bank| !bank.trim().is_empty()),
        })
    }

    fn said(
        &self,
        text: &Option<crate::domain::email::ByLanguage>,
        tenant: &Tenant,
    ) -> Option<String> {
        text.as_ref().and_then(|text| text.get(tenant.locale)).map(str::to_owned)
    }
}

/// The lines of an invoice. One that was imported without lines has a line over all of it.
fn lines_of(invoice: &Invoice, tenant: &Tenant) -> Vec<DocumentLine> {
    if invoice.lines.is_empty() {
        return vec![DocumentLine {
            description: wording::whole_invoice(tenant.locale).to_owned(),
            quantity: 1.into(),
            unit_price: None,
            amount: invoice.subtotal,
            discount: invoice.discount,
            net: invoice.amounts().net(),
            period: None,
        }];
    }
    let line = |(line, net): (&crate::domain::invoice::Line, Money)| DocumentLine {
        description: line.description.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        amount: line.amount,
        discount: line.discount,
        net,
        period: line.period,
    };
    invoice.lines.iter().zip(invoice.line_nets()).map(line).collect()
}

/// What a note takes back, each as one piece: of a part of a line no quantity can be told.
fn lines_of_note(note: &CreditNote, tenant: &Tenant) -> Vec<DocumentLine> {
    let piece = |description: &str, amount: Money, discount: Money, net: Money| DocumentLine {
        description: description.to_owned(),
        quantity: 1.into(),
        unit_price: None,
        amount,
        discount,
        net,
        period: None,
    };
    if note.lines.is_empty() {
        let (amounts, whole) = (&note.amounts, wording::whole_invoice(tenant.locale));
        return vec![piece(whole, amounts.subtotal, amounts.discount, amounts.net())];
    }
    let line = |line: &NoteLine| piece(&line.description, line.amount, line.discount, line.net);
    note.lines.iter().map(line).collect()
}
