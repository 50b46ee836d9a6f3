//! Invoices: how they are numbered, added up, paid, voided and written off.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::coupon::{Discount, Redemption};
use super::stage::Stage;
use super::subscription::Collection;
use super::tax::{TaxBasis, TaxCategory};
use super::transaction::Overpayment;
use super::{
    InvoiceId, ItemId, Money, PendingItemId, PlanId, Refusal, Result, SubscriptionId, TenantId,
    calendar, text, words,
};

words! {
    /// Where an invoice stands. Overdue is no status: it is derived from the due date.
    InvoiceStatus {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        /// Credit notes took all of it back, and nothing was paid on it.
        Credited = "credited",
        /// Should never have been issued; its number stays taken.
        Void = "void",
        /// Given up; it may still be paid later.
        Uncollectible = "uncollectible",
    }
}

words! {
    /// What an invoice bills. The periods of a subscription are billed once; what is billed between
    /// them is of another purpose.
    Purpose {
        Period = "period",
        /// A change in the middle of a period.
        Change = "change",
        Usage = "usage",
        /// Nothing of a subscription's course.
        Single = "single",
    }
}

words! {
    /// Where an invoice and its number come from.
    Origin { Issued = "issued", Typed = "typed", Imported = "imported" }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The item of the subscription that it bills.
    pub item: Option<ItemId>,
    /// The plan that the item was of then.
    pub plan: Option<PlanId>,
    pub description: String,
    pub quantity: Decimal,
    /// In major units; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    pub amount: Money,
    pub discount: Money,
    /// Half-open.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// The pending item that it bills.
    pub pending: Option<PendingItemId>,
    /// Whether a coupon may take something off it.
    pub discountable: bool,
}

impl Line {
    /// One piece at that price.
    pub fn single(description: String, amount: Money) -> Self {
        Line {
            item: None,
            plan: None,
            description,
            quantity: Decimal::ONE,
            unit_price: Some(amount.exact()),
            amount,
            discount: Money::zero(amount.currency()),
            period: None,
            pending: None,
            discountable: true,
        }
    }

    /// What a coupon may take something off: its amount, or nothing of one that is not discountable.
    fn open_to_discount(&self) -> Money {
        if self.discountable { self.amount } else { Money::zero(self.amount.currency()) }
    }

    /// The quantity where it is a whole number, as that of anything that is counted.
    pub fn count(&self) -> Option<i64> {
        count(self.quantity)
    }
}

/// A quantity that is a whole number.
pub fn count(quantity: Decimal) -> Option<i64> {
    i64::try_from(quantity).ok().filter(|_| quantity.is_integer())
}

/// An invoice as it stands.
#[derive(Debug, Clone)]
pub struct Invoice {
    pub id: InvoiceId,
    pub number: String,
    pub origin: Origin,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub subscription_id: Option<SubscriptionId>,
    pub purpose: Purpose,
    pub collection: Collection,
    pub status: InvoiceStatus,
    pub subtotal: Money,
    pub discount: Money,
    /// Whether lines, subtotal and discount are with tax.
    pub tax_basis: TaxBasis,
    /// Percent.
    pub tax_rate: Decimal,
    /// Why it is taxed as it is; `None` of one that was imported.
    pub tax_category: Option<TaxCategory>,
    /// Why it bears no tax, in its language.
    pub tax_reason: Option<String>,
    pub tax: Money,
    pub total: Money,
    /// What is still to be paid; nothing on a void invoice.
    pub due: Money,
    pub paid: Money,
    /// What of the customer's credit pays it.
    pub credit_applied: Money,
    /// What of it that credit paid when the invoice was issued.
    pub credit_at_issue: Money,
    /// What of it was paid before the invoice came into this database.
    pub paid_elsewhere: Money,
    /// What credit notes took off what is due.
    pub credited: Money,
    /// What all its credit notes come to.
    pub credit_notes_total: Money,
    /// What of the money that was paid for it went back to the customer.
    pub refunded: Money,
    pub coupon: Option<String>,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub paid_on: Option<NaiveDate>,
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// The first day of its period that another invoice may bill, where the rest was given back.
    pub billed_until: Option<NaiveDate>,
    pub closed_reason: Option<String>,
    pub stage: Option<Stage>,
    pub warned_on: Option<NaiveDate>,
    pub promised_until: Option<NaiveDate>,
    pub promise_note: Option<String>,
    pub disputed_at: Option<String>,
    pub dispute_note: Option<String>,
    /// Seller and buyer as JSON, as they were when the invoice was issued.
    pub seller: String,
    pub buyer: String,
    pub created_at: String,
    pub updated_at: String,
    pub lines: Vec<Line>,
}

impl Invoice {
    /// The period of a subscription that it bills, which no other bills.
    pub fn billed_period(&self) -> Option<(SubscriptionId, (NaiveDate, NaiveDate))> {
        let period = self.subscription_id.zip(self.period);
        period.filter(|_| self.purpose == Purpose::Period)
    }

    /// Its amounts.
    pub fn amounts(&self) -> Amounts {
        let (subtotal, discount) = (self.subtotal, self.discount);
        Amounts { subtotal, discount, tax: self.tax, total: self.total }
    }

    /// What each line comes to without tax and after its discount; together they come to the net of the
    /// whole.
    pub fn line_nets(&self) -> Vec<Money> {
        nets(&self.lines, &self.amounts(), self.tax_basis)
    }

    /// What credit paid of it when it was issued, and what was due then: its document says so for ever.
    ///
    /// A coupon that came later, before anybody had the invoice, may have left less than that credit.
    ///
    /// # Errors
    /// Amounts that do not add up.
    pub fn at_issue(&self) -> Result<AtIssue> {
        let open = self.total.minus(self.paid_elsewhere)?;
        let credit = self.credit_at_issue.minor().min(open.minor());
        let credit = Money::from_minor(credit, open.currency());
        Ok(AtIssue { credit, due: open.minus(credit)? })
    }

    /// Days since the due date where the invoice is overdue (open, something due, due date before
    /// today), else 0.
    pub fn days_overdue(&self, today: NaiveDate) -> i64 {
        if self.status != InvoiceStatus::Open {
            return 0;
        }
        calendar::days_between(self.due_on, today).max(0)
    }
}

/// What an invoice came to when it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtIssue {
    /// What the customer's credit paid.
    pub credit: Money,
    pub due: Money,
}

/// The amounts of an invoice, always in the order subtotal, discount, tax, total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    pub subtotal: Money,
    pub discount: Money,
    pub tax: Money,
    pub total: Money,
}

impl Amounts {
    /// After discount and without tax.
    pub fn net(&self) -> Money {
        Money::from_minor(self.total.minor() - self.tax.minor(), self.total.currency())
    }
}

/// What lines come to before discount and tax; `None` of no lines.
///
/// # Errors
/// Lines in two currencies, or a sum above the largest amount.
pub fn subtotal(lines: &[Line]) -> Result<Option<Money>> {
    let mut amounts = lines.iter().map(|line| line.amount);
    let Some(first) = amounts.next() else { return Ok(None) };
    Ok(Some(amounts.try_fold(first, Money::plus)?))
}

/// Adds lines up. Without tax, tax = (subtotal − discount) × rate and total = subtotal − discount +
/// tax; with tax, total = subtotal − discount, and the tax is what [`TaxBasis::take_apart`] finds in
/// it. The one place where an invoice's amounts are worked out.
///
/// # Errors
/// Lines in two currencies, or sums above the largest amount.
pub fn add_up(lines: &[Line], basis: TaxBasis, tax_rate: Decimal) -> Result<Amounts> {
    let Some(subtotal) = subtotal(lines)? else {
        return Err(Refusal::bad("lines", "", super::refusal::Why::Empty));
    };
    let nothing = Money::zero(subtotal.currency());
    let discount = lines.iter().map(|line| line.discount).try_fold(nothing, Money::plus)?;
    let apart = basis.take_apart(subtotal.minus(discount)?, tax_rate)?;
    Ok(Amounts { subtotal, discount, tax: apart.tax, total: apart.total })
}

/// What each line comes to without tax and after its discount.
pub fn nets(lines: &[Line], amounts: &Amounts, basis: TaxBasis) -> Vec<Money> {
    let charged = |line: &Line| {
        Money::from_minor(line.amount.minor() - line.discount.minor(), line.amount.currency())
    };
    let charged: Vec<Money> = lines.iter().map(charged).collect();
    basis.nets(&charged, amounts.net())
}

/// What a coupon may take something off: the lines that are discountable, before discount and tax.
/// `None` of no lines.
///
/// # Errors
/// Lines in two currencies, or a sum above the largest amount.
pub fn discountable(lines: &[Line]) -> Result<Option<Money>> {
    let mut amounts = lines.iter().map(Line::open_to_discount);
    let Some(first) = amounts.next() else { return Ok(None) };
    Ok(Some(amounts.try_fold(first, Money::plus)?))
}

/// Checks that a coupon has something to take off.
///
/// # Errors
/// No line of them is discountable.
pub fn check_takes_coupon(lines: &[Line], coupon: &str) -> Result<()> {
    match lines.is_empty() || lines.iter().any(|line| line.discountable) {
        true => Ok(()),
        false => Err(Refusal::NothingDiscountable { coupon: coupon.to_owned() }),
    }
}

/// Lines with a coupon's discount on them, which replaces what they had: what comes off the whole of
/// those that are discountable is spread over them by their amounts, so that the parts add up to it.
///
/// # Errors
/// Lines in two currencies, or sums above the largest amount.
pub fn discounted(lines: &[Line], discount: &Discount) -> Result<Vec<Line>> {
    discounted_where(lines, discount, |_| true)
}

/// Lines with the discount of a redemption on them: of a coupon that is limited to plans it is on those
/// plans' lines alone.
///
/// # Errors
/// As [`discounted`].
pub fn discounted_by(lines: &[Line], redemption: &Redemption) -> Result<Vec<Line>> {
    discounted_where(lines, &redemption.discount, |line| redemption.takes(line.plan))
}

fn discounted_where(
    lines: &[Line],
    discount: &Discount,
    takes: impl Fn(&Line) -> bool,
) -> Result<Vec<Line>> {
    let Some(subtotal) = subtotal(lines)? else { return Ok(Vec::new()) };
    let weight = |line: &Line| if takes(line) { line.open_to_discount().minor() } else { 0 };
    let weights: Vec<i64> = lines.iter().map(weight).collect();
    let eligible = Money::from_minor(weights.iter().sum(), subtotal.currency());
    let parts = discount.off(eligible)?.split(&weights);
    let with = |(line, discount): (&Line, Money)| Line { discount, ..line.clone() };
    Ok(lines.iter().zip(parts).map(with).collect())
}

/// Checks that a coupon may be applied to an invoice: open or paid, and no coupon on it yet.
///
/// # Errors
/// One of these does not hold.
pub fn check_discountable(invoice: &Invoice) -> Result<()> {
    check_closable(invoice, &[InvoiceStatus::Open, InvoiceStatus::Paid])?;
    if let Some(coupon) = &invoice.coupon {
        let (subject, coupon) = (invoice.number.clone(), coupon.clone());
        return Err(Refusal::HasCoupon { subject, coupon });
    }
    Ok(())
}

/// What a payment does to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What of the payment goes to the invoice.
    pub applied: Money,
    /// What is due after it.
    pub remaining: Money,
}

/// How a payment settles an invoice: partly or wholly, never above what is due unless the surplus
/// is to be kept as credit.
///
/// # Errors
/// A void, draft or paid invoice, another currency, or an amount above what is due.
pub fn settle(invoice: &Invoice, amount: Money, overpayment: Overpayment) -> Result<Settlement> {
    let number = || invoice.number.clone();
    match invoice.status {
        InvoiceStatus::Open | InvoiceStatus::Uncollectible => {}
        InvoiceStatus::Paid | InvoiceStatus::Credited
            if overpayment == Overpayment::KeepAsCredit => {}
        InvoiceStatus::Paid => return Err(Refusal::AlreadyPaid { invoice: number() }),
        other => {
            return Err(Refusal::NotPayable { invoice: number(), status: other.word() });
        }
    }
    let due = invoice.due;
    let remaining = due.minus(amount)?;
    if remaining.minor() >= 0 {
        return Ok(Settlement { applied: amount, remaining });
    }
    match overpayment {
        Overpayment::Refuse => Err(Refusal::AboveDue { invoice: number(), given: amount, due }),
        Overpayment::KeepAsCredit => {
            Ok(Settlement { applied: due, remaining: Money::zero(due.currency()) })
        }
    }
}

/// Checks that an invoice can be voided: open (or given up), without credit notes, and nothing was
/// paid on it. One that came to nothing or was paid by credit is paid without a payment, and can be
/// voided too.
pub fn check_voidable(invoice: &Invoice) -> Result<()> {
    if !invoice.credit_notes_total.is_zero() {
        return Err(Refusal::HasCreditNotes { invoice: invoice.number.clone() });
    }
    let unpaid = invoice.paid.is_zero() && invoice.status == InvoiceStatus::Paid;
    if !unpaid {
        check_closable(invoice, &[InvoiceStatus::Open, InvoiceStatus::Uncollectible])?;
    }
    if !invoice.paid.is_zero() {
        return Err(Refusal::PartlyPaid { invoice: invoice.number.clone(), paid: invoice.paid });
    }
    Ok(())
}

/// Checks that an invoice is open, which writing off, promising and disputing ask for.
pub fn check_open(invoice: &Invoice) -> Result<()> {
    check_closable(invoice, &[InvoiceStatus::Open])
}

fn check_closable(invoice: &Invoice, allowed: &[InvoiceStatus]) -> Result<()> {
    if allowed.contains(&invoice.status) {
        return Ok(());
    }
    Err(Refusal::NotOpen { invoice: invoice.number.clone(), status: invoice.status.word() })
}

/// How invoices are numbered: text around `{year}` and one `{seq}` with an optional width,
/// `INV-{year}-{seq:6}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    before: String,
    after: String,
    width: usize,
    text: String,
}

impl NumberFormat {
    /// `INV-2026-000001`.
    pub const DEFAULT: &'static str = "INV-{year}-{seq:6}";

    /// `CN-2026-000001`.
    pub const CREDIT_NOTES: &'static str = "CN-{year}-{seq:6}";

    /// Whether it makes a number that the other one makes too, in whatever year: two documents would
    /// bear it.
    pub fn meets(&self, other: &NumberFormat) -> bool {
        let makes = |one: &NumberFormat, two: &NumberFormat| {
            [1999, 2026, 2999].iter().any(|year| {
                let day = NaiveDate::from_ymd_opt(*year, 6, 1).unwrap_or_default();
                (0..=12).map(|digits| 10_i64.pow(digits)).any(|sequence| {
                    [sequence, sequence + 1, 2 * sequence + 6]
                        .iter()
                        .any(|sequence| two.read(&one.number(day, *sequence)).is_some())
                })
            })
        };
        makes(self, other) || makes(other, self)
    }

    /// Reads a format.
    ///
    /// # Errors
    /// No `{seq}` or two of them, an unknown placeholder, characters that a number must not have,
    /// a width above 12, or numbers that it cannot read itself.
    pub fn parse(format: &str) -> Result<Self> {
        let bad = || Refusal::BadNumberFormat { format: format.to_owned() };
        let (before, rest) = format.split_once("{seq").ok_or_else(bad)?;
        let (width, after) = rest.split_once('}').ok_or_else(bad)?;
        let width = match width.strip_prefix(':') {
            None if width.is_empty() => 1,
            Some(digits) => digits.parse().ok().filter(|w| *w <= 12).ok_or_else(bad)?,
            None => return Err(bad()),
        };
        let plain =
            format!("{}{}", before.replace("{year}", "0000"), after.replace("{year}", "0000"));
        let plain_ok = plain.len() <= 40
            && !plain.contains(['{', '}'])
            && plain.chars().all(|c| !c.is_control() && !c.is_whitespace());
        if !plain_ok || after.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(bad());
        }
        let (before, after) = (before.to_owned(), after.to_owned());
        let read = NumberFormat { before, after, width, text: format.to_owned() };
        // F{seq:4}{year} makes F00012026, in which nobody can tell the year from the sequence: an
        // imported number would not raise it.
        if read.reads_its_own() { Ok(read) } else { Err(bad()) }
    }

    /// Whether what it numbers can be read again.
    fn reads_its_own(&self) -> bool {
        [1, 2026, 999_999_999].into_iter().all(|sequence| {
            [(2026, 1), (1999, 12)].into_iter().all(|(year, month)| {
                let Some(day) = NaiveDate::from_ymd_opt(year, month, 1) else { return false };
                self.read(&self.number(day, sequence)) == Some((self.series(day), sequence))
            })
        })
    }

    /// The format as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The series that an invoice issued on that day is numbered in: the format with the year
    /// filled in and `#` for the sequence.
    pub fn series(&self, issued_on: NaiveDate) -> String {
        let year = issued_on.year().to_string();
        let fill = |part: &str| part.replace("{year}", &year);
        format!("{}#{}", fill(&self.before), fill(&self.after))
    }

    /// The number with that sequence in the series of that day.
    pub fn number(&self, issued_on: NaiveDate, sequence: i64) -> String {
        let width = self.width;
        self.series(issued_on).replacen('#', &format!("{sequence:0width$}"), 1)
    }

    /// The series and sequence of a number that fits the format, whatever its year.
    pub fn read(&self, number: &str) -> Option<(String, i64)> {
        let year_at = self.before.find("{year}");
        let year: String = match (year_at, self.after.contains("{year}")) {
            (Some(at), _) => number.get(at..at + 4)?.to_owned(),
            (None, true) => {
                number.rsplit(|c: char| !c.is_ascii_digit()).find(|s| s.len() == 4)?.to_owned()
            }
            (None, false) => String::new(),
        };
        if !year.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let before = self.before.replace("{year}", &year);
        let after = self.after.replace("{year}", &year);
        let digits = number.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        let canonical =
            digits.len() == self.width || (digits.len() > self.width && !digits.starts_with('0'));
        let sequence = digits.parse::<i64>().ok().filter(|n| *n > 0)?;
        (canonical && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| (format!("{before}#{after}"), sequence))
    }
}

/// Checks a number that was typed or imported.
pub fn number(value: &str) -> Result<String> {
    text::line("number", value, 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Currency;

    fn eur(minor: i64) -> Money {
        Money::from_minor(minor, "EUR".parse::<Currency>().unwrap())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn tax_is_taken_once_on_the_sum_and_not_line_by_line() {
        // 20 % of 0.33 is 0.066, rounded 0.07; three times that would be 0.21. Of 0.99 it is 0.20.
        let lines = vec![Line::single("a".into(), eur(33)); 3];
        let amounts = add_up(&lines, TaxBasis::Exclusive, Decimal::from(20)).unwrap();
        assert_eq!((amounts.subtotal, amounts.tax, amounts.total), (eur(99), eur(20), eur(119)));
    }

    #[test]
    fn numbers_are_written_and_read_back() {
        for (format, number, series) in [
            ("INV-{year}-{seq:6}", "INV-2026-000012", "INV-2026-#"),
            ("F{seq:4}/{year}", "F0012/2026", "F#/2026"),
            ("{seq}", "12", "#"),
        ] {
            let format = NumberFormat::parse(format).unwrap();
            assert_eq!(format.number(day("2026-03-01"), 12), number);
            assert_eq!(format.read(number), Some((series.to_owned(), 12)), "{number}");
        }
        let format = NumberFormat::parse(NumberFormat::DEFAULT).unwrap();
        for other in [
            "INV-2026-12",
            "INV-2026-0000012",
            "X-2026-000012",
            "INV-26-000012",
            "INV-2026-00001a",
            "INV-2026-000000",
        ] {
            assert_eq!(format.read(other), None, "{other}");
        }
        assert_eq!(format.read("INV-2026-1000000"), Some(("INV-2026-#".into(), 1_000_000)));
    }

    #[test]
    fn a_format_without_exactly_one_sequence_is_refused() {
        for bad in [
            "",
            "INV",
            "INV-{year}",
            "{seq}{seq}",
            "{seq:x}",
            "{seq:99}",
            "INV {seq}",
            "{month}{seq}",
            "{seq}{year}0{",
            "F{seq:4}{year}",
            "{seq}{year}",
        ] {
            assert!(NumberFormat::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn amounts_add_up(
            prices in prop::collection::vec(0i64..10_000_000, 1..20), rate in 0u32..=2500,
            inclusive in any::<bool>(),
        ) {
            let basis = TaxBasis::of(inclusive);
            let lines: Vec<_> = prices.iter().map(|p| Line::single("x".into(), eur(*p))).collect();
            let sums = add_up(&lines, basis, Decimal::new(i64::from(rate), 2)).unwrap();
            let nets = nets(&lines, &sums, basis);
            prop_assert_eq!(sums.subtotal.minor(), prices.iter().sum::<i64>());
            let on_top = if inclusive { 0 } else { sums.tax.minor() };
            prop_assert_eq!(sums.total.minor(), sums.subtotal.minor() - sums.discount.minor() + on_top);
            prop_assert_eq!(nets.iter().map(|net| net.minor()).sum::<i64>(), sums.net().minor());
        }
    }
}
