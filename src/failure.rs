//! What a person reads when something was refused: a message, a hint, a code for scripts and the
//! exit status. The words of every refusal stand here and nowhere else.

use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::coupon::{self, Reason, Verdict};
use crate::domain::money::{Amiss, Unreckonable};
use crate::domain::refusal::{BadRow, Fault, Why};
use crate::domain::text::{printable, printable_value};
use crate::domain::{Currency, Refusal};

/// Exit statuses that scripts rely on.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Refused or failed; nothing was changed.
    pub const REFUSED: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// A task did its work, but some items failed or were held back.
    pub const PARTIAL: u8 = 3;
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    pub const TRY_LATER: u8 = 75;
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For scripts: `snake_case`, never renamed.
    pub code: &'static str,
    pub message: String,
    /// What to do, where that can be said.
    pub hint: Option<String>,
    pub exit: u8,
    /// More for programs: the fields of an object, or null.
    pub details: Value,
}

impl Failure {
    /// A failure of a command, exit status 1.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (message, hint, exit) = (message.into(), None, exit::REFUSED);
        Failure { code, message, hint, exit, details: Value::Null }
    }

    /// A command line that cannot be carried out, exit status 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure { exit: exit::USAGE, ..Failure::new("usage", message) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The words for whatever a command returned. Context that was added on the way up comes
    /// first.
    pub fn of(error: &anyhow::Error) -> Failure {
        let mut failure = match (error.downcast_ref::<Refusal>(), error.downcast_ref::<Failure>()) {
            (Some(refusal), _) => Failure::from(refusal),
            (None, Some(failure)) => failure.clone(),
            // Whatever reads or writes a file names it in a refusal: this is standard output.
            (None, None) if error.is::<std::io::Error>() => cannot_print(&error.to_string()),
            (None, None) => Failure::new("internal", error.root_cause().to_string()),
        };
        let context: Vec<String> = error
            .chain()
            .take_while(|link| !link.is::<Refusal>() && !link.is::<Failure>())
            .filter(|link| !link.is::<std::io::Error>())
            .map(ToString::to_string)
            .filter(|text| *text != failure.message)
            .collect();
        if !context.is_empty() {
            failure.message = format!("{}: {}", context.join(": "), failure.message);
        }
        failure
    }

    /// The failure as it is printed: one line of JSON, or `error:` and `hint:` lines.
    pub fn render(&self, json: bool) -> String {
        if json {
            let mut error = serde_json::json!({
                "code": self.code, "message": self.message, "hint": self.hint,
            });
            for (name, value) in self.details.as_object().into_iter().flatten() {
                error[name] = value.clone();
            }
            return format!("{}\n", serde_json::json!({ "error": error }));
        }
        let mut text = format!("error: {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", printable(hint));
        }
        text
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Failure {
        use Refusal as R;
        match refusal {
            R::NotFound { noun, name, near } => {
                let list = format!("billing {} list shows them all", noun.replace(' ', "-"));
                let name = printable_value(name);
                let failure = new("not_found", format!("there is no {noun} {name}"));
                match near {
                    Some(near) => failure.hint(format!("did you mean {near}? {list}")),
                    None => failure.hint(list),
                }
            }
            R::Exists { noun, name } => {
                let (the, how) = match *noun {
                    "invoice" => ("an", "its number is taken for good, also where it is void"),
                    "plan" => ("a", "a plan's price never changes: archive it, and make another"),
                    "coupon" => ("a", "choose another code, or edit the coupon that is there"),
                    _ => ("a", "choose another name, or edit the one that is there"),
                };
                new("already_exists", format!("there is {the} {noun} {name} already")).hint(how)
            }
            R::Bad { field, value, why } => {
                let (code, message, hint) = bad_value(value, why);
                let failure = new(code, format!("{field}: {message}"));
                hint.into_iter().fold(failure, Failure::hint)
            }
            R::NothingToEdit { noun } => {
                new("nothing_to_edit", "nothing was named that is to be changed")
                    .hint(format!("billing {noun} edit --help lists what can be"))
            }
            R::Unreckonable(Unreckonable::MixedCurrencies { one, other }) => {
                new("currency_mismatch", format!("amounts in {one} and {other} cannot be added"))
            }
            R::Unreckonable(Unreckonable::Overflow { currency }) => {
                new("amount_too_large", format!("the sum is larger than can be billed in {currency}"))
            }
            R::DueBeforeIssue { issued_on, due_on } => {
                new("due_before_issue", format!("due on {due_on}, before it is issued on {issued_on}"))
            }
            R::AboveDue { invoice, given, due } => {
                new("above_due", format!("{given} is more than the {due} that are due on {invoice}"))
                    .hint("record what is due; a surplus is kept as credit only by import payments --allow-overpayment")
            }
            R::AlreadyPaid { invoice } => new("already_paid", format!("nothing is due on {invoice}, it is paid"))
                .hint(format!("billing transaction list --invoice {invoice} shows by what")),
            R::NotPayable { invoice, status } => {
                new("not_payable", format!("{invoice} cannot be paid, it is {status}"))
            }
            R::PartlyPaid { invoice, paid } => {
                new("partly_paid", format!("{paid} were paid on {invoice}, so it cannot be voided"))
                    .hint("take the payments back with billing transaction reverse, or write the rest off")
            }
            R::NotOpen { invoice, status } => new("not_open", format!("{invoice} is not open, it is {status}")),
            R::AlreadyDisputed { invoice } => new("already_disputed", format!("{invoice} is disputed already")),
            R::NotDisputed { invoice } => new("not_disputed", format!("{invoice} is not disputed")),
            R::PromiseInThePast { until, today } => {
                new("date_in_the_past", format!("a promise until {until} is over, today is {today}"))
            }
            R::PaidInTheFuture { paid_on, today } => {
                new("date_in_the_future", format!("paid on {paid_on} lies ahead, today is {today}"))
            }
            R::ReferenceTaken { reference, transaction } => {
                new("reference_taken", format!("{transaction} carries the reference {reference} already"))
                    .hint("the same reference is the same money; it counts once")
            }
            R::AlreadySuspended { tenant } => {
                new("already_suspended", format!("{tenant} is suspended by hand already"))
            }
            R::NotSuspended { tenant } => new("not_suspended", format!("{tenant} is not suspended")),
            R::TenantClosed { tenant } => new("tenant_closed", format!("{tenant} is closed")),
            R::TenantSuspended { tenant } => new("tenant_suspended", format!("{tenant} is suspended"))
                .hint(format!("billing tenant reactivate {tenant} brings it back")),
            R::PlanArchived { plan } => {
                new("plan_archived", format!("the plan is archived: {plan}"))
                    .hint("it keeps its subscribers and takes no new ones")
            }
            R::PlanCurrency { plan, has, needs } => new(
                "currency_mismatch",
                format!("{plan} is billed in {has}, the subscription in {needs}"),
            )
            .hint("cancel it, and make a new one on that plan"),
            R::SubscriptionCanceled { subscription } => {
                new("already_canceled", format!("{subscription} is canceled already"))
            }
            R::NotCanceled { subscription } => {
                new("not_canceled", format!("{subscription} is not canceled"))
            }
            R::NoNextPeriod { subscription, ends_on } => new(
                "no_next_period",
                format!("{subscription} is canceled and ends on {ends_on}: no period follows"),
            )
            .hint(format!("billing subscription resume {subscription} takes the cancellation back")),
            R::NothingToChange { subscription } => new(
                "nothing_to_change",
                format!("{subscription} has that plan and quantity already, or will have"),
            ),
            R::CouponRefused { coupon, verdicts } => coupon_refused(coupon, verdicts),
            R::CouponUsed { coupon, field } => new(
                "coupon_used",
                format!("{coupon} was used, so its {field} cannot change any more"),
            )
            .hint("name, description, end, limits and plans may; else deactivate it and make a new one"),
            R::CouponUndeletable { coupon } => {
                new("coupon_used", format!("{coupon} was used, so it cannot be deleted"))
                    .hint(format!("billing coupon deactivate {coupon} lets nobody use it any more"))
            }
            R::HasCoupon { subject, coupon } => {
                new("has_coupon", format!("{subject} has a coupon already: {coupon}"))
                    .hint("an invoice takes one coupon, a subscription one at a time")
            }
            R::CouponTooLate { invoice, paid } => new(
                "partly_paid",
                format!("{paid} were paid on {invoice}, so no coupon can be applied to it"),
            ),
            R::ChargePending { invoice } => new(
                "charge_pending",
                format!("a charge of {invoice} has no outcome yet, the money may be on its way"),
            )
            .hint("billing tasks retry-failed-payments asks for it; then try again"),
            R::NoGateway => new("no_gateway", "no gateway is configured, so nothing can be charged")
                .hint("set [payments] gateway in billing.toml"),
            R::NoPaymentMethod { tenant } => {
                new("no_payment_method", format!("{tenant} has no default payment method"))
                    .hint(format!("billing payment-method create --tenant {tenant} --default adds one"))
            }
            R::NotResolvable { transaction, status } => new(
                "not_resolvable",
                format!("{transaction} has an outcome, it is {status}"),
            )
            .hint("one that succeeded is taken back by billing transaction reverse"),
            R::NoRandomness { message } => {
                new("no_randomness", format!("the system gives no random bytes: {message}"))
            }
            R::PaymentMethodRemoved { payment_method } => {
                new("payment_method_removed", format!("{payment_method} was removed"))
            }
            R::NotConfirmed { what } => {
                new("not_confirmed", format!("not confirmed: {what}")).hint("--yes confirms it")
            }
            R::AlreadyReversed { transaction } => {
                new("already_reversed", format!("{transaction} was taken back already"))
            }
            R::NotReversible { transaction, status } => {
                let failure = new("not_reversible", format!("{transaction} cannot be taken back, it is {status}"));
                match *status {
                    "pending" | "unknown" => failure.hint("billing transaction resolve says what became of it"),
                    _ => failure,
                }
            }
            R::StillQueued { email } => {
                new("still_queued", format!("{email} is queued and will be sent by itself"))
                    .hint("billing tasks deliver-emails sends what is due now")
            }
            R::AlreadyResent { email } => {
                new("already_resent", format!("{email} was sent again already"))
                    .hint("billing email list shows the newer letter; send that one again")
            }
            R::NotEmpty { path } => {
                new("not_empty", format!("the folder is not empty: {}", path.display()))
                    .hint("name a new folder with --dir")
            }
            R::WouldOverwrite { path } => {
                new("would_overwrite", format!("it is there already: {}", path.display()))
                    .hint("it is never overwritten; move it away, or work with it as it is")
            }
            R::BadNumberFormat { format } => {
                new("bad_number_format", format!("{format} is no format of invoice numbers"))
            }
            R::Config { place, message } => {
                new("bad_config", format!("{place}: {message}"))
                    .hint("the README's configuration table lists every key")
            }
            R::ConfigMissing { path } => {
                new("config_missing", format!("there is no config file {}", path.display()))
                    .hint("billing init writes one")
            }
            R::BadInstant { value } => {
                new("bad_instant", format!("neither a date nor an RFC 3339 instant: {value}"))
                    .hint("write 2026-03-01 or 2026-03-01T09:00:00Z")
            }
            R::ClockJumped { last, now, ahead } => {
                let how = if *ahead { "more than 40 days after" } else { "more than a day before" };
                new("clock_jumped", format!("the system clock says {now}, {how} the last run at {last}"))
                    .hint("set the clock right; if it is right, run once with --yes")
            }
            R::FutureAsOf { as_of, now } => {
                new("as_of_in_the_future", format!("--as-of {as_of} lies ahead of the system clock, {now}, and letters or money would really leave"))
                    .hint("--yes does it all the same; --dry-run changes nothing")
            }
            R::Output { message, .. } => cannot_print(message),
            R::BadRows { path, rows } => bad_rows(path, rows),
            R::BadHeader { path, message } => {
                new("bad_header", format!("{}:1: {message}", path.display()))
                    .hint("billing import --help lists the columns of each kind")
            }
            R::Locked { task } => Failure {
                exit: exit::TRY_LATER,
                ..new("locked", format!("another run holds the lock of {task}"))
            }
            .hint("try again later, or wait for it with --wait SECONDS"),
            R::Storage { path, fault } => storage(&path.display().to_string(), fault),
            R::Template { name, message } => {
                new("bad_template", format!("template {name}: {message}"))
                    .hint("billing email preview shows a letter as it would be sent")
            }
            R::Transport { message } => new("bad_mail", message.clone()),
            R::File { path, doing, message } => {
                new("file", format!("cannot {doing} {}: {}", path.display(), plain_io(message)))
            }
        }
    }
}

fn new(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(code, message)
}

fn cannot_print(message: &str) -> Failure {
    new("output", format!("cannot write the result: {}", plain_io(message)))
}

/// What the system said, without the number that it has for it.
fn plain_io(message: &str) -> &str {
    message.split_once(" (os error ").map_or(message, |(words, _)| words)
}

/// Code, message and hint of a value that is refused.
fn bad_value(value: &str, why: &Why) -> (&'static str, String, Option<String>) {
    let value = &printable_value(value);
    let say = |code, message: String| (code, message, None);
    let with = |code, message: String, hint: &str| (code, message, Some(hint.to_owned()));
    match why {
        Why::Empty => say("missing_value", "must not be empty".into()),
        Why::TooLong { max } => say("too_long", format!("longer than {max} characters")),
        Why::ControlCharacter { code } => with(
            "control_character",
            // A secret is refused without its value.
            match value.as_str() {
                "" => format!("has the control character U+{code:04X}"),
                value => format!("has the control character U+{code:04X}: {value}"),
            },
            "names reach terminals and mail headers: letters, digits, punctuation and spaces only",
        ),
        Why::NotASlug => with(
            "bad_slug",
            format!("not a slug: {value}"),
            "lower-case letters, digits and hyphens, at most 63, starting with a letter or digit",
        ),
        Why::NotAnEmailAddress => with(
            "bad_email",
            format!("not an e-mail address: {value}"),
            "one address such as awa@example.sn",
        ),
        Why::NotACountry => with(
            "bad_country",
            format!("not a country: {value}"),
            "two capital letters of ISO 3166, such as SN",
        ),
        Why::NotADate => with("bad_date", format!("not a date: {value}"), "write 2026-03-01"),
        Why::Amount(Amiss::NotAnAmount) => with(
            "bad_amount",
            format!("not an amount: {value}"),
            "digits with a point before the decimals, such as 15000 or 49.90",
        ),
        Why::NotAPercentage => with(
            "bad_percentage",
            format!("not a percentage from 0 to 100: {value}"),
            "write 18 or 5.5",
        ),
        Why::NotADiscount => with(
            "bad_percentage",
            format!("not a discount in percent: {value}"),
            "above 0, at most 100, with at most 2 decimals, such as 30 or 12.5",
        ),
        Why::NotACouponCode => with(
            "bad_code",
            format!("not a coupon code: {value}"),
            "2 to 50 letters and digits, with - _ . between, such as WELCOME-2026",
        ),
        Why::CardNumber => with(
            "card_number",
            "a card number, which may not be stored here".to_owned(),
            "give the card to the gateway, and its token to billing",
        ),
        Why::NotAnInstant => with(
            "bad_instant",
            format!("neither a date nor an RFC 3339 instant: {value}"),
            "write 2026-03-01 or 2026-03-01T09:00:00Z",
        ),
        Why::NotMetadata => with(
            "bad_metadata",
            format!("not KEY=VALUE: {value}"),
            "a key of letters, digits, - _ . given once, and a text; at most 20 of them, such as source=newsletter",
        ),
        Why::NotACount { least, most } => with(
            "bad_count",
            format!("not a whole number from {least} to {most}: {value}"),
            "write digits alone",
        ),
        Why::Amount(Amiss::Negative) => {
            say("negative_amount", format!("must not be negative: {value}"))
        }
        Why::Zero => say("zero_amount", "must be more than nothing".into()),
        Why::Amount(Amiss::TooLarge) => {
            say("amount_too_large", format!("larger than can be billed: {value}"))
        }
        Why::Amount(Amiss::TooManyDecimals { currency }) => too_many_decimals(value, *currency),
        Why::UnknownCurrency => with(
            "unknown_currency",
            format!("not a currency of ISO 4217: {value}"),
            "three capital letters, such as XOF or EUR",
        ),
        Why::NotOneOf { words } => say("bad_value", format!("not one of {words}: {value}")),
        Why::UnknownTenant => with(
            "unknown_tenant",
            format!("there is no tenant {value}"),
            "billing tenant list shows them all; import the tenants first",
        ),
        Why::UnknownPlan => say("unknown_plan", format!("no plan has the code {value}")),
        Why::UnknownInvoice => with(
            "unknown_invoice",
            format!("there is no invoice {value}"),
            "billing invoice list shows them all; import the invoices first",
        ),
        Why::Before { field } => say("bad_order", format!("lies before {field}: {value}")),
        Why::NotAfter { field } => say("bad_order", format!("does not lie after {field}: {value}")),
        Why::BelowUsed { used } => {
            say("below_used", format!("below the {used} that are used: {value}"))
        }
        Why::UsesElsewhere => say(
            "uses_elsewhere",
            format!(
                "{value}: uses cannot be imported; lower max_uses to what remains, and leave this empty"
            ),
        ),
        Why::AfterNow => say("date_in_the_future", format!("lies ahead: {value}")),
        Why::AfterToday => say("date_in_the_future", format!("lies after today: {value}")),
        Why::Differs { fields } => with(
            "differs",
            format!("{value} is there already with another {fields}"),
            "--update takes the file's values",
        ),
        Why::NeededWith { field } => say("missing_value", format!("is needed with {field}")),
        Why::NotAllowedWith { field } => {
            say("not_allowed", format!("cannot stand with {field}: {value}"))
        }
        Why::AboveDue { due } => with(
            "above_due",
            format!("{value} is more than the {due} that are due"),
            "--allow-overpayment keeps the surplus as the tenant's credit",
        ),
        Why::NotPayable { status } => say("not_payable", format!("the invoice is {status}")),
        Why::ReferenceTaken => {
            say("reference_taken", format!("another payment carries the reference {value}"))
        }
        Why::CannotChange { what } => say("cannot_change", format!("{value}: {what}")),
        Why::BadCsv(message) => say("bad_csv", message.clone()),
    }
}

/// The code is the first reason's, and all of them are in `reasons`.
fn coupon_refused(coupon: &str, verdicts: &[Verdict]) -> Failure {
    let reasons = coupon::reasons(verdicts);
    let code = reasons.first().map_or("refused", |reason| reason.word());
    let coupon = printable_value(coupon);
    let refusing = verdicts.iter().filter_map(|v| v.reason.map(|reason| (v, reason)));
    let said: Vec<String> = refusing.map(|(v, reason)| reason_words(v, reason)).collect();
    let failure = match reasons.first() {
        Some(Reason::NotFound) => new(code, format!("there is no coupon {coupon}"))
            .hint("billing coupon list shows them all"),
        _ => new(code, format!("{coupon} cannot be used: {}", said.join("; ")))
            .hint("billing coupon validate shows each rule and what it found"),
    };
    let words: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
    Failure { details: serde_json::json!({ "reasons": words }), ..failure }
}

/// Why a rule of a coupon says no, as a clause.
fn reason_words(verdict: &Verdict, reason: Reason) -> String {
    let Verdict { asks, found, .. } = verdict;
    match reason {
        Reason::NotFound => "there is none".to_owned(),
        Reason::Inactive => "it is not active".to_owned(),
        Reason::NotYetValid => format!("it is valid from {asks} on"),
        Reason::Expired => format!("it was valid until {asks}"),
        Reason::MaxUsesReached if found == "1" => "its only use is taken".to_owned(),
        Reason::MaxUsesReached => format!("all its {found} uses are taken"),
        Reason::MaxUsesPerCustomerReached => {
            let times = if found == "1" { "once".to_owned() } else { format!("{found} times") };
            format!("the customer has used it {times}, and it may not be used more often")
        }
        Reason::PlanNotApplicable => {
            let plans = if asks.contains(", ") { "plans" } else { "plan" };
            match found.as_str() {
                "none" => format!("it is for the {plans} {asks}, and no plan is bought here"),
                found => format!("it is for the {plans} {asks}, not for {found}"),
            }
        }
        Reason::NotNewCustomer => {
            "it is for new customers, and this one has paid before".to_owned()
        }
        Reason::NotExistingCustomer => {
            "it is for existing customers, and this one has paid nothing yet".to_owned()
        }
        Reason::BelowMinimum => format!("the amount has to be {asks}, and is {found}"),
        Reason::NotFirstPayment => {
            "it is for a first payment, and the customer has made one before".to_owned()
        }
        Reason::CurrencyMismatch => format!("it is in {asks}, not in {found}"),
    }
}

fn too_many_decimals(value: &str, currency: Currency) -> (&'static str, String, Option<String>) {
    let message = format!("more decimals than {currency} has: {value}");
    let hint = match currency.decimals() {
        0 => format!("{currency} has none; amounts are never rounded"),
        n => format!("{currency} has {n}; amounts are never rounded"),
    };
    ("too_many_decimals", message, Some(hint))
}

/// All bad rows of an import, each with the code that its value alone would be refused with.
fn bad_rows(path: &std::path::Path, rows: &[BadRow]) -> Failure {
    let mut message = match rows.len() {
        1 => "1 bad value, nothing was imported".to_owned(),
        n => format!("{n} bad values, nothing was imported"),
    };
    let mut details = Vec::new();
    for row in rows {
        let column =
            if row.column.is_empty() { String::new() } else { format!("{}: ", row.column) };
        let (code, words, _) = bad_value(&row.value, &row.why);
        let _ = write!(message, "\n  {}:{}: {column}{words}", path.display(), row.line);
        let column = Some(&row.column).filter(|c| !c.is_empty());
        details.push(serde_json::json!({
            "line": row.line, "column": column, "code": code, "reason": words,
        }));
    }
    let first = rows.first().and_then(|row| bad_value(&row.value, &row.why).2);
    let failure = first.into_iter().fold(new("bad_rows", message), Failure::hint);
    Failure { details: serde_json::json!({ "rows": details }), ..failure }
}

fn storage(path: &str, fault: &Fault) -> Failure {
    match fault {
        Fault::Missing => new("no_database", format!("there is no database {path}"))
            .hint("billing init makes one; --db or BILLING_DB names another"),
        Fault::NotADatabase => new("not_a_database", format!("not a SQLite database: {path}"))
            .hint("--db or BILLING_DB names another file"),
        Fault::NotOurs => new("foreign_database", format!("a database of another program: {path}"))
            .hint("--db or BILLING_DB names another file"),
        Fault::Corrupt(what) => {
            new("damaged_database", format!("the database is damaged, {what}: {path}"))
                .hint("bring back the last backup; billing db check says what is wrong")
        }
        Fault::Newer { found, known } => new(
            "newer_database",
            format!("the database has schema version {found}, this program knows {known}: {path}"),
        )
        .hint("install the newer billing that wrote it"),
        Fault::Older { found, known } => new(
            "older_database",
            format!("the database has schema version {found}, this program needs {known}: {path}"),
        )
        .hint("make a backup with billing db backup, then run billing db migrate"),
        Fault::ReadOnly => {
            new("read_only", format!("the database or its folder cannot be written: {path}"))
                .hint("check the owner and the mode of the folder and of the file")
        }
        Fault::Full { room: None } => new("disk_full", format!("the disk is full: {path}"))
            .hint("make room, then run the command again: nothing was changed"),
        Fault::Full { room: Some((free, needed)) } => {
            let mb = |bytes: &u64| bytes / (1 << 20);
            let (free, needed) = (mb(free), mb(needed));
            new(
                "disk_full",
                format!("{free} MB are free on the disk and {needed} MB are needed: {path}"),
            )
            .hint("make room, then run the command again: nothing was changed")
        }
        Fault::Busy => {
            new("busy", format!("another command has been writing for a minute: {path}"))
                .hint("try again when it has finished")
        }
        Fault::Denied => new("denied", format!("the database cannot be opened: {path}"))
            .hint("check the owner and the mode of the folder and of the file"),
        Fault::Io(what) => new("io", format!("the disk failed, {what}: {path}"))
            .hint("whether the last change took place is not known: look before you repeat it"),
        Fault::Constraint(what) => new("constraint", format!("the database refused it: {what}")),
        Fault::Other(what) => new("storage", format!("{what}: {path}")),
    }
}
