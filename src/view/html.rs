//! Reports as static pages: templates filled in with the same objects that `--json` prints.
//!
//! A page asks nothing of the network and runs no script: its style sheet stands in it, its charts
//! are drawn as SVG ([`chart`]). All that comes from the database is escaped by the templates.

mod chart;
mod words;

use chrono::{DateTime, NaiveDateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use rust_decimal::Decimal;

use crate::domain::email::Locale;
use crate::domain::money::ROUNDING;
use crate::domain::refusal::Reasons;
use crate::domain::{Currency, Money, Refusal, Result, calendar, wording};

/// A page that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrenderable {
    pub name: String,
    pub message: String,
}

impl Reasons for Unrenderable {}

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("html/", $name)))),+]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "layout.html",
    "style.css",
    "parts.html",
    "index.html",
    "overdue.html",
    "transactions.html",
    "mrr.html",
    "coupons.html",
    "automation.html",
    "tenants.html",
    "tenant.html",
];

const PORTAL_PARTS: &[(&str, &str)] = templates!["portal/layout.html", "portal/parts.html"];

const PORTAL_PAGES: &[(&str, &str)] = templates![
    "portal/sign_in.html",
    "portal/front.html",
    "portal/invoices.html",
    "portal/invoice.html",
    "portal/subscription.html",
    "portal/change.html",
    "portal/details.html",
    "portal/checkout.html",
    "portal/sandbox.html",
    "portal/confirm.html",
    "portal/trouble.html",
];

/// The style sheet of the portal's pages: that of the reports, and what forms want besides. It stands in
/// each page as it is, for the page's policy names its hash.
pub const PORTAL_STYLE: &str =
    concat!(include_str!("html/style.css"), include_str!("html/portal/style.css"));

/// What marks a page as one of ours: a folder without it is never written over.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"billing report html\">";

/// The pages, ready to be filled in.
#[derive(Debug)]
pub struct Site {
    environment: Environment<'static>,
}

impl Site {
    /// The pages in a language. `local` gives the time of an instant in the business time zone.
    ///
    /// # Errors
    /// A template is broken.
    pub fn new(
        locale: Locale,
        local: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
    ) -> Result<Site> {
        let mut site = Site::empty(locale, local)?;
        add_charts(&mut site.environment, locale);
        site.add(TEMPLATES)?;
        Ok(site)
    }

    /// A page of the portal by its name. No other is read: each request is a process of its own.
    ///
    /// # Errors
    /// A template is broken.
    pub fn portal(
        name: &str,
        locale: Locale,
        local: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
    ) -> Result<Site> {
        let mut site = Site::empty(locale, local)?;
        let style = Value::from_safe_string(PORTAL_STYLE.to_owned());
        site.environment.add_global("style", style);
        site.add(PORTAL_PARTS)?;
        let page = PORTAL_PAGES.iter().position(|(known, _)| *known == name);
        site.add(page.map_or(&[], |at| &PORTAL_PAGES[at..=at]))?;
        Ok(site)
    }

    fn empty(
        locale: Locale,
        local: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
    ) -> Result<Site> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| broken("", &error))?);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_global("locale", locale.word());
        environment.add_global("generator", Value::from_safe_string(GENERATOR.to_owned()));
        add_words(&mut environment, locale);
        add_dates(&mut environment, locale, local);
        Ok(Site { environment })
    }

    fn add(&mut self, templates: &'static [(&'static str, &'static str)]) -> Result<()> {
        for (name, source) in templates {
            self.environment.add_template(name, source).map_err(|error| broken(name, &error))?;
        }
        Ok(())
    }

    /// A page. `root` leads from it to the folder of the pages: empty, or `../`.
    ///
    /// # Errors
    /// The page asks for what is not there.
    pub fn page(&self, name: &str, root: &str, data: &serde_json::Value) -> Result<String> {
        let facts = minijinja::context! { root, page => name, ..value(data) };
        self.environment
            .get_template(name)
            .and_then(|template| template.render(facts))
            .map_err(|error| broken(name, &error))
    }
}

/// An object as a template sees it.
fn value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(yes) => Value::from(*yes),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| number.to_string().into(), Value::from)
        }
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(value).collect(),
        Json::Object(fields) => {
            Value::from_pairs(fields.iter().map(|(name, field)| (name.as_str(), value(field))))
        }
    }
}

fn broken(name: &str, error: &Error) -> Refusal {
    let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
    Unrenderable { name: name.to_owned(), message: format!("{line}{error}") }.into()
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// An amount as it stands in an object, in major units; it may be negative.
fn money(major: &str, code: &str) -> std::result::Result<Money, Error> {
    let currency: Currency = code.parse().map_err(bad)?;
    let (sign, digits) = match major.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, major),
    };
    let money = Money::parse(digits, currency).map_err(|_| bad(format!("no amount: {major}")))?;
    Ok(Money::from_minor(sign * money.minor(), currency))
}

/// `t(english, french)`, and the filters `suspension`, `amount`, `word`, `percent`, `number`, `seconds`, `last_day`.
fn add_words(environment: &mut Environment, locale: Locale) {
    environment.add_function("t", move |en: String, fr: String| match locale {
        Locale::En => en,
        // No line begins with a mark that French sets apart.
        Locale::Fr => wording::typographic(&fr, locale),
    });
    environment.add_filter("suspension", move |reason: &str| wording::suspension(reason, locale));
    environment.add_filter("amount", move |major: &str, code: &str| {
        Ok::<_, Error>(wording::amount(money(major, code)?, locale))
    });
    environment.add_filter("word", move |word: &str| words::word(word, locale));
    environment.add_filter("percent", move |share: &str| {
        let share: Decimal = share.parse().map_err(|_| bad(format!("no share: {share}")))?;
        let hundredths = share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or_default();
        let rounded = match hundredths.round_dp_with_strategy(1, ROUNDING) {
            // All of it is said only of all of it.
            all if all == Decimal::ONE_HUNDRED && share < Decimal::ONE => Decimal::new(999, 1),
            rounded => rounded.normalize(),
        };
        Ok::<_, Error>(wording::percent(&rounded.to_string(), locale))
    });
    environment.add_filter("number", move |plain: &str| wording::number(plain, locale));
    environment.add_filter("seconds", move |ms: u64| {
        let point = if locale == Locale::Fr { ',' } else { '.' };
        format!("{}{point}{} s", ms / 1000, ms % 1000 / 100)
    });
}

/// The filters `day`, `day_before`, `moment` and `month`.
fn add_dates(
    environment: &mut Environment,
    locale: Locale,
    local: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
) {
    let date = |text: &str| calendar::parse_date(text).map_err(|_| bad(format!("no date: {text}")));
    environment
        .add_filter("day", move |text: &str| Ok::<_, Error>(words::day(date(text)?, locale)));
    // Periods are half-open, and people read them with their last day.
    environment.add_filter("day_before", move |text: &str| {
        Ok::<_, Error>(words::day(calendar::plus_days(date(text)?, -1), locale))
    });
    environment.add_filter("month", move |text: &str| {
        Ok::<_, Error>(words::month(date(&format!("{text}-01"))?, locale))
    });
    environment.add_filter("moment", move |text: &str| {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| bad("no instant"))?;
        let at = local(at.to_utc());
        Ok::<_, Error>(format!("{} {}", words::day(at.date(), locale), at.format("%H:%M")))
    });
}

/// `line_chart(rows, field, …)` and `bar_chart(rows, up, down, …)`, both with `id`, `title`,
/// `label` (the field of a row that names it), `currency` (none: counts) and maybe `width`.
fn add_charts(environment: &mut Environment, locale: Locale) {
    environment.add_function("line_chart", move |rows: Vec<Value>, field: &str, more: Kwargs| {
        let chart = chart_of(&rows, &more, locale)?;
        let points = sums(&rows, &[field.to_owned()], chart.currency)?;
        Ok::<_, Error>(Value::from_safe_string(chart.line(&points)))
    });
    environment.add_function(
        "bar_chart",
        move |rows: Vec<Value>, up: Vec<String>, down: Vec<String>, more: Kwargs| {
            let chart = chart_of(&rows, &more, locale)?;
            let (up, down) =
                (sums(&rows, &up, chart.currency)?, sums(&rows, &down, chart.currency)?);
            Ok::<_, Error>(Value::from_safe_string(chart.bars(&up, &down)))
        },
    );
}

fn chart_of(
    rows: &[Value],
    more: &Kwargs,
    locale: Locale,
) -> std::result::Result<chart::Chart, Error> {
    let (label, code): (&str, Option<&str>) = (more.get("label")?, more.get("currency")?);
    let of = |row: &Value| {
        let text = row.get_attr(label)?.to_string();
        Ok(words::short(&text, locale))
    };
    let chart = chart::Chart {
        id: more.get("id")?,
        title: more.get("title")?,
        labels: rows.iter().map(of).collect::<std::result::Result<_, Error>>()?,
        width: more.get::<Option<i64>>("width")?.unwrap_or(chart::WIDTH),
        currency: code.map(str::parse).transpose().map_err(bad)?,
        locale,
    };
    more.assert_all_used()?;
    Ok(chart)
}

/// The sum of some fields of each row, without its sign.
fn sums(
    rows: &[Value],
    fields: &[String],
    currency: Option<Currency>,
) -> std::result::Result<Vec<i64>, Error> {
    let of = |row: &Value| {
        fields.iter().try_fold(0i64, |sum, field| {
            let value = row.get_attr(field)?;
            let minor = match currency {
                Some(currency) => money(&value.to_string(), currency.code())?.minor(),
                None => i64::try_from(value)?,
            };
            Ok(sum.saturating_add(minor.saturating_abs()))
        })
    };
    rows.iter().map(of).collect()
}
