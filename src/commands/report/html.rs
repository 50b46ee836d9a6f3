//! `billing report html`: all reports as static pages, from one snapshot of the database.

mod facts;
mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::Between;
use crate::books::Book;
use crate::commands::{Context, document, out_failed};
use crate::domain::money::Totals;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::{DocumentId, Money, RunId, act, calendar};
use crate::domain::{Refusal, Result};
use crate::failure::{Failure, exit};
use crate::reports::{Mrr, Period, automation, by_plan, growth, kpi, mrr, overdue, transactions};
use crate::store::files::{Owner, make_folder};
use crate::store::{Db, Store, TenantFilter};
use crate::tasks::lock::dead_runs;
use crate::view::html::Site;
use facts::DOCUMENTS;
use folder::Folder;

/// So far ahead invoices are foreseen.
const DAYS_AHEAD: i64 = 30;
/// So many months of customers are told apart.
const COHORTS: u32 = 12;

/// `billing report html`
#[derive(Debug, Args)]
pub struct Html {
    /// The folder that the pages are written to; what an earlier run wrote there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// The folder holds something else, or cannot be written.
pub fn run(ctx: &mut Context, args: &Html) -> anyhow::Result<u8> {
    let timezone = ctx.clock.timezone;
    let site = Site::new(ctx.config.locale, move |at| at.with_timezone(&timezone).naive_local())?;
    let mut store = ctx.reader()?;
    let folder = Folder::new(&args.out, Owner::of(&ctx.db), ctx.clock.machine_now())?;
    let dead = dead_runs(&mut store)?;
    let period = Between { since: None, until: None }.period(ctx)?;
    let (tenants, pdfs) = (Tenants::default(), Vec::new());
    let mut pages = Pages { ctx, site: &site, folder, later: false, tenants, pdfs };
    store.read(|db| {
        pages.later = db.has_newer_event(&period.span(&ctx.clock).before)?;
        pages.tenants(db)?;
        pages.overviews(db, period, &dead)
    })?;
    let Pages { folder, pdfs, .. } = pages;
    let count = folder.publish()?;
    let lost = put_pdfs(ctx, &mut store, &pdfs, &args.out)?;
    drop(store);
    ctx.changes.made();
    let index = args.out.join("index.html");
    match ctx.printer.for_people() {
        true => ctx.printer.text(&format!("{count} pages: {}", index.display()))?,
        false => {
            let index = index.display().to_string();
            ctx.printer.object(&json!({ "pages": count, "index": index })).map_err(out_failed)?;
        }
    }
    lost.iter().for_each(|what| ctx.note(what));
    Ok(if lost.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// Puts the documents beside the pages that lead to them. A document is always the same bytes: what an
/// earlier run wrote is left, so that a nightly run writes what is new. Returns what is lost, in words.
fn put_pdfs(
    ctx: &Context,
    store: &mut Store,
    pdfs: &[DocumentId],
    out: &Path,
) -> Result<Vec<String>> {
    let (folder, owner) = (out.join(DOCUMENTS), Owner::of(&ctx.db));
    if pdfs.is_empty() {
        return Ok(Vec::new());
    }
    make_folder(&folder, owner)?;
    let mut lost = Vec::new();
    for id in pdfs {
        let printed = ctx.read(store, |book| {
            let kept = book.db.document_by_id(*id)?;
            let path = folder.join(kept.file_name());
            let size = std::fs::symlink_metadata(&path).ok().map(|meta| meta.len());
            match size == Some(kept.size as u64) {
                true => Ok(None),
                false => book.printed(kept).map(|printed| Some((path, printed.bytes))),
            }
        });
        match printed {
            Ok(None) => {}
            Ok(Some((path, bytes))) => {
                std::fs::remove_file(&path).ok();
                document::put(&path, &bytes, owner)?;
            }
            Err(refusal) if matches!(refusal, Refusal::DocumentLost { .. }) => {
                lost.push(Failure::from(&refusal).message);
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(lost)
}

/// The pages as they are written.
struct Pages<'a> {
    ctx: &'a Context,
    site: &'a Site,
    folder: Folder,
    /// Something was recorded after the day that they are of.
    later: bool,
    tenants: Tenants,
    /// The documents that they lead to.
    pdfs: Vec<DocumentId>,
}

/// What the tenants' pages say together.
#[derive(Debug, Default)]
struct Tenants {
    rows: Vec<Value>,
    counts: BTreeMap<&'static str, u64>,
}

impl Pages<'_> {
    fn write(&mut self, template: &str, root: &str, name: &str, mut facts: Value) -> Result<()> {
        facts["site"] = json!({
            "company": self.ctx.config.company.name,
            "now": act::instant(self.ctx.clock.now),
            "timezone": self.ctx.clock.timezone.name(),
            "later": self.later,
        });
        let page = self.site.page(template, root, &facts)?;
        self.folder.write(name, &page)
    }

    /// A page a tenant.
    fn tenants(&mut self, db: &Db) -> Result<()> {
        db.each_tenant(&TenantFilter::default(), |tenant| {
            let pdfs = db.pdfs_of_tenant(tenant.id)?;
            let statement = facts::statement(db, self.ctx, &tenant, &pdfs)?;
            self.pdfs.extend(pdfs.iter().map(|kept| kept.id));
            self.count(&tenant, &statement);
            let name = format!("tenants/{}.html", tenant.slug);
            self.write("tenant.html", "../", &name, statement)
        })
    }

    fn count(&mut self, tenant: &Tenant, statement: &Value) {
        *self.tenants.counts.entry(tenant.status.word()).or_default() += 1;
        self.tenants.rows.push(json!({
            "slug": tenant.slug,
            "name": tenant.name,
            "status": tenant.status.word(),
            "balances": statement["balances"],
            "overdue": statement["overdue_count"],
        }));
    }

    /// How revenue holds, where it comes from, and what is invoiced next.
    fn outlook(&self, db: &Db, recurring: &Mrr, period: Period) -> Result<Value> {
        let (act, config) = (self.ctx.act(), &self.ctx.config);
        let book = Book::new(db, &act, config);
        let today = act.today;
        // A trial ends with its last free day: today's is still open.
        let trials = db.trials_between(period.since, calendar::plus_days(today, -1))?;
        Ok(facts::outlook(
            &growth(recurring)?,
            &by_plan(db, config, today)?,
            &book.coming_invoices(DAYS_AHEAD)?,
            &db.cohorts(today, COHORTS)?,
            trials,
            config.currency,
        ))
    }

    /// The pages of the reports.
    fn overviews(&mut self, db: &Db, period: Period, dead: &[RunId]) -> Result<()> {
        let (clock, policy) = (&self.ctx.clock, self.ctx.config.dunning_policy());
        let first = self.ctx.config.currency;
        let recurring = mrr(db, &self.ctx.config, clock, None, None)?;
        let revenue = facts::revenue(&recurring, first);
        let outlook = self.outlook(db, &recurring, period)?;
        let owed = overdue(db, clock, &policy, None, None)?;
        let overdue = facts::overdue(&owed, first);
        let moved = transactions(db, clock, period)?;
        let transactions = facts::transactions(db, clock, &moved, first)?;
        let automation = automation(db, clock, period, dead)?;
        let coupons = super::coupons::document(&automation.coupons);
        let emails = facts::emails(&automation);
        let kpis = kpi(db, clock, &self.ctx.config, period)?;
        let kpis: Vec<Value> = kpis.iter().map(|kpi| super::kpi::row(kpi, period)).collect();
        let automation = super::automation::document(&automation);
        let count = |status: TenantStatus| self.tenants.counts.get(status.word()).unwrap_or(&0);
        let mut tenants = json!({
            "active": count(TenantStatus::Active),
            "suspended": count(TenantStatus::Suspended),
            "closed": count(TenantStatus::Closed),
        });
        let eye = facts::eye(&automation, &overdue, &moved, &tenants);
        let received = facts::received(&moved)?;
        let index = json!({
            "eye": eye, "revenue": revenue, "overdue": overdue, "received": received,
            "tenants": tenants, "automation": automation, "kpis": kpis, "outlook": outlook,
        });
        tenants["rows"] = Value::Array(std::mem::take(&mut self.tenants.rows));
        let mut automation = json!({ "automation": automation });
        automation["letter_days"] = emails.0;
        automation["letter_kinds"] = emails.1;
        for (name, facts) in [
            ("overdue.html", json!({ "overdue": overdue })),
            ("transactions.html", json!({ "transactions": transactions })),
            ("mrr.html", json!({ "revenue": revenue })),
            ("coupons.html", json!({ "coupons": coupons })),
            ("automation.html", automation),
            ("tenants.html", json!({ "tenants": tenants })),
            ("index.html", index),
        ] {
            self.write(name, "", name, facts)?;
        }
        Ok(())
    }
}

/// Adds amounts up, one sum a currency.
fn sum(amounts: impl Iterator<Item = Money>) -> Result<Totals> {
    let mut totals = Totals::default();
    for amount in amounts.filter(|amount| !amount.is_zero()) {
        totals.add(amount)?;
    }
    Ok(totals)
}
