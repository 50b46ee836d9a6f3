//! What becomes of money, in its own words: a list of what happened to each invoice and the parcels of
//! each customer's credit. It knows the promises of the interface and shares nothing with the program.

mod past;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate as Day;

/// What a customer does with money, or is done to it.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Lines, days until it is due, whether it is sent, whether with the coupon.
    Issue {
        tenant: i64,
        currency: &'static str,
        lines: Vec<i64>,
        days: u64,
        send: bool,
        coupon: bool,
    },
    /// `over`: what is above what is due is kept.
    Pay {
        invoice: i64,
        amount: i64,
        on: Day,
        over: bool,
    },
    Charge {
        invoice: i64,
    },
    Resolve {
        transaction: i64,
        came: bool,
    },
    Note {
        invoice: i64,
        what: What,
        split: Split,
        on: Day,
    },
    Refund {
        payment: i64,
        amount: Option<i64>,
        by_hand: bool,
    },
    Reverse {
        payment: i64,
    },
    /// A refund that had gone back did not arrive after all.
    Bounce {
        refund: i64,
    },
    Void {
        invoice: i64,
    },
    WriteOff {
        invoice: i64,
    },
    Promise {
        invoice: i64,
        until: Day,
    },
    Dispute {
        invoice: i64,
    },
    Settle {
        invoice: i64,
    },
    Coupon {
        invoice: i64,
    },
    Grant {
        tenant: i64,
        currency: &'static str,
        amount: i64,
    },
    Unapply {
        of: i64,
    },
    Apply {
        invoice: i64,
        amount: Option<i64>,
    },
}

/// What of an invoice is credited.
#[derive(Debug, Clone)]
pub enum What {
    Full,
    /// Positions from 1, and how much of each.
    Lines(Vec<(usize, Option<i64>)>),
    Amount(i64),
}

/// Where what was paid is asked to go: `Some(None)` is what the others leave.
#[derive(Debug, Clone, Copy, Default)]
pub struct Split {
    pub credit: Option<Option<i64>>,
    pub refund: Option<Option<i64>>,
    pub by_hand: Option<Option<i64>>,
}

/// The coupon of these lives takes so many percent off.
pub const COUPON: i64 = 15;

/// What a gateway's token does when it is charged, and when that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Ok,
    ChargePends,
    RefundPends,
    RefundFails,
    None,
}

/// One thing that happened to an invoice, from a day on: what it changed of what is due.
#[derive(Debug, Clone, Copy)]
struct Booking {
    on: Day,
    what: Kind,
    due: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Money,
    Credit,
    Note,
    Discount,
    GivenUp,
    Void,
}

#[derive(Debug, Clone)]
pub struct Bill {
    pub tenant: i64,
    pub currency: &'static str,
    pub due_on: Day,
    pub lines: Vec<(i64, i64)>,
    /// Parts of a million.
    rate: i64,
    pub tax: i64,
    pub total: i64,
    issued_over: i64,
    issued_on: Day,
    coupon: bool,
    coupon_by_note: bool,
    promised: Option<Day>,
    pub disputed: bool,
    bookings: Vec<Booking>,
    notes: Vec<usize>,
    /// What paid by credit: which, how much, from which day, until which.
    by_credit: Vec<(usize, i64, Day, Option<Day>)>,
}

/// A credit note, as far as it matters to the next one.
#[derive(Debug, Clone)]
pub struct Note {
    pub invoice: i64,
    pub net: i64,
    pub tax: i64,
    reduces_due: i64,
    /// Amount and discount by line.
    lines: Vec<(i64, i64)>,
    credit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Came,
    Failed,
    TakenBack,
}

/// A payment or charge.
#[derive(Debug, Clone)]
pub struct Payment {
    pub invoice: i64,
    pub amount: i64,
    applied: i64,
    pub charge: bool,
    pub state: State,
    made: Day,
    answered: Option<Day>,
    taken_back: Option<Day>,
}

#[derive(Debug, Clone)]
pub struct Refund {
    of: Option<i64>,
    currency: &'static str,
    amount: i64,
    pub by_hand: bool,
    parts: Vec<(usize, i64, i64)>,
    pub state: State,
    on: Option<Day>,
    failed: Option<Day>,
}

/// A parcel of credit.
#[derive(Debug, Clone)]
struct Credit {
    tenant: i64,
    currency: &'static str,
    from: Day,
    left: i64,
    payment: Option<i64>,
    note: Option<usize>,
    gone: bool,
    /// Invoice and amount of what it pays now, oldest first.
    pays: Vec<(i64, i64)>,
    kept_off: BTreeSet<i64>,
}

/// What the rows say of a note: its lines as (position, amount, discount, net), and its sums.
#[derive(Debug, Clone)]
pub struct NoteRow {
    pub invoice: i64,
    pub lines: Vec<(usize, i64, i64, i64)>,
    pub tax: i64,
    pub total: i64,
    pub split: [i64; 4],
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub today: Day,
    /// Credit is applied by a person alone.
    pub manual: bool,
    pub tokens: BTreeMap<i64, Token>,
    pub rates: BTreeMap<i64, i64>,
    pub bills: BTreeMap<i64, Bill>,
    pub notes: Vec<Note>,
    pub payments: BTreeMap<i64, Payment>,
    pub refunds: BTreeMap<i64, Refund>,
    credits: Vec<Credit>,
    /// The token that took a charge.
    took: BTreeMap<i64, Token>,
    /// The bills off which credit was taken, in that order.
    touched: Vec<i64>,
}

/// What of a whole goes with a part of it, to the nearest unit.
fn part_of(whole: i64, part: i64, of: i64) -> i64 {
    let (product, of) = (i128::from(whole) * i128::from(part), i128::from(of));
    i64::try_from((2 * product + of) / (2 * of)).expect("a small sum")
}

impl Bill {
    fn tax_on(&self, net: i64) -> i64 {
        part_of(net, self.rate, 1_000_000)
    }

    fn net(&self) -> i64 {
        self.total - self.tax
    }

    fn status_on(&self, day: Option<Day>) -> (&'static str, i64) {
        let (mut due, mut noted, mut paid, mut given_up) = (self.issued_over, 0, 0, false);
        for booking in self.bookings.iter().filter(|b| day.is_none_or(|day| b.on <= day)) {
            due += booking.due;
            match booking.what {
                Kind::Void => return ("void", 0),
                Kind::GivenUp => given_up = true,
                Kind::Note => noted -= booking.due,
                Kind::Discount => {}
                Kind::Money | Kind::Credit => paid -= booking.due,
            }
            given_up &= due > 0;
        }
        match due {
            ..=0 if noted > 0 && paid == 0 => ("credited", due),
            ..=0 => ("paid", due),
            _ if given_up => ("uncollectible", due),
            _ => ("open", due),
        }
    }

    pub fn status(&self) -> &'static str {
        self.status_on(None).0
    }

    pub fn due(&self) -> i64 {
        self.status_on(None).1
    }

    fn sum(&self, what: Kind) -> i64 {
        -self.bookings.iter().filter(|b| b.what == what).map(|b| b.due).sum::<i64>()
    }

    /// Due, credited, credit applied, paid.
    pub fn sums(&self) -> [i64; 4] {
        [self.due(), self.sum(Kind::Note), self.sum(Kind::Credit), self.sum(Kind::Money)]
    }

    fn book(&mut self, on: Day, what: Kind, due: i64) {
        self.bookings.push(Booking { on, what, due });
    }
}

impl Model {
    fn paid_back(&self, payment: i64) -> i64 {
        let back =
            self.refunds.values().filter(|r| r.of == Some(payment) && r.state != State::Failed);
        back.map(|refund| refund.amount).sum()
    }

    /// What came for an invoice and has not gone back, newest first: (payment, is a charge, left).
    fn refundable(&self, invoice: i64) -> Vec<(i64, bool, i64)> {
        let came = self.payments.iter().rev();
        let came = came.filter(|(_, p)| p.invoice == invoice && p.state == State::Came);
        came.map(|(id, p)| (*id, p.charge, p.amount - self.paid_back(*id))).collect()
    }

    /// What of an invoice a gateway could give back, and what of it at all.
    pub fn may_go_back(&self, invoice: i64) -> (i64, i64) {
        let came = self.refundable(invoice);
        let sum = |charges: bool| {
            came.iter().filter(|one| one.1 || !charges).map(|one| one.2).sum::<i64>()
        };
        (sum(true), sum(false))
    }

    /// Whether the customer of an invoice has credit that could pay it.
    pub fn has_credit_for(&self, invoice: i64) -> bool {
        let bill = &self.bills[&invoice];
        !self.oldest(bill.tenant, bill.currency).is_empty()
    }

    fn live_charge(&self, invoice: i64) -> bool {
        self.payments.values().any(|p| p.invoice == invoice && p.state == State::Pending)
    }

    fn before(&self, bill: &Bill) -> (Vec<(i64, i64)>, i64, i64) {
        let mut lines = vec![(0, 0); bill.lines.len()];
        let (mut net, mut tax) = (0, 0);
        for note in bill.notes.iter().map(|at| &self.notes[*at]) {
            (net, tax) = (net + note.net, tax + note.tax);
            for (line, (amount, discount)) in lines.iter_mut().zip(&note.lines) {
                *line = (line.0 + amount, line.1 + discount);
            }
        }
        (lines, net, tax)
    }

    /// The credits of a tenant that may pay, oldest first.
    fn oldest(&self, tenant: i64, currency: &str) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.credits.len()).collect();
        found.retain(|at| {
            let credit = &self.credits[*at];
            credit.tenant == tenant && credit.currency == currency && credit.left > 0
        });
        found.sort_by_key(|at| (self.credits[*at].from, *at));
        found
    }

    fn pay_by(&mut self, credit: usize, invoice: i64, amount: i64) {
        self.credits[credit].left -= amount;
        self.credits[credit].pays.push((invoice, amount));
        let today = self.today;
        let bill = self.bill(invoice);
        bill.book(today, Kind::Credit, -amount);
        bill.by_credit.push((credit, amount, today, None));
    }

    fn bill(&mut self, id: i64) -> &mut Bill {
        self.bills.get_mut(&id).expect("a bill")
    }

    /// Credit pays one invoice by itself.
    fn settle_one(&mut self, invoice: i64) {
        let (tenant, currency) = (self.bills[&invoice].tenant, self.bills[&invoice].currency);
        for credit in self.oldest(tenant, currency) {
            let due = self.bills[&invoice].due();
            let part = due.min(self.credits[credit].left);
            if part > 0 && !self.credits[credit].kept_off.contains(&invoice) {
                self.pay_by(credit, invoice, part);
            }
        }
    }

    /// The open invoices that credit may pay by itself, oldest due first.
    fn payable(&self, tenant: i64) -> Vec<i64> {
        let mut open: Vec<(Day, i64)> =
            self.bills.iter().map(|(id, bill)| (bill.due_on, *id)).collect();
        open.retain(|(_, id)| {
            let bill = &self.bills[id];
            let promised = bill.promised.is_some_and(|until| until >= self.today);
            let rests = bill.disputed || promised || self.live_charge(*id);
            bill.tenant == tenant && bill.status() == "open" && !rests
        });
        open.sort();
        open.into_iter().map(|(_, id)| id).collect()
    }

    /// The credit of a tenant pays what it can.
    pub fn settle(&mut self, tenant: i64) {
        if self.manual {
            return;
        }
        self.payable(tenant).into_iter().for_each(|id| self.settle_one(id));
    }

    /// No credit is free beside an invoice that it may pay.
    pub fn free_beside_open(&self) -> Option<i64> {
        let tenants: BTreeSet<i64> = self.bills.values().map(|bill| bill.tenant).collect();
        let payable = tenants.into_iter().flat_map(|tenant| self.payable(tenant));
        let free = |id: &i64| {
            let bill = &self.bills[id];
            let credits = self.oldest(bill.tenant, bill.currency);
            credits.iter().any(|at| !self.credits[*at].kept_off.contains(id))
        };
        payable.into_iter().find(free)
    }

    fn give(
        &mut self,
        invoice: i64,
        amount: i64,
        from: Day,
        payment: Option<i64>,
        note: Option<usize>,
    ) {
        let (tenant, currency) = (self.bills[&invoice].tenant, self.bills[&invoice].currency);
        let (pays, kept_off) = (Vec::new(), BTreeSet::new());
        let (left, gone) = (amount, false);
        self.credits.push(Credit {
            tenant,
            currency,
            from,
            left,
            payment,
            note,
            gone,
            pays,
            kept_off,
        });
    }

    /// Takes what a credit pays last off its invoice.
    fn take_off(&mut self, credit: usize, nth: usize) {
        let (invoice, amount) = self.credits[credit].pays.remove(nth);
        self.credits[credit].left += amount;
        let today = self.today;
        let bill = self.bill(invoice);
        bill.book(today, Kind::Credit, amount);
        let paid = |one: &&mut (usize, i64, Day, Option<Day>)| {
            (one.0, one.1, one.3) == (credit, amount, None)
        };
        bill.by_credit.iter_mut().find(paid).expect("it paid").3 = Some(today);
        self.touched.push(invoice);
    }

    /// Sets off what the notes of those bills gave that credit was taken off, and of those that this takes
    /// credit off in turn.
    fn set_off(&mut self) {
        let mut queue = std::collections::VecDeque::from(std::mem::take(&mut self.touched));
        while let Some(invoice) = queue.pop_front() {
            self.net_notes(invoice);
            queue.extend(std::mem::take(&mut self.touched));
        }
    }

    /// Takes all credit off an invoice, the newest first.
    fn take_all_off(&mut self, invoice: i64) {
        for credit in 0..self.credits.len() {
            while let Some(nth) = self.credits[credit].pays.iter().position(|one| one.0 == invoice)
            {
                self.take_off(credit, nth);
            }
        }
    }

    fn came(&mut self, id: i64, on: Day, kind_over: bool) {
        let (invoice, amount) = (self.payments[&id].invoice, self.payments[&id].amount);
        let due =
            if self.bills[&invoice].status() == "void" { 0 } else { self.bills[&invoice].due() };
        let applied = amount.min(due);
        let payment = self.payments.get_mut(&id).expect("a payment");
        (payment.applied, payment.state) = (applied, State::Came);
        self.bill(invoice).book(on, Kind::Money, -applied);
        assert!(kind_over || applied == amount);
        if amount > applied {
            self.give(invoice, amount - applied, on, Some(id), None);
            let tenant = self.bills[&invoice].tenant;
            self.settle(tenant);
        }
    }

    /// What a refund holds did not go back.
    fn refund_failed(&mut self, id: i64) {
        let today = self.today;
        let refund = self.refunds.get_mut(&id).expect("a refund");
        (refund.state, refund.failed) = (State::Failed, Some(today));
        let parts = std::mem::take(&mut refund.parts);
        let tenant = self.credits[parts[0].0].tenant;
        for (credit, amount, lost) in parts {
            self.credits[credit].left += amount - lost;
        }
        self.settle(tenant);
    }

    /// What a note or refund takes out of credits, of one payment; a gateway answers at once.
    fn begin(&mut self, id: i64, of: Option<i64>, by_hand: bool, parts: Vec<(usize, i64)>) {
        let amount = parts.iter().map(|part| part.1).sum();
        let mut held = Vec::new();
        for (credit, part) in parts {
            self.credits[credit].left -= part;
            held.push((credit, part, 0));
        }
        let currency = self.credits[held[0].0].currency;
        let refund = Refund {
            of,
            currency,
            amount,
            by_hand,
            parts: held,
            state: State::Pending,
            on: None,
            failed: None,
        };
        self.refunds.insert(id, refund);
        if by_hand {
            self.went_back(id);
        }
    }

    fn went_back(&mut self, id: i64) {
        let today = self.today;
        let refund = self.refunds.get_mut(&id).expect("a refund");
        (refund.state, refund.on) = (State::Came, Some(today));
    }

    /// The gateway's answer to refunds that were begun.
    fn answered(&mut self, ids: &[i64]) {
        for id in ids {
            let of = self.refunds[id].of.expect("a charge");
            match self.took[&of] {
                Token::RefundPends => {}
                Token::RefundFails => self.refund_failed(*id),
                _ => self.went_back(*id),
            }
        }
    }

    /// Loses what a credit lacks to what was given back of it, the newest first.
    fn lose(&mut self, credit: usize, mut missing: i64) -> i64 {
        for refund in self.refunds.values_mut().rev() {
            for part in refund.parts.iter_mut().filter(|part| part.0 == credit) {
                let lost = missing.min(part.1 - part.2);
                (part.2, missing) = (part.2 + lost, missing - lost);
            }
        }
        missing
    }

    /// Sets off what the notes of a bill gave against what is due on it again, the newest first.
    fn net_notes(&mut self, invoice: i64) {
        let today = self.today;
        let owed = self.bills[&invoice].status() != "void" && self.bills[&invoice].due() > 0;
        // What its own notes pay of it by credit is set off instead.
        for at in self.bills[&invoice].notes.clone().into_iter().filter(|_| owed) {
            let Some(credit) = self.notes[at].credit else { continue };
            let own = |one: &(i64, i64)| one.0 == invoice;
            while let Some(nth) = self.credits[credit].pays.iter().position(own) {
                self.take_off(credit, nth);
                self.touched.pop();
            }
        }
        for at in self.bills[&invoice].notes.clone().into_iter().rev() {
            let Some(credit) = self.notes[at].credit else { continue };
            let due = if self.bills[&invoice].status() == "void" {
                0
            } else {
                self.bills[&invoice].due()
            };
            let given = self.notes[at].net + self.notes[at].tax - self.notes[at].reduces_due;
            let part = given.min(due);
            while self.credits[credit].left < part && !self.credits[credit].pays.is_empty() {
                self.take_off(credit, self.credits[credit].pays.len() - 1);
            }
            let due = self.bills[&invoice].due();
            let part = part.min(due);
            let from_left = part.min(self.credits[credit].left);
            self.credits[credit].left -= from_left;
            assert_eq!(self.lose(credit, part - from_left), 0, "what a note gave is somewhere");
            self.notes[at].reduces_due += part;
            self.bill(invoice).book(today, Kind::Note, -part);
        }
    }

    fn reverse(&mut self, id: i64) {
        let today = self.today;
        self.touched.clear();
        let (invoice, applied) = (self.payments[&id].invoice, self.payments[&id].applied);
        let own = |credit: &Credit| credit.payment == Some(id) && !credit.gone;
        if let Some(credit) = self.credits.iter().position(own) {
            while let Some(nth) = self.credits[credit].pays.len().checked_sub(1) {
                self.take_off(credit, nth);
            }
            self.lose(credit, i64::MAX);
            (self.credits[credit].left, self.credits[credit].gone) = (0, true);
        }
        let payment = self.payments.get_mut(&id).expect("a payment");
        (payment.state, payment.taken_back) = (State::TakenBack, Some(today));
        self.bill(invoice).book(today, Kind::Money, applied);
        // What was touched before comes after the bill itself.
        let before = std::mem::take(&mut self.touched);
        self.net_notes(invoice);
        let after = std::mem::replace(&mut self.touched, before);
        self.touched.extend(after);
        self.set_off();
        let tenant = self.bills[&invoice].tenant;
        self.settle(tenant);
    }

    /// Takes a note up that was written, and holds its rows against the formulas.
    fn write_note(
        &mut self,
        what: &What,
        on: Day,
        split: [i64; 4],
        row: &NoteRow,
        refunds: &[i64],
    ) {
        let id = row.invoice;
        let bill = &self.bills[&id];
        let (net, tax) = self.drawn(bill, what).expect("it can be drawn up");
        assert_eq!((row.total, row.tax), (net + tax, tax), "a note of {bill:?}: {row:?}");
        let [reduces, credit, refund, by_hand] = row.split;
        // What a gateway refused is credit again by now.
        let [rest, said] = [credit + refund, split[1] + split[2]];
        assert_eq!([reduces, rest, by_hand], [split[0], said, split[3]], "{row:?}");
        let (before, _, _) = self.before(bill);
        let mut lines = vec![(0, 0); bill.lines.len()];
        let left: Vec<i64> =
            bill.lines.iter().zip(&before).map(|(l, b)| l.0 - b.0 - l.1 + b.1).collect();
        let all: i64 = left.iter().sum();
        for (position, amount, discount, of_line) in &row.lines {
            let (line, before) = (bill.lines[position - 1], before[position - 1]);
            let off = part_of(line.1, before.0 + amount, line.0.max(1)) - before.1;
            assert_eq!(*discount, if *amount == 0 { 0 } else { off }, "{row:?}");
            assert_eq!(*of_line, amount - discount, "{row:?}");
            if let What::Amount(_) = what {
                let apart = i128::from(*of_line) * i128::from(all)
                    - i128::from(net) * i128::from(left[position - 1]);
                assert!(apart.abs() < i128::from(all.max(1)), "by largest remainder: {row:?}");
            }
            lines[position - 1] = (*amount, *discount);
        }
        assert_eq!(row.lines.iter().map(|line| line.3).sum::<i64>(), net, "{row:?}");
        let (at, reduces_due) = (self.notes.len(), split[0]);
        let given = net + tax - reduces_due;
        let credit = (given > 0).then_some(self.credits.len());
        self.notes.push(Note { invoice: id, net, tax, reduces_due, lines, credit });
        let bill = self.bill(id);
        bill.notes.push(at);
        bill.book(on, Kind::Note, -reduces_due);
        if let Some(credit) = credit {
            self.give(id, given, on, None, Some(at));
            self.send_back(id, credit, split, refunds);
        }
        let tenant = self.bills[&id].tenant;
        self.settle(tenant);
        // A gateway is asked once all is written.
        let begun: Vec<i64> =
            refunds.iter().copied().filter(|r| self.refunds[r].state == State::Pending).collect();
        self.answered(&begun);
    }

    /// The refunds of a note: by hand what came by hand first, by the gateway the newest charge first.
    fn send_back(&mut self, id: i64, credit: usize, split: [i64; 4], refunds: &[i64]) {
        let mut next = refunds.iter();
        for (by_hand, mut amount) in [(true, split[3]), (false, split[2])] {
            let mut from = self.refundable(id);
            from.retain(|one| by_hand || one.1);
            from.sort_by_key(|one| one.1);
            for (payment, _, left) in from {
                let part = left.min(amount);
                if part > 0 {
                    amount -= part;
                    let refund = *next.next().expect("a refund");
                    self.begin(refund, Some(payment), by_hand, vec![(credit, part)]);
                }
            }
            assert_eq!(amount, 0);
        }
        assert!(next.next().is_none());
    }

    /// What may go back of a payment: its credits and parts, and how much at most.
    pub fn parts_back(&self, payment: i64) -> (Vec<(usize, i64)>, i64) {
        let invoice = self.payments[&payment].invoice;
        let of = |p: &Credit| p.payment.is_some_and(|id| self.payments[&id].invoice == invoice);
        let noted = |p: &Credit| p.note.is_some_and(|at| self.notes[at].invoice == invoice);
        let own = |p: &&Credit| p.payment == Some(payment);
        let paid: Vec<i64> =
            self.credits.iter().filter(own).flat_map(|p| p.pays.iter().map(|one| one.0)).collect();
        let of_paid = |p: &Credit| p.note.is_some_and(|at| paid.contains(&self.notes[at].invoice));
        let mut found: Vec<(u8, usize)> = Vec::new();
        for (at, credit) in self.credits.iter().enumerate().filter(|(_, credit)| credit.left > 0) {
            match () {
                () if credit.payment == Some(payment) => found.push((0, at)),
                () if of(credit) => found.push((1, at)),
                () if noted(credit) => found.push((2, at)),
                () if of_paid(credit) => found.push((3, at)),
                () => {}
            }
        }
        found.sort_unstable();
        let parts: Vec<(usize, i64)> =
            found.into_iter().map(|(_, at)| (at, self.credits[at].left)).collect();
        let most: i64 = parts.iter().map(|part| part.1).sum();
        let left = self.payments[&payment].amount - self.paid_back(payment);
        (parts, most.min(left))
    }

    /// Does what was done. `new` are the ids of what it wrote, `row` the note, where it wrote one;
    /// `before` what paid by credit before it.
    pub fn does(
        &mut self,
        deed: &Deed,
        new: &[i64],
        row: Option<&NoteRow>,
        before: &BTreeMap<i64, (usize, i64, i64)>,
    ) {
        let today = self.today;
        match deed {
            Deed::Issue { .. } => unreachable!("see issue()"),
            Deed::Pay { invoice, amount, on, over } => {
                let (invoice, amount, charge) = (*invoice, *amount, false);
                let (applied, state, answered, taken_back) = (0, State::Pending, Some(*on), None);
                let payment = Payment {
                    invoice,
                    amount,
                    applied,
                    charge,
                    state,
                    made: *on,
                    answered,
                    taken_back,
                };
                self.payments.insert(new[0], payment);
                self.came(new[0], *on, *over);
            }
            Deed::Charge { invoice } => {
                let tenant = self.bills[invoice].tenant;
                self.settle(tenant);
                if self.bills[invoice].status() != "open" {
                    return;
                }
                let (amount, token) = (self.bills[invoice].due(), self.tokens[&tenant]);
                let (applied, charge, state) = (0, true, State::Pending);
                let (answered, taken_back, invoice) = (None, None, *invoice);
                let payment = Payment {
                    invoice,
                    amount,
                    applied,
                    charge,
                    state,
                    made: today,
                    answered,
                    taken_back,
                };
                self.payments.insert(new[0], payment);
                self.took.insert(new[0], token);
                if token != Token::ChargePends {
                    self.payments.get_mut(&new[0]).expect("it").answered = Some(today);
                    self.came(new[0], today, true);
                }
            }
            Deed::Resolve { transaction, came } => match self.payments.get_mut(transaction) {
                Some(payment) => {
                    payment.answered = Some(today);
                    let invoice = payment.invoice;
                    if *came {
                        self.came(*transaction, today, true);
                    } else {
                        // Credit that came while the charge had no outcome pays now.
                        payment.state = State::Failed;
                        let tenant = self.bills[&invoice].tenant;
                        self.settle(tenant);
                    }
                }
                None if *came => self.went_back(*transaction),
                None => self.refund_failed(*transaction),
            },
            Deed::Note { invoice, what, split, on } => {
                let row = row.expect("a note");
                let (net, tax) = self.drawn(&self.bills[invoice], what).expect("drawn");
                let split = self.allocated(*invoice, net + tax, split).expect("allocated");
                self.write_note(what, *on, split, row, new);
            }
            Deed::Refund { payment, amount, by_hand } => {
                let (parts, most) = self.parts_back(*payment);
                let mut rest = amount.unwrap_or(most);
                let mut held = Vec::new();
                for (credit, left) in parts {
                    let part = left.min(rest);
                    rest -= part;
                    held.extend((part > 0).then_some((credit, part)));
                }
                self.begin(new[0], Some(*payment), *by_hand, held);
                if !by_hand {
                    self.answered(new);
                }
            }
            Deed::Reverse { payment } => self.reverse(*payment),
            Deed::Bounce { refund } => self.refund_failed(*refund),
            Deed::Void { invoice } => {
                self.take_all_off(*invoice);
                let bill = self.bill(*invoice);
                let due = bill.due();
                bill.book(today, Kind::Void, -due);
                let tenant = bill.tenant;
                self.settle(tenant);
            }
            Deed::WriteOff { invoice } => self.bill(*invoice).book(today, Kind::GivenUp, 0),
            Deed::Promise { invoice, until } => self.bill(*invoice).promised = Some(*until),
            Deed::Dispute { invoice } => self.bill(*invoice).disputed = true,
            Deed::Settle { invoice } => self.bill(*invoice).disputed = false,
            Deed::Coupon { invoice } => self.discount(*invoice, row),
            Deed::Grant { tenant, currency, amount } => {
                let (pays, kept_off) = (Vec::new(), BTreeSet::new());
                let (tenant, currency, from, left) = (*tenant, *currency, today, *amount);
                let (payment, note, gone) = (None, None, false);
                let credit =
                    Credit { tenant, currency, from, left, payment, note, gone, pays, kept_off };
                self.credits.push(credit);
                self.settle(tenant);
            }
            Deed::Unapply { of } => {
                let (id, invoice, amount) = before[of];
                let credit = id - 1;
                let pays = &self.credits[credit].pays;
                let nth = pays.iter().position(|one| *one == (invoice, amount)).expect("it pays");
                self.touched.clear();
                self.take_off(credit, nth);
                self.credits[credit].kept_off.insert(invoice);
                self.set_off();
            }
            Deed::Apply { invoice, amount } => {
                let bill = &self.bills[invoice];
                let mut rest = amount.unwrap_or(bill.due());
                for credit in self.oldest(bill.tenant, bill.currency) {
                    let part = rest.min(self.credits[credit].left);
                    if part > 0 {
                        rest -= part;
                        self.credits[credit].kept_off.remove(invoice);
                        self.pay_by(credit, *invoice, part);
                    }
                }
            }
        }
    }

    /// A coupon comes off afterwards: off the invoice itself, or by a note where there is one.
    fn discount(&mut self, id: i64, row: Option<&NoteRow>) {
        let subtotal: i64 = self.bills[&id].lines.iter().map(|line| line.0).sum();
        let off = part_of(subtotal, COUPON, 100);
        if let Some(row) = row {
            self.bill(id).coupon_by_note = true;
            let asked: Vec<_> = row.lines.iter().map(|line| (line.0, Some(line.1))).collect();
            assert_eq!(row.lines.iter().map(|line| line.1).sum::<i64>(), off, "{row:?}");
            let what = What::Lines(asked);
            let split = self.allocated(id, row.total, &Split::default()).expect("to credit");
            let today = self.today;
            return self.write_note(&what, today, split, row, &[]);
        }
        let live = self.bills[&id].by_credit.iter().filter(|one| one.3.is_none());
        let paid: Vec<(usize, i64)> = live.map(|one| (one.0, one.1)).collect();
        self.take_all_off(id);
        let (today, bill) = (self.today, self.bill(id));
        bill.coupon = true;
        let tax = bill.tax_on(subtotal - off);
        let total = subtotal - off + tax;
        bill.book(today, Kind::Discount, total - bill.total);
        (bill.tax, bill.total) = (tax, total);
        // What had paid it by credit pays what is left.
        for (credit, amount) in paid {
            let part = amount.min(self.bills[&id].due());
            if part > 0 {
                self.pay_by(credit, id, part);
            }
        }
        let tenant = self.bills[&id].tenant;
        self.settle(tenant);
    }

    /// Takes an invoice up that was issued; its lines' discounts are read from its rows.
    pub fn issue(&mut self, id: i64, deed: &Deed, discounts: &[i64]) {
        let Deed::Issue { tenant, currency, lines, days, coupon, .. } = deed else { return };
        let subtotal: i64 = lines.iter().sum();
        let off = if *coupon { part_of(subtotal, COUPON, 100) } else { 0 };
        assert_eq!(discounts.iter().sum::<i64>(), off);
        let rate = self.rates[tenant];
        let tax = part_of(subtotal - off, rate, 1_000_000);
        let total = subtotal - off + tax;
        let bill = Bill {
            tenant: *tenant,
            currency,
            due_on: self.today + chrono::Days::new(*days),
            lines: lines.iter().copied().zip(discounts.iter().copied()).collect(),
            rate,
            tax,
            total,
            issued_over: total,
            issued_on: self.today,
            coupon: *coupon,
            coupon_by_note: false,
            promised: None,
            disputed: false,
            bookings: Vec::new(),
            notes: Vec::new(),
            by_credit: Vec::new(),
        };
        self.bills.insert(id, bill);
        if !self.manual {
            self.settle_one(id);
        }
    }

    /// The discounts of lines that a coupon took off afterwards are read from the rows.
    pub fn lines_are(&mut self, id: i64, lines: &[(i64, i64)]) {
        let bill = self.bill(id);
        if bill.lines != lines {
            let subtotal: i64 = lines.iter().map(|line| line.0).sum();
            let off: i64 = lines.iter().map(|line| line.1).sum();
            assert_eq!(bill.net(), subtotal - off);
            bill.lines = lines.to_vec();
        }
    }

    /// The live uses of credit: (credit from 1, invoice, amount).
    pub fn uses(&self) -> Vec<(usize, i64, i64)> {
        let of = |(at, credit): (usize, &Credit)| {
            credit
                .pays
                .iter()
                .map(move |(invoice, amount)| (at + 1, *invoice, *amount))
                .collect::<Vec<_>>()
        };
        let mut uses: Vec<_> = self.credits.iter().enumerate().flat_map(of).collect();
        uses.sort_unstable();
        uses
    }

    /// What is left by tenant and currency.
    pub fn balances(&self) -> BTreeMap<(i64, String), i64> {
        let mut balances = BTreeMap::new();
        for credit in self.credits.iter().filter(|credit| credit.left > 0) {
            *balances.entry((credit.tenant, credit.currency.to_owned())).or_insert(0) +=
                credit.left;
        }
        balances
    }
}
