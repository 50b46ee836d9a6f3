//! `billing demo`: a filled scratch database to look around in.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args as ClapArgs;
use serde_json::json;

use super::tasks::summary;
use super::{Context, init};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar::plus_days;
use crate::domain::email::Locale;
use crate::domain::invoice::Line;
use crate::domain::schedule::Task;
use crate::domain::tenant::{NewTenant, TenantStatus};
use crate::domain::transaction::{NewPayment, Overpayment};
use crate::domain::{Act, Currency, Money, Refusal, Result};
use crate::failure::exit;
use crate::mail::Transport;
use crate::store::Store;
use crate::tasks::issue::{NewIssue, issue};
use crate::tasks::settle::{self, Notify};
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
    "# The configuration of a demo: letters are files, nothing leaves the machine.
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
    let mut store = Store::create(&database, &clock.act("demo"))?;
    let quiet = ctx.verbosity == super::Verbosity::Quiet;
    let mut bar = Progress::new("living through the last weeks", PAST_DAYS as u64, quiet);
    let mut demo = Demo {
        store: &mut store,
        config: &config,
        random: Random(args.seed),
        today: clock.today(),
        planned: Vec::new(),
    };
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
  billing email list --limit 10
  billing tasks simulate
  less {}/mail/*.eml",
        config_path.display(),
        folder.display()
    ))?;
    Ok(())
}

/// An invoice that will be issued on that day, and when it will be paid.
struct Planned {
    issued_on: NaiveDate,
    tenant: String,
    amount: Money,
    description: &'static str,
    /// Days after the due date; `None`: never.
    paid_after: Option<i64>,
}

struct Demo<'a> {
    store: &'a mut Store,
    config: &'a Config,
    random: Random,
    today: NaiveDate,
    planned: Vec<Planned>,
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
const SERVICES: &[&str] = &["Abonnement mensuel", "Maintenance", "Hébergement", "Formation"];

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
            self.plan(&format!("client-{n:03}"), abroad.then_some(eur));
        }
        self.store.write(|db| {
            for tenant in &tenants {
                let id = db.insert_tenant(&act, tenant)?;
                settle::tenant_event(db, &act, id, "tenant_created", None, "")?;
            }
            Ok(())
        })
    }

    fn plan(&mut self, tenant: &str, eur: Option<Currency>) {
        let invoices = 1 + self.random.below(3);
        // A third pays on time, a third late, a third not at all for now.
        let habit = self.random.below(3);
        for _ in 0..invoices {
            let back = self.random.below(PAST_DAYS as u64 - 5);
            let amount = match eur {
                Some(eur) => Money::from_minor(990 + 100 * self.random.below(200) as i64, eur),
                None => Money::from_minor(5000 * (1 + self.random.below(40) as i64), Currency::XOF),
            };
            let paid_after = match habit {
                0 => Some(-(self.random.below(10) as i64)),
                1 => Some(1 + self.random.below(25) as i64),
                _ => None,
            };
            self.planned.push(Planned {
                issued_on: plus_days(self.today, -(back as i64) - 1),
                tenant: tenant.to_owned(),
                amount,
                description: self.random.pick(SERVICES),
                paid_after,
            });
        }
    }

    /// Lives through the days before today: what is issued and paid on each, then its run.
    fn past(&mut self, mut progress: impl FnMut(u64)) -> Result<()> {
        for back in (1..=PAST_DAYS).rev() {
            let day = plus_days(self.today, -back);
            let clock = Clock::new(Some(&day.to_string()), self.config.timezone)?;
            self.live(&clock.act("demo"))?;
            self.run(&clock, Task::CheckOverdue, &Transport::Nowhere)?;
            progress((PAST_DAYS - back) as u64);
        }
        Ok(())
    }

    fn live(&mut self, act: &Act) -> Result<()> {
        let (config, planned) = (self.config, &self.planned);
        self.store.write(|db| {
            for plan in planned.iter().filter(|plan| plan.issued_on == act.today) {
                let tenant = db.tenant(&plan.tenant)?;
                let lines = [Line::single(plan.description.to_owned(), plan.amount)];
                let issued_on = act.today;
                let new = NewIssue {
                    tenant: &tenant,
                    lines: &lines,
                    issued_on,
                    due_on: None,
                    number: None,
                    send: true,
                };
                issue(db, act, config, &new)?;
            }
            for plan in planned {
                let due_on = plus_days(plan.issued_on, config.invoicing.net_days);
                let pays =
                    plan.paid_after.is_some_and(|after| plus_days(due_on, after) == act.today);
                if pays {
                    pay_oldest(db, act, config, &plan.tenant)?;
                }
            }
            Ok(())
        })
    }

    /// Every scheduled task, once, with its letters as files.
    fn today(&mut self, clock: &Clock, mail: &Path) -> Result<Vec<Report>> {
        let transport = Transport::File { directory: mail.to_owned() };
        let tasks = Task::ALL.iter().copied();
        tasks.map(|task| self.run(clock, task, &transport)).collect()
    }

    fn run(&mut self, clock: &Clock, task: Task, transport: &Transport) -> Result<Report> {
        let given = Given { config: self.config, clock, transport };
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

fn pay_oldest(db: &crate::store::Db, act: &Act, config: &Config, tenant: &str) -> Result<()> {
    let tenant = db.tenant(tenant)?;
    let filter = crate::store::InvoiceFilter {
        tenant: Some(tenant.id),
        status: Some(crate::domain::invoice::InvoiceStatus::Open),
        limit: Some(1),
        ..Default::default()
    };
    let mut oldest = None;
    db.each_invoice(&filter, |invoice| {
        oldest = Some(invoice);
        Ok(())
    })?;
    let Some(invoice) = oldest else { return Ok(()) };
    let payment = NewPayment {
        amount: invoice.due(),
        paid_on: act.today,
        method: Some("mobile money".to_owned()),
        reference: Some(format!("MM-{}", invoice.number)),
    };
    settle::pay(db, act, config, &invoice, &payment, Overpayment::Refuse, Notify::Customer)?;
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
