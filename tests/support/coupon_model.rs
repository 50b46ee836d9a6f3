//! A model of the rules of coupons in its own words. It reads nothing but rows, and shares nothing
//! with the program but their columns.

use std::collections::{BTreeMap, BTreeSet};

use billing::domain::subscription::When;
use rusqlite::{Connection, Row};

use super::Shop;

/// Prices that no percentage divides evenly, by the months of an interval.
pub const PLANS: [(&str, &str, &str); 3] =
    [("monthly", "99.99", "1"), ("quarterly", "271.30", "3"), ("yearly", "1000.01", "12")];

/// The rates of tax of the tenants in turn, in ten-thousandths of a percent.
pub const TAX: [(&str, i64); 3] = [("0", 0), ("19.25", 192_500), ("8.5", 85_000)];
pub const TENANTS: i64 = 9;

/// What comes off, by the model.
#[derive(Debug, Clone, Copy)]
pub enum Off {
    /// Hundredths of a percent.
    Percent(i64),
    /// Cents.
    Fixed(i64),
}

/// A coupon as the model knows it. 0: no limit.
#[derive(Debug, Clone, Copy)]
pub struct Coupon {
    pub code: &'static str,
    pub off: Off,
    /// How many invoices of a subscription; `None`: all that come.
    pub periods: Option<usize>,
    pub max_uses: i64,
    pub per_customer: i64,
    /// Only for who has paid nothing yet, and for so many cents at least.
    pub new_customers: bool,
    pub minimum: i64,
}

const fn coupon(code: &'static str, off: Off, periods: Option<usize>) -> Coupon {
    let (max_uses, per_customer, new_customers, minimum) = (0, 0, false, 0);
    Coupon { code, off, periods, max_uses, per_customer, new_customers, minimum }
}

pub const COUPONS: [Coupon; 8] = [
    coupon("ONCE", Off::Percent(1250), Some(1)),
    coupon("THREE", Off::Percent(3333), Some(3)),
    coupon("FOREVER", Off::Percent(777), None),
    // More than most invoices come to.
    coupon("LARGE", Off::Fixed(15_000), Some(1)),
    coupon("FREE", Off::Percent(10_000), Some(2)),
    Coupon { max_uses: 4, per_customer: 1, ..coupon("FEW", Off::Fixed(2_505), Some(3)) },
    Coupon { max_uses: 2, per_customer: 2, ..coupon("RARE", Off::Percent(5000), None) },
    Coupon {
        new_customers: true,
        minimum: 12_000,
        ..coupon("WELCOME", Off::Percent(2050), Some(2))
    },
];

fn decimal(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl Coupon {
    /// The coupon with that id: they are made in the order in which they stand here.
    fn with_id(id: i64) -> &'static Coupon {
        &COUPONS[usize::try_from(id - 1).expect("an id")]
    }

    /// Makes it in the shop.
    pub fn create(&self, shop: &Shop) {
        let (flag, value) = match self.off {
            Off::Percent(hundredths) => ("--percent", decimal(hundredths)),
            Off::Fixed(cents) => ("--amount", decimal(cents)),
        };
        let periods = match self.periods {
            None => "forever".to_owned(),
            Some(1) => "once".to_owned(),
            Some(periods) => periods.to_string(),
        };
        let (uses, each) = (self.max_uses.to_string(), self.per_customer.to_string());
        let eligibility = if self.new_customers { "new_customers" } else { "all" };
        let args = ["coupon", "create", self.code, "--name", self.code, flag, &value];
        let limits = ["--max-uses", &uses, "--max-uses-per-customer", &each];
        let rules = ["--eligibility", eligibility, "--minimum", &decimal(self.minimum)];
        let dates = ["--from", "2026-01-01", "--until", "2099-12-31", "--duration", &periods];
        shop.ok(&[&args[..], &limits, &rules, &dates].concat());
    }

    /// What it takes off so many cents: half a cent is rounded up.
    fn off(&self, cents: i64) -> i64 {
        match self.off {
            Off::Percent(hundredths) => (cents * hundredths + 5_000) / 10_000,
            Off::Fixed(fixed) => fixed.min(cents),
        }
    }
}

/// The rows, as they stand.
#[derive(Debug)]
pub struct Rows {
    /// By id, each `(is active, current uses)`.
    pub coupons: BTreeMap<i64, (bool, i64)>,
    pub tenants: BTreeMap<i64, String>,
    pub subscriptions: BTreeMap<i64, SubscriptionRow>,
    pub invoices: BTreeMap<i64, InvoiceRow>,
    pub redemptions: BTreeMap<i64, RedemptionRow>,
    pub usages: Vec<UsageRow>,
    /// The payments that were not taken back.
    pub payments: Vec<i64>,
}

#[derive(Debug)]
pub struct SubscriptionRow {
    pub tenant: i64,
    pub status: String,
    pub ends_on: Option<String>,
    pub next_billing_on: Option<String>,
    /// What the next whole period costs.
    pub price: i64,
}

#[derive(Debug)]
pub struct InvoiceRow {
    pub tenant: i64,
    pub subscription: Option<i64>,
    pub status: String,
    pub coupon: Option<i64>,
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    pub total: i64,
    pub paid: i64,
    /// What credit notes took back of it.
    pub noted: i64,
    /// Whether its e-mail has left.
    pub sent: bool,
}

impl InvoiceRow {
    /// Whether the customer has it, or has paid of it: it is not rewritten, a credit note discounts it.
    fn is_kept(&self) -> bool {
        self.status != "open" || self.paid > 0 || self.noted > 0 || self.sent
    }
}

#[derive(Debug)]
pub struct RedemptionRow {
    pub coupon: i64,
    pub tenant: i64,
    pub subscription: Option<i64>,
    pub returned: bool,
}

#[derive(Debug)]
pub struct UsageRow {
    pub redemption: i64,
    pub coupon: i64,
    pub invoice: i64,
    pub original: i64,
    pub discount: i64,
    pub returned: bool,
    /// Whether a credit note gave the discount.
    pub by_note: bool,
}

fn read<T, C: FromIterator<T>>(
    sql: &Connection,
    query: &str,
    one: impl Fn(&Row) -> rusqlite::Result<T>,
) -> C {
    let mut statement = sql.prepare_cached(query).expect("a query");
    let found = statement.query_map([], |row| one(row)).expect("rows");
    found.map(|row| row.expect("a row")).collect()
}

/// The minor units of a decimal number of major ones, which has the decimals of its currency.
fn minor_of(major: &str) -> i64 {
    major.replace('.', "").parse().expect("a number")
}

impl Rows {
    pub fn read(sql: &Connection) -> Rows {
        Rows {
            coupons: read(sql, "SELECT id, is_active, current_uses FROM coupons", |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
            }),
            tenants: read(sql, "SELECT id, status FROM tenants", |row| {
                Ok((row.get(0)?, row.get(1)?))
            }),
            subscriptions: read(
                sql,
                "SELECT s.id, s.tenant_id, s.status, s.ends_on, s.next_billing_on,
                   r.unit_amount, coalesce(i.pending_quantity, i.quantity)
                 FROM subscriptions s JOIN subscription_items i ON i.subscription_id = s.id
                 JOIN prices r ON r.id = coalesce(i.pending_price_id, i.price_id)",
                |row| {
                    let subscription = SubscriptionRow {
                        tenant: row.get(1)?,
                        status: row.get(2)?,
                        ends_on: row.get(3)?,
                        next_billing_on: row.get(4)?,
                        price: minor_of(&row.get::<_, String>(5)?) * row.get::<_, i64>(6)?,
                    };
                    Ok((row.get(0)?, subscription))
                },
            ),
            invoices: read(
                sql,
                "SELECT id, tenant_id, subscription_id, status, coupon_id, subtotal_minor,
                   discount_minor, tax_minor, total_minor, paid_minor, credit_notes_minor,
                   EXISTS (SELECT 1 FROM emails e WHERE e.invoice_id = i.id
                     AND e.template = 'invoice' AND e.status = 'sent')
                 FROM invoices i",
                |row| {
                    let invoice = InvoiceRow {
                        tenant: row.get(1)?,
                        subscription: row.get(2)?,
                        status: row.get(3)?,
                        coupon: row.get(4)?,
                        subtotal: row.get(5)?,
                        discount: row.get(6)?,
                        tax: row.get(7)?,
                        total: row.get(8)?,
                        paid: row.get(9)?,
                        noted: row.get(10)?,
                        sent: row.get(11)?,
                    };
                    Ok((row.get(0)?, invoice))
                },
            ),
            redemptions: read(
                sql,
                "SELECT id, coupon_id, tenant_id, subscription_id, returned_at IS NOT NULL
                 FROM redemptions",
                |row| {
                    let redemption = RedemptionRow {
                        coupon: row.get(1)?,
                        tenant: row.get(2)?,
                        subscription: row.get(3)?,
                        returned: row.get(4)?,
                    };
                    Ok((row.get(0)?, redemption))
                },
            ),
            usages: read(
                sql,
                "SELECT redemption_id, coupon_id, invoice_id, original_minor, discount_minor,
                   returned_at IS NOT NULL, credit_note_id IS NOT NULL FROM coupon_usages ORDER BY id",
                |row| {
                    Ok(UsageRow {
                        redemption: row.get(0)?,
                        coupon: row.get(1)?,
                        invoice: row.get(2)?,
                        original: row.get(3)?,
                        discount: row.get(4)?,
                        returned: row.get(5)?,
                        by_note: row.get(6)?,
                    })
                },
            ),
            payments: read(
                sql,
                "SELECT id FROM transactions WHERE status = 'succeeded' ORDER BY id",
                |row| row.get(0),
            ),
        }
    }

    /// How many subscriptions of a tenant have not ended.
    pub fn running(&self, tenant: i64) -> usize {
        let of = |s: &&SubscriptionRow| s.tenant == tenant && s.status != "canceled";
        self.subscriptions.values().filter(of).count()
    }

    fn canceled(&self, subscription: i64) -> bool {
        self.subscriptions[&subscription].status == "canceled"
    }
}

/// What is done in a step. Coupons are named by their place among [`COUPONS`].
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    ApplyToInvoice {
        coupon: usize,
        invoice: i64,
    },
    ApplyToSubscription {
        coupon: usize,
        subscription: i64,
    },
    Invoice {
        coupon: Option<usize>,
        tenant: i64,
        cents: i64,
    },
    Subscribe {
        coupon: Option<usize>,
        tenant: i64,
        plan: usize,
        quantity: i64,
        trial: i64,
    },
    Change {
        subscription: i64,
        plan: usize,
        quantity: i64,
    },
    Cancel {
        subscription: i64,
        when: When,
    },
    Resume {
        subscription: i64,
    },
    Void {
        invoice: i64,
    },
    /// Of what is due, or a cent of it.
    Pay {
        invoice: i64,
        wholly: bool,
    },
    TakeBack {
        payment: i64,
    },
    Suspend {
        tenant: i64,
    },
    Reactivate {
        tenant: i64,
    },
    Close {
        tenant: i64,
    },
    Switch {
        coupon: usize,
        on: bool,
    },
}

/// One use, as the model knows it.
#[derive(Debug)]
pub struct Use {
    coupon: i64,
    tenant: i64,
    subscription: Option<i64>,
    /// The invoices that have its discount and are not void.
    live: BTreeSet<i64>,
}

impl Use {
    /// Whether an invoice of its subscription may still have its discount.
    fn waits(&self, rows: &Rows) -> bool {
        let periods = Coupon::with_id(self.coupon).periods;
        let left = periods.is_none_or(|periods| self.live.len() < periods);
        self.subscription.is_some_and(|id| left && !rows.canceled(id))
    }

    /// Whether it counts no more: no invoice has it, and none can follow.
    pub fn is_returned(&self, rows: &Rows) -> bool {
        self.live.is_empty() && !self.waits(rows)
    }
}

/// What the model keeps: the uses by the ids of their rows, and the invoices that it has seen.
#[derive(Debug, Default)]
pub struct Model {
    pub uses: BTreeMap<i64, Use>,
    /// By subscription, the use whose turn it is. Others may wait for theirs: void invoices gave
    /// them periods back.
    turn: BTreeMap<i64, i64>,
    /// Those that are void.
    seen: BTreeMap<i64, bool>,
    /// How often something came to pass, so that the test is known to meet it.
    pub met: BTreeMap<String, usize>,
}

impl Model {
    /// Notes that something came to pass.
    pub fn meets(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }

    /// The use whose discount the next invoice of the subscription has.
    fn waiting(&self, rows: &Rows, subscription: i64) -> Option<i64> {
        let turn = self.turn.get(&subscription).copied();
        turn.filter(|id| self.uses[id].waits(rows))
    }

    /// Passes the turn on, where the use that had it has no period left: to the oldest that has.
    fn next_turn(&mut self, rows: &Rows, subscription: i64) {
        if self.waiting(rows, subscription).is_none() {
            let of = |u: &Use| u.subscription == Some(subscription) && u.waits(rows);
            if let Some(next) = self.uses.iter().find(|(_, u)| of(u)).map(|(id, _)| *id) {
                self.turn.insert(subscription, next);
                self.meets("the turn of a coupon that waited");
            }
        }
    }

    /// What a use of a coupon is told for so many cents, by the coupon's own rules.
    fn reasons(&self, rows: &Rows, at: usize, tenant: i64, cents: i64) -> String {
        let (id, coupon) = (at as i64 + 1, COUPONS[at]);
        let counted = |u: &&Use| u.coupon == id && !u.is_returned(rows);
        let uses = self.uses.values().filter(counted).count() as i64;
        let by_tenant = self.uses.values().filter(counted).filter(|u| u.tenant == tenant).count();
        let limited = |limit: i64, uses: i64| limit > 0 && uses >= limit;
        let paid = |i: &InvoiceRow| i.tenant == tenant && i.status == "paid" && i.total > 0;
        let rules = [
            (!rows.coupons[&id].0, "inactive"),
            (limited(coupon.max_uses, uses), "max_uses_reached"),
            (limited(coupon.per_customer, by_tenant as i64), "max_uses_per_customer_reached"),
            (coupon.new_customers && rows.invoices.values().any(paid), "not_new_customer"),
            (cents < coupon.minimum, "below_minimum"),
        ];
        let reasons: Vec<_> = rules.iter().filter(|(no, _)| *no).map(|(_, why)| *why).collect();
        if reasons.is_empty() { "ok".to_owned() } else { reasons.join(" ") }
    }

    /// What a use of a coupon is told, where the deed is one.
    pub fn foresees(&self, rows: &Rows, deed: Deed, today: &str) -> Option<String> {
        let told = |text: &str| Some(text.to_owned());
        match deed {
            Deed::ApplyToInvoice { coupon, invoice: id } => {
                let invoice = &rows.invoices[&id];
                let off = Coupon::with_id(coupon as i64 + 1).off(invoice.subtotal);
                let noted = rows.usages.iter().any(|u| u.invoice == id && u.by_note && !u.returned);
                let reasons = self.reasons(rows, coupon, invoice.tenant, invoice.subtotal);
                match invoice {
                    _ if reasons != "ok" => Some(reasons),
                    i if !["open", "paid"].contains(&i.status.as_str()) => told("not_open"),
                    i if i.coupon.is_some() || noted => told("has_coupon"),
                    i if i.is_kept() && off == 0 => told("nothing_to_credit"),
                    _ => Some(reasons),
                }
            }
            Deed::ApplyToSubscription { coupon, subscription: id } => {
                let subscription = &rows.subscriptions[&id];
                let ends = subscription.ends_on.as_deref();
                let next = subscription.next_billing_on.as_deref();
                let reasons = self.reasons(rows, coupon, subscription.tenant, subscription.price);
                match ends {
                    _ if reasons != "ok" => Some(reasons),
                    Some(on) if on <= today => told("already_canceled"),
                    Some(on) if next.is_none_or(|next| next >= on) => told("no_next_period"),
                    _ if self.waiting(rows, id).is_some() => told("has_coupon"),
                    _ => Some(reasons),
                }
            }
            Deed::Invoice { coupon: Some(coupon), tenant, cents } => {
                Some(self.reasons(rows, coupon, tenant, cents))
            }
            Deed::Subscribe { coupon: Some(coupon), tenant, plan, quantity, .. } => {
                let price: i64 = PLANS[plan].1.replace('.', "").parse().expect("cents");
                match rows.tenants[&tenant].as_str() {
                    "active" => Some(self.reasons(rows, coupon, tenant, price * quantity)),
                    other => Some(format!("tenant_{other}")),
                }
            }
            _ => None,
        }
    }

    /// Takes in what a deed (or, without one, a task) did, in the order in which that comes to pass:
    /// a use begins, an invoice is voided, others are issued (also by what a void brought back),
    /// subscriptions end.
    pub fn follow(&mut self, before: &Rows, after: &Rows, deed: Option<Deed>) {
        self.begins(before, after, deed);
        for (id, invoice) in &after.invoices {
            if invoice.status == "void" && self.seen.insert(*id, true) == Some(false) {
                self.voided(before, *id);
            }
        }
        for (id, invoice) in &after.invoices {
            if self.seen.contains_key(id) {
                continue;
            }
            self.seen.insert(*id, false);
            // A subscription that ends with a run, or is brought back to its end, is billed first.
            let waiting =
                invoice.subscription.and_then(|of| self.waiting(before_or(before, after, of), of));
            let single = self.uses.iter().find(|(_, u)| u.live.contains(id)).map(|(u, _)| *u);
            if let (Some(of), Some(subscription)) = (waiting, invoice.subscription) {
                self.uses.get_mut(&of).expect("it waits").live.insert(*id);
                self.next_turn(before_or(before, after, subscription), subscription);
            }
            let expected = waiting.or(single).map(|of| self.uses[&of].coupon);
            assert_eq!(invoice.coupon, expected, "inv_{id}: whose discount it has");
        }
    }

    /// A use that the deed began, if it did.
    fn begins(&mut self, before: &Rows, after: &Rows, deed: Option<Deed>) {
        let new_invoice = || after.invoices.keys().copied().max();
        let new = match deed {
            Some(Deed::ApplyToInvoice { coupon, invoice }) => {
                Some((coupon, after.invoices[&invoice].tenant, None, Some(invoice)))
            }
            Some(Deed::ApplyToSubscription { coupon, subscription: id }) => {
                Some((coupon, after.subscriptions[&id].tenant, Some(id), None))
            }
            Some(Deed::Invoice { coupon: Some(coupon), tenant, .. }) => {
                Some((coupon, tenant, None, new_invoice()))
            }
            Some(Deed::Subscribe { coupon: Some(coupon), tenant, .. }) => {
                let id = after.subscriptions.keys().copied().max();
                Some((coupon, tenant, id, None))
            }
            _ => None,
        };
        let rows: Vec<_> = after.redemptions.range(self.uses.len() as i64 + 1..).collect();
        let Some((coupon, tenant, subscription, invoice)) = new else {
            assert!(rows.is_empty(), "nobody used a coupon: {rows:?}");
            return;
        };
        let [(id, row)] = rows[..] else { panic!("one use, not {rows:?}") };
        let coupon = coupon as i64 + 1;
        assert_eq!((row.coupon, row.tenant, row.subscription), (coupon, tenant, subscription));
        let live = invoice.into_iter().collect();
        // Of an invoice that was there before, its discount is new.
        if let Some(was) = invoice.and_then(|id| before.invoices.get(&id)) {
            assert_eq!((was.coupon, was.discount), (None, 0));
        }
        self.uses.insert(*id, Use { coupon, tenant, subscription, live });
        if let Some(of) = subscription {
            self.turn.insert(of, *id);
        }
    }

    /// An invoice is void: its use has it no more. Where it is the turn of another coupon of the
    /// subscription meanwhile, the period that comes back waits.
    fn voided(&mut self, before: &Rows, invoice: i64) {
        let Some(id) = self.uses.iter().find(|(_, u)| u.live.contains(&invoice)).map(|(id, _)| *id)
        else {
            return;
        };
        let subscription = self.uses[&id].subscription;
        let other = subscription.and_then(|of| self.waiting(before, of)).filter(|o| *o != id);
        let one = self.uses.get_mut(&id).expect("it is there");
        one.live.remove(&invoice);
        if let (Some(of), None) = (subscription, other) {
            self.turn.insert(of, id);
        }
        let what = match (subscription, other) {
            (None, _) => "voided: the use of an invoice",
            (Some(of), _) if before.canceled(of) => "voided: a period of what has ended",
            (Some(_), None) => "voided: a period comes back",
            (Some(_), Some(_)) => "voided: it is the turn of another coupon",
        };
        self.meets(what);
    }

    /// How often a coupon is used and was given back, and in cents what it took off and what was
    /// left.
    pub fn sums(&self, rows: &Rows, coupon: i64) -> [i64; 4] {
        let uses = || self.uses.values().filter(|u| u.coupon == coupon);
        let returned = uses().filter(|u| u.is_returned(rows)).count() as i64;
        let subtotals = || uses().flat_map(|u| &u.live).map(|id| rows.invoices[id].subtotal);
        let off: i64 = subtotals().map(|cents| Coupon::with_id(coupon).off(cents)).sum();
        [uses().count() as i64 - returned, returned, off, subtotals().sum::<i64>() - off]
    }

    /// Proves that the rows are what the model says.
    pub fn check(&self, rows: &Rows) {
        let mut by_coupon: BTreeMap<i64, i64> = rows.coupons.keys().map(|id| (*id, 0)).collect();
        let mut by_customer: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        let mut live: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for usage in &rows.usages {
            let invoice = &rows.invoices[&usage.invoice];
            assert_eq!(usage.returned, invoice.status == "void", "{usage:?}");
            assert_eq!(usage.coupon, rows.redemptions[&usage.redemption].coupon, "{usage:?}");
            assert_eq!(usage.original, invoice.subtotal, "{usage:?}");
            assert_eq!(
                if usage.by_note { 0 } else { usage.discount },
                invoice.discount,
                "{usage:?}"
            );
            assert_eq!(usage.discount, Coupon::with_id(usage.coupon).off(invoice.subtotal));
            if !usage.returned {
                let new = live.entry(usage.redemption).or_default().insert(usage.invoice);
                assert!(new, "{usage:?} is there twice");
            }
        }
        assert_eq!(rows.redemptions.len(), self.uses.len());
        for (id, one) in &self.uses {
            let what = format!("red_{id}: {one:?}");
            assert_eq!(live.remove(id).unwrap_or_default(), one.live, "{what}");
            assert_eq!(rows.redemptions[id].returned, one.is_returned(rows), "{what}");
            let periods = match one.subscription {
                Some(_) => Coupon::with_id(one.coupon).periods,
                None => Some(1),
            };
            assert!(periods.is_none_or(|periods| one.live.len() <= periods), "{what}");
            if !one.is_returned(rows) {
                *by_coupon.entry(one.coupon).or_default() += 1;
                *by_customer.entry((one.coupon, one.tenant)).or_default() += 1;
            }
        }
        for (id, (_, current_uses)) in &rows.coupons {
            let coupon = Coupon::with_id(*id);
            assert_eq!(*current_uses, by_coupon[id], "{coupon:?}");
            assert!(coupon.max_uses == 0 || *current_uses <= coupon.max_uses, "{coupon:?}");
        }
        for ((id, tenant), uses) in by_customer {
            let most = Coupon::with_id(id).per_customer;
            assert!(most == 0 || uses <= most, "ten_{tenant} has used coupon {id} {uses} times");
        }
        for (id, invoice) in &rows.invoices {
            let what = format!("inv_{id}: {invoice:?}");
            let discount = invoice.coupon.map_or(0, |of| Coupon::with_id(of).off(invoice.subtotal));
            assert_eq!(invoice.discount, discount, "{what}");
            let net = invoice.subtotal - discount;
            // Half a cent of tax is rounded up, on what the discount leaves.
            let rate = TAX[(invoice.tenant - 1) as usize % TAX.len()].1;
            assert_eq!(invoice.tax, (net * rate + 500_000) / 1_000_000, "{what}");
            assert_eq!(invoice.total, net + invoice.tax, "{what}");
            let settled = ["paid", "credited", "void"].contains(&invoice.status.as_str());
            assert!(settled || invoice.total > invoice.paid, "{what}");
        }
    }
}

/// The rows by which a subscription is told to run when it is billed: those before the deed, unless
/// the deed made it.
fn before_or<'a>(before: &'a Rows, after: &'a Rows, subscription: i64) -> &'a Rows {
    if before.subscriptions.contains_key(&subscription) { before } else { after }
}
