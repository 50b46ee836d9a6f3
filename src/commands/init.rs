//! `billing init`: writes billing.toml and makes the database.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::json;

use super::{Context, currency_arg, prompt, words};
use crate::config::Config;
use crate::domain::email::Locale;
use crate::domain::{Currency, Refusal, text};
use crate::failure::exit;
use crate::store::Store;

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
    #[arg(long, value_name = "L", value_parser = words::<Locale>())]
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
    if database.exists() {
        return Err(Refusal::WouldOverwrite { path: database }.into());
    }
    let answers = ask(ctx, args)?;
    let toml = billing_toml(&answers, &database, &config_path);
    let store = Store::create(&database, &ctx.act())?;
    drop(store);
    if let Err(refusal) = write_config(&config_path, &toml) {
        std::fs::remove_file(&database).ok();
        return Err(refusal.into());
    }
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
            parsed(Currency::typed(c).is_ok(), "a currency such as XOF or EUR")
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

/// Writes the file, readable by its owner alone; never over one that is there.
pub fn write_config(path: &Path, text: &str) -> Result<(), Refusal> {
    let failed = |e: std::io::Error| Refusal::file(path, "write", &e);
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
