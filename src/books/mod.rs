//! The verbs that change more than one noun in one transaction: issuing, redeeming, subscribing,
//! suspending, paying. A command, an import and a task call the same verb of a [`Book`].
//!
//! From the bottom up: `record`, `party`, `links` ← `methods`, `portal`, `asked`, `resend`, `credit`, `pending`, `usage`, `arrears` ← `issue`
//! ← `redeem` ← `bill` ← `trial`, `subscribe`, `reprice` ← `returns` ← `chase`, `standing` ← `release` ← `account`
//! ← `refund` ← `credit_note`, `netting` ← `pay`, `close`, `discount`, `settle` ← `rest` ← `change` ← `pause`,
//! `reverse` ← `at_gateway`, `on_account`, `checkout`. Nothing points back up; `explain`, `preview`, `used` and `coming` look
//! ahead, and write nothing.

mod account;
mod arrears;
mod asked;
mod at_gateway;
mod bill;
pub mod change;
mod chase;
mod checkout;
mod close;
mod codes;
mod coming;
mod credit;
mod credit_note;
mod discount;
pub mod document;
mod explain;
pub mod issue;
pub mod links;
mod methods;
mod netting;
mod on_account;
pub mod party;
pub mod pause;
pub mod pay;
mod pending;
mod portal;
mod preview;
mod record;
pub mod redeem;
mod refund;
mod release;
pub mod reprice;
mod resend;
mod rest;
mod returns;
mod reverse;
mod settle;
mod standing;
pub mod subscribe;
mod trial;
mod usage;
mod used;

use crate::config::Config;
use crate::domain::Act;
use crate::store::Db;

pub use arrears::{Ripe, UsedOfMeter};
pub use checkout::Ended;
pub use close::{Sent, Then, Voiding};
pub use coming::Coming;
pub use credit_note::{Crediting, Planned, Written};
pub use explain::{Explained, Next, Provided};
pub use netting::TakenBack;
pub use pay::{Notify, PaymentTerms};
pub use pending::Foreseen;
pub use portal::MadeLink;
pub use preview::Preview;
pub use refund::Way;
pub use resend::{is_sent_again_by_name, queued_facts};
pub use rest::{Back, GivenBack};
pub use standing::Because;
pub use usage::{KnownUsage, TakenUsage, importer, instant};
pub use used::{AskedPeriod, UsedInPeriod};

/// The books, open for writing in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    pub db: &'a Db<'a>,
    pub act: &'a Act,
    pub config: &'a Config,
}

impl<'a> Book<'a> {
    /// The books in the transaction of `db`.
    pub fn new(db: &'a Db<'a>, act: &'a Act, config: &'a Config) -> Self {
        Book { db, act, config }
    }
}
