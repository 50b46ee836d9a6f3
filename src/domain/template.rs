//! What an e-mail tells: its template, its language, and the facts that are filled in.

use chrono::NaiveDate;

use super::credit_note::CreditNote;
use super::email::{ByLanguage, Locale};
use super::invoice::Invoice;
use super::party::Party;
use super::plan::Interval;
use super::stage::Stage;
use super::tax::TaxBasis;
use super::{Money, words};

words! {
    /// The e-mails there are.
    Template {
        Friendly = "friendly",
        Urgent = "urgent",
        Warning = "warning",
        Suspension = "suspension",
        Reactivation = "reactivation",
        Invoice = "invoice",
        CreditNote = "credit_note",
        PaymentFailed = "payment_failed",
        PaymentReceived = "payment_received",
        TrialEnding = "trial_ending",
        TrialEnded = "trial_ended",
        PriceChange = "price_change",
        PortalLink = "portal_link",
        EmailConfirm = "email_confirm",
        EmailChanged = "email_changed",
    }
}

impl Template {
    /// The dunning stage that the e-mail announces, if it is a dunning e-mail.
    pub fn stage(self) -> Option<Stage> {
        match self {
            Template::Friendly => Some(Stage::Friendly),
            Template::Urgent => Some(Stage::Urgent),
            Template::Warning => Some(Stage::Warning),
            Template::Suspension => Some(Stage::Suspension),
            _ => None,
        }
    }

    /// The e-mail of a dunning stage.
    pub fn of_stage(stage: Stage) -> Template {
        match stage {
            Stage::Friendly => Template::Friendly,
            Stage::Urgent => Template::Urgent,
            Stage::Warning => Template::Warning,
            Stage::Suspension => Template::Suspension,
        }
    }
}

/// Who sends the invoices and e-mails: `[company]` of billing.toml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Company {
    pub name: String,
    pub email: Option<String>,
    pub address: Option<String>,
    /// ISO 3166.
    pub country: Option<String>,
    pub tax_id: Option<String>,
    pub registration: Option<String>,
    pub bank: Option<String>,
    pub how_to_pay: Option<ByLanguage>,
    pub legal_text: Option<ByLanguage>,
    pub street: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    /// In the register of companies.
    pub legal_id: Option<String>,
    pub vat_id: Option<String>,
    pub electronic_address: Option<String>,
    /// Without spaces.
    pub iban: Option<String>,
    pub bic: Option<String>,
}

impl Company {
    /// It as the seller of an invoice.
    pub fn party(&self) -> Party {
        Party {
            name: Some(self.name.clone()),
            email: self.email.clone(),
            address: self.address.clone(),
            country: self.country.clone(),
            tax_id: self.tax_id.clone(),
            registration: self.registration.clone(),
            street: self.street.clone(),
            postcode: self.postcode.clone(),
            city: self.city.clone(),
            legal_id: self.legal_id.clone(),
            vat_id: self.vat_id.clone(),
            electronic_address: self.electronic_address.clone(),
            iban: self.iban.clone(),
            bic: self.bic.clone(),
            kind: None,
        }
    }
}

/// One invoice in an e-mail's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInvoice {
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub days_overdue: i64,
    pub total: Money,
    pub amount_due: Money,
    /// To its page of the portal.
    pub link: Option<String>,
}

/// A payment that an e-mail confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedPayment {
    pub amount: Money,
    pub paid_on: NaiveDate,
    pub method: Option<String>,
    pub reference: Option<String>,
    /// The invoices that it paid; of a payment on account, several or none.
    pub paid: Vec<PaidInvoice>,
    /// What of it is the customer's credit.
    pub to_credit: Money,
}

/// An invoice that a payment paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidInvoice {
    pub number: String,
    /// What of the payment it got.
    pub amount: Money,
    /// What is still due on it.
    pub remaining: Money,
    /// To its page of the portal.
    pub link: Option<String>,
}

/// A credit note, with its invoice as it stands then.
#[derive(Debug, Clone)]
pub struct ToldCreditNote {
    pub note: CreditNote,
    pub invoice: Invoice,
    /// To the invoice's page of the portal.
    pub link: Option<String>,
}

/// A charge that was declined, as an e-mail tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPayment {
    pub amount: Money,
    pub invoice: String,
    pub due_on: NaiveDate,
    /// What the payment method is called, or its kind.
    pub method: Option<String>,
    /// Why, as a gateway's code; `None` where it gave none.
    pub code: Option<String>,
    /// Whether the same method is tried again by itself.
    pub tried_again: bool,
    /// The day on which it is, where that is known.
    pub tried_again_on: Option<NaiveDate>,
    /// To the invoice's page of the portal.
    pub link: Option<String>,
}

/// A charge that is on its way, so that the customer need not do anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collecting {
    /// What the payment method is called, or its kind.
    pub method: Option<String>,
}

words! {
    /// A case of an e-mail that its preview can show.
    Variant {
        Converted = "converted",
        Canceled = "canceled",
        Suspended = "suspended",
        Pending = "pending",
        Declined = "declined",
    }
}

impl Variant {
    /// Whether that e-mail reads otherwise in that case.
    pub fn is_of(self, template: Template) -> bool {
        use Template as T;
        match self {
            Variant::Converted | Variant::Canceled => {
                matches!(template, T::TrialEnding | T::TrialEnded)
            }
            Variant::Suspended => {
                matches!(template, T::Friendly | T::Urgent | T::Warning | T::TrialEnded)
            }
            Variant::Pending => template == T::Invoice,
            Variant::Declined => matches!(template, T::Friendly | T::PaymentFailed),
        }
    }
}

/// What follows a trial that nobody ends before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterTrial {
    /// The access is suspended until the tenant says that it goes on.
    Suspended,
    /// The subscription becomes a paid one and is collected by itself.
    Converted,
    /// The tenant has canceled: nothing more is billed.
    Canceled,
}

/// The trial that an e-mail tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The plan's name.
    pub plan: String,
    pub quantity: i64,
    /// Its last free day.
    pub ends_on: NaiveDate,
    /// Where the first period starts that is paid for: the day after, or where it came back from a
    /// suspension later, that day.
    pub first_paid_on: NaiveDate,
    /// Of a whole interval for that quantity, before discount.
    pub price: Money,
    /// Whether that is with tax.
    pub basis: TaxBasis,
    pub interval: Interval,
    pub after: AfterTrial,
}

/// A price that an e-mail says will change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    /// The plan's name.
    pub plan: String,
    pub quantity: i64,
    /// Of a whole interval for that quantity, before discount.
    pub old: Money,
    pub new: Money,
    /// Whether that is with tax.
    pub basis: TaxBasis,
    pub interval: Interval,
    /// Where the first period at the new price starts.
    pub from_on: NaiveDate,
}

/// A link that a customer asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLink {
    pub url: String,
    /// So long it holds from when it was asked for.
    pub hours: i64,
}

/// Another address of a customer: one to be confirmed by the link, or one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEmail {
    pub address: String,
    pub link: Option<SentLink>,
}

/// Everything that a template may fill in. What an e-mail does not tell of is empty or `None`.
#[derive(Debug, Clone)]
pub struct Content {
    pub template: Template,
    pub locale: Locale,
    pub company: Company,
    pub tenant_name: String,
    /// Whether the tenant is suspended as the e-mail is written.
    pub tenant_suspended: bool,
    /// Whether a charge of one of the overdue invoices was declined: no slip of the mind.
    pub declined: bool,
    /// The day in the business time zone on which the e-mail is written.
    pub today: NaiveDate,
    /// The overdue invoices that are asked for, oldest first.
    pub overdue: Vec<ListedInvoice>,
    /// What they come to, one sum a currency.
    pub totals: Vec<Money>,
    /// When suspension follows where nothing is paid.
    pub suspension_on: Option<NaiveDate>,
    /// The day on which the tenant was suspended, in the e-mail that tells of it.
    pub suspended_on: Option<NaiveDate>,
    /// When the next reminder or notice follows a reminder where nothing is paid.
    pub next_letter_on: Option<NaiveDate>,
    /// Whether it was a payment that brought the tenant back.
    pub paid: bool,
    /// Whether a suspended tenant comes back by itself once everything is paid.
    pub comes_back: bool,
    /// The invoice that the e-mail carries whole.
    pub invoice: Option<Invoice>,
    /// To its page of the portal.
    pub link: Option<String>,
    /// Whether invoices can be paid on their pages.
    pub pays_online: bool,
    /// Whether its document goes with the e-mail.
    pub attached: bool,
    /// Of that invoice, or of the credit note.
    pub seller: Party,
    pub buyer: Party,
    pub credit_note: Option<ToldCreditNote>,
    /// What the seller writes in place of what the law wants on invoices.
    pub legal_notes: Option<ByLanguage>,
    /// The charge of that invoice that is on its way.
    pub collecting: Option<Collecting>,
    pub payment: Option<ConfirmedPayment>,
    pub failure: Option<FailedPayment>,
    pub trial: Option<Trial>,
    pub price_change: Option<PriceChange>,
    /// To the customer's pages.
    pub portal_link: Option<SentLink>,
    pub new_email: Option<NewEmail>,
    /// The Message-ID of the e-mail before it about the same invoice, whose thread it goes on with.
    pub in_reply_to: Option<String>,
}

impl Content {
    /// The link that confirms a new address.
    pub fn confirming(&self) -> Option<&SentLink> {
        self.new_email.as_ref()?.link.as_ref()
    }
}
