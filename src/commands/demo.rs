//! `billing demo`: a filled scratch database to look around in.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args as ClapArgs;
use serde_json::json;

use super::tasks::summary;
use super::{Context, init};
use crate::books::issue::{Issuer, NewIssue};
use crate::books::redeem::Asked;
use crate::books::subscribe::NewStart;
use crate::books::{Book, Notify};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::domain::calendar::plus_days;
use crate::domain::coupon::{self, Discount, Duration, Eligibility, Offer, OnPlan};
use crate::domain::email::Locale;
use crate::domain::event::{About, By, CouponEvent, PlanEvent, TenantEvent};
use crate::domain::invoice::{InvoiceStatus, Line};
use crate::domain::payment_method::{NewPaymentMethod, PaymentMethodKind};
use crate::domain::period::Anchor;
use crate::domain::plan::{Interval, IntervalUnit, NewPlan, Plan};
use crate::domain::schedule::Task;
use crate::domain::subscription::Collection;
use crate::domain::tenant::{NewTenant, Tenant, TenantStatus};
use crate::domain::transaction::{NewPayment, Overpayment};
use crate::domain::{Act, Currency, Money, Refusal, Result};
use crate::failure::exit;
use crate::gateway::Gateway;
use crate::mail::Transport;
use crate::store::{InvoiceFilter, Store};
use crate::tasks::{self, Given, Options, Report};
use crate::view::progress::Progress;

/// `billing demo`
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A folder that is not there yet, or empty; a temporary one where it is not given
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How many customers
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tenants: u32,
    /// The same seed on the same day makes the same customers and invoices
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// How many days of the past are lived through, so that every stage has its invoices.
const PAST_DAYS: i64 = 75;

const BILLING_TOML: &str =
    "# The configuration of a demo: e-mails are files, nothing leaves the machine.
database = \"billing.db\"
currency = \"XOF\"
timezone = \"Africa/Dakar\"
locale = \"fr\"

[company]
name = \"Exemple Services\"
email = \"facturation@exemple.example\"
address = \"\"\"12 rue de l'Exemple
Dakar\"\"\"
tax_id = \"SN-000000\"
how_to_pay = \"Par virement ou mobile money, en indiquant le numéro de la facture.\"

[invoicing]
tax_rate = \"18\"

[trials]
on_end = \"convert\"

[payments]
gateway = \"sandbox\"

[mail]
transport = \"file\"
";

/// Carries the command out.
///
/// # Errors
/// The folder is not empty or cannot be made.
pub fn run(ctx: &mut Context, args: Args) -> anyhow::Result<u8> {
    let folder = match &args.dir {
        Some(dir) => empty_folder(dir)?,
        None => super::scratch_folder("billing-demo")?,
    };
    let config_path = folder.join("billing.toml");
    init::write_config(&config_path, BILLING_TOML)?;
    let config = Config::load(Some(&config_path))?;
    let database = config.database(None);
    let clock = Clock::new(ctx.as_of.as_deref(), config.timezone)?;
    let mut store = Store::create(&database, &clock.act("demo"))?.in_zone(config.timezone);
    let quiet = ctx.verbosity == super::Verbosity::Quiet;
    let mut bar = Progress::new("living through the last weeks", PAST_DAYS as u64, quiet);
    let mut demo = Demo {
        store: &mut store,
        config: &config,
        random: Random(args.seed),
        today: clock.today(),
        planned: BTreeMap::new(),
    };
    demo.plans()?;
    demo.coupons()?;
    demo.tenants(args.tenants)?;
    demo.past(|day| bar.at(day))?;
    bar.end();
    let reports = demo.today(&clock, &folder.join("mail"))?;
    drop(store);
    say(ctx, &folder, &config_path, &reports)?;
    let failed = reports.iter().any(|report| !report.errors.is_empty());
    Ok(if failed { exit::PARTIAL } else { exit::DONE })
}

fn say(
    ctx: &mut Context,
    folder: &Path,
    config_path: &Path,
    reports: &[Report],
) -> anyhow::Result<()> {
    if !ctx.printer.for_people() {
        let folder = folder.display().to_string();
        let config = config_path.display().to_string();
        return Ok(ctx
            .printer
            .object(&json!({ "dir": folder, "config": config, "tasks": reports }))?);
    }
    ctx.printer.text(&format!("a demo database is in {}\n\ntoday's runs:", folder.display()))?;
    for report in reports {
        ctx.printer.text(&format!("  {}", summary(report)))?;
    }
    // Who came by `cargo run` has no `billing` on the path.
    let program =
        std::env::current_exe().map_or_else(|_| "billing".into(), |p| p.display().to_string());
    ctx.printer.text(&format!(
        "\ngo on exploring:
  alias billing={program}
  export BILLING_CONFIG={}
  billing invoice overdue
  billing tenant list --status suspended
  billing subscription list --status past_due
  billing subscription explain sub_1
  billing coupon stats
  billing transaction list --status failed
  billing tasks retry-failed-payments --dry-run
  billing email list --limit 10
  billing tasks simulate
  less {}/mail/*.eml",
        config_path.display(),
        folder.display()
    ))?;
    Ok(())
}

/// What will happen on a day.
enum Deed {
    Invoice {
        tenant: String,
        amount: Money,
        description: &'static str,
        /// The coupon that the tenant asks for, which may refuse it.
        coupon: Option<&'static str>,
    },
    Subscribe {
        tenant: String,
        plan: &'static str,
        coupon: Option<&'static str>,
        /// The token of the card that is charged for it.
        card: Option<&'static str>,
    },
    SavePaymentMethod {
        tenant: String,
    },
    /// The tenant pays the oldest of its open invoices.
    Pay {
        tenant: String,
    },
}

struct Demo<'a> {
    store: &'a mut Store,
    config: &'a Config,
    random: Random,
    today: NaiveDate,
    planned: BTreeMap<NaiveDate, Vec<Deed>>,
}

/// The plans: code, name, price in minor units, whether in EUR, months, trial days.
const PLANS: &[(&str, &str, i64, bool, u32, i64)] = &[
    ("essentiel", "Essentiel", 15_000, false, 1, 0),
    ("pro", "Pro", 120_000, false, 3, 14),
    ("essential", "Essential", 2_490, true, 1, 0),
    ("team", "Team", 4_990, true, 1, 14),
];

/// A coupon: off new subscriptions or single invoices, valid from so many days before today to so
/// many after it.
struct Campaign {
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
const LAUNCH: &str = "LANCEMENT";
const WELCOME: &str = "BIENVENUE";
const BIG_ORDER: &str = "REMISE5000";

fn campaigns() -> [Campaign; 3] {
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
fn card_of(n: u32) -> Option<(&'static str, Option<i64>)> {
    match n % 20 {
        2 => Some(("tok_flaky_1", Some(2))),
        12 => Some(("tok_declined", Some(3))),
        1 | 6 | 11 | 16 => Some(("tok_ok", None)),
        _ => None,
    }
}

const TRADES: &[&str] =
    &["Atelier", "Boutique", "Cabinet", "Garage", "Librairie", "Pharmacie", "Studio", "Transport"];
const PLACES: &[&str] = &[
    "du Port",
    "des Almadies",
    "du Plateau",
    "de Thiès",
    "de Ngor",
    "du Marché",
    "de Gorée",
    "du Lac",
];
const SERVICES: &[&str] = &["Installation", "Maintenance", "Hébergement", "Formation"];

impl Demo<'_> {
    /// Makes the customers, and plans what each will be billed and how well it will pay.
    fn tenants(&mut self, count: u32) -> Result<()> {
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
                currency: if abroad { eur } else { Currency::XOF },
                locale: if abroad { Locale::En } else { Locale::Fr },
                country: Some(if abroad { "FR" } else { "SN" }.to_owned()),
                address: None,
                tax_id: None,
                tax_rate: None,
                created_on: None,
                status: TenantStatus::Active,
            });
            self.plan(&format!("client-{n:03}"), abroad.then_some(eur), card_of(n));
        }
        self.store.write(|db| {
            for tenant in &tenants {
                let id = db.insert_tenant(&act, tenant)?;
                db.record(&act, id, TenantEvent::created(tenant, By::Command), None)?;
            }
            Ok(())
        })
    }

    fn plans(&mut self) -> Result<()> {
        let act = self.act(plus_days(self.today, -PAST_DAYS))?;
        let eur: Currency = "EUR".parse().unwrap_or(Currency::XOF);
        self.store.write(|db| {
            for (code, name, minor, in_eur, count, trial_days) in PLANS.iter().copied() {
                let currency = if in_eur { eur } else { Currency::XOF };
                let new = NewPlan {
                    code: code.to_owned(),
                    name: name.to_owned(),
                    price: Money::from_minor(minor, currency),
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

    fn coupons(&mut self) -> Result<()> {
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
    fn plan(
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

    fn day_of_the_past(&mut self) -> NaiveDate {
        let back = self.random.below(PAST_DAYS as u64 - 5) as i64;
        plus_days(self.today, -back - 1)
    }

    fn will_pay(&mut self, billed_on: NaiveDate, tenant: &str, paid_after: Option<i64>) {
        let due_on = plus_days(billed_on, self.config.invoicing.net_days);
        if let Some(after) = paid_after {
            self.on(plus_days(due_on, after), Deed::Pay { tenant: tenant.to_owned() });
        }
    }

    fn on(&mut self, day: NaiveDate, deed: Deed) {
        self.planned.entry(day).or_default().push(deed);
    }

    /// Lives through the days before today: the runs of the night, what people do, the run of the
    /// morning.
    fn past(&mut self, mut progress: impl FnMut(u64)) -> Result<()> {
        for back in (1..=PAST_DAYS).rev() {
            let day = plus_days(self.today, -back);
            let clock = Clock::new(Some(&day.to_string()), self.config.timezone)?;
            self.run(&clock, Task::GenerateRecurringInvoices, &Transport::Nowhere)?;
            self.run(&clock, Task::RetryFailedPayments, &Transport::Nowhere)?;
            self.run(&clock, Task::CleanupExpiredTrials, &Transport::Nowhere)?;
            self.live(&clock.act("demo"))?;
            self.run(&clock, Task::CheckOverdue, &Transport::Nowhere)?;
            progress((PAST_DAYS - back) as u64);
        }
        Ok(())
    }

    fn live(&mut self, act: &Act) -> Result<()> {
        let config = self.config;
        let Some(deeds) = self.planned.remove(&act.today) else { return Ok(()) };
        self.store.write(|db| {
            let issuer = Book::new(db, act, config).issuer()?;
            deeds.iter().try_for_each(|deed| do_deed(&issuer, deed))
        })
    }

    /// Every scheduled task, once, with its e-mails as files.
    fn today(&mut self, clock: &Clock, mail: &Path) -> Result<Vec<Report>> {
        let transport = Transport::File { directory: mail.to_owned() };
        let tasks = Task::ALL.iter().copied();
        tasks.map(|task| self.run(clock, task, &transport)).collect()
    }

    fn run(&mut self, clock: &Clock, task: Task, transport: &Transport) -> Result<Report> {
        let gateway = &Gateway::Sandbox;
        let given = Given { config: self.config, clock, transport, gateway };
        // A demo is asked about nothing: it harms nobody.
        let options = Options {
            yes: true,
            allow_mass_email: true,
            allow_mass_suspension: true,
            ..Options::default()
        };
        tasks::run(self.store, &given, task, &options)
    }

    fn act(&self, day: NaiveDate) -> Result<Act> {
        Ok(Clock::new(Some(&day.to_string()), self.config.timezone)?.act("demo"))
    }
}

fn do_deed(issuer: &Issuer, deed: &Deed) -> Result<()> {
    let book = &issuer.book;
    let Book { db, act, .. } = *book;
    match deed {
        Deed::Invoice { tenant, amount, description, coupon } => {
            let tenant = db.tenant(tenant)?;
            let asked = Asked { tenant: tenant.id, plan: None, amount: *amount };
            let redemption = match coupon {
                Some(code) if may_use(book, code, &asked)? => {
                    Some(book.redeem_for_new_invoice(code, &tenant, *amount, "{}")?)
                }
                _ => None,
            };
            let lines = [Line::single((*description).to_owned(), *amount)];
            let new = NewIssue {
                redemption: redemption.as_ref(),
                send: true,
                ..NewIssue::single(&tenant, &lines, act.today)
            };
            issuer.issue(&new)?;
        }
        Deed::Subscribe { tenant, plan, coupon, card } => {
            let (tenant, plan) = (db.tenant(tenant)?, db.plan(plan)?);
            // Nobody sells to a customer whose access is suspended.
            if tenant.status == TenantStatus::Active {
                let mut start = new_start(&tenant, &plan, act.today);
                if let Some(token) = card {
                    save(book, &tenant, PaymentMethodKind::Card, token, "Carte 42")?;
                    start.collection = Collection::Automatic;
                }
                let id = book.begin_subscription(&start)?;
                let on_plan = Some(OnPlan::of(&plan));
                let amount = plan.price.amount(start.quantity)?;
                let asked = Asked { tenant: tenant.id, plan: on_plan, amount };
                if let Some(code) = coupon
                    && may_use(book, code, &asked)?
                {
                    book.redeem_for_subscription(code, &db.subscription(id)?, "{}")?;
                }
                book.bill_first(id)?;
            }
        }
        Deed::SavePaymentMethod { tenant } => {
            save(book, &db.tenant(tenant)?, PaymentMethodKind::MobileMoney, "tok_ok", "Wave")?;
        }
        Deed::Pay { tenant } => pay_oldest(book, tenant)?,
    }
    Ok(())
}

/// Saves a payment method as the tenant's default.
fn save(
    book: &Book,
    tenant: &Tenant,
    kind: PaymentMethodKind,
    token: &str,
    label: &str,
) -> Result<()> {
    let (token, label) = (token.to_owned(), Some(label.to_owned()));
    let new = NewPaymentMethod { kind, token, label, is_default: true };
    book.add_payment_method(tenant, &new).map(drop)
}

/// Whether a tenant may use a coupon; that it asked is counted.
fn may_use(book: &Book, code: &str, asked: &Asked) -> Result<bool> {
    Ok(coupon::reasons(&book.validate_coupon(code, asked)?.verdicts).is_empty())
}

fn new_start<'a>(tenant: &'a Tenant, plan: &'a Plan, start: NaiveDate) -> NewStart<'a> {
    NewStart {
        tenant,
        plan,
        start,
        trial_days: None,
        anchor: Anchor::Calendar,
        quantity: 1,
        collection: Collection::Invoice,
    }
}

fn pay_oldest(book: &Book, tenant: &str) -> Result<()> {
    let tenant = book.db.tenant(tenant)?;
    let filter = InvoiceFilter {
        tenant: Some(tenant.id),
        status: Some(InvoiceStatus::Open),
        limit: Some(1),
        ..InvoiceFilter::default()
    };
    let mut oldest = None;
    book.db.each_invoice(&filter, |invoice| {
        oldest = Some(invoice);
        Ok(())
    })?;
    let Some(invoice) = oldest else { return Ok(()) };
    let payment = NewPayment {
        amount: invoice.due,
        paid_on: book.act.today,
        method: Some("mobile_money".to_owned()),
        reference: Some(format!("MM-{}", invoice.number)),
    };
    book.pay(&invoice, &payment, Overpayment::Refuse, Notify::Customer)?;
    Ok(())
}

/// A folder that is there and empty, made where it is not.
fn empty_folder(path: &Path) -> Result<PathBuf> {
    let failed = |e: std::io::Error| Refusal::file(path, "make", &e);
    if path.exists() && std::fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(Refusal::NotEmpty { path: path.to_owned() });
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    Ok(path.to_owned())
}

/// SplitMix64 (Steele, Lea, Flood 2014): ten lines, and the same numbers everywhere. For made-up
/// data only.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
