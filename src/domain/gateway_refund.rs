//! Refunds as a gateway knows them: what it is asked to give back, and what was done there without
//! being asked. Its answers are those to a charge.

use chrono::{DateTime, Utc};

use super::{Money, words};

/// What a gateway is asked to give back of a charge. Everything in it is on disk before it is
/// called, and never changes: the same key always goes with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    pub idempotency_key: String,
    /// Above nothing, and with what was given back before not above the charge.
    pub amount: Money,
    /// The number of the invoice that was charged, and the tenant's slug.
    pub invoice: String,
    pub tenant: String,
    /// The reference that the gateway gave to the charge. One that has none cannot be given back there.
    pub charge: String,
    /// The number of the credit note that it is paid out for, if there is one.
    pub credit_note: Option<String>,
    /// When the key was made: as the command was told, and by the machine's clock.
    pub created_at: DateTime<Utc>,
    pub prepared_at: DateTime<Utc>,
}

/// The code of a decline by a gateway that gives nothing back.
pub const UNSUPPORTED: &str = "unsupported";

/// What was done at the gateway, as it tells of it. The same is told each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The gateway's name of the refund or the dispute.
    pub reference: String,
    /// The reference that it gave to the charge.
    pub charge: String,
    /// When the refund was made, or the dispute opened or decided. Stripe keeps no time of a decision, and
    /// tells of it by that of the opening.
    pub at: DateTime<Utc>,
    pub done: Done,
}

/// What of the two it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// Money went back.
    Refund {
        amount: Money,
        /// The key of the [`RefundRequest`] that it was made by, where the gateway says so: `None` is
        /// no proof that it was made there, and the reference tells.
        idempotency_key: Option<String>,
    },
    /// The customer had the bank take the charge back.
    Dispute { status: DisputeStatus },
}

words! {
    /// How a dispute stands.
    DisputeStatus {
        /// Nobody has decided.
        Open = "open",
        /// The money stays here.
        Won = "won",
        /// The money is gone: the charge is undone.
        Lost = "lost",
    }
}
