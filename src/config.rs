//! billing.toml, read once at the start of a command and turned into checked values.

mod documents;
mod hooks;
pub mod portal;
mod values;

use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::accounting::{Chart, Numbered};
use crate::domain::charge::{RetryPolicy, Token};
use crate::domain::credit::ApplyCredit;
use crate::domain::dunning::Policy;
use crate::domain::email::{ByLanguage, Locale};
use crate::domain::invoice::NumberFormat;
use crate::domain::money::Minimums;
use crate::domain::payment_method::PendingDays;
use crate::domain::proration::BillChanges;
use crate::domain::refusal::Reasons;
use crate::domain::subscription::Collection;
use crate::domain::tax::{SellerTax, TaxBasis, TaxCategory};
use crate::domain::template::Company;
use crate::domain::{Currency, Money, Refusal, Result, text, words};
pub use documents::{Attach, Documents};
pub use hooks::{Hook, Target};
pub use portal::{Portal, PortalAction};
use values::*;

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
    /// It has no `[portal]`, which what was asked needs.
    NoPortal,
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
    pub subscriptions: Subscriptions,
    pub payments: Payments,
    pub mail: Mail,
    pub kpi: Kpi,
    pub accounting: Accounting,
    pub documents: Documents,
    pub usage: Usage,
    /// `None`: there is no portal, and no e-mail has a link to it.
    pub portal: Option<Portal>,
    pub hooks: Vec<Hook>,
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
    /// How credit notes are numbered, in a series of their own.
    #[serde(deserialize_with = "number_format")]
    pub credit_note_format: NumberFormat,
    /// Whether a customer's credit pays its invoices by itself.
    #[serde(deserialize_with = "parsed")]
    pub apply_credit: ApplyCredit,
    /// Whether prices that say nothing of it are with tax.
    pub prices_include_tax: bool,
    /// Percent, for tenants without a rate of their own.
    #[serde(deserialize_with = "percent")]
    pub tax_rate: Decimal,
    /// Why invoices are taxed as they are, for tenants of whom nothing else is said.
    #[serde(deserialize_with = "seller_category")]
    pub tax_category: TaxCategory,
    /// The reason that goes with it.
    #[serde(deserialize_with = "by_language")]
    pub tax_reason: Option<ByLanguage>,
    /// What invoices say in place of what the law wants where nothing is written.
    #[serde(deserialize_with = "by_language")]
    pub legal_notes: Option<ByLanguage>,
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

/// `[subscriptions]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subscriptions {
    /// When the difference of a change in mid-period is billed; `None`: with the next period where that
    /// starts within 31 days, else at once.
    #[serde(deserialize_with = "parsed_or_none")]
    pub bill_changes: Option<BillChanges>,
}

/// `[usage]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Events of so many days ago are taken still.
    #[serde(deserialize_with = "days")]
    pub accept_late_days: i64,
    /// So far the clock of whoever sends events may be ahead.
    #[serde(deserialize_with = "early_minutes")]
    pub accept_early_minutes: i64,
    /// So long after its end a period is billed.
    #[serde(deserialize_with = "grace_hours")]
    pub grace_hours: i64,
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
    /// Whether the program of `command` understands refunds and changes.
    pub refunds: bool,
    /// Whether customers are sent to pages of the gateway's.
    pub checkout: bool,
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

/// `[accounting]`: what the accounts of the ledger are called in the chart of whoever keeps the books.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounting {
    #[serde(deserialize_with = "account")]
    pub receivable: String,
    #[serde(deserialize_with = "account_name")]
    pub receivable_name: String,
    #[serde(deserialize_with = "account")]
    pub revenue: String,
    #[serde(deserialize_with = "account_name")]
    pub revenue_name: String,
    #[serde(deserialize_with = "account")]
    pub tax: String,
    #[serde(deserialize_with = "account_name")]
    pub tax_name: String,
    #[serde(deserialize_with = "account")]
    pub cash: String,
    #[serde(deserialize_with = "account_name")]
    pub cash_name: String,
    #[serde(deserialize_with = "account")]
    pub credit: String,
    #[serde(deserialize_with = "account_name")]
    pub credit_name: String,
    #[serde(deserialize_with = "account")]
    pub loss: String,
    #[serde(deserialize_with = "account_name")]
    pub loss_name: String,
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
            subscriptions: Subscriptions::default(),
            payments: Payments::default(),
            mail: Mail::default(),
            kpi: Kpi::default(),
            accounting: Accounting::default(),
            documents: Documents::default(),
            usage: Usage::default(),
            portal: None,
            hooks: Vec::new(),
        }
    }
}

impl Default for Invoicing {
    fn default() -> Self {
        #[expect(clippy::unwrap_used, reason = "constants, read in a test")]
        let format = |text| NumberFormat::parse(text).unwrap();
        Invoicing {
            net_days: 15,
            number_format: format(NumberFormat::DEFAULT),
            credit_note_format: format(NumberFormat::CREDIT_NOTES),
            apply_credit: ApplyCredit::Automatic,
            prices_include_tax: false,
            tax_rate: Decimal::ZERO,
            tax_category: TaxCategory::Standard,
            tax_reason: None,
            legal_notes: None,
        }
    }
}

impl Invoicing {
    /// Whether prices that say nothing of it are with tax.
    pub fn basis(&self) -> TaxBasis {
        TaxBasis::of(self.prices_include_tax)
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

impl Default for Usage {
    fn default() -> Self {
        Usage { accept_late_days: 35, accept_early_minutes: 5, grace_hours: 24 }
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
            refunds: false,
            checkout: true,
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

impl Default for Accounting {
    /// The French general chart.
    fn default() -> Self {
        let [receivable, revenue, tax, cash, credit, loss] =
            ["411", "706", "4457", "512", "4197", "654"].map(str::to_owned);
        let [receivable_name, revenue_name, tax_name, cash_name, credit_name, loss_name] = [
            "Clients",
            "Prestations de services",
            "TVA collectée",
            "Banque",
            "Clients - autres avoirs",
            "Pertes sur créances irrécouvrables",
        ]
        .map(str::to_owned);
        Accounting {
            receivable,
            receivable_name,
            revenue,
            revenue_name,
            tax,
            tax_name,
            cash,
            cash_name,
            credit,
            credit_name,
            loss,
            loss_name,
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
        if let Some(portal) = &mut config.portal {
            portal.secret_file = folder.join(&portal.secret_file);
        }
        let paths = paths.into_iter().chain(config.documents.paths());
        let secrets = hooks::paths(&mut config.hooks);
        for relative in paths.flatten().chain([&mut mail.sendmail]).chain(secrets) {
            *relative = folder.join(&*relative);
        }
        Ok(config)
    }

    /// What is said of tax, for customers of whom nothing else is said.
    pub fn seller_tax(&self) -> SellerTax<'_> {
        SellerTax {
            country: self.company.country.as_deref(),
            category: self.invoicing.tax_category,
            rate: self.invoicing.tax_rate,
            reason: self.invoicing.tax_reason.as_ref(),
        }
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
        let Invoicing { number_format, credit_note_format, .. } = &self.invoicing;
        if credit_note_format.meets(number_format) {
            return Err(format!(
                "[invoicing] credit_note_format = \"{}\" can make a number of the invoices' series, \
                 number_format = \"{}\"; a prefix of its own keeps them apart, as in \"CN-{{year}}-{{seq:6}}\"",
                credit_note_format.as_str(),
                number_format.as_str()
            ));
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
        hooks::check(&self.hooks)?;
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

    /// What the accounts of the ledger are called.
    pub fn chart(&self) -> Chart {
        let a = &self.accounting;
        let numbered = |number: &String, name: &String| Numbered {
            number: number.clone(),
            name: name.clone(),
        };
        Chart {
            receivable: numbered(&a.receivable, &a.receivable_name),
            cash: numbered(&a.cash, &a.cash_name),
            loss: numbered(&a.loss, &a.loss_name),
            credit: numbered(&a.credit, &a.credit_name),
            revenue: numbered(&a.revenue, &a.revenue_name),
            tax: numbered(&a.tax, &a.tax_name),
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

    /// The secrets of a hook as its file says them, a line each: the one that holds, and while one
    /// replaces the other both.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or there are not one or two lines in it.
    pub fn hook_secrets(&self, hook: &Hook) -> Result<Vec<String>> {
        let Target::Url { secret_file, .. } = &hook.target else { return Ok(Vec::new()) };
        let text = owners_file(secret_file, "secret file")?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<String> = lines.map(str::to_owned).collect();
        match secrets.len() {
            1 | 2 => Ok(secrets),
            _ => Err(Refusal::from(Unusable::Setting {
                place: secret_file.display().to_string(),
                message: "a secret file has one line, or two while one secret replaces the other"
                    .to_owned(),
            })),
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
    if let Ok(secret) = std::env::var(variable) {
        return Ok(Some(secret));
    }
    let Some(path) = file else { return Ok(None) };
    let text = owners_file(path, what)?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What a file says that nobody but its owner may read.
fn owners_file(path: &Path, what: &str) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    let unreadable = |e: std::io::Error| Refusal::file(path, "read", &e);
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if meta.mode() & 0o077 != 0 {
        return Err(Refusal::from(Unusable::Setting {
            place: path.display().to_string(),
            message: format!("others may read this {what}: chmod 600 it"),
        }));
    }
    std::fs::read_to_string(path).map_err(unreadable)
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

#[cfg(test)]
mod tests;
