//! What a command is told, and what a credit note comes to.

use std::collections::BTreeMap;

use super::{Bill, Deed, Kind, Model, Split, State, Token, What, part_of};

impl Model {
    /// What the command is told.
    pub fn foresees(&self, deed: &Deed, uses: &BTreeMap<i64, (usize, i64, i64)>) -> &'static str {
        let code = |ok: bool, code: &'static str| if ok { "ok" } else { code };
        let open = |id: &i64| code(self.bills[id].status() == "open", "not_open");
        match deed {
            Deed::Issue { .. } | Deed::Grant { .. } | Deed::Bounce { .. } => "ok",
            Deed::Pay { invoice, amount, over, .. } => {
                let bill = &self.bills[invoice];
                match bill.status() {
                    "open" | "uncollectible" if !over && *amount > bill.due() => "above_due",
                    "void" => "not_payable",
                    "paid" if !over => "already_paid",
                    "credited" if !over => "not_payable",
                    _ => "ok",
                }
            }
            Deed::Charge { invoice } => {
                let mut settled = self.clone();
                settled.settle(self.bills[invoice].tenant);
                match () {
                    // Credit covers it, and nobody is charged.
                    () if settled.bills[invoice].status() != "open" => {
                        code(self.bills[invoice].status() == "open", "not_open")
                    }
                    () if self.live_charge(*invoice) => "charge_pending",
                    () => code(
                        self.tokens[&self.bills[invoice].tenant] != Token::None,
                        "no_payment_method",
                    ),
                }
            }
            Deed::Resolve { transaction, .. } => {
                let payment = self.payments.get(transaction).map(|p| p.state);
                let state = payment.or(self.refunds.get(transaction).map(|r| r.state));
                code(state == Some(State::Pending), "not_resolvable")
            }
            Deed::Note { invoice, what, split, on } => {
                let bill = &self.bills[invoice];
                match () {
                    () if bill.status() == "void" => "not_creditable",
                    () if *on < bill.issued_on => "credited_before_issue",
                    () if self.live_charge(*invoice) => "charge_pending",
                    () => {
                        let drawn = self.drawn(bill, what);
                        let split =
                            drawn.and_then(|(net, tax)| self.allocated(*invoice, net + tax, split));
                        split.map_or_else(|code| code, |_| "ok")
                    }
                }
            }
            Deed::Refund { payment: id, amount, by_hand } => {
                let payment = &self.payments[id];
                let (_, most) = self.parts_back(*id);
                let asked = amount.unwrap_or(most);
                match () {
                    () if payment.state != State::Came => "not_refundable",
                    () if asked == 0 || asked > most => "credit_in_use",
                    () => code(*by_hand || payment.charge, "refund_by_hand"),
                }
            }
            Deed::Reverse { payment } => match self.payments[payment].state {
                State::TakenBack => "already_reversed",
                state => code(state == State::Came, "not_reversible"),
            },
            Deed::Void { invoice } => {
                let bill = &self.bills[invoice];
                let paid = bill.sum(Kind::Money) != 0;
                match bill.status() {
                    "void" => "not_open",
                    _ if !bill.notes.is_empty() => "has_credit_notes",
                    "paid" if paid => "not_open",
                    _ if paid => "partly_paid",
                    _ => code(!self.live_charge(*invoice), "charge_pending"),
                }
            }
            Deed::WriteOff { invoice } | Deed::Promise { invoice, .. } => open(invoice),
            Deed::Dispute { invoice } => match open(invoice) {
                "ok" => code(!self.bills[invoice].disputed, "already_disputed"),
                refused => refused,
            },
            Deed::Settle { invoice } => code(self.bills[invoice].disputed, "not_disputed"),
            Deed::Coupon { invoice } => match self.bills[invoice].status() {
                "open" | "paid" if self.bills[invoice].coupon => "has_coupon",
                "open" | "paid" if self.live_charge(*invoice) => "charge_pending",
                "open" | "paid" if self.bills[invoice].coupon_by_note => "has_coupon",
                "open" | "paid" => "ok",
                _ => "not_open",
            },
            Deed::Unapply { of } => code(uses.contains_key(of), "already_unapplied"),
            Deed::Apply { invoice, amount } => {
                let bill = &self.bills[invoice];
                let credits = self.oldest(bill.tenant, bill.currency);
                let left: i64 = credits.iter().map(|at| self.credits[*at].left).sum();
                match () {
                    () if bill.status() != "open" => "not_open",
                    () if self.live_charge(*invoice) => "charge_pending",
                    () if left == 0 => "no_credit",
                    () if amount.is_some_and(|amount| amount > left) => "credit_too_small",
                    () => code(amount.is_none_or(|amount| amount <= bill.due()), "above_due"),
                }
            }
        }
    }

    /// Net and tax of a note, or why there is none.
    pub(super) fn drawn(&self, bill: &Bill, what: &What) -> Result<(i64, i64), &'static str> {
        let (lines, net_before, tax_before) = self.before(bill);
        let (net_left, tax_left) = (bill.net() - net_before, bill.tax - tax_before);
        let total_left = net_left + tax_left;
        if total_left == 0 {
            return Err("nothing_to_credit");
        }
        let tax_of = |net: i64| (bill.tax_on(net_before + net) - tax_before).clamp(0, tax_left);
        let (net, tax) = match what {
            What::Full => (net_left, tax_left),
            What::Amount(amount) if *amount > total_left => {
                return Err("credit_note_above_invoice");
            }
            What::Amount(amount) if *amount == total_left => (net_left, tax_left),
            What::Amount(amount) => {
                let fits = |net: &i64| net + tax_of(*net) <= *amount;
                let net = (0..=net_left.min(*amount)).rev().find(fits).unwrap_or(0);
                (net, amount - net)
            }
            What::Lines(asked) => {
                let mut parts = vec![0; lines.len()];
                for (position, amount) in asked {
                    let Some(of) = bill.lines.get(position - 1) else { return Err("no_such_line") };
                    let left = of.0 - lines[position - 1].0 - parts[position - 1];
                    let amount = amount.unwrap_or(left);
                    if amount > left || left == 0 {
                        return Err("credit_note_above_invoice");
                    }
                    parts[position - 1] += amount;
                }
                let mut net = 0;
                let mut rest = true;
                for ((part, line), before) in parts.iter().zip(&bill.lines).zip(&lines) {
                    rest &= before.0 + part == line.0;
                    let off = part_of(line.1, before.0 + part, line.0.max(1)) - before.1;
                    net += part - if *part == 0 { 0 } else { off };
                }
                (net, if rest { tax_left } else { tax_of(net) })
            }
        };
        if net + tax == 0 { Err("nothing_to_credit") } else { Ok((net, tax)) }
    }

    /// Reduces due, to credit, back by the gateway, back by hand.
    pub(super) fn allocated(
        &self,
        id: i64,
        total: i64,
        asked: &Split,
    ) -> Result<[i64; 4], &'static str> {
        let bill = &self.bills[&id];
        let reduces = bill.due().min(total);
        let paid = total - reduces;
        let parts = [asked.credit, asked.refund, asked.by_hand];
        let given: i64 = parts.iter().flatten().flatten().sum();
        let rest = paid - given;
        let rests = parts.iter().filter(|part| **part == Some(None)).count();
        let silent = parts.iter().all(Option::is_none);
        if rest < 0 || rests > 1 || (rests == 0 && !silent && rest != 0) {
            return Err("credit_note_split");
        }
        let of = |part: Option<Option<i64>>| part.map_or(0, |amount| amount.unwrap_or(rest));
        let [credit, refund, by_hand] = parts.map(of);
        let came = self.refundable(id);
        let charges: i64 = came.iter().filter(|one| one.1).map(|one| one.2).sum();
        let all: i64 = came.iter().map(|one| one.2).sum();
        if asked.refund.is_some() && (refund == 0 || refund > charges) {
            return Err("refund_above_paid");
        }
        if asked.by_hand.is_some() && (by_hand == 0 || refund + by_hand > all) {
            return Err("refund_above_paid");
        }
        Ok([reduces, if silent { paid } else { credit }, refund, by_hand])
    }
}
