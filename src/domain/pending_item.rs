//! Pending items: what is to be billed with an invoice to come, beside what it bills anyhow.
//!
//! Their rows are in `store/pending_items.rs`, their verbs in `books/pending.rs`, their words in
//! `commands/pending_item.rs`.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::invoice::Line;
use super::tax::TaxBasis;
use super::{InvoiceId, Money, PendingItemId, Refusal, Result, SubscriptionId, TenantId, words};

words! {
    /// What became of a pending item.
    PendingStatus {
        /// It waits for an invoice.
        Pending = "pending",
        /// An invoice took it that is not void.
        Invoiced = "invoiced",
        /// It is not to be billed any more.
        Removed = "removed",
    }
}

/// One that has waited so many days waits for an invoice that nobody issues, and is named.
pub const LONG_DAYS: i64 = 60;

/// A pending item to be made.
#[derive(Debug, Clone)]
pub struct NewPendingItem {
    pub tenant: TenantId,
    /// The subscription whose next invoice takes it; `None`: that of any of the tenant's.
    pub subscription: Option<SubscriptionId>,
    pub description: String,
    pub quantity: Decimal,
    /// In major units; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    /// What it comes to, above nothing.
    pub amount: Money,
    /// Whether the amount is with tax.
    pub basis: TaxBasis,
    /// Whether a coupon may take something off it.
    pub discountable: bool,
    /// The days that it is for, half-open.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// Where the period of the subscription starts whose change made it.
    pub of_change: Option<NaiveDate>,
}

/// A pending item as it stands.
#[derive(Debug, Clone)]
pub struct PendingItem {
    pub id: PendingItemId,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub subscription: Option<SubscriptionId>,
    pub description: String,
    pub quantity: Decimal,
    /// In major units; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    pub amount: Money,
    pub basis: TaxBasis,
    pub discountable: bool,
    pub period: Option<(NaiveDate, NaiveDate)>,
    pub of_change: Option<NaiveDate>,
    pub created_on: NaiveDate,
    pub created_at: String,
    pub invoice_id: Option<InvoiceId>,
    /// The number of the invoice that took it.
    pub invoice: Option<String>,
    pub removed_at: Option<String>,
}

impl PendingItem {
    /// What became of it.
    pub fn status(&self) -> PendingStatus {
        match (&self.invoice_id, &self.removed_at) {
            (Some(_), _) => PendingStatus::Invoiced,
            (None, Some(_)) => PendingStatus::Removed,
            (None, None) => PendingStatus::Pending,
        }
    }

    /// Checks that it waits for an invoice.
    ///
    /// # Errors
    /// One has taken it, or it was removed.
    pub fn check_waits(&self) -> Result<()> {
        match self.status() {
            PendingStatus::Pending => Ok(()),
            status => Err(Refusal::NotPending {
                item: self.id.to_string(),
                status: status.word(),
                invoice: self.invoice.clone(),
            }),
        }
    }

    /// What it bills on an invoice whose lines are with tax or not, at that rate in percent: its amount
    /// as it is, or converted and rounded once. What is converted has no unit price: quantity × price
    /// is not what it comes to.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn line(&self, basis: TaxBasis, tax_rate: Decimal) -> Result<Line> {
        let apart = self.basis.take_apart(self.amount, tax_rate)?;
        let amount = match basis {
            TaxBasis::Exclusive => apart.net,
            TaxBasis::Inclusive => apart.total,
        };
        let as_it_is = amount == self.amount;
        let of_one = (self.quantity == Decimal::ONE).then(|| amount.exact());
        Ok(Line {
            quantity: self.quantity,
            unit_price: if as_it_is { self.unit_price } else { of_one },
            period: self.period,
            pending: Some(self.id),
            discountable: self.discountable,
            ..Line::single(self.description.clone(), amount)
        })
    }

    /// The item with so much taken off; `None` where nothing is left.
    ///
    /// # Errors
    /// It does not wait, or more is taken off than it comes to.
    pub fn lowered(&self, by: Money) -> Result<Option<PendingItem>> {
        self.check_waits()?;
        let amount = self.amount.minus(by)?;
        if amount.minor() < 0 {
            let (item, most) = (self.id.to_string(), self.amount);
            return Err(Refusal::AbovePendingItem { item, asked: by, most });
        }
        let unit_price = (self.quantity == Decimal::ONE).then(|| amount.exact());
        Ok((!amount.is_zero()).then(|| PendingItem { amount, unit_price, ..self.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(minor: i64, code: &str, basis: TaxBasis) -> PendingItem {
        let amount = Money::from_minor(minor, code.parse().unwrap());
        PendingItem {
            id: PendingItemId(7),
            tenant_id: TenantId(1),
            tenant: "acme".into(),
            subscription: None,
            description: "Training".into(),
            quantity: Decimal::ONE,
            unit_price: Some(amount.exact()),
            amount,
            basis,
            discountable: false,
            period: None,
            of_change: None,
            created_on: NaiveDate::default(),
            created_at: String::new(),
            invoice_id: None,
            invoice: None,
            removed_at: None,
        }
    }

    #[test]
    fn on_an_invoice_of_the_other_basis_it_is_converted_and_rounded_once() {
        use TaxBasis::{Exclusive, Inclusive};
        for (minor, code, of, on, rate, billed) in [
            (10_000, "XOF", Exclusive, Inclusive, "18", 11_800),
            (10_000, "XOF", Inclusive, Exclusive, "18", 8475),
            (10_000, "XOF", Inclusive, Inclusive, "18", 10_000),
            (10_000, "XOF", Exclusive, Exclusive, "18", 10_000),
            // 3.333 and 0.8333: half away from zero, once.
            (1111, "EUR", Exclusive, Inclusive, "20", 1333),
            (1, "EUR", Inclusive, Exclusive, "20", 1),
            (3, "XOF", Inclusive, Exclusive, "100", 2),
            (1250, "KWD", Inclusive, Exclusive, "5", 1190),
            (4990, "EUR", Exclusive, Inclusive, "0", 4990),
        ] {
            let line = item(minor, code, of).line(on, rate.parse().unwrap()).unwrap();
            assert_eq!(line.amount.minor(), billed, "{minor} {code} {of} on {on} at {rate}");
            assert_eq!(line.unit_price, Some(line.amount.exact()));
            assert_eq!((line.pending, line.discountable), (Some(PendingItemId(7)), false));
        }
        let mut three = item(3000, "EUR", Exclusive);
        (three.quantity, three.unit_price) = (3.into(), Some(Decimal::new(1000, 2)));
        let as_it_is = three.line(Exclusive, 20.into()).unwrap();
        assert_eq!((as_it_is.quantity, as_it_is.unit_price), (3.into(), three.unit_price));
        let converted = three.line(Inclusive, 20.into()).unwrap();
        assert_eq!((converted.amount.minor(), converted.unit_price), (3600, None));
    }

    #[test]
    fn it_is_lowered_until_nothing_is_left_and_no_further() {
        let eur = |minor| Money::from_minor(minor, "EUR".parse().unwrap());
        let one = item(1000, "EUR", TaxBasis::Exclusive);
        let less = one.lowered(eur(400)).unwrap().unwrap();
        assert_eq!((less.amount, less.unit_price), (eur(600), Some(eur(600).exact())));
        assert!(less.lowered(eur(600)).unwrap().is_none());
        let refused = less.lowered(eur(601)).unwrap_err();
        assert!(matches!(refused, Refusal::AbovePendingItem { most, .. } if most == eur(600)));
        let three = PendingItem { quantity: 3.into(), ..one };
        assert_eq!(three.lowered(eur(1)).unwrap().unwrap().unit_price, None);
        let billed = PendingItem { invoice_id: Some(InvoiceId(1)), ..three };
        assert!(matches!(billed.lowered(eur(1)), Err(Refusal::NotPending { .. })));
    }

    proptest! {
        /// What was without tax, billed with it, is with its tax what it would be on its own invoice.
        #[test]
        fn it_comes_to_the_same_total_either_way(
            minor in 1i64..=1_000_000_000, rate in 0i64..=10_000,
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
        ) {
            let (one, rate) = (item(minor, code, TaxBasis::Exclusive), Decimal::new(rate, 2));
            let with_tax = one.line(TaxBasis::Inclusive, rate).unwrap().amount;
            let apart = TaxBasis::Exclusive.take_apart(one.amount, rate).unwrap();
            prop_assert_eq!(with_tax, apart.total);
        }
    }
}
