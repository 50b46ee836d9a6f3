//! The rules of credit notes: what of an invoice a note takes back, its discount and tax, and where
//! its total goes.
//!
//! Its rows are in `store/credit_notes.rs`, its verb in `books/credit_note.rs`, its words in
//! `commands/credit_note/`.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::invoice::{Amounts, Invoice, InvoiceStatus, Origin};
use super::tax::TaxBasis;
use super::{CreditNoteId, Currency, InvoiceId, Money, Refusal, Result, TenantId, words};

words! {
    /// Why an invoice is credited.
    CreditReason {
        Duplicate = "duplicate",
        Error = "error",
        Cancellation = "cancellation",
        Change = "change",
        Goodwill = "goodwill",
        Correction = "correction",
        Other = "other",
    }
}

words! {
    /// What became of the money that goes back by a credit note.
    RefundStatus {
        /// None goes back.
        None = "none",
        /// The gateway has not said yet.
        Pending = "pending",
        Succeeded = "succeeded",
        /// Some of it went back, and some did not.
        Partial = "partial",
        /// It did not go back, and is the customer's credit.
        Failed = "failed",
    }
}

/// A line of a credit note, in minor units as everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// The position of the invoice's line that it takes back.
    pub line: usize,
    pub description: String,
    pub amount: Money,
    pub discount: Money,
    /// Amount less discount, without tax.
    pub net: Money,
}

/// A credit note as it stands.
#[derive(Debug, Clone)]
pub struct CreditNote {
    pub id: CreditNoteId,
    pub number: String,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub invoice_id: InvoiceId,
    pub invoice: String,
    pub subscription: Option<super::SubscriptionId>,
    pub reason: CreditReason,
    pub memo: Option<String>,
    pub amounts: Amounts,
    pub basis: TaxBasis,
    /// Percent.
    pub tax_rate: Decimal,
    pub split: Split,
    /// What went back although the payment that it came from was taken back later.
    pub lost: Money,
    pub refund_status: RefundStatus,
    pub issued_on: NaiveDate,
    /// Seller and buyer as JSON, as on the invoice.
    pub seller: String,
    pub buyer: String,
    pub created_at: String,
    pub lines: Vec<NoteLine>,
}

/// Where the total of a credit note goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// What is due no more.
    pub reduces_due: Money,
    pub to_credit: Money,
    /// What the gateway gives back.
    pub refunded: Money,
    /// What was given back by hand.
    pub outside: Money,
}

/// What is credited of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credited {
    /// All that is left.
    Full,
    /// Of lines, by their positions: so much, before tax and discount, else what is left of each.
    Lines(Vec<(usize, Option<Money>)>),
    /// What the customer gets, with tax.
    Amount(Money),
    /// Of some lines, by their positions, what comes to `amount` after their discounts: with or without
    /// tax, as the lines are.
    Charged { amount: Money, lines: Vec<usize> },
    /// What another program credited: `total` with tax, of which `tax` is tax.
    Stated { total: Money, tax: Money },
}

/// What a note comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub lines: Vec<NoteLine>,
    pub amounts: Amounts,
}

/// What earlier notes took back of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Amount and discount of each line, in the order of the invoice's lines.
    pub lines: Vec<(Money, Money)>,
    pub tax: Money,
    pub total: Money,
}

impl Before {
    /// Nothing was credited of an invoice yet.
    pub fn nothing(invoice: &Invoice) -> Self {
        let zero = Money::zero(invoice.total.currency());
        let lines = invoice.lines.iter().map(|_| (zero, zero)).collect();
        Before { lines, tax: zero, total: zero }
    }
}

/// How much of a line is credited now, and what its discount then comes to.
#[derive(Debug, Clone, Copy)]
struct Line {
    amount: i64,
    discount: i64,
    /// What earlier notes credited.
    amount_before: i64,
    discount_before: i64,
}

impl Line {
    fn left(self) -> i64 {
        self.amount - self.amount_before
    }

    /// What is left of it less what is left of its discount.
    fn after_discount_left(self) -> i64 {
        self.left() - (self.discount - self.discount_before)
    }

    /// The discount of the part `amount` of it: what all notes until now take back of the discount,
    /// rounded, less what the earlier ones took.
    fn discount_of(self, amount: i64, currency: Currency) -> Result<i64> {
        if amount == 0 {
            return Ok(0);
        }
        let whole = Money::from_minor(self.discount, currency);
        let until_now = whole.share(self.amount_before + amount, self.amount)?.minor();
        Ok(until_now - self.discount_before)
    }

    /// The part of it that comes to `after` once its discount is off: the smallest, as a whole
    /// discount leaves nothing of any part. A part that is larger by one comes to as much, or to one
    /// more, so that there is one for each sum.
    fn part_that_leaves(self, after: i64, currency: Currency) -> Result<i64> {
        let (mut low, mut high) = (0, self.left());
        while low < high {
            let middle = low + (high - low) / 2;
            match middle - self.discount_of(middle, currency)? >= after {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Ok(low)
    }
}

/// The sums of an invoice that its notes share.
struct Sums<'a> {
    invoice: &'a Invoice,
    basis: TaxBasis,
    before: &'a Before,
    lines: Vec<Line>,
    currency: Currency,
}

/// What a credit note of an invoice comes to. Everything that has a rounding in it is cumulative: what
/// all notes until now come to, rounded, less what the earlier ones came to. So whatever notes credit
/// a whole invoice, in whatever order, add up to its net, tax and total, and none is negative.
///
/// # Errors
/// Nothing is left to be credited, the invoice has no such line, or more is asked for than is left.
pub fn draw_up(
    invoice: &Invoice,
    basis: TaxBasis,
    before: &Before,
    credited: &Credited,
) -> Result<Drawn> {
    let sums = Sums::of(invoice, basis, before);
    let left = sums.total_left();
    if left <= 0 {
        let nothing = Money::zero(invoice.total.currency());
        return Err(Refusal::NothingToCredit { invoice: invoice.number.clone(), left: nothing });
    }
    let parts = match credited {
        Credited::Full => sums.lines.iter().map(|line| line.left()).collect(),
        Credited::Lines(asked) => sums.parts_of_lines(asked)?,
        Credited::Charged { amount, lines } => sums.parts_charged(*amount, lines)?,
        Credited::Amount(amount) if amount.minor() > left => {
            return Err(sums.above(*amount, left));
        }
        Credited::Amount(amount) if amount.minor() == left => {
            sums.lines.iter().map(|line| line.left()).collect()
        }
        Credited::Amount(amount) => return sums.by_amount(*amount),
        Credited::Stated { total, tax } => return sums.stated(*total, *tax),
    };
    let after = sums.after_discount(&parts)?;
    let tax = match sums.is_the_rest(&parts) {
        true => sums.tax_left(),
        false => sums.tax_of(after)?,
    };
    let drawn = sums.drawn(&parts, tax)?;
    match drawn.amounts.total.is_zero() {
        true => {
            let left = Money::from_minor(left, invoice.total.currency());
            Err(Refusal::NothingToCredit { invoice: invoice.number.clone(), left })
        }
        false => Ok(drawn),
    }
}

impl<'a> Sums<'a> {
    fn of(invoice: &'a Invoice, basis: TaxBasis, before: &'a Before) -> Self {
        let lines =
            invoice.lines.iter().zip(&before.lines).map(|(line, (amount, discount))| Line {
                amount: line.amount.minor(),
                discount: line.discount.minor(),
                amount_before: amount.minor(),
                discount_before: discount.minor(),
            });
        Sums { invoice, basis, before, lines: lines.collect(), currency: invoice.total.currency() }
    }

    fn total_left(&self) -> i64 {
        self.invoice.total.minor() - self.before.total.minor()
    }

    fn tax_left(&self) -> i64 {
        // Of an invoice whose tax is not known, notes may have stated some.
        (self.invoice.tax.minor() - self.before.tax.minor()).max(0)
    }

    fn money(&self, minor: i64) -> Money {
        Money::from_minor(minor, self.currency)
    }

    fn above(&self, given: Money, left: i64) -> Refusal {
        let (invoice, left) = (self.invoice.number.clone(), self.money(left));
        Refusal::CreditNoteAboveInvoice { invoice, line: None, given, left }
    }

    /// What is asked for of each line.
    fn parts_of_lines(&self, asked: &[(usize, Option<Money>)]) -> Result<Vec<i64>> {
        let mut parts = vec![0i64; self.lines.len()];
        for (position, amount) in asked {
            let at = position.checked_sub(1).filter(|at| *at < self.lines.len());
            let Some(at) = at else {
                let (invoice, lines) = (self.invoice.number.clone(), self.lines.len());
                return Err(Refusal::NoSuchLine { invoice, line: *position, lines });
            };
            let left = self.lines[at].left() - parts[at];
            let given = amount.map_or(left, Money::minor);
            if given > left || left == 0 {
                let (invoice, line) = (self.invoice.number.clone(), Some(*position));
                let (given, left) = (self.money(given), self.money(left));
                return Err(Refusal::CreditNoteAboveInvoice { invoice, line, given, left });
            }
            parts[at] += given;
        }
        Ok(parts)
    }

    /// The parts of some lines that come to `amount` after their discounts, each by what is left of it.
    fn parts_charged(&self, amount: Money, lines: &[usize]) -> Result<Vec<i64>> {
        let left_of = |(at, line): (usize, &Line)| match lines.contains(&(at + 1)) {
            true => line.after_discount_left(),
            false => 0,
        };
        let lefts: Vec<i64> = self.lines.iter().enumerate().map(left_of).collect();
        let left = lefts.iter().sum();
        match amount.minor() {
            given if given > left => Err(self.above(amount, left)),
            _ => self.parts_that_leave(amount.minor(), &lefts),
        }
    }

    /// Whether nothing is left of the invoice after those parts of its lines.
    fn is_the_rest(&self, parts: &[i64]) -> bool {
        self.lines.iter().zip(parts).all(|(line, part)| line.left() == *part)
    }

    /// What those parts of the lines come to, less their discounts.
    fn after_discount(&self, parts: &[i64]) -> Result<i64> {
        let mut sum = 0;
        for (line, part) in self.lines.iter().zip(parts) {
            sum += part - line.discount_of(*part, self.currency)?;
        }
        Ok(sum)
    }

    /// What earlier notes credited, less discounts: without tax, or with it, as the lines are.
    fn after_discount_before(&self) -> i64 {
        match self.basis {
            TaxBasis::Exclusive => self.before.total.minor() - self.before.tax.minor(),
            TaxBasis::Inclusive => self.before.total.minor(),
        }
    }

    /// The tax of what comes to `after` less discounts. By amount, an earlier note may have rounded
    /// up what a later one has not earned yet: its tax is then nothing, never below.
    fn tax_of(&self, after: i64) -> Result<i64> {
        let until_now = self.after_discount_before() + after;
        let tax = match self.basis {
            TaxBasis::Exclusive => self.money(until_now).percent(self.invoice.tax_rate)?,
            TaxBasis::Inclusive if self.invoice.total.is_zero() => self.money(0),
            TaxBasis::Inclusive => self.invoice.tax.share(until_now, self.invoice.total.minor())?,
        };
        Ok((tax.minor() - self.before.tax.minor()).clamp(0, self.tax_left()))
    }

    /// The note that gives the customer `amount`, which is less than what is left.
    fn by_amount(&self, amount: Money) -> Result<Drawn> {
        let lefts: Vec<i64> = self.lines.iter().map(|line| line.after_discount_left()).collect();
        let most = lefts.iter().sum::<i64>().min(amount.minor());
        let (after, tax) = match self.basis {
            TaxBasis::Inclusive => (most, self.tax_of(most)?),
            TaxBasis::Exclusive => {
                // The largest net whose tax still fits beside it.
                let (mut low, mut high) = (0, most);
                while low < high {
                    let middle = high - (high - low) / 2;
                    match middle + self.tax_of(middle)? <= amount.minor() {
                        true => low = middle,
                        false => high = middle - 1,
                    }
                }
                (low, amount.minor() - low)
            }
        };
        self.drawn(&self.parts_that_leave(after, &lefts)?, tax)
    }

    /// The parts of the lines that come to `after` less discounts, each by what is left of it.
    fn parts_that_leave(&self, after: i64, lefts: &[i64]) -> Result<Vec<i64>> {
        let mut parts = Vec::with_capacity(lefts.len());
        for (line, after) in self.lines.iter().zip(self.money(after).split(lefts)) {
            parts.push(line.part_that_leaves(after.minor(), self.currency)?);
        }
        Ok(parts)
    }

    /// The note that another program drew up.
    fn stated(&self, total: Money, tax: Money) -> Result<Drawn> {
        let lefts: Vec<i64> = self.lines.iter().map(|line| line.after_discount_left()).collect();
        let left: i64 = lefts.iter().sum();
        let after = match self.basis {
            TaxBasis::Exclusive => total.minor() - tax.minor(),
            TaxBasis::Inclusive => total.minor(),
        };
        if tax.minor() > total.minor()
            || (!knows_no_tax(self.invoice) && tax.minor() > self.tax_left())
        {
            return Err(self.above(tax, self.tax_left()));
        }
        if after > left {
            return Err(self.above(total, self.total_left()));
        }
        let parts = match after == left {
            true => self.lines.iter().map(|line| line.left()).collect(),
            false => self.parts_that_leave(after, &lefts)?,
        };
        self.drawn(&parts, tax.minor())
    }

    fn drawn(&self, parts: &[i64], tax: i64) -> Result<Drawn> {
        let (mut subtotal, mut discount, mut afters) = (0, 0, Vec::with_capacity(parts.len()));
        let mut lines = Vec::new();
        for (at, (line, part)) in self.lines.iter().zip(parts).enumerate() {
            let off = line.discount_of(*part, self.currency)?;
            (subtotal, discount) = (subtotal + part, discount + off);
            afters.push(part - off);
            lines.push(NoteLine {
                line: at + 1,
                description: self.invoice.lines[at].description.clone(),
                amount: self.money(*part),
                discount: self.money(off),
                net: self.money(part - off),
            });
        }
        let after = self.money(subtotal - discount);
        let tax = self.money(tax);
        let total = match self.basis {
            TaxBasis::Exclusive => after.plus(tax)?,
            TaxBasis::Inclusive => {
                let nets = after.minus(tax)?.split(&afters);
                lines.iter_mut().zip(nets).for_each(|(line, net)| line.net = net);
                after
            }
        };
        // Lines of which nothing is credited are not named; a note of tax alone names the first.
        let any = lines.iter().any(|line| !line.amount.is_zero());
        lines.retain(|line| !line.amount.is_zero() || (!any && line.line == 1));
        let (subtotal, discount) = (self.money(subtotal), self.money(discount));
        Ok(Drawn { lines, amounts: Amounts { subtotal, discount, tax, total } })
    }
}

/// What of each line of an invoice is left to be credited, after its discount: with or without tax, as
/// the lines are.
pub fn charged_left(invoice: &Invoice, before: &Before) -> Vec<Money> {
    let sums = Sums::of(invoice, invoice.tax_basis, before);
    sums.lines.iter().map(|line| sums.money(line.after_discount_left())).collect()
}

/// What is asked to become of the part of a note that was paid: amounts, or all that is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedSplit {
    pub credit: Option<Part>,
    pub refund: Option<Part>,
    pub outside: Option<Part>,
}

/// How much of what was paid goes one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the others leave.
    Rest,
    Amount(Money),
}

/// Where the total of a note goes: first what is due on the invoice, and what was paid as is asked,
/// else to the customer's credit. `refundable` is what the gateway took and has not given back,
/// `returnable` all the money that was paid and has not gone back.
///
/// # Errors
/// The amounts do not add up to what was paid, or more is to go back than was paid so.
pub fn allocate(
    invoice: &Invoice,
    total: Money,
    asked: &AskedSplit,
    refundable: Money,
    returnable: Money,
) -> Result<Split> {
    let reduces_due = if invoice.due.minor() < total.minor() { invoice.due } else { total };
    let paid = total.minus(reduces_due)?;
    let zero = Money::zero(total.currency());
    let parts = [asked.credit, asked.refund, asked.outside];
    let mut given = zero;
    for part in parts.into_iter().flatten() {
        if let Part::Amount(amount) = part {
            given = given.plus(amount)?;
        }
    }
    let open = parts.iter().filter(|part| **part == Some(Part::Rest)).count();
    let nobody_asked = parts.iter().all(Option::is_none);
    let split = || Refusal::CreditNoteSplit { paid, given };
    let rest = paid.minus(given)?;
    if rest.minor() < 0 || open > 1 || (open == 0 && !nobody_asked && !rest.is_zero()) {
        return Err(split());
    }
    let of = |part: Option<Part>| match part {
        Some(Part::Amount(amount)) => amount,
        Some(Part::Rest) => rest,
        None => zero,
    };
    let [mut to_credit, refunded, outside] = parts.map(of);
    if nobody_asked {
        to_credit = paid;
    }
    let number = || invoice.number.clone();
    let by_gateway = asked.refund.is_some();
    if by_gateway && (refunded.is_zero() || refunded.minor() > refundable.minor()) {
        let (asked, most) = (refunded, refundable);
        return Err(Refusal::RefundAbovePaid { invoice: number(), asked, most, by_gateway });
    }
    let back = refunded.plus(outside)?;
    if asked.outside.is_some() && (outside.is_zero() || back.minor() > returnable.minor()) {
        let (asked, most) = (outside, returnable);
        return Err(Refusal::RefundAbovePaid { invoice: number(), asked, most, by_gateway: false });
    }
    Ok(Split { reduces_due, to_credit, refunded, outside })
}

/// Whether an invoice was imported without its tax: what of its total was tax is not known here.
pub fn knows_no_tax(invoice: &Invoice) -> bool {
    invoice.origin == Origin::Imported && invoice.tax_category.is_none()
}

/// How the amounts of the lines of a note stand to its tax. A note that states the tax of an invoice
/// whose own is not known takes it out of what was billed.
pub fn basis(invoice: &Invoice, credited: &Credited) -> TaxBasis {
    match credited {
        Credited::Stated { .. } if knows_no_tax(invoice) => TaxBasis::Inclusive,
        _ => invoice.tax_basis,
    }
}

/// Checks that an invoice can be credited on that day: open, paid, credited or given up, and not
/// issued later.
///
/// # Errors
/// It is void or a draft, or the day lies before that of the invoice.
pub fn check_creditable(invoice: &Invoice, issued_on: NaiveDate) -> Result<()> {
    if matches!(invoice.status, InvoiceStatus::Void | InvoiceStatus::Draft) {
        let status = invoice.status.word();
        return Err(Refusal::NotCreditable { invoice: invoice.number.clone(), status });
    }
    if issued_on < invoice.issued_on {
        let (invoice, on) = (invoice.number.clone(), invoice.issued_on);
        return Err(Refusal::CreditedBeforeIssue {
            invoice,
            issued_on: on,
            credited_on: issued_on,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
