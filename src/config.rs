//! billing.toml, read once at the start of a command and turned into checked values.

use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::charge::{RetryPolicy, Token};
use crate::domain::credit::ApplyCredit;
use crate::domain::dunning::Policy;
use crate::domain::email::Locale;
use crate::domain::invoice::NumberFormat;
use crate::domain::money::Minimums;
use crate::domain::payment_method::PendingDays;
use crate::domain::refusal::Reasons;
use crate::domain::subscription::Collection;
use crate::domain::template::Company;
use crate::domain::{Currency, Money, Refusal, Result, calendar, text, words};

words! {
    /// How e-mails leave.
    TransportKind { File = "file", Smtp = "smtp", Sendmail = "sendmail" }
}

words! {
    /// How the connection to an SMTP relay is encrypted.
    TlsKind { Starttls = "starttls", Implicit = "implicit", None = "none" }
}

words! {
    /// Who moves the money.
    GatewayKind { None = "none", Sandbox = "sandbox", Stripe = "stripe", Command = "command" }
}

words! {
    /// What becomes of a trial that ended.
    OnTrialEnd { Suspend = "suspend", Convert = "convert" }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// `place` is the file, with its line where it is known.
    Setting {
        place: String,
        message: String,
    },
    Missing {
        path: PathBuf,
    },
    /// One that was found, not named, and that somebody else decides on.
    Untrusted {
        path: PathBuf,
        why: Untrusted,
    },
}

/// How somebody else may decide what a config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// The file, or the link to it, belongs to this user.
    Owner { user: u32 },
    /// Others may write the file.
    Writable,
    /// Others may put another file in its place.
    Folder,
}

impl Reasons for Unusable {}

/// Everything that billing.toml may say, with the defaults of what it does not.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The file it was read from; `None`: built-in defaults.
    #[serde(skip)]
    pub path: Option<PathBuf>,
    /// The SQLite file; relative to the config file's folder.
    pub database: Option<PathBuf>,
    #[serde(deserialize_with = "currency")]
    pub currency: Currency,
    /// The business time zone: what "today" means.
    #[serde(deserialize_with = "timezone")]
    pub timezone: Tz,
    #[serde(deserialize_with = "parsed")]
    pub locale: Locale,
    #[serde(deserialize_with = "company")]
    pub company: Company,
    pub invoicing: Invoicing,
    pub dunning: Dunning,
    pub trials: Trials,
    pub payments: Payments,
    pub mail: Mail,
    pub kpi: Kpi,
}

/// `[invoicing]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invoicing {
    /// Days from issue to due date.
    #[serde(deserialize_with = "days")]
    pub net_days: i64,
    #[serde(deserialize_with = "number_format")]
    pub number_format: NumberFormat,
    /// Whether a customer's credit pays its invoices by itself.
    #[serde(deserialize_with = "parsed")]
    pub apply_credit: ApplyCredit,
    /// Percent, for tenants without a rate of their own.
    #[serde(deserialize_with = "percent")]
    pub tax_rate: Decimal,
}

/// `[dunning]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dunning {
    #[serde(deserialize_with = "days")]
    pub friendly_days: i64,
    #[serde(deserialize_with = "days")]
    pub urgent_days: i64,
    #[serde(deserialize_with = "days")]
    pub warning_days: i64,
    #[serde(deserialize_with = "days")]
    pub suspension_days: i64,
    #[serde(deserialize_with = "days")]
    pub min_notice_days: i64,
    /// `None`: 10, or 5 % of the active tenants where that is more.
    pub max_suspensions_per_run: Option<u32>,
    /// `None`: 100, or 25 % of the active tenants where that is more.
    pub max_emails_per_run: Option<u32>,
    pub reactivate_on_payment: bool,
    #[serde(deserialize_with = "date_or_none")]
    pub start_on: Option<NaiveDate>,
    /// A customer that owes less in all is not chased.
    #[serde(deserialize_with = "minimums")]
    pub minimum_amount: Minimums,
}

/// `[trials]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trials {
    #[serde(deserialize_with = "parsed")]
    pub on_end: OnTrialEnd,
    #[serde(deserialize_with = "days")]
    pub reminder_days: i64,
}

/// `[payments]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payments {
    #[serde(deserialize_with = "parsed")]
    pub gateway: GatewayKind,
    pub command: Vec<String>,
    pub timeout_seconds: u32,
    pub max_retries: u32,
    #[serde(deserialize_with = "days")]
    pub retry_window_days: i64,
    pub min_hours_between_tries: u32,
    #[serde(deserialize_with = "days_by_kind")]
    pub pending_days: PendingDays,
    pub parallel: u32,
    /// What the gateway takes at least.
    #[serde(deserialize_with = "minimums")]
    pub minimum_charge: Minimums,
    #[serde(deserialize_with = "parsed")]
    pub collection: Collection,
    pub pass_env: Vec<String>,
    /// What the gateway is called; `None`: it is its command, or its account.
    pub name: Option<String>,
    pub stripe: StripeAccount,
}

/// `[payments.stripe]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StripeAccount {
    /// A file with the secret key alone.
    pub secret_key_file: Option<PathBuf>,
    /// Where the API is; over plain HTTP only on this machine.
    #[serde(deserialize_with = "base_url")]
    pub base_url: String,
}

/// `[mail]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    #[serde(deserialize_with = "parsed")]
    pub transport: TransportKind,
    /// Where `file` writes; relative to the config file's folder, else `mail/` beside the database.
    pub directory: Option<PathBuf>,
    /// Templates of the operator's own, each in place of the built-in one of the same name.
    pub templates: Option<PathBuf>,
    pub from: Option<String>,
    pub reply_to: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    #[serde(deserialize_with = "parsed")]
    pub tls: TlsKind,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    pub connections: u32,
    /// A certificate to trust besides the public ones, for a relay with its own.
    pub ca_file: Option<PathBuf>,
    /// The program that `sendmail` runs.
    pub sendmail: PathBuf,
}

/// `[kpi]`: targets that reports compare with, in percent or days.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kpi {
    /// In major units of the config's currency.
    pub acquisition_spend: Option<String>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub overdue_rate: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub days_to_collect: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub recovery_rate: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub coupon_share_min: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub coupon_share_max: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub acquisition_cost_change: Option<Decimal>,
    #[serde(deserialize_with = "decimal_or_none")]
    pub task_success_rate: Option<Decimal>,
    pub emails_failed: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: None,
            database: None,
            currency: Currency::XOF,
            timezone: Tz::UTC,
            locale: Locale::Fr,
            company: Company::default(),
            invoicing: Invoicing::default(),
            dunning: Dunning::default(),
            trials: Trials::default(),
            payments: Payments::default(),
            mail: Mail::default(),
            kpi: Kpi::default(),
        }
    }
}

impl Default for Invoicing {
    fn default() -> Self {
        #[expect(clippy::unwrap_used, reason = "a constant, read in a test")]
        let number_format = NumberFormat::parse(NumberFormat::DEFAULT).unwrap();
        let apply_credit = ApplyCredit::Automatic;
        Invoicing { net_days: 15, number_format, apply_credit, tax_rate: Decimal::ZERO }
    }
}

impl Default for Dunning {
    /// The ladder of the brief: 3, 7, 15 and 30 days, with a week's notice.
    fn default() -> Self {
        Dunning {
            friendly_days: 3,
            urgent_days: 7,
            warning_days: 15,
            suspension_days: 30,
            min_notice_days: 7,
            max_suspensions_per_run: None,
            max_emails_per_run: None,
            reactivate_on_payment: true,
            start_on: None,
            minimum_amount: Minimums::default(),
        }
    }
}

impl Default for Trials {
    fn default() -> Self {
        Trials { on_end: OnTrialEnd::Suspend, reminder_days: 3 }
    }
}

impl Default for Payments {
    fn default() -> Self {
        Payments {
            gateway: GatewayKind::None,
            command: Vec::new(),
            timeout_seconds: 30,
            max_retries: 3,
            retry_window_days: 7,
            min_hours_between_tries: 20,
            pending_days: PendingDays::default(),
            parallel: 8,
            minimum_charge: Minimums::default(),
            collection: Collection::Invoice,
            pass_env: Vec::new(),
            name: None,
            stripe: StripeAccount::default(),
        }
    }
}

impl Default for StripeAccount {
    fn default() -> Self {
        StripeAccount { secret_key_file: None, base_url: "https://api.stripe.com".to_owned() }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            transport: TransportKind::File,
            directory: None,
            templates: None,
            from: None,
            reply_to: None,
            host: None,
            port: None,
            tls: TlsKind::Starttls,
            user: None,
            password_file: None,
            connections: 4,
            ca_file: None,
            sendmail: PathBuf::from("/usr/sbin/sendmail"),
        }
    }
}

impl Config {
    /// Reads the config: the file that is named, else `./billing.toml`,
    /// `$XDG_CONFIG_HOME/billing/billing.toml`, `/etc/billing/billing.toml`, else the defaults.
    ///
    /// # Errors
    /// The named file is not there, a file that was found is not ours alone, or the file says something
    /// that is not understood; the refusal names file and line.
    pub fn load(named: Option<&Path>) -> Result<Config> {
        if let Some(path) = named {
            if !path.exists() {
                return Err(Unusable::Missing { path: path.to_owned() }.into());
            }
            return Config::read(path);
        }
        let places = [
            Some(PathBuf::from("billing.toml")),
            xdg("XDG_CONFIG_HOME", ".config").map(|home| home.join("billing/billing.toml")),
            Some(PathBuf::from("/etc/billing/billing.toml")),
        ];
        match places.into_iter().flatten().find(|path| path.exists()) {
            Some(path) => {
                check_trusted(&path)?;
                Config::read(&path)
            }
            None => Ok(Config::default()),
        }
    }

    fn read(path: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(path).map_err(|e| Refusal::file(path, "read", &e))?;
        let mut config: Config = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let place = match line {
                Some(line) => format!("{}:{line}", path.display()),
                None => path.display().to_string(),
            };
            Refusal::from(Unusable::Setting { place, message: plain(&one_line(error.message())) })
        })?;
        config.path = Some(path.to_owned());
        config.check().map_err(|message| {
            Refusal::from(Unusable::Setting { place: path.display().to_string(), message })
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let mail = &mut config.mail;
        let paths = [
            &mut config.database,
            &mut mail.directory,
            &mut mail.templates,
            &mut mail.password_file,
            &mut mail.ca_file,
            &mut config.payments.stripe.secret_key_file,
        ];
        for relative in paths.into_iter().flatten().chain([&mut mail.sendmail]) {
            *relative = folder.join(&*relative);
        }
        Ok(config)
    }

    /// The rules that join two keys.
    fn check(&self) -> std::result::Result<(), String> {
        let d = &self.dunning;
        let ladder = [
            ("friendly_days", d.friendly_days),
            ("urgent_days", d.urgent_days),
            ("warning_days", d.warning_days),
            ("suspension_days", d.suspension_days),
        ];
        for pair in ladder.windows(2) {
            if pair[0].1 >= pair[1].1 {
                return Err(format!(
                    "[dunning] {} = {} must be less than {} = {}",
                    pair[0].0, pair[0].1, pair[1].0, pair[1].1
                ));
            }
        }
        if d.friendly_days < 1 {
            return Err("[dunning] friendly_days must be at least 1".into());
        }
        let mail = &self.mail;
        if mail.transport == TransportKind::Smtp && mail.host.is_none() {
            return Err("[mail] host is missing, which transport = \"smtp\" needs".into());
        }
        let leaves = mail.transport != TransportKind::File;
        if leaves && mail.from.is_none() && self.company.email.is_none() {
            return Err(format!(
                "[mail] from is missing, which transport = \"{}\" needs",
                mail.transport
            ));
        }
        for (key, value) in [("from", &mail.from), ("reply_to", &mail.reply_to)] {
            let Some(value) = value else { continue };
            if text::mailbox("from", value).is_err() {
                return Err(format!("[mail] {key} is no address in ASCII before its @: {value}"));
            }
        }
        let beyond_ascii = |email: &String| !text::ascii_address(email).is_ascii();
        if self.company.email.as_ref().is_some_and(beyond_ascii) && mail.from.is_none() {
            return Err("[mail] from is missing, which a company email beyond ASCII needs".into());
        }
        if mail.tls == TlsKind::None && mail.user.is_some() {
            return Err("[mail] user needs tls: a password is not sent in the clear".into());
        }
        if !(1..=64).contains(&mail.connections) {
            return Err("[mail] connections must lie between 1 and 64".into());
        }
        if let Some(spend) = &self.kpi.acquisition_spend
            && Money::parse(spend, self.currency).is_err()
        {
            let currency = self.currency;
            return Err(format!("[kpi] acquisition_spend is no amount of {currency}: {spend}"));
        }
        self.check_payments()
    }

    fn check_payments(&self) -> std::result::Result<(), String> {
        let payments = &self.payments;
        if let Some(name) = payments.name.as_ref().filter(|name| text::slug("name", name).is_err())
        {
            return Err(format!(
                "[payments] name must be lower-case letters, digits and hyphens: {name}"
            ));
        }
        let ranges = [
            ("timeout_seconds", payments.timeout_seconds, 1..=600),
            ("parallel", payments.parallel, 1..=64),
            ("max_retries", payments.max_retries, 0..=20),
            ("min_hours_between_tries", payments.min_hours_between_tries, 0..=720),
        ];
        match ranges.iter().find(|(_, value, range)| !range.contains(value)) {
            None => Ok(()),
            Some((key, _, range)) => Err(format!(
                "[payments] {key} must lie between {} and {}",
                range.start(),
                range.end()
            )),
        }
    }

    /// The database: `named` (flag or environment), else the config's, else the user's data folder.
    pub fn database(&self, named: Option<&Path>) -> PathBuf {
        let named = named.map(Path::to_owned).or_else(|| self.database.clone());
        named.unwrap_or_else(|| {
            xdg("XDG_DATA_HOME", ".local/share")
                .unwrap_or_else(|| PathBuf::from("."))
                .join("billing/billing.db")
        })
    }

    /// The rules of dunning.
    pub fn dunning_policy(&self) -> Policy {
        let d = &self.dunning;
        Policy {
            friendly_days: d.friendly_days,
            urgent_days: d.urgent_days,
            warning_days: d.warning_days,
            suspension_days: d.suspension_days,
            min_notice_days: d.min_notice_days,
            pending_days: self.payments.pending_days,
            start_on: d.start_on,
            minimum_amount: d.minimum_amount.clone(),
            minimum_charge: self.payments.minimum_charge.clone(),
        }
    }

    /// The address that e-mails come from.
    pub fn mail_from(&self) -> String {
        let from = self.mail.from.clone().or_else(|| match &self.company.email {
            Some(email) if self.company.name.is_empty() => Some(email.clone()),
            Some(email) => {
                Some(format!("\"{}\" <{email}>", self.company.name.replace(['"', '\\'], "'")))
            }
            None => None,
        });
        from.unwrap_or_else(|| "billing@localhost.localdomain".to_owned())
    }

    /// The domain of the address that e-mails come from, and of their Message-IDs.
    pub fn mail_domain(&self) -> String {
        let from = self.mail_from();
        let domain = from.rsplit('@').next().unwrap_or("localhost.localdomain");
        // A Message-ID is ASCII (RFC 5322, 3.6.4).
        text::ascii_address(&format!("@{}", domain.trim_end_matches('>').trim())).split_off(1)
    }

    /// What is said of attempts to charge.
    pub fn retry_policy(&self) -> RetryPolicy {
        let payments = &self.payments;
        RetryPolicy {
            max_retries: i64::from(payments.max_retries),
            window: TimeDelta::days(payments.retry_window_days),
            least_interval: TimeDelta::hours(i64::from(payments.min_hours_between_tries)),
        }
    }

    /// The password of the SMTP relay: `BILLING_SMTP_PASSWORD`, else the owner-only file.
    ///
    /// # Errors
    /// The file cannot be read, or others may read it.
    pub fn smtp_password(&self) -> Result<Option<String>> {
        secret("BILLING_SMTP_PASSWORD", self.mail.password_file.as_deref(), "password file")
    }

    /// The secret key of the Stripe account: `BILLING_STRIPE_KEY`, else the owner-only file.
    ///
    /// # Errors
    /// There is neither, the file cannot be read, or others may read it.
    pub fn stripe_secret_key(&self) -> Result<Token> {
        let file = self.payments.stripe.secret_key_file.as_deref();
        let key = secret("BILLING_STRIPE_KEY", file, "key file")?;
        key.map(Token::new).ok_or_else(|| {
            Refusal::from(Unusable::Setting {
                place: self
                    .path
                    .as_ref()
                    .map_or_else(String::new, |path| path.display().to_string()),
                message:
                    "[payments.stripe] secret_key_file is missing, and BILLING_STRIPE_KEY is not \
                      set"
                    .to_owned(),
            })
        })
    }
}

/// Checks that nobody but us and root decides what a config says that lies about: it names programs
/// that are run, and where money goes. `cd /home/somebody && billing tenant list` is not to do what
/// somebody wrote there.
fn check_trusted(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let unreadable = |e: std::io::Error| Refusal::file(path, "read", &e);
    let me = rustix::process::geteuid().as_raw();
    let (link, file) = (path.symlink_metadata(), path.metadata());
    let (link, file) = (link.map_err(unreadable)?, file.map_err(unreadable)?);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.metadata().map_err(unreadable)?;
    let stranger = [&link, &file].into_iter().map(|meta| meta.uid()).find(|u| ![0, me].contains(u));
    let why = match stranger {
        Some(user) => Untrusted::Owner { user },
        None if file.mode() & 0o022 != 0 => Untrusted::Writable,
        // In a folder such as /tmp nobody moves what is another's.
        None if folder.mode() & 0o1002 == 0o002 => Untrusted::Folder,
        None => return Ok(()),
    };
    Err(Unusable::Untrusted { path: path.to_owned(), why }.into())
}

/// A secret: what the variable says, else a file with it alone that nobody but its owner may read.
fn secret(variable: &str, file: Option<&Path>, what: &str) -> Result<Option<String>> {
    use std::os::unix::fs::MetadataExt;
    if let Ok(secret) = std::env::var(variable) {
        return Ok(Some(secret));
    }
    let Some(path) = file else { return Ok(None) };
    let unreadable = |e: std::io::Error| Refusal::file(path, "read", &e);
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if meta.mode() & 0o077 != 0 {
        return Err(Refusal::from(Unusable::Setting {
            place: path.display().to_string(),
            message: format!("others may read this {what}: chmod 600 it"),
        }));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A folder of the XDG base directory specification: the variable where it is an absolute path,
/// else `fallback` in the home folder.
fn xdg(variable: &str, fallback: &str) -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(fallback)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the reader says, in words of the file and not of the program.
fn plain(message: &str) -> String {
    let (says, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let expected = match expected {
        "" => return message.to_owned(),
        "i64" | "u32" | "u16" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "path string" => "a string",
        _ if expected.starts_with("struct ") || expected == "a map" => "a table in brackets",
        other => other,
    };
    format!("{says}, expected {}", expected.replace('`', ""))
}

/// A value that is written as its word.
fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(
    d: D,
) -> std::result::Result<T, D::Error> {
    let word = String::deserialize(d)?;
    word.parse().map_err(|why| serde::de::Error::custom(format!("{word:?} is {why}")))
}

/// `https://HOST[:PORT]`, or `http://` to a loopback address: a secret is sent there.
fn base_url<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    let url = String::deserialize(d)?;
    let bad = |why: &str| serde::de::Error::custom(format!("{url:?} {why}"));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
    let place = rest.strip_suffix('/').unwrap_or(rest);
    let is_place = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !["https", "http"].contains(&scheme) || place.is_empty() || !place.chars().all(is_place) {
        return Err(bad("is no address such as https://api.stripe.com"));
    }
    if scheme == "http" && !is_loopback(place) {
        return Err(bad("would send the secret key in the clear: https is needed"));
    }
    Ok(url)
}

/// Whether `HOST[:PORT]` names a loopback address.
fn is_loopback(place: &str) -> bool {
    use std::net::{IpAddr, SocketAddr};
    let bare = place.trim_start_matches('[').trim_end_matches(']');
    let ip = place.parse::<SocketAddr>().map(|address| address.ip());
    ip.or_else(|_| bare.parse::<IpAddr>()).is_ok_and(|ip| ip.is_loopback())
}

/// A currency, as [`Currency::typed`] says.
fn currency<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Currency, D::Error> {
    let code = String::deserialize(d)?;
    let refused = |why| serde::de::Error::custom(format!("{code:?} is {why}"));
    Currency::typed(&code).map_err(refused)
}

/// A decimal number, as TOML's own or as a string.
fn decimal_or_none<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Decimal>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Toml(Decimal),
    }
    let bad = |text: &str| serde::de::Error::custom(format!("{text:?} is no number such as 12.5"));
    match Written::deserialize(d) {
        Ok(Written::Toml(number)) => Ok(Some(number)),
        Ok(Written::Text(text)) => text::decimal(&text).map(Some).ok_or_else(|| bad(&text)),
        Err(_) => Err(serde::de::Error::custom("a number is written 12 or \"12.5\"")),
    }
}

fn timezone<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Tz, D::Error> {
    let name = String::deserialize(d)?;
    name.parse().map_err(|_| {
        serde::de::Error::custom(format!("{name:?} is no time zone such as Africa/Dakar or UTC"))
    })
}

/// 0 to 3650 days.
fn days<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    let days = i64::deserialize(d)?;
    match days {
        0..=3650 => Ok(days),
        _ => Err(serde::de::Error::custom(format!("{days} does not lie between 0 and 3650 days"))),
    }
}

/// A number of days for every kind of payment method, or a table of them by kind.
fn days_by_kind<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<PendingDays, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = PendingDays;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("days, or a table of them such as { card = 5, bank_transfer = 14 }")
        }

        fn visit_i64<E: serde::de::Error>(
            self,
            number: i64,
        ) -> std::result::Result<PendingDays, E> {
            days(number.into_deserializer()).map(PendingDays::all)
        }

        fn visit_map<M: MapAccess<'de>>(
            self,
            map: M,
        ) -> std::result::Result<PendingDays, M::Error> {
            #[derive(Deserialize)]
            #[serde(default, deny_unknown_fields)]
            struct ByKind {
                #[serde(deserialize_with = "days")]
                card: i64,
                #[serde(deserialize_with = "days")]
                mobile_money: i64,
                #[serde(deserialize_with = "days")]
                bank_transfer: i64,
                #[serde(deserialize_with = "days")]
                other: i64,
            }

            impl Default for ByKind {
                fn default() -> Self {
                    let PendingDays { card, mobile_money, bank_transfer, other } =
                        PendingDays::default();
                    ByKind { card, mobile_money, bank_transfer, other }
                }
            }

            let by_kind = ByKind::deserialize(MapAccessDeserializer::new(map))?;
            let ByKind { card, mobile_money, bank_transfer, other } = by_kind;
            Ok(PendingDays { card, mobile_money, bank_transfer, other })
        }
    }

    d.deserialize_any(Written)
}

/// A percentage, written as a string (`"18"`, `"5.5"`) or a whole number.
fn percent<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Decimal, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Whole(i64),
    }
    let text = match Written::deserialize(d) {
        Ok(Written::Text(text)) => text,
        Ok(Written::Whole(number)) => number.to_string(),
        Err(_) => {
            return Err(serde::de::Error::custom("a percentage is written \"18\" or \"5.5\""));
        }
    };
    text::parse_percent(&text)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no percentage from 0 to 100")))
}

fn minimums<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Minimums, D::Error> {
    let amounts = std::collections::BTreeMap::<String, String>::deserialize(d)?;
    let pairs = amounts.iter().map(|(code, amount)| (code.as_str(), amount.as_str()));
    Minimums::parse(pairs).map_err(serde::de::Error::custom)
}

fn number_format<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<NumberFormat, D::Error> {
    let format = String::deserialize(d)?;
    NumberFormat::parse(&format).map_err(|_| {
        serde::de::Error::custom(format!(
            "{format:?} is no number format such as {}",
            NumberFormat::DEFAULT
        ))
    })
}

/// A date as TOML's own or as a string.
fn date_or_none<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(d) {
        Ok(Written::Toml(date)) => date.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => return Err(serde::de::Error::custom("a date is written \"2026-03-01\"")),
    };
    let date = calendar::parse_date(&text)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no date such as 2026-03-01")))?;
    Ok(Some(date))
}

fn company<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Company, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Written {
        name: String,
        email: Option<String>,
        address: Option<String>,
        country: Option<String>,
        tax_id: Option<String>,
        registration: Option<String>,
        bank: Option<String>,
        how_to_pay: Option<String>,
        legal_text: Option<String>,
    }
    let w = Written::deserialize(d)?;
    let bad = |field: &str, what: &str| serde::de::Error::custom(format!("company {field} {what}"));
    if !w.name.is_empty() {
        text::line("name", &w.name, 200)
            .map_err(|_| bad("name", "has characters that cannot stand in a mail"))?;
    }
    if let Some(email) = &w.email {
        text::email("email", email).map_err(|_| bad("email", "is no e-mail address"))?;
    }
    if let Some(country) = &w.country {
        text::country("country", country)
            .map_err(|_| bad("country", "is no country as two capital letters, such as SN"))?;
    }
    let trimmed =
        |value: Option<String>| value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    Ok(Company {
        name: w.name.trim().to_owned(),
        email: w.email,
        address: trimmed(w.address),
        country: w.country,
        tax_id: trimmed(w.tax_id),
        registration: trimmed(w.registration),
        bank: trimmed(w.bank),
        how_to_pay: trimmed(w.how_to_pay),
        legal_text: trimmed(w.legal_text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("billing.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = read("").unwrap();
        assert_eq!(config.currency, Currency::XOF);
        let p = config.dunning_policy();
        assert_eq!(
            (p.friendly_days, p.urgent_days, p.warning_days, p.suspension_days),
            (3, 7, 15, 30)
        );
        assert_eq!(config.invoicing.number_format.as_str(), NumberFormat::DEFAULT);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, line, says) in [
            ("\n[dunning]\nfriendly = 3\n", ":3", "unknown field"),
            ("[dunning]\nfriendly_days = \"three\"\n", ":2", "invalid type"),
            ("currency = \"EURO\"\n", ":1", "EURO"),
            ("timezone = \"Dakar\"\n", ":1", "time zone"),
            ("[invoicing]\ntax_rate = \"118\"\n", ":2", "percentage"),
            ("[invoicing]\nnumber_format = \"INV\"\n", ":2", "number format"),
            ("[dunning]\nstart_on = \"1 March\"\n", ":2", "date"),
            (
                "[dunning]\nurgent_days = 2\n",
                "",
                "friendly_days = 3 must be less than urgent_days = 2",
            ),
            ("[mail]\ntransport = \"smtp\"\n", "", "host is missing"),
            ("[company]\nemail = \"nobody\"\n", ":1", "no e-mail address"),
            ("currency = \n", ":1", ""),
            ("[mail]\nfrom = \"nobody\"\n", "", "from is no address"),
            ("[mail]\nreply_to = \"A <été@exemple.fr>\"\n", "", "reply_to is no address"),
            ("[payments.stripe]\nsecret_key = \"sk_1\"\n", ":2", "unknown field"),
            ("[payments.stripe]\nbase_url = \"api.stripe.com\"\n", ":2", "no address such as"),
        ] {
            let refusal = read(text).expect_err("a bad setting");
            let Some(Unusable::Setting { place, message }) = refusal.of() else { panic!("{text}") };
            assert!(place.ends_with(&format!("billing.toml{line}")), "{text}: {place}");
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    #[test]
    fn a_secret_goes_in_the_clear_to_this_machine_alone() {
        let stripe = |url: &str| read(&format!("[payments.stripe]\nbase_url = \"{url}\"\n"));
        for url in [
            "https://api.stripe.com",
            "https://api.stripe.com/",
            "https://192.0.2.7:8443",
            "http://127.0.0.1:8420",
            "http://127.1.2.3",
            "http://[::1]:8420/",
            "http://[::1]",
        ] {
            assert_eq!(stripe(url).unwrap().payments.stripe.base_url, url);
        }
        for (url, says) in [
            ("http://api.stripe.com", "in the clear"),
            ("http://192.0.2.7:80", "in the clear"),
            // A name may lead anywhere.
            ("http://localhost:8420", "in the clear"),
            ("http://127.0.0.1.example.com", "in the clear"),
            ("http://127.0.0.1@example.com", "no address"),
            ("https://user:word@api.stripe.com", "no address"),
            ("https://api.stripe.com/v1", "no address"),
            ("https://api.stripe.com?x", "no address"),
            ("ftp://api.stripe.com", "no address"),
            ("https://", "no address"),
            ("", "no address"),
        ] {
            let refusal = stripe(url).expect_err("a bad setting");
            let Some(Unusable::Setting { place, message }) = refusal.of() else { panic!("{url}") };
            assert!(place.ends_with(":2") && message.contains(says), "{url}: {place}: {message}");
        }
    }

    #[test]
    fn the_secret_key_stands_in_a_file_of_its_own_that_nobody_else_reads() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("billing.toml"), folder.path().join("stripe-key"));
        std::fs::write(&path, "").unwrap();
        let config = Config::read(&path).unwrap();
        let refusal = config.stripe_secret_key().expect_err("a bad setting");
        let Some(Unusable::Setting { message, .. }) = refusal.of() else { panic!() };
        assert!(message.contains("secret_key_file") && message.contains("BILLING_STRIPE_KEY"));

        std::fs::write(&path, "[payments.stripe]\nsecret_key_file = \"stripe-key\"\n").unwrap();
        std::fs::write(&key, "sk_test_1\n").unwrap();
        let config = Config::read(&path).unwrap();
        for (mode, readable) in [(0o600, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            match config.stripe_secret_key() {
                Ok(token) => assert!(readable && token.reveal() == "sk_test_1", "{mode:o}"),
                Err(refusal) => {
                    let text = format!("{refusal:?}");
                    assert!(!readable && text.contains("chmod 600"), "{mode:o}: {text}");
                    assert!(!text.contains("sk_test"), "{text}");
                }
            }
        }
    }

    #[test]
    fn dates_are_written_as_toml_or_as_text() {
        for text in ["[dunning]\nstart_on = 2026-03-01\n", "[dunning]\nstart_on = \"2026-03-01\"\n"]
        {
            assert_eq!(read(text).unwrap().dunning.start_on, "2026-03-01".parse().ok(), "{text}");
        }
    }
}
