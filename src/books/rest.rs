//! The rest of a billed period: who billed it, and how it is given back. Its rules are in
//! `domain/proration.rs`.

use super::{Book, Crediting, Notify};
use crate::domain::coupon::Redemption;
use crate::domain::credit_note::{
    AskedSplit, CreditNote, CreditReason, Credited, Part, charged_left,
};
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::pending_item::PendingItem;
use crate::domain::period::Period;
use crate::domain::proration::{Rest, in_turn, lines_to_give_back};
use crate::domain::refund::sum;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::{Money, Refusal, Result, TransactionId};

/// What is billed of the day on which something changes, and of the days that follow.
#[derive(Debug, Clone)]
pub(super) struct BilledRest {
    pub rest: Rest,
    /// The whole period, as it was billed.
    pub period: Period,
    /// Its invoice; `None` where another program billed it.
    pub invoice: Option<Invoice>,
    /// What discounts it.
    pub redemption: Option<Redemption>,
}

/// Where the part of what is given back goes that was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// To the customer's credit.
    Balance,
    /// As far as the gateway took it, back by the gateway; the rest to the customer's credit.
    Refund,
}

/// Why and how the rest of a period is given back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Giving<'a> {
    pub reason: CreditReason,
    pub memo: &'a str,
    pub back: Back,
}

/// What was given back.
#[derive(Debug, Clone, Default)]
pub struct GivenBack {
    /// What was to be billed with the next period and is not, with what it came to.
    pub lowered: Vec<(PendingItem, Money)>,
    pub notes: Vec<CreditNote>,
    /// The refunds that a gateway is to be asked for.
    pub refunds: Vec<TransactionId>,
    /// What cannot be given back: more than was billed and not credited.
    pub left: Option<Money>,
}

impl Book<'_> {
    /// What is billed of today and the days that follow; `None` where nothing is.
    ///
    /// # Errors
    /// A period has begun that is not billed.
    pub(super) fn billed_rest(&self, subscription: &Subscription) -> Result<Option<BilledRest>> {
        let (today, cycle) = (self.act.today, subscription.cycle);
        self.check_begun_is_billed(subscription)?;
        if let Some((invoice, until)) = self.db.period_invoice_on(subscription.id, today)? {
            let (start, end) = invoice.period.unwrap_or((today, until));
            return Ok(Some(BilledRest {
                rest: Rest::of(cycle, today, until),
                period: Period { start, end },
                redemption: self.db.redemption_on(invoice.id)?,
                invoice: Some(invoice),
            }));
        }
        let elsewhere = subscription.billed_elsewhere_until.filter(|until| *until > today);
        Ok(elsewhere.map(|until| BilledRest {
            rest: Rest::of(cycle, today, until),
            period: Period { start: cycle.interval_around(today).start, end: until },
            invoice: None,
            redemption: None,
        }))
    }

    /// Checks that no period of an active subscription has begun that is not billed, or is to be billed
    /// anew: what it came to would change with the terms.
    fn check_begun_is_billed(&self, subscription: &Subscription) -> Result<()> {
        let today = self.act.today;
        let not_billed = |count, since| {
            let subscription = subscription.id.to_string();
            Err(Refusal::PeriodNotBilled { subscription, count, since })
        };
        if subscription.status != SubscriptionStatus::Active {
            return Ok(());
        }
        if let Some(next) = subscription.next_billing_on.filter(|next| *next <= today) {
            return not_billed(subscription.cycle.periods_begun(next, today), next);
        }
        let reopened = self.db.reopened_of(subscription.id)?;
        let periods = reopened.iter().filter_map(|void| void.period);
        let mut open = periods.filter(|(start, end)| *start <= today && today < *end);
        match open.next() {
            Some((since, _)) => not_billed(1, since),
            None => Ok(()),
        }
    }

    /// Gives back so much of what was billed for the rest of a period: first of what its changes are to be
    /// billed with the next one, then by credit notes of the invoices of its changes, newest first, then of
    /// its own. Never more of one than was billed and not credited.
    ///
    /// # Errors
    /// The money of one of them is on its way, or a fault of the file.
    pub(super) fn give_back(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        amount: Money,
        giving: Giving,
    ) -> Result<GivenBack> {
        let items = self.db.pending_items_of_change(subscription.id, billed.period.start)?;
        let mut invoices = self.db.change_invoices(subscription.id, billed.period)?;
        invoices.extend(billed.invoice.clone());
        let open: Vec<_> =
            invoices.iter().map(|one| self.open_to_give_back(one)).collect::<Result<_>>()?;
        let mut lefts: Vec<_> = items.iter().map(|item| item.amount).collect();
        for (_, left) in &open {
            lefts.push(*left);
        }
        let (parts, left) = in_turn(amount, &lefts)?;
        let mut given =
            GivenBack { left: Some(left).filter(|l| !l.is_zero()), ..Default::default() };
        let (of_items, of_invoices) = parts.split_at(items.len());
        for (item, by) in items.into_iter().zip(of_items).filter(|(_, by)| !by.is_zero()) {
            self.lower_pending_item(&item, *by)?;
            given.lowered.push((item, *by));
        }
        for ((invoice, (lines, _)), part) in invoices.iter().zip(open).zip(of_invoices) {
            if !part.is_zero() {
                self.credit_part(invoice, (lines, *part), giving, &mut given)?;
            }
        }
        Ok(given)
    }

    /// The lines of an invoice that can be given back, and what is left of them.
    fn open_to_give_back(&self, invoice: &Invoice) -> Result<(Vec<usize>, Money)> {
        let nothing = Money::zero(invoice.total.currency());
        if invoice.status == InvoiceStatus::Draft {
            return Ok((Vec::new(), nothing));
        }
        let lefts = charged_left(invoice, &self.db.credited_before(invoice)?);
        let lines = lines_to_give_back(invoice, &lefts);
        let left = lines.iter().map(|line| lefts[line - 1]).try_fold(nothing, Money::plus)?;
        Ok((lines, left))
    }

    /// Credits so much of some lines of an invoice.
    fn credit_part(
        &self,
        invoice: &Invoice,
        (lines, amount): (Vec<usize>, Money),
        giving: Giving,
        given: &mut GivenBack,
    ) -> Result<()> {
        // What an earlier note gave to the balance may have paid of it meanwhile.
        let invoice = &self.db.invoice_by_id(invoice.id)?;
        let mut new = Crediting {
            credited: Credited::Charged { amount, lines },
            split: AskedSplit::default(),
            reason: giving.reason,
            memo: Some(giving.memo),
            reference: None,
            issued_on: self.act.today,
            notify: Notify::Customer,
        };
        if giving.back == Back::Refund {
            new.split = self.refunded_as_far_as_paid(invoice, &new)?;
        }
        let written = self.credit(invoice, &new)?;
        given.notes.push(self.db.credit_note_by_id(written.id)?);
        given.refunds.extend(written.refunds);
        Ok(())
    }

    /// The split of a note that gives back by the gateway what the gateway took, and else to the balance.
    fn refunded_as_far_as_paid(&self, invoice: &Invoice, new: &Crediting) -> Result<AskedSplit> {
        let paid = self.plan_credit_note(invoice, new)?.split.to_credit;
        let mut charges = self.db.refundable(invoice.id)?;
        charges.retain(|one| one.kind.is_at_gateway());
        let took = sum(&charges, Money::zero(paid.currency()))?;
        let refund = if took.minor() < paid.minor() { took } else { paid };
        if refund.is_zero() {
            return Ok(AskedSplit::default());
        }
        Ok(AskedSplit {
            credit: Some(Part::Rest),
            refund: Some(Part::Amount(refund)),
            outside: None,
        })
    }
}
