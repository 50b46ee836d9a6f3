//! What each page is filled in with: the objects that `--json` prints, put together.

use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::sum;
use crate::books::Coming;
use crate::clock::Clock;
use crate::commands::Context;
use crate::commands::report::{mrr, overdue, transactions};
use crate::domain::dunning::Reason;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::tenant::Tenant;
use crate::domain::transaction::{Transaction, TransactionStatus};
use crate::domain::{Currency, Money, Result, calendar, wording};
use crate::reports::{
    AGES, Age, Automation, Debtor, Growth, Mrr, MrrMonth, Overdue, Period, PlanRevenue,
    Transactions,
};
use crate::store::reports::Cohort;
use crate::store::{
    CreditNoteFilter, Db, InvoiceFilter, KeptDocument, RunStatus, SubscriptionFilter,
    TransactionFilter,
};
use crate::view::objects;

/// So many transactions, or customers that owe, stand on their page: the newest, or the largest.
const MOST_LINES: usize = 1000;

/// The folder of the PDFs, beside the pages.
pub const DOCUMENTS: &str = "documents";

/// A tenant's statement; `pdfs` are those of its invoices and credit notes that were made.
///
/// # Errors
/// Amounts that are too large, or a fault of the file.
pub fn statement(db: &Db, ctx: &Context, tenant: &Tenant, pdfs: &[KeptDocument]) -> Result<Value> {
    let (today, mut invoices) = (ctx.clock.today(), Vec::new());
    let filter = InvoiceFilter { tenant: Some(tenant.id), ..InvoiceFilter::default() };
    db.each_invoice(&filter, |invoice| {
        invoices.push(invoice);
        Ok(())
    })?;
    let filter = TransactionFilter { tenant: Some(tenant.id), ..TransactionFilter::default() };
    let mut transactions = Vec::new();
    db.each_transaction(&filter, |transaction| {
        transactions.push(objects::transaction(&transaction));
        Ok(())
    })?;
    transactions.reverse();
    let filter = CreditNoteFilter { tenant: Some(tenant.id), ..CreditNoteFilter::default() };
    let mut notes = Vec::new();
    db.each_credit_note(&filter, |note| {
        notes.push(objects::credit_note(&note));
        Ok(())
    })?;
    let pdfs: BTreeMap<&str, String> =
        pdfs.iter().map(|kept| (kept.number.as_str(), kept.file_name())).collect();
    let with_pdf = |mut row: Value| {
        row["pdf"] = json!(row["number"].as_str().and_then(|number| pdfs.get(number)));
        row
    };
    let notes: Vec<Value> = notes.into_iter().rev().map(with_pdf).collect();
    let balances = db.balance_due(tenant.id)?;
    let late = |invoice: &&Invoice| invoice.days_overdue(today) > 0;
    let live = |invoice: &&Invoice| invoice.status != InvoiceStatus::Void;
    let of = |wanted: &dyn Fn(&&Invoice) -> bool, amount: fn(&Invoice) -> Money| {
        sum(invoices.iter().filter(wanted).map(amount)).map(|sums| objects::totals(&sums))
    };
    Ok(json!({
        "tenant": objects::tenant(tenant, &balances),
        "balances": objects::totals(&sum(balances.iter().copied())?),
        "overdue": of(&late, |invoice| invoice.due)?,
        "overdue_count": invoices.iter().filter(late).count(),
        "invoiced": of(&live, |invoice| invoice.total)?,
        "paid": of(&live, |invoice| invoice.paid)?,
        "credited": of(&live, |invoice| invoice.credit_notes_total)?,
        "refunded": of(&live, |invoice| invoice.refunded)?,
        "credit_notes": notes,
        "credit": objects::totals(&db.credit_balance(tenant.id)?),
        "subscriptions": subscriptions(db, ctx, tenant)?,
        "invoices": invoices
            .iter()
            .rev()
            .map(|invoice| with_pdf(objects::invoice(invoice, today)))
            .collect::<Vec<_>>(),
        "transactions": transactions,
    }))
}

fn subscriptions(db: &Db, ctx: &Context, tenant: &Tenant) -> Result<Vec<Value>> {
    let (today, mut rows) = (ctx.clock.today(), Vec::new());
    db.each_subscription(
        &SubscriptionFilter { tenant: Some(tenant.id), ..SubscriptionFilter::default() },
        |subscription| {
            let status = subscription.status_on(today, db.has_overdue(&subscription, today)?);
            let mut row = objects::subscription(&subscription, status);
            let interval = subscription.terms.interval;
            row["every"] = json!(wording::interval(interval, ctx.config.locale));
            rows.push(row);
            Ok(true)
        },
    )?;
    Ok(rows)
}

/// Recurring revenue, currency by currency.
pub fn revenue(report: &Mrr, first: Currency) -> Vec<Value> {
    let mut currencies: BTreeMap<&str, (Currency, Vec<&MrrMonth>)> = BTreeMap::new();
    for month in &report.months {
        let of = currencies.entry(month.currency.code());
        of.or_insert_with(|| (month.currency, Vec::new())).1.push(month);
    }
    let part = |(currency, months): (Currency, Vec<&MrrMonth>)| {
        let now = months.last()?.figures;
        let major = |minor: i64| Money::from_minor(minor, currency).major();
        Some(json!({
            "currency": currency.code(),
            "mrr": major(now.mrr),
            "arr": major(now.mrr.saturating_mul(12)),
            "change": major(now.mrr.saturating_sub(now.start)),
            "customers": now.customers,
            "subscriptions": now.subscriptions,
            "months": months.into_iter().map(mrr::row).collect::<Vec<_>>(),
        }))
    };
    in_order(currencies.into_values().collect(), first).into_iter().filter_map(part).collect()
}

/// How revenue holds, where it comes from, what is invoiced next; `trials` are those that ended, and
/// those of them that were billed.
pub fn outlook(
    growth: &[Growth],
    plans: &[PlanRevenue],
    coming: &Coming,
    cohorts: &[Cohort],
    (ended, billed): (i64, i64),
    first: Currency,
) -> Value {
    let growth = growth.iter().map(|of| (of.currency, of)).collect();
    let growth = in_order(growth, first).into_iter().map(|(currency, of)| {
        json!({
            "currency": currency.code(),
            "arpa": of.arpa.map(Money::major),
            "month": of.month.map(|month| month.format("%Y-%m").to_string()),
            "churn": of.churn.map(|share| share.to_string()),
            "retention": of.retention.map(|share| share.to_string()),
        })
    });
    let plans = plans.iter().map(|of| (of.monthly.currency(), of)).collect();
    let plans = in_order(plans, first).into_iter().map(|(currency, of)| {
        json!({
            "plan": of.plan,
            "subscriptions": of.subscriptions,
            "monthly": of.monthly.major(),
            "currency": currency.code(),
        })
    });
    let cohorts = cohorts.iter().map(|of| {
        json!({
            "month": of.month,
            "customers": of.customers,
            "subscribed": of.subscribed,
            "share": objects::share(of.subscribed, of.customers),
        })
    });
    json!({
        "growth": growth.collect::<Vec<_>>(),
        "plans": plans.collect::<Vec<_>>(),
        "cohorts": cohorts.collect::<Vec<_>>(),
        "trials": {
            "ended": ended, "billed": billed, "share": objects::share(billed, ended),
        },
        "coming": { "invoices": coming.invoices, "totals": objects::totals(&coming.totals) },
    })
}

/// What there is of each currency; the business's own stands first.
fn in_order<T>(mut parts: Vec<(Currency, T)>, first: Currency) -> Vec<(Currency, T)> {
    parts.sort_by_key(|(currency, _)| (*currency != first, currency.code()));
    parts
}

/// Rows of the business's own currency first, otherwise in their order.
pub fn own_first(mut rows: Value, first: Currency) -> Value {
    if let Some(rows) = rows.as_array_mut() {
        rows.sort_by_key(|row| row["currency"].as_str().is_some_and(|code| code != first.code()));
    }
    rows
}

/// What is overdue: by age, by customer, and what rests.
pub fn overdue(report: &Overdue, first: Currency) -> Value {
    let of = |age: &Age, currency: Option<Currency>| {
        let age = *age;
        let of = report.buckets.iter().filter(move |bucket| bucket.age == age);
        of.filter(move |bucket| currency.is_none_or(|code| bucket.amount.currency() == code))
    };
    let buckets = AGES.iter().map(|age| {
        let amounts = of(age, None).filter(|bucket| !bucket.amount.is_zero());
        let amounts = amounts.map(|bucket| {
            (bucket.amount.currency().code().to_owned(), bucket.amount.major().into())
        });
        json!({
            "from": age.first,
            "to": age.last,
            "count": of(age, None).map(|bucket| bucket.invoices).sum::<u64>(),
            "totals": Value::Object(amounts.collect()),
        })
    });
    let totals = report.totals.iter().map(|total| (total.currency(), *total)).collect();
    let currencies = in_order(totals, first).into_iter().map(|(currency, _)| {
        let buckets = AGES.iter().flat_map(|age| of(age, Some(currency))).map(|bucket| {
            let Age { first, last, .. } = bucket.age;
            let days =
                last.map_or_else(|| format!("> {}", first - 1), |last| format!("{first}–{last}"));
            json!({ "days": days, "amount": bucket.amount.major() })
        });
        json!({ "currency": currency.code(), "buckets": buckets.collect::<Vec<_>>() })
    });
    let of_age = |age: &Age| of(age, None).map(|bucket| bucket.invoices).sum::<u64>();
    let disputed = report.rests.iter().filter(|debtor| debtor.rests == Some(Reason::Disputed));
    let (tenants, tenants_left_out) = largest(&report.tenants, first, overdue::debtor);
    let (rests, rests_left_out) = largest(&report.rests, first, rests);
    json!({
        "count": AGES.iter().map(of_age).sum::<u64>(),
        "old": of_age(&AGES[AGES.len() - 1]),
        "disputed": disputed.map(|debtor| debtor.invoices).sum::<u64>(),
        "totals": objects::totals(&report.totals),
        "buckets": buckets.collect::<Vec<_>>(),
        "currencies": currencies.collect::<Vec<_>>(),
        "tenants": tenants,
        "tenants_left_out": tenants_left_out,
        "rests": rests,
        "rests_left_out": rests_left_out,
    })
}

/// The rows of those who owe most, the business's own currency first, and how many more there are.
fn largest(of: &[Debtor], first: Currency, row: fn(&Debtor) -> Value) -> (Vec<Value>, usize) {
    let mut debtors: Vec<&Debtor> = of.iter().collect();
    debtors.sort_by_key(|debtor| debtor.amount.currency() != first);
    debtors.truncate(MOST_LINES);
    (debtors.iter().map(|debtor| row(debtor)).collect(), of.len() - debtors.len())
}

/// What rests, and why in words that a page can translate.
fn rests(debtor: &Debtor) -> Value {
    let mut row = overdue::debtor(debtor);
    let (why, until) = match &debtor.rests {
        Some(Reason::Disputed) => ("disputed", None),
        Some(Reason::Promised { until }) => ("promised", Some(until)),
        Some(Reason::ChargePending { until, .. }) => ("charge_pending", Some(until)),
        Some(Reason::BeforeStart { .. }) => ("before_start", None),
        _ => ("other", None),
    };
    row["why"] = json!(why);
    row["why_until"] = json!(until);
    row
}

/// What moved: by status, method and day, and the newest transactions.
///
/// # Errors
/// A fault of the file.
pub fn transactions(
    db: &Db,
    clock: &Clock,
    report: &Transactions,
    first: Currency,
) -> Result<Value> {
    let mut parts: BTreeMap<&str, (Currency, BTreeMap<NaiveDate, Value>)> = BTreeMap::new();
    for day in &report.days {
        let currency = day.amount.currency();
        let (_, days) = parts
            .entry(currency.code())
            .or_insert_with(|| (currency, quiet_days(report.period, currency)));
        let (received, failed) = (day.amount.major(), day.failed_amount.major());
        days.insert(day.date, on_day(day.date, &received, &failed));
    }
    let parts = in_order(parts.into_values().collect(), first).into_iter().map(|(code, days)| {
        json!({ "currency": code.code(), "days": days.into_values().collect::<Vec<_>>() })
    });
    let (lines, left_out) = newest(db, clock, report.period)?;
    let mut facts = transactions::object(report);
    for part in ["totals", "methods", "refunds"] {
        facts[part] = own_first(facts[part].take(), first);
    }
    facts["currencies"] = parts.collect();
    facts["lines"] = lines.iter().rev().map(objects::transaction).collect();
    facts["left_out"] = json!(left_out);
    Ok(facts)
}

/// Every day of the period, without a transaction.
fn quiet_days(period: Period, currency: Currency) -> BTreeMap<NaiveDate, Value> {
    let nothing = Money::zero(currency).major();
    let count = calendar::days_between(period.since, period.until) + 1;
    let days = (0..count).map(|nth| calendar::plus_days(period.since, nth));
    days.map(|day| (day, on_day(day, &nothing, &nothing))).collect()
}

fn on_day(day: NaiveDate, received: &str, failed: &str) -> Value {
    json!({ "day": day, "received": received, "failed": failed })
}

/// The newest transactions of the period, newest last, and how many more there are.
fn newest(db: &Db, clock: &Clock, period: Period) -> Result<(VecDeque<Transaction>, u64)> {
    let span = period.span(clock);
    let filter = TransactionFilter { since: Some(span.from), ..TransactionFilter::default() };
    let (mut lines, mut left_out) = (VecDeque::new(), 0);
    db.each_transaction(&filter, |line| {
        if line.created_at < span.before {
            lines.push_back(line);
        }
        if lines.len() > MOST_LINES {
            lines.pop_front();
            left_out += 1;
        }
        Ok(())
    })?;
    Ok((lines, left_out))
}

/// What came in.
///
/// # Errors
/// Amounts that are too large.
pub fn received(report: &Transactions) -> Result<Value> {
    let succeeded =
        report.totals.iter().filter(|total| total.status == TransactionStatus::Succeeded);
    sum(succeeded.map(|total| total.amount)).map(|sums| objects::totals(&sums))
}

/// E-mails by day, every day of the period, and by kind.
pub fn emails(report: &Automation) -> (Value, Value) {
    let span = report.period;
    let count = calendar::days_between(span.since, span.until) + 1;
    let on = |nth| (calendar::plus_days(span.since, nth), (0u64, 0u64));
    let mut days: BTreeMap<NaiveDate, (u64, u64)> = (0..count).map(on).collect();
    let mut kinds: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for email in &report.emails {
        for (sent, failed) in
            [days.entry(email.day).or_default(), kinds.entry(email.template).or_default()]
        {
            *sent += email.sent;
            *failed += email.failed;
        }
    }
    let days = days
        .into_iter()
        .map(|(day, (sent, failed))| json!({ "day": day, "sent": sent, "failed": failed }));
    let kinds = kinds.into_iter().map(|(template, (sent, failed))| {
        json!({ "template": template.word(), "sent": sent, "failed": failed })
    });
    (days.collect(), kinds.collect())
}

/// What a person should look at, most urgent first.
pub fn eye(
    automation: &Value,
    overdue: &Value,
    moved: &Transactions,
    tenants: &Value,
) -> Vec<Value> {
    let mut eye = Vec::new();
    for task in automation["tasks"].as_array().into_iter().flatten() {
        if task["late"] == true {
            eye.push(json!({ "kind": "task_late", "subject": task["task"] }));
        }
        let status = task["status"].as_str().and_then(RunStatus::from_word);
        if matches!(status, Some(RunStatus::Failed | RunStatus::Interrupted | RunStatus::Partial)) {
            let status = &task["status"];
            eye.push(json!({ "kind": "task_failed", "subject": task["task"], "status": status }));
        }
    }
    let of = |wanted: TransactionStatus| {
        let found = moved.totals.iter().filter(|total| total.status == wanted);
        found.map(|total| total.count.unsigned_abs()).sum()
    };
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    for (kind, page, count) in [
        ("unknown", "transactions.html", of(TransactionStatus::Unknown)),
        ("emails_failed", "automation.html", count(&automation["emails_failed"])),
        ("suspensions_held", "automation.html", count(&automation["suspensions_held"])),
        ("failed", "transactions.html", of(TransactionStatus::Failed)),
        ("old_debts", "overdue.html", count(&overdue["old"])),
        ("disputed", "overdue.html", count(&overdue["disputed"])),
        ("suspended", "tenants.html", count(&tenants["suspended"])),
    ] {
        if count > 0 {
            eye.push(json!({ "kind": kind, "page": page, "count": count }));
        }
    }
    eye
}
