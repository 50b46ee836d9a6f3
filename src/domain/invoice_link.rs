//! How long the link of an e-mail shows its invoice.

use chrono::NaiveDate;

use super::calendar::plus_days;

/// What decides how long the link of an invoice holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceLinkFacts {
    pub issued_on: NaiveDate,
    /// When it was paid in full; `None`: something is due still, or it came to its end otherwise.
    pub paid_on: Option<NaiveDate>,
}

/// A link holds so many days after its invoice was paid …
const AFTER_PAYMENT: i64 = 90;
/// … and so many after the issue at most, whether paid or not.
const AFTER_ISSUE: i64 = 400;

impl InvoiceLinkFacts {
    /// The last day on which any link of the invoice holds, whatever becomes of it: what the link itself
    /// says, since it is never made anew.
    pub fn longest_until(self) -> NaiveDate {
        plus_days(self.issued_on, AFTER_ISSUE)
    }

    /// The last day on which its link holds as things stand.
    pub fn holds_until(self) -> NaiveDate {
        let longest = self.longest_until();
        self.paid_on.map_or(longest, |paid_on| longest.min(plus_days(paid_on, AFTER_PAYMENT)))
    }
}

/// Whether the link of an invoice holds today: a day by the machine's clock, in the business time zone.
pub fn invoice_link_holds(facts: InvoiceLinkFacts, today: NaiveDate) -> bool {
    today <= facts.holds_until()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_until_90_days_after_the_payment_and_400_after_the_issue() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (issued_on, paid_on, last) in [
            ("2026-01-01", None, "2027-02-05"),
            ("2026-01-01", Some("2026-01-01"), "2026-04-01"),
            ("2026-01-01", Some("2026-11-07"), "2027-02-05"),
            ("2026-01-01", Some("2026-11-06"), "2027-02-04"),
            // Paid late, or before the issue, as imports say it.
            ("2026-01-01", Some("2028-01-01"), "2027-02-05"),
            ("2026-01-01", Some("2025-12-01"), "2026-03-01"),
        ] {
            let facts = InvoiceLinkFacts { issued_on: day(issued_on), paid_on: paid_on.map(day) };
            let last = day(last);
            assert_eq!(facts.holds_until(), last, "{facts:?}");
            assert!(invoice_link_holds(facts, day(issued_on)) && invoice_link_holds(facts, last));
            assert!(!invoice_link_holds(facts, plus_days(last, 1)), "{facts:?}");
            assert!(facts.holds_until() <= facts.longest_until());
        }
    }
}
