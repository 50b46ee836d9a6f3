//! What the operator looks at each morning, put together in one snapshot of the database. Sums are
//! per currency and never added across.

mod automation;
mod coupons;
mod kpi;
mod lateness;
mod mrr;
mod outlook;
mod overdue;
mod period;
mod tax;
mod transactions;

pub use automation::{Automation, EmailCount, LastRun, StandingChanges, TaskLine, automation};
pub use coupons::{CouponLine, Coupons, TOP, coupons};
pub use kpi::{Kpi, KpiName, Target, Trend, Unit, kpi, percent};
pub use lateness::{Expected, expected, run_status};
pub use mrr::{Mrr, MrrMonth, mrr};
pub use outlook::{Growth, PlanRevenue, by_plan, growth};
pub use overdue::{AGES, Age, Bucket, Debtor, Overdue, overdue};
pub use period::{Period, check_order};
pub use tax::{TaxTotal, Taxes, taxes};
pub use transactions::{
    CodeTally, DayTally, MethodTally, RefundTally, StatusTally, Transactions, transactions,
};
