//! `billing init`: writes billing.toml and makes the database.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use rust_decimal::Decimal;
use serde_json::json;

use super::{Context, currency_arg, prompt, words};
use crate::config::Config;
use crate::domain::email::Locale;
use crate::domain::{Currency, Refusal, text};
use crate::failure::{Failure, exit};
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
    /// Where its customers write to, and its e-mails come from
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Where it is: two capital letters of ISO 3166
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// In percent, for customers without a rate of their own
    #[arg(long, value_name = "PCT")]
    tax_rate: Option<String>,
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
    email: String,
    country: String,
    tax_rate: Decimal,
    locale: Locale,
}

/// What the flags leave open is asked on a terminal, and has its default elsewhere.
fn ask(ctx: &Context, args: Args) -> anyhow::Result<Answers> {
    let defaults = Config::default();
    let asks = ctx.can_ask() && !ctx.yes;
    let company = match args.company {
        Some(company) => company,
        None if asks => prompt::checked("Who sends the invoices", "", |name| {
            in_words(text::line("company", name, 200))
        })?,
        None => String::new(),
    };
    if !company.is_empty() {
        text::line("company", &company, 200)?;
    }
    let email = match args.email {
        Some(email) => text::email("email", &email)?,
        None if asks => prompt::checked("Its e-mail address", "", |email| {
            in_words(text::email("email", email))
        })?,
        None => String::new(),
    };
    let country = match args.country {
        Some(country) => text::country("country", &country)?,
        None if asks => prompt::checked("Its country", "SN", |country| {
            in_words(text::country("country", country))
        })?,
        None => String::new(),
    };
    let rate =
        |rate: &str| text::parse_percent(rate).map_err(|why| Refusal::bad("tax_rate", rate, why));
    let tax_rate = match args.tax_rate {
        Some(typed) => rate(&typed)?,
        None if asks => {
            rate(&prompt::checked("Tax rate in percent", "0", |typed| in_words(rate(typed)))?)?
        }
        None => defaults.invoicing.tax_rate,
    };
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
    Ok(Answers { currency, timezone, company, email, country, tax_rate, locale })
}

/// Why an answer is not taken, for the person who is asked again.
fn in_words<T>(checked: Result<T, Refusal>) -> Result<(), String> {
    checked.map(drop).map_err(|refusal| Failure::from(&refusal).message)
}

/// The file with the answers filled in, and the keys that are set next as comments.
fn billing_toml(answers: &Answers, database: &Path, config: &Path) -> String {
    let folder = config.parent().unwrap_or(Path::new(""));
    let database = database.strip_prefix(folder).unwrap_or(database);
    // A JSON string is a TOML string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let given = |key: &str, value: &str, example: &str| match value {
        "" => format!("# {key} = {}", quoted(example)),
        value => format!("{key} = {}", quoted(value)),
    };
    format!(
        "# The configuration of billing. docs/configuration.md lists every key; what is left out has
# its default. It is read at each run, and nothing of it is stored in the database.

database = {database}
currency = {currency}
timezone = {timezone}
locale = {locale}

[company]
name = {company}
{email}
{country}
# address = \"\"\"1 rue de l'Exemple
# Dakar\"\"\"
# how_to_pay = \"By transfer to SN00 0000 …, with the invoice's number.\"

[invoicing]
# In percent, for customers without a rate of their own.
tax_rate = {tax_rate}

[mail]
# E-mails are files beside the database until they are to leave: see examples/billing.toml.
transport = \"file\"
",
        database = quoted(&database.display().to_string()),
        currency = quoted(answers.currency.code()),
        timezone = quoted(answers.timezone.name()),
        locale = quoted(answers.locale.word()),
        company = quoted(&answers.company),
        email = given("email", &answers.email, "billing@example.com"),
        country = given("country", &answers.country, "SN"),
        tax_rate = quoted(&answers.tax_rate.to_string()),
    )
}
