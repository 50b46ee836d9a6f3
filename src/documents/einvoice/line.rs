//! The lines of an e-invoice (BG-25): quantities and prices without tax that come to the net of each line
//! exactly. What quantity × price ÷ base quantity comes to is rounded once; less the discount it is the net.

use rust_decimal::Decimal;

use super::Period;
use crate::documents::lack::Lack;
use crate::documents::xml::is_said;
use crate::domain::Money;
use crate::domain::document::{Document, DocumentLine};
use crate::domain::email::Locale;
use crate::domain::money::major;
use crate::domain::tax::TaxBasis;

/// A line of an e-invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EInvoiceLine {
    /// BT-153.
    pub name: String,
    pub price: Price,
    /// BT-136: a discount, without tax.
    pub discount: Option<Money>,
    /// BT-139.
    pub discount_reason: &'static str,
    /// BT-131.
    pub net: Money,
    /// BG-26.
    pub period: Option<Period>,
}

/// What a line comes to before its discount, as quantity, price and the quantity that the price is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// BT-129, with at most 4 decimals.
    pub quantity: Decimal,
    /// BT-146, in major units, with at most 6 decimals; never negative (BR-27).
    pub price: Decimal,
    /// BT-149, with at most 4 decimals; none is one.
    pub base: Option<Decimal>,
}

/// The decimals of a quantity, and of a price (BR-FR-DEC-02 and 03).
const QUANTITY_DECIMALS: u32 = 4;
const PRICE_DECIMALS: u32 = 6;

/// The digits of a number, those behind the point among them.
const DIGITS: usize = 19;

/// The lines of a document.
pub(super) fn of(document: &Document, lacks: &mut Vec<Lack>) -> Vec<EInvoiceLine> {
    if document.lines.is_empty() {
        lacks.push(Lack::NoLines);
    }
    for (at, line) in document.lines.iter().enumerate() {
        if !is_said(&line.description) {
            lacks.push(Lack::Description { line: at + 1 });
        }
    }
    document.lines.iter().map(|line| line_of(document, line)).collect()
}

fn line_of(document: &Document, line: &DocumentLine) -> EInvoiceLine {
    let before = before_discount(document, line);
    let discount = Money::from_minor(before.minor() - line.net.minor(), before.currency());
    EInvoiceLine {
        name: line.description.clone(),
        price: Price::of(document.basis, line, before),
        discount: (!discount.is_zero()).then_some(discount),
        discount_reason: match document.locale {
            Locale::Fr => "Remise",
            Locale::En => "Discount",
        },
        net: line.net,
        period: Period::of(line.period),
    }
}

/// What a line comes to without tax and before its discount; never less than after it. Where prices are with
/// tax, this is worked out of what they come to, and the discount is the rest: rounding has one place.
fn before_discount(document: &Document, line: &DocumentLine) -> Money {
    if line.discount.is_zero() {
        return line.net;
    }
    let full = match document.basis {
        TaxBasis::Exclusive => line.amount,
        TaxBasis::Inclusive => line.amount.without_percent(document.tax_rate).unwrap_or(line.net),
    };
    Money::from_minor(full.minor().max(line.net.minor()), full.currency())
}

impl EInvoiceLine {
    /// BT-140: a discount.
    pub const DISCOUNT_CODE: &'static str = "95";
}

impl Price {
    /// BT-130 and BT-150: one piece of whatever is counted.
    pub const UNIT: &'static str = "C62";

    /// How a line comes to what it is before its discount: as it was billed where that can be said in so
    /// many decimals, else so much for the whole quantity, else for one piece.
    fn of(basis: TaxBasis, line: &DocumentLine, amount: Money) -> Price {
        let quantity = line.quantity.normalize();
        let sayable = quantity > Decimal::ZERO && is_quantity(quantity) && amount.minor() >= 0;
        let Some(unit_price) = line.unit_price.filter(|_| sayable) else {
            return Price::whole(amount);
        };
        let billed = match basis {
            TaxBasis::Exclusive => Price::billed(quantity, unit_price.normalize(), amount),
            TaxBasis::Inclusive => None,
        };
        let together = Price { quantity, price: amount.exact(), base: Some(quantity) };
        billed.or_else(|| Price::divided(quantity, amount)).unwrap_or(together)
    }

    /// One piece. A negative one is less than no piece, as no price may be negative.
    fn whole(amount: Money) -> Price {
        let quantity = if amount.minor() < 0 { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
        Price { quantity, price: amount.exact().abs(), base: None }
    }

    /// The price as it was billed. One of more decimals than fit is that of 10, 100, … pieces.
    fn billed(quantity: Decimal, unit_price: Decimal, amount: Money) -> Option<Price> {
        let shift = unit_price.scale().saturating_sub(PRICE_DECIMALS);
        let base = (shift > 0).then(|| 10i64.checked_pow(shift).map(Decimal::from));
        let base = match base {
            Some(power) => Some(power?),
            None => None,
        };
        let price = unit_price.checked_mul(base.unwrap_or(Decimal::ONE))?.normalize();
        let price = Price { quantity, price, base };
        (price.fits(amount) && price.amount(amount) == Some(amount)).then_some(price)
    }

    /// The amount by the quantity, where that leaves nothing over.
    fn divided(quantity: Decimal, amount: Money) -> Option<Price> {
        let price = amount.exact().checked_div(quantity)?.normalize();
        let exact = price.checked_mul(quantity)? == amount.exact();
        let price = Price { quantity, price, base: None };
        (exact && price.fits(amount)).then_some(price)
    }

    /// Whether the price can be said.
    fn fits(&self, amount: Money) -> bool {
        let printed = major(self.price, amount.currency());
        let digits = printed.bytes().filter(u8::is_ascii_digit).count();
        self.price >= Decimal::ZERO && self.price.scale() <= PRICE_DECIMALS && digits <= DIGITS
    }

    /// What it comes to, in the currency of another amount.
    fn amount(&self, of: Money) -> Option<Money> {
        let product = self.quantity.checked_mul(self.price)?;
        let exact = product.checked_div(self.base.unwrap_or(Decimal::ONE))?;
        Money::of(exact, of.currency()).ok()
    }
}

fn is_quantity(quantity: Decimal) -> bool {
    let digits = quantity.to_string().bytes().filter(u8::is_ascii_digit).count();
    quantity.scale() <= QUANTITY_DECIMALS && digits <= DIGITS
}
