//! How things stood at the end of a day, whatever became of them since.

use std::collections::BTreeMap;

use super::{Day, Kind, Model, Refund, State};

impl Model {
    /// By currency: how many were open on a day and what was due on them, and of those overdue.
    pub fn open_on(&self, day: Day) -> BTreeMap<&'static str, [i64; 4]> {
        let mut sums = BTreeMap::new();
        for bill in self.bills.values().filter(|bill| bill.issued_on <= day) {
            let (status, due) = bill.status_on(Some(day));
            if status == "open" {
                let of: &mut [i64; 4] = sums.entry(bill.currency).or_default();
                let late = i64::from(bill.due_on < day);
                for (sum, more) in of.iter_mut().zip([1, due, late, late * due]) {
                    *sum += more;
                }
            }
        }
        sums
    }

    /// On which day an invoice was paid that was paid at the end of a day: on that of what came last.
    fn paid_on(&self, id: i64, day: Day) -> Option<Day> {
        let bill = &self.bills[&id];
        let money = self.payments.values().filter(|p| {
            let taken_back = p.taken_back.is_some_and(|on| on <= day);
            p.invoice == id && p.applied > 0 && !taken_back
        });
        let money = money.filter_map(|p| if p.charge { p.answered } else { Some(p.made) });
        let credit = bill.by_credit.iter().filter(|one| one.3.is_none_or(|off| off > day));
        let notes = bill.bookings.iter().filter(|one| one.what == Kind::Note && one.due != 0);
        let days = money.chain(credit.map(|one| one.2)).chain(notes.map(|one| one.on));
        let last = days.filter(|on| *on <= day).max();
        last.filter(|_| bill.status_on(Some(day)).0 == "paid")
    }

    /// By currency: how many were paid until a day, how many days that took in all, how many went overdue,
    /// and how many of these were paid.
    pub fn collected_until(&self, day: Day) -> BTreeMap<&'static str, [i64; 4]> {
        let mut sums = BTreeMap::new();
        for (id, bill) in self.bills.iter().filter(|(_, bill)| bill.issued_on <= day) {
            if ["void", "credited"].contains(&bill.status_on(Some(day)).0) {
                continue;
            }
            let paid_on = self.paid_on(*id, day);
            let days = paid_on.map_or(0, |on| (on - bill.issued_on).num_days());
            let went = bill.due_on < day && paid_on.is_none_or(|on| on > bill.due_on);
            let (paid, went) = (i64::from(paid_on.is_some()), i64::from(went));
            let of: &mut [i64; 4] = sums.entry(bill.currency).or_default();
            for (sum, more) in of.iter_mut().zip([paid, days, went, went * paid]) {
                *sum += more;
            }
        }
        sums
    }

    /// By currency and status as it stood at the end of the day: how many payments and charges, and what
    /// they came to.
    pub fn moved_until(&self, day: Day) -> BTreeMap<(&'static str, &'static str), (i64, i64)> {
        let mut sums = BTreeMap::new();
        for payment in self.payments.values().filter(|payment| payment.made <= day) {
            let is_by = |then: Option<Day>| then.is_some_and(|then| then <= day);
            let failed = payment.state == State::Failed || is_by(payment.taken_back);
            let status = match () {
                () if !is_by(payment.answered) => "pending",
                () if failed => "failed",
                () => "succeeded",
            };
            let of = sums.entry((self.bills[&payment.invoice].currency, status)).or_insert((0, 0));
            *of = (of.0 + 1, of.1 + payment.amount);
        }
        sums
    }

    /// By currency: how many refunds by a gateway went back until the end of the day and what they come
    /// to, and the same by hand.
    pub fn back_until(&self, day: Day) -> BTreeMap<&'static str, [i64; 4]> {
        let mut sums = BTreeMap::new();
        let is_by = |then: Option<Day>| then.is_some_and(|then| then <= day);
        let back = |refund: &&Refund| is_by(refund.on) && !is_by(refund.failed);
        for refund in self.refunds.values().filter(back) {
            let of: &mut [i64; 4] = sums.entry(refund.currency).or_default();
            let at = if refund.by_hand { 2 } else { 0 };
            of[at] += 1;
            of[at + 1] += refund.amount;
        }
        sums
    }
}
