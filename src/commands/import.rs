//! `billing import`: the words for taking data over.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use serde_json::json;

use super::{Context, words};
use crate::domain::Refusal;
use crate::domain::email::Locale;
use crate::domain::transaction::{Overpayment, Repeated};
use crate::failure::exit;
use crate::imports::{Form, ImportOptions, Kind, import};
use crate::view::progress::Progress;

/// `billing import KIND FILE`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Columns (required first):
  tenants        slug, name, email; currency, locale, country, address, tax_id, tax_rate, created_on, status,
                 external_id, street, postcode, city, legal_id, vat_id, electronic_address,
                 customer_kind, tax_category, tax_reason
  plans          code, name, price, interval; currency, interval_count, trial_days, tax_inclusive
  subscriptions  tenant, plan, started_on; status, current_period_start, current_period_end,
                 trial_ends_on, anchor, quantity, collection
  invoices       number, tenant, total, issued_on, due_on; currency, description, status, paid_on,
                 tax_rate
  payments       invoice or tenant, amount, paid_on; method, reference, currency
  coupons        code, name, discount_type, discount_value, valid_to; description, currency,
                 valid_from, max_uses, max_uses_per_customer, current_uses, applicable_plans,
                 customer_eligibility, minimum_purchase_amount, first_payment_only, is_active,
                 duration, created_at, updated_at
  credit-notes   number, invoice, total, issued_on; reason, memo, tax, currency, reduces_due,
                 to_credit, refunded, outside, lost, and what credit-note list --format csv has
                 besides")]
pub struct Args {
    /// What the file holds: tenants, plans, subscriptions, invoices, payments, coupons or credit-notes
    #[arg(value_parser = words::<Kind>())]
    kind: Kind,
    /// A CSV file in UTF-8, its header first
    file: PathBuf,
    /// What sets the columns apart: one character, or tab
    #[arg(long, value_name = "C", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// What stands before the decimals of an amount: . or ,
    #[arg(long, value_name = "C", default_value = ".", value_parser = [".", ","])]
    decimal: String,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take rows that differ from what is there
    #[arg(long)]
    update: bool,
    /// Keep a payment's surplus as the customer's unapplied credit
    #[arg(long)]
    allow_overpayment: bool,
    /// Take a payment although another one of its invoice bears the reference, as of a standing order
    #[arg(long)]
    allow_repeated_reference: bool,
}

/// Carries the command out.
///
/// # Errors
/// The file cannot be read, or rows cannot be taken: then each is named and nothing is written.
pub fn run(ctx: &mut Context, args: Args) -> anyhow::Result<u8> {
    let file = File::open(&args.file).map_err(|e| Refusal::file(&args.file, "read", &e))?;
    let size = file.metadata().map_or(0, |meta| meta.len());
    let numbers = if args.decimal == "," { Locale::Fr } else { Locale::En };
    let options = ImportOptions {
        form: Form { delimiter: args.delimiter, numbers },
        dry_run: args.dry_run,
        update: args.update,
        overpayment: Overpayment::kept(args.allow_overpayment),
        repeated: Repeated::taken(args.allow_repeated_reference),
    };
    let quiet = ctx.verbosity == super::Verbosity::Quiet;
    let mut bar = Progress::new(&format!("importing {}", args.kind), size, quiet);
    let mut store = ctx.writer()?;
    let actor = format!("import:{}", args.kind);
    let imported = import(
        &mut store,
        &ctx.act().by(actor),
        &ctx.config,
        args.kind,
        &args.file,
        std::io::BufReader::with_capacity(1 << 16, file),
        options,
        |bytes| bar.at(bytes),
    );
    bar.end();
    let imported = imported.with_context(|| format!("import {}", args.kind))?;
    if ctx.printer.for_people() {
        let will = if args.dry_run { "would be " } else { "" };
        ctx.printer.text(&format!(
            "{}: {} {will}created, {} {will}updated, {} unchanged",
            args.kind, imported.created, imported.updated, imported.skipped
        ))?;
    } else {
        ctx.printer.object(&json!({
            "kind": args.kind.word(),
            "dry_run": args.dry_run,
            "created": imported.created,
            "updated": imported.updated,
            "skipped": imported.skipped,
        }))?;
    }
    Ok(exit::DONE)
}

/// Reads a delimiter: one ASCII character that can be none of a value's own.
fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\t" | "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [one] if one.is_ascii_punctuation() && *one != b'"' => Ok(*one),
            _ => Err("one character such as ; or |, or tab".to_owned()),
        },
    }
}
