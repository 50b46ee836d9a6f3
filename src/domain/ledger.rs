//! The ledger: each thing that happens to money, as a double entry in one row.
//!
//! Six accounts, of which the first three are what we have, are owed or gave up, and the last
//! three where it came from: `receivable + cash + loss = credit + revenue + tax`. What is due on an
//! invoice is the sum of its receivables and losses, what a tenant has in credit the sum of its
//! credits. Nothing that was booked is ever changed: a mistake is a new entry that takes it back.

use chrono::NaiveDate;

use super::email::Locale;
use super::invoice::{Amounts, Invoice, InvoiceStatus, Settlement};
use super::{Currency, Money, words};

words! {
    /// What happened.
    EntryKind {
        Invoice = "invoice",
        /// A coupon came off an invoice after its issue.
        Discount = "discount",
        /// Money that was recorded by a person or an import, or was paid before an import.
        Payment = "payment",
        Charge = "charge",
        /// A payment or charge was taken back.
        Reversal = "reversal",
        WriteOff = "write_off",
        Void = "void",
        /// An import set an imported invoice right: takes back what was booked of it.
        Correction = "correction",
        /// A credit note took back of what was billed.
        CreditNote = "credit_note",
        /// What credit notes had given as credit is set off against what is due again, because a
        /// payment of their invoice was taken back.
        CreditNetted = "credit_netted",
        /// What of the credit of a payment that was taken back had gone back to the customer is lost.
        RefundLost = "refund_lost",
        /// Money went back to a customer, out of its credit.
        Refund = "refund",
        /// It did not arrive, and is credit again.
        RefundFailed = "refund_failed",
        /// A credit was given to a customer.
        CreditGrant = "credit_grant",
        /// Credit paid an invoice.
        CreditApplied = "credit_applied",
        /// Credit was taken off an invoice again.
        CreditUnapplied = "credit_unapplied",
    }
}

impl EntryKind {
    /// What an accountant reads.
    pub fn said(self, locale: Locale) -> &'static str {
        let (fr, en) = match self {
            EntryKind::Invoice => ("Facture", "Invoice"),
            EntryKind::Discount => ("Remise sur facture", "Discount on invoice"),
            EntryKind::Payment => ("Règlement", "Payment"),
            EntryKind::Charge => ("Encaissement", "Charge"),
            EntryKind::Reversal => ("Règlement annulé", "Payment reversed"),
            EntryKind::WriteOff => ("Créance irrécouvrable", "Written off"),
            EntryKind::Void => ("Facture annulée", "Invoice voided"),
            EntryKind::Correction => ("Correction", "Correction"),
            EntryKind::CreditNote => ("Avoir", "Credit note"),
            EntryKind::CreditNetted => ("Avoir compensé", "Credit set off"),
            EntryKind::RefundLost => ("Remboursement perdu", "Refund lost"),
            EntryKind::Refund => ("Remboursement", "Refund"),
            EntryKind::RefundFailed => ("Remboursement échoué", "Refund failed"),
            EntryKind::CreditGrant => ("Geste commercial", "Credit granted"),
            EntryKind::CreditApplied => ("Avoir imputé", "Credit applied"),
            EntryKind::CreditUnapplied => ("Imputation annulée", "Credit taken off"),
        };
        match locale {
            Locale::Fr => fr,
            Locale::En => en,
        }
    }
}

/// Where what is due on an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The customer owes it.
    Receivable,
    /// It was given up.
    Loss,
}

impl Claim {
    /// Where the dues of an invoice of that status stand.
    pub fn of(status: InvoiceStatus) -> Claim {
        match status {
            InvoiceStatus::Uncollectible => Claim::Loss,
            _ => Claim::Receivable,
        }
    }
}

/// One entry, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    /// The business day from which it counts, whenever it was written down.
    pub booked_on: NaiveDate,
    pub currency: Currency,
    /// What customers owe.
    pub receivable: i64,
    /// What came in or went out.
    pub cash: i64,
    /// What was given up.
    pub loss: i64,
    /// What we owe the customer.
    pub credit: i64,
    /// Net of discount and tax.
    pub revenue: i64,
    pub tax: i64,
}

impl Entry {
    fn nothing(kind: EntryKind, booked_on: NaiveDate, currency: Currency) -> Entry {
        let (receivable, cash, loss, credit, revenue, tax) = (0, 0, 0, 0, 0, 0);
        Entry { kind, booked_on, currency, receivable, cash, loss, credit, revenue, tax }
    }

    /// An invoice over those amounts.
    pub fn issued(amounts: &Amounts, issued_on: NaiveDate) -> Entry {
        Entry {
            receivable: amounts.total.minor(),
            revenue: amounts.total.minor() - amounts.tax.minor(),
            tax: amounts.tax.minor(),
            ..Entry::nothing(EntryKind::Invoice, issued_on, amounts.total.currency())
        }
    }

    /// A discount that makes an invoice over `before` one over `after`.
    pub fn discounted(before: &Amounts, after: &Amounts, booked_on: NaiveDate) -> Entry {
        let [before, after] = [before, after].map(|amounts| Entry::issued(amounts, booked_on));
        Entry {
            receivable: after.receivable - before.receivable,
            revenue: after.revenue - before.revenue,
            tax: after.tax - before.tax,
            kind: EntryKind::Discount,
            ..after
        }
    }

    /// Money that came in, of which `applied` settles what is due on an invoice; the rest is the
    /// tenant's credit.
    pub fn paid(
        kind: EntryKind,
        amount: Money,
        applied: Money,
        claim: Claim,
        paid_on: NaiveDate,
    ) -> Entry {
        Entry {
            cash: amount.minor(),
            credit: amount.minor() - applied.minor(),
            ..Entry::nothing(kind, paid_on, amount.currency())
        }
        .claiming(claim, -applied.minor())
    }

    /// Money that never came or went back: what it had settled is due again, as `claim`, and the
    /// credit that it left is gone.
    pub fn reversed(amount: Money, applied: Money, claim: Claim, booked_on: NaiveDate) -> Entry {
        let paid = Entry::paid(EntryKind::Reversal, amount, applied, claim, booked_on);
        paid.taken_back()
    }

    /// A credit note over those amounts, of which `reduces_due` is due no more and the rest is the
    /// customer's credit.
    pub fn credited(
        amounts: &Amounts,
        reduces_due: Money,
        claim: Claim,
        issued_on: NaiveDate,
    ) -> Entry {
        let issued = Entry::issued(amounts, issued_on).taken_back();
        Entry {
            kind: EntryKind::CreditNote,
            receivable: 0,
            credit: amounts.total.minor() - reduces_due.minor(),
            ..issued
        }
        .claiming(claim, -reduces_due.minor())
    }

    /// Credit that the credit notes of an invoice had given takes off what is due on it again.
    pub fn credit_netted(amount: Money, claim: Claim, booked_on: NaiveDate) -> Entry {
        Entry { kind: EntryKind::CreditNetted, ..Entry::credit_applied(amount, claim, booked_on) }
    }

    /// Credit that is gone with the payment that it came from had gone back to the customer before:
    /// that much is lost. It is booked on no invoice, as it is no claim.
    pub fn refund_lost(amount: Money, booked_on: NaiveDate) -> Entry {
        Entry { kind: EntryKind::RefundLost, ..Entry::credit_granted(amount, booked_on) }
    }

    /// Money that goes back to a customer, out of its credit.
    pub fn refunded(amount: Money, booked_on: NaiveDate) -> Entry {
        Entry {
            cash: -amount.minor(),
            credit: -amount.minor(),
            ..Entry::nothing(EntryKind::Refund, booked_on, amount.currency())
        }
    }

    /// Money that was to go back and did not arrive: it is credit again.
    pub fn refund_failed(amount: Money, booked_on: NaiveDate) -> Entry {
        Entry { kind: EntryKind::RefundFailed, ..Entry::refunded(amount, booked_on).taken_back() }
    }

    /// What is due is given up.
    pub fn written_off(due: Money, booked_on: NaiveDate) -> Entry {
        Entry {
            receivable: -due.minor(),
            loss: due.minor(),
            ..Entry::nothing(EntryKind::WriteOff, booked_on, due.currency())
        }
    }

    /// An invoice on which nothing was paid, and whose dues stand as `claim`, should never have been
    /// issued.
    pub fn voided(amounts: &Amounts, claim: Claim, booked_on: NaiveDate) -> Entry {
        let issued = Entry::issued(amounts, booked_on).taken_back();
        let due = issued.receivable;
        Entry { kind: EntryKind::Void, receivable: 0, ..issued }.claiming(claim, due)
    }

    /// Credit that a customer is given, for which no money came.
    pub fn credit_granted(amount: Money, booked_on: NaiveDate) -> Entry {
        Entry {
            loss: amount.minor(),
            credit: amount.minor(),
            ..Entry::nothing(EntryKind::CreditGrant, booked_on, amount.currency())
        }
    }

    /// Credit that pays what is due on an invoice.
    pub fn credit_applied(amount: Money, claim: Claim, booked_on: NaiveDate) -> Entry {
        Entry {
            credit: -amount.minor(),
            ..Entry::nothing(EntryKind::CreditApplied, booked_on, amount.currency())
        }
        .claiming(claim, -amount.minor())
    }

    /// Credit that is taken off an invoice again: that is due again, as `claim`.
    pub fn credit_unapplied(amount: Money, claim: Claim, booked_on: NaiveDate) -> Entry {
        let applied = Entry::credit_applied(amount, claim, booked_on).taken_back();
        Entry { kind: EntryKind::CreditUnapplied, ..applied }
    }

    fn claiming(self, claim: Claim, minor: i64) -> Entry {
        match claim {
            Claim::Receivable => Entry { receivable: minor, ..self },
            Claim::Loss => Entry { loss: minor, ..self },
        }
    }

    /// What takes the entry back.
    #[must_use]
    pub fn taken_back(self) -> Entry {
        Entry {
            receivable: -self.receivable,
            cash: -self.cash,
            loss: -self.loss,
            credit: -self.credit,
            revenue: -self.revenue,
            tax: -self.tax,
            ..self
        }
    }

    /// What it changes of what is due on its invoice.
    pub fn due(&self) -> i64 {
        self.receivable + self.loss
    }

    /// What it changes of what credit notes took off what is due on its invoice.
    pub fn credited_on_invoice(&self) -> i64 {
        match self.kind {
            EntryKind::CreditNote | EntryKind::CreditNetted => -self.due(),
            _ => 0,
        }
    }

    /// What it changes of the credit that pays its invoice.
    pub fn credit_on_invoice(&self) -> i64 {
        match self.kind {
            EntryKind::CreditApplied | EntryKind::CreditUnapplied => -self.due(),
            _ => 0,
        }
    }

    /// What it changes of what is paid on its invoice.
    pub fn paid_on_invoice(&self) -> i64 {
        match self.kind {
            EntryKind::Payment | EntryKind::Charge | EntryKind::Reversal => -self.due(),
            _ => 0,
        }
    }
}

/// The entries of an invoice that is written: its issue, and what had become of it where it was
/// imported. `paid_elsewhere` is what was paid before that, on `paid_on`.
pub fn entries_of_new(
    amounts: &Amounts,
    status: InvoiceStatus,
    issued_on: NaiveDate,
    paid_elsewhere: Money,
    paid_on: Option<NaiveDate>,
) -> Vec<Entry> {
    let mut entries = vec![Entry::issued(amounts, issued_on)];
    if !paid_elsewhere.is_zero() {
        let day = paid_on.unwrap_or(issued_on);
        let (kind, claim) = (EntryKind::Payment, Claim::Receivable);
        entries.push(Entry::paid(kind, paid_elsewhere, paid_elsewhere, claim, day));
    }
    match status {
        // Since when is not known of what was closed before its import.
        InvoiceStatus::Void => {
            entries.push(Entry::voided(amounts, Claim::Receivable, issued_on));
        }
        InvoiceStatus::Uncollectible => {
            entries.push(Entry::written_off(amounts.total, issued_on));
        }
        _ => {}
    }
    entries
}

/// The entry of a payment or charge of an invoice that settles it so.
pub fn entry_of_payment(
    kind: EntryKind,
    invoice: &Invoice,
    amount: Money,
    settlement: &Settlement,
    paid_on: NaiveDate,
) -> Entry {
    Entry::paid(kind, amount, settlement.applied, Claim::of(invoice.status), paid_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::from_minor(minor, "EUR".parse().unwrap())
    }

    fn day() -> NaiveDate {
        "2026-03-01".parse().unwrap()
    }

    fn amounts(net: i64, tax: i64) -> Amounts {
        let (discount, total) = (eur(0), eur(net + tax));
        Amounts { subtotal: eur(net), discount, tax: eur(tax), total }
    }

    /// Each row of the table of the ledger: receivable, cash, loss, credit, revenue, tax.
    #[test]
    fn each_thing_that_happens_to_money_is_booked_in_its_accounts() {
        let (open, lost) = (Claim::Receivable, Claim::Loss);
        let payment = EntryKind::Payment;
        let table = [
            ("issued", Entry::issued(&amounts(100, 20), day()), [120, 0, 0, 0, 100, 20]),
            (
                "150 are paid on it",
                Entry::paid(payment, eur(150), eur(120), open, day()),
                [-120, 150, 0, 30, 0, 0],
            ),
            (
                "that payment bounces",
                Entry::reversed(eur(150), eur(120), open, day()),
                [120, -150, 0, -30, 0, 0],
            ),
            ("written off", Entry::written_off(eur(120), day()), [-120, 0, 120, 0, 0, 0]),
            (
                "50 of those are paid after all",
                Entry::paid(payment, eur(50), eur(50), lost, day()),
                [0, 50, -50, 0, 0, 0],
            ),
            (
                "150 are paid on 120 that were written off",
                Entry::paid(payment, eur(150), eur(120), lost, day()),
                [0, 150, -120, 30, 0, 0],
            ),
            (
                "90 are paid on account",
                Entry::paid(payment, eur(90), eur(0), open, day()),
                [0, 90, 0, 90, 0, 0],
            ),
            (
                "30 of the balance pay the next invoice",
                Entry::credit_applied(eur(30), open, day()),
                [-30, 0, 0, -30, 0, 0],
            ),
            (
                "30 of credit are taken off an invoice again",
                Entry::credit_unapplied(eur(30), open, day()),
                [30, 0, 0, 30, 0, 0],
            ),
            (
                "20 are granted as goodwill",
                Entry::credit_granted(eur(20), day()),
                [0, 0, 20, 20, 0, 0],
            ),
            (
                "a credit note of 40 + 8 on an unpaid invoice",
                Entry::credited(&amounts(40, 8), eur(48), open, day()),
                [-48, 0, 0, 0, -40, -8],
            ),
            (
                "the same on a paid one, to the balance",
                Entry::credited(&amounts(40, 8), eur(0), open, day()),
                [0, 0, 0, 48, -40, -8],
            ),
            (
                "the same on one of which 30 are due",
                Entry::credited(&amounts(40, 8), eur(30), open, day()),
                [-30, 0, 0, 18, -40, -8],
            ),
            (
                "the same on one that was given up",
                Entry::credited(&amounts(40, 8), eur(48), lost, day()),
                [0, 0, -48, 0, -40, -8],
            ),
            ("48 are refunded", Entry::refunded(eur(48), day()), [0, -48, 0, -48, 0, 0]),
            ("a refund of 48 fails", Entry::refund_failed(eur(48), day()), [0, 48, 0, 48, 0, 0]),
            (
                "the credit of a note takes off what is due again",
                Entry::credit_netted(eur(48), open, day()),
                [-48, 0, 0, -48, 0, 0],
            ),
            (
                "of a payment that bounces, a surplus of 30 had gone back",
                Entry::refund_lost(eur(30), day()),
                [0, 0, 30, 30, 0, 0],
            ),
            ("voided", Entry::voided(&amounts(100, 20), open, day()), [-120, 0, 0, 0, -100, -20]),
            (
                "voided after it was written off",
                Entry::voided(&amounts(100, 20), lost, day()),
                [0, 0, -120, 0, -100, -20],
            ),
            (
                "a coupon comes off after the issue",
                Entry::discounted(&amounts(100, 20), &amounts(90, 18), day()),
                [-12, 0, 0, 0, -10, -2],
            ),
        ];
        for (what, entry, [receivable, cash, loss, credit, revenue, tax]) in table {
            let found =
                [entry.receivable, entry.cash, entry.loss, entry.credit, entry.revenue, entry.tax];
            assert_eq!(found, [receivable, cash, loss, credit, revenue, tax], "{what}");
            assert_eq!(receivable + cash + loss, credit + revenue + tax, "{what}");
        }
    }

    #[test]
    fn an_imported_invoice_is_booked_as_it_had_become() {
        let due = |status, paid| {
            let entries = entries_of_new(&amounts(100, 0), status, day(), eur(paid), None);
            entries.iter().map(Entry::due).sum::<i64>()
        };
        assert_eq!(due(InvoiceStatus::Open, 0), 100);
        assert_eq!(due(InvoiceStatus::Paid, 100), 0);
        assert_eq!(due(InvoiceStatus::Void, 0), 0);
        assert_eq!(due(InvoiceStatus::Uncollectible, 0), 100);
    }
}
