//! `billing demo`: a filled scratch database to look around in.

mod life;
mod random;
mod stock;

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args as ClapArgs;
use serde_json::json;

use super::tasks::summary;
use super::{Context, init};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Refusal, Result};
use crate::failure::exit;
use crate::store::Store;
use crate::tasks::Report;
use crate::view::progress::Progress;
use life::Deed;
use random::Random;

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

struct Demo<'a> {
    store: &'a mut Store,
    config: &'a Config,
    random: Random,
    today: NaiveDate,
    planned: BTreeMap<NaiveDate, Vec<Deed>>,
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
