//! The sums that reports are made of, grouped and added up by SQLite.
//!
//! Every query looks at the end of a day: what was recorded later is left out as far as the rows
//! keep their dates. A row that was not changed since stands as it stood; of one that was, stages,
//! promises and disputes are read from what was recorded of them. These facts keep no date, and
//! count as they are now: a payment that was reversed was never applied; an invoice that was given
//! up and paid later was open until it was paid; a tenant's standing is today's, and so is that of
//! a warning's letter; a letter that failed for good counts on the day of its first try.

mod kpi;
mod overdue;
mod transactions;

pub use kpi::{InvoiceSums, NewPayers, Span};
pub use overdue::{End, OverdueInvoice};
pub use transactions::{Tally, TallyKey};
