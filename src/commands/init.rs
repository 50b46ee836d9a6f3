//! `billing init`: writes billing.toml and makes the database.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::json;

use super::{Context, currency_arg, prompt};
use crate::config::Config;
use crate::domain::email::Locale;
use crate::domain::{Currency, Refusal, text};
use crate::failure::exit;
use crate::store::files::Part;
use crate::store::{Access, Store};

/// `billing init`
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What is billed in where nothing else is said
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// The business time zone, such as Africa/Dakar
    #[arg(long, value_name = "TZ")]
    timezone: Option<Tz>,
    /// Who sends the invoices
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// The language of e-mails: fr or en
    #[arg(long, value_name = "L")]
    locale: Option<Locale>,
}

/// Carries the command out.
///
/// # Errors
/// billing.toml or the database is there already, or cannot be written.
pub fn run(ctx: &mut Context, args: Args) -> anyhow::Result<u8> {
    let config_path = ctx.config_named.clone().unwrap_or_else(|| PathBuf::from("billing.toml"));
    if config_path.exists() {
        return Err(Refusal::WouldOverwrite { path: config_path }.into());
    }
    let database = database_beside(ctx, &config_path);
    let goes_on = database.exists() && was_broken_off(&config_path, &database)?;
    if database.exists() && !goes_on {
        return Err(Refusal::WouldOverwrite { path: database }.into());
    }
    let answers = ask(ctx, args)?;
    let mut config = Part::begin(&config_path)?;
    config.write(&billing_toml(&answers, &database, &config_path))?;
    if !goes_on {
        drop(Store::create(&database, &ctx.act())?);
    }
    if let Err(refusal) = config.publish() {
        if !goes_on {
            std::fs::remove_file(&database).ok();
        }
        return Err(refusal.into());
    }
    ctx.changes.made();
    // What was written is what every later command will read.
    Config::load(Some(&config_path))?;
    let (config, database) = (config_path.display().to_string(), database.display().to_string());
    if ctx.printer.for_people() {
        ctx.printer.text(&format!(
            "wrote {config} and {database}\nnext: billing tenant create SLUG --name NAME --email ADDRESS"
        ))?;
    } else {
        ctx.printer.object(&json!({ "config": config, "database": database }))?;
    }
    Ok(exit::DONE)
}

/// Whether an earlier `init` was killed between the two: the database is there and nothing is in it,
/// and the config has not got its name yet.
fn was_broken_off(config: &Path, database: &Path) -> Result<bool, Refusal> {
    if !Part::is_left(config) {
        return Ok(false);
    }
    Store::open(database, Access::Read)?.read(|db| db.is_untouched())
}

/// The database that is made: as the command line names it, else `billing.db` beside the config.
fn database_beside(ctx: &Context, config: &Path) -> PathBuf {
    let beside = || config.parent().map_or_else(|| "billing.db".into(), |p| p.join("billing.db"));
    ctx.db_named.clone().unwrap_or_else(beside)
}

struct Answers {
    currency: Currency,
    timezone: Tz,
    company: String,
    locale: Locale,
}

/// What the flags leave open is asked on a terminal, and has its default elsewhere.
fn ask(ctx: &Context, args: Args) -> anyhow::Result<Answers> {
    let defaults = Config::default();
    let asks = ctx.can_ask() && !ctx.yes;
    let company = match args.company {
        Some(company) => company,
        None if asks => prompt::text("Who sends the invoices", "My company")?,
        None => String::new(),
    };
    if !company.is_empty() {
        text::line("company", &company, 200)?;
    }
    let parsed = |ok: bool, what: &str| if ok { Ok(()) } else { Err(format!("not {what}")) };
    let currency = match args.currency {
        Some(currency) => currency,
        None if asks => prompt::checked("Currency", defaults.currency.code(), |c| {
            parsed(c.parse::<Currency>().is_ok(), "a currency such as XOF or EUR")
        })?
        .parse()
        .unwrap_or(defaults.currency),
        None => defaults.currency,
    };
    let timezone = match args.timezone {
        Some(timezone) => timezone,
        None if asks => prompt::checked("Time zone", defaults.timezone.name(), |z| {
            parsed(z.parse::<Tz>().is_ok(), "a time zone such as Africa/Dakar")
        })?
        .parse()
        .unwrap_or(defaults.timezone),
        None => defaults.timezone,
    };
    let locale = match args.locale {
        Some(locale) => locale,
        None if asks => prompt::checked("Language of e-mails", defaults.locale.word(), |l| {
            parsed(l.parse::<Locale>().is_ok(), "fr or en")
        })?
        .parse()
        .unwrap_or(defaults.locale),
        None => defaults.locale,
    };
    Ok(Answers { currency, timezone, company, locale })
}

/// The file with the answers filled in, and the keys that are set next as comments.
fn billing_toml(answers: &Answers, database: &Path, config: &Path) -> String {
    let folder = config.parent().unwrap_or(Path::new(""));
    let database = database.strip_prefix(folder).unwrap_or(database);
    // A JSON string is a TOML string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!(
        "# The configuration of billing. docs/configuration.md lists every key; what is left out has
# its default. It is read at each run, and nothing of it is stored in the database.

database = {database}
currency = {currency}
timezone = {timezone}
locale = {locale}

[company]
name = {company}
# email = \"billing@example.com\"
# address = \"\"\"1 rue de l'Exemple
# Dakar\"\"\"
# how_to_pay = \"By transfer to SN00 0000 …, with the invoice's number.\"

[mail]
# E-mails are files beside the database until they are to leave: see examples/billing.toml.
transport = \"file\"
",
        database = quoted(&database.display().to_string()),
        currency = quoted(answers.currency.code()),
        timezone = quoted(answers.timezone.name()),
        locale = quoted(answers.locale.word()),
        company = quoted(&answers.company),
    )
}
