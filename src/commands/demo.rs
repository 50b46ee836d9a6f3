//! `billing demo`: a filled scratch database to look around in.

mod life;
mod minds;
mod random;
mod stock;

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args as ClapArgs;
use serde_json::json;

use super::Context;
use super::tasks::summary;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Refusal, Result};
use crate::failure::exit;
use crate::store::Store;
use crate::store::files::Part;
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
        Some(dir) => dir.clone(),
        None => super::scratch_folder("billing-demo")?,
    };
    let unfinished = begin(&folder)?;
    let done = fill(ctx, &args, &folder);
    if done.is_err() {
        clear(&folder).ok();
    }
    drop(unfinished);
    let (config_path, reports) = done?;
    ctx.changes.made();
    say(ctx, &folder, &config_path, &reports)?;
    let failed = reports.iter().any(|report| !report.errors.is_empty());
    Ok(if failed { exit::PARTIAL } else { exit::DONE })
}

/// Fills the folder; returns where its config is, and what the tasks did.
fn fill(ctx: &Context, args: &Args, folder: &Path) -> Result<(PathBuf, Vec<Report>)> {
    let config_path = folder.join("billing.toml");
    let mut config = Part::begin(&config_path)?;
    config.write(BILLING_TOML)?;
    config.publish()?;
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
    Ok((config_path, reports))
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

/// What stands beside a demo until it is finished.
const UNFINISHED: &str = "demo";

/// Begins in a folder that is empty, is not there yet, or holds a demo that was killed half-way. What
/// is returned goes when it is dropped; where it is left behind, the demo can be made again.
fn begin(folder: &Path) -> Result<Part> {
    let failed = |e: std::io::Error| Refusal::file(folder, "make", &e);
    let marker = folder.join(UNFINISHED);
    if folder.exists() {
        let goes_on = Part::is_left(&marker);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            if !goes_on || !(is_of_demo(&name) || name.starts_with(UNFINISHED)) {
                return Err(Refusal::NotEmpty { path: folder.to_owned() });
            }
        }
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let part = Part::begin(&marker)?;
    clear(folder)?;
    Ok(part)
}

/// Whether a demo makes what has this name.
fn is_of_demo(name: &str) -> bool {
    name == "mail" || name.starts_with("billing.db") || name.starts_with("billing.toml")
}

/// Takes away what a demo made.
fn clear(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed = match &*entry.file_name().to_string_lossy() {
            "mail" => std::fs::remove_dir_all(&path),
            name if is_of_demo(name) => std::fs::remove_file(&path),
            _ => continue,
        };
        removed.map_err(|e| Refusal::file(&path, "remove", &e))?;
    }
    Ok(())
}
