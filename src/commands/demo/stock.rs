//! Who the customers of a demo are, what they are offered, and what will happen to them.

use chrono::NaiveDate;

use super::life::Deed;
use super::minds::EXTRA;
use super::{Demo, PAST_DAYS};
use crate::books::Book;
use crate::clock;
use crate::domain::calendar::plus_days;
use crate::domain::coupon::{Discount, Duration, Eligibility, Offer};
use crate::domain::email::Locale;
use crate::domain::event::{About, By, CouponEvent, PlanEvent, TenantEvent};
use crate::domain::party::Details;
use crate::domain::plan::{Interval, IntervalUnit, NewPlan};
use crate::domain::tax::OwnTax;
use crate::domain::tenant::{NewTenant, TenantStatus};
use crate::domain::{Currency, Money, Result};

/// The plans: code, name, price in minor units, whether in EUR, months, trial days.
pub(super) const PLANS: &[(&str, &str, i64, bool, u32, i64)] = &[
    ("essentiel", "Essentiel", 15_000, false, 1, 0),
    ("pro", "Pro", 120_000, false, 3, 14),
    ("essential", "Essential", 2_490, true, 1, 0),
    ("team", "Team", 4_990, true, 1, 14),
];

/// A coupon: off new subscriptions or single invoices, valid from so many days before today to so
/// many after it.
pub(super) struct Campaign {
    code: &'static str,
    name: &'static str,
    discount: Discount,
    eligibility: Eligibility,
    days: (i64, i64),
    duration: Duration,
    max_uses: i64,
    minimum: Option<Money>,
}

/// For the first weeks, with few uses; for whoever is new, three invoices long; off bigger orders.
pub(super) const LAUNCH: &str = "LANCEMENT";
pub(super) const WELCOME: &str = "BIENVENUE";
pub(super) const BIG_ORDER: &str = "REMISE5000";

pub(super) fn campaigns() -> [Campaign; 3] {
    let xof = |amount| Money::from_minor(amount, Currency::XOF);
    [
        Campaign {
            code: LAUNCH,
            name: "Offre de lancement",
            discount: Discount::Percent(50.into()),
            eligibility: Eligibility::All,
            days: (-PAST_DAYS, -50),
            duration: Duration::Once,
            max_uses: 5,
            minimum: None,
        },
        Campaign {
            code: WELCOME,
            name: "Bienvenue",
            discount: Discount::Percent(20.into()),
            eligibility: Eligibility::NewCustomers,
            days: (-PAST_DAYS, 60),
            duration: Duration::Periods(3),
            max_uses: 0,
            minimum: None,
        },
        Campaign {
            code: BIG_ORDER,
            name: "5000 de remise dès 75 000",
            discount: Discount::Amount(xof(5_000)),
            eligibility: Eligibility::All,
            days: (-60, 30),
            duration: Duration::Once,
            max_uses: 0,
            minimum: Some(xof(75_000)),
        },
    ]
}

/// How some customers pay by card: the token, and how many days ago they subscribed where that is not
/// left to chance. Who did lately is declined, and tried again today.
pub(super) fn card_of(n: u32) -> Option<(&'static str, Option<i64>)> {
    match n % 20 {
        2 => Some(("tok_flaky_1", Some(2))),
        12 => Some(("tok_declined", Some(3))),
        1 | 6 | 11 | 16 => Some(("tok_ok", None)),
        _ => None,
    }
}

pub(super) const TRADES: &[&str] =
    &["Atelier", "Boutique", "Cabinet", "Garage", "Librairie", "Pharmacie", "Studio", "Transport"];
pub(super) const PLACES: &[&str] = &[
    "du Port",
    "des Almadies",
    "du Plateau",
    "de Thiès",
    "de Ngor",
    "du Marché",
    "de Gorée",
    "du Lac",
];
pub(super) const SERVICES: &[&str] = &["Installation", "Maintenance", "Hébergement", "Formation"];

impl Demo<'_> {
    /// Makes the customers, and plans what each will be billed and how well it will pay.
    pub(super) fn tenants(&mut self, count: u32) -> Result<()> {
        let act = self.act(plus_days(self.today, -PAST_DAYS))?;
        let eur: Currency = "EUR".parse().unwrap_or(Currency::XOF);
        let mut tenants = Vec::new();
        for n in 1..=count {
            // Every fifth bills in EUR and reads English.
            let abroad = n % 5 == 0;
            let trade = self.random.pick(TRADES);
            let place = self.random.pick(PLACES);
            tenants.push(NewTenant {
                slug: format!("client-{n:03}"),
                name: format!("{trade} {place} {n}"),
                email: format!("client-{n:03}@clients.example"),
                cc: Vec::new(),
                currency: if abroad { eur } else { Currency::XOF },
                locale: if abroad { Locale::En } else { Locale::Fr },
                country: Some(if abroad { "FR" } else { "SN" }.to_owned()),
                address: None,
                tax_id: None,
                details: Details::default(),
                tax: OwnTax::default(),
                tax_rate: None,
                external_id: None,
                metadata: "{}".to_owned(),
                created_on: None,
                status: TenantStatus::Active,
            });
            self.plan(&format!("client-{n:03}"), abroad.then_some(eur), card_of(n));
        }
        self.on(plus_days(self.today, -1), Deed::ChangeMinds);
        self.store.write(|db| {
            for tenant in &tenants {
                let id = db.insert_tenant(&act, tenant)?;
                db.record(&act, id, TenantEvent::created(tenant, By::Command), None)?;
            }
            Ok(())
        })
    }

    pub(super) fn plans(&mut self) -> Result<()> {
        let act = self.act(plus_days(self.today, -PAST_DAYS))?;
        let eur: Currency = "EUR".parse().unwrap_or(Currency::XOF);
        self.store.write(|db| {
            let (code, name, minor) = EXTRA;
            let extra = (code, name, minor, false, 1, 0);
            for (code, name, minor, in_eur, count, trial_days) in
                PLANS.iter().copied().chain([extra])
            {
                let currency = if in_eur { eur } else { Currency::XOF };
                let new = NewPlan {
                    code: code.to_owned(),
                    name: name.to_owned(),
                    price: Money::from_minor(minor, currency),
                    basis: self.config.invoicing.basis(),
                    interval: Interval { unit: IntervalUnit::Month, count },
                    trial_days,
                };
                db.insert_plan(&act, &new)?;
                let event = PlanEvent::created(&new, By::Command);
                db.record(&act, About::NOBODY, event, None)?;
            }
            Ok(())
        })
    }

    pub(super) fn coupons(&mut self) -> Result<()> {
        let act = self.act(plus_days(self.today, -PAST_DAYS))?;
        let (today, timezone) = (self.today, self.config.timezone);
        let day = |days| plus_days(today, days).to_string();
        self.store.write(|db| {
            for campaign in campaigns() {
                let minimum = campaign.minimum;
                let offer = Offer {
                    name: campaign.name.to_owned(),
                    description: None,
                    discount: campaign.discount,
                    currency: minimum.map(|minimum| minimum.currency()),
                    valid_from: clock::start("valid_from", &day(campaign.days.0), timezone)?,
                    valid_to: clock::end("valid_to", &day(campaign.days.1), timezone)?,
                    max_uses: campaign.max_uses,
                    max_uses_per_customer: 1,
                    plans: Vec::new(),
                    eligibility: campaign.eligibility,
                    minimum,
                    first_payment_only: false,
                    duration: campaign.duration,
                    is_active: true,
                };
                db.insert_coupon(&act, campaign.code, &offer, None)?;
                let coupon = db.coupon(campaign.code)?;
                Book::new(db, &act, self.config).record_coupon(CouponEvent::created(
                    &coupon,
                    &act.at(),
                    By::Command,
                ))?;
            }
            Ok(())
        })
    }

    /// Plans what a tenant will be billed, and how well it will pay.
    pub(super) fn plan(
        &mut self,
        tenant: &str,
        eur: Option<Currency>,
        card: Option<(&'static str, Option<i64>)>,
    ) {
        // A third pays on time, a third late, a third not at all for now.
        let paid_after = match self.random.below(3) {
            0 => Some(-(self.random.below(10) as i64)),
            1 => Some(1 + self.random.below(25) as i64),
            _ => None,
        };
        for _ in 0..self.random.below(3) {
            let on = self.day_of_the_past();
            let amount = match eur {
                Some(eur) => Money::from_minor(990 + 100 * self.random.below(200) as i64, eur),
                None => Money::from_minor(5000 * (1 + self.random.below(40) as i64), Currency::XOF),
            };
            let (tenant, description) = (tenant.to_owned(), self.random.pick(SERVICES));
            let coupon = (self.random.below(3) == 0).then_some(BIG_ORDER);
            self.will_pay(on, &tenant, paid_after);
            self.on(on, Deed::Invoice { tenant, amount, description, coupon });
        }
        let on = self.day_of_the_past();
        let offer: Vec<_> = PLANS.iter().filter(|plan| plan.3 == eur.is_some()).collect();
        let picked = self.random.pick(&offer);
        // Who pays by card takes the first plan, which has no trial, and pays nothing by hand.
        let (plan, .., trial_days) = if card.is_some() { *offer[0] } else { *picked };
        let on = card.and_then(|(_, days)| days).map_or(on, |days| plus_days(self.today, -days));
        // Every other one asks for a coupon, for the first of them also some days after its end.
        let early = on < plus_days(self.today, -45);
        let coupon = (self.random.below(2) == 0).then_some(if early { LAUNCH } else { WELCOME });
        let card = card.map(|(token, _)| token);
        // Some complain: who paid by card gets money back, the others get credit, which their next
        // invoice uses.
        if card.is_some() || (paid_after.is_some() && tenant.len().is_multiple_of(2)) {
            let (day, tenant) = (plus_days(self.today, -9), tenant.to_owned());
            self.on(day, Deed::Complain { tenant, back: card.is_some() });
        }
        self.on(on, Deed::Subscribe { tenant: tenant.to_owned(), plan, coupon, card });
        if card.is_some() {
            return;
        }
        for month in 0..3 {
            self.will_pay(plus_days(on, trial_days + 31 * month), tenant, paid_after);
        }
        // Who saves a card goes on after the trial; who does not is suspended.
        if trial_days > 0 && self.random.below(3) > 0 {
            self.on(plus_days(on, 7), Deed::SavePaymentMethod { tenant: tenant.to_owned() });
        }
    }

    pub(super) fn day_of_the_past(&mut self) -> NaiveDate {
        let back = self.random.below(PAST_DAYS as u64 - 5) as i64;
        plus_days(self.today, -back - 1)
    }

    pub(super) fn will_pay(&mut self, billed_on: NaiveDate, tenant: &str, paid_after: Option<i64>) {
        let due_on = plus_days(billed_on, self.config.invoicing.net_days);
        if let Some(after) = paid_after {
            self.on(plus_days(due_on, after), Deed::Pay { tenant: tenant.to_owned() });
        }
    }

    pub(super) fn on(&mut self, day: NaiveDate, deed: Deed) {
        self.planned.entry(day).or_default().push(deed);
    }
}
