//! The pages of invoices, and their documents.

use serde_json::{Value, json};

use super::trouble::Trouble;
use super::{Answer, Desk, encoded, front, missing};
use crate::books::Book;
use crate::commands::asked::Noun;
use crate::config::PortalAction;
use crate::domain::invoice::{InvoiceStatus, Line};
use crate::domain::{Money, wording};
use crate::portal::response::{Response, Status};
use crate::store::{Store, TransactionFilter};
use crate::view::objects;

/// So many invoices stand on a page.
const PAGE: u32 = 100;

/// All invoices, the newest first, a page at a time.
pub fn list(desk: &Desk, store: &mut Store) -> Answer {
    let (tenant, today) = (desk.tenant()?, desk.visit.clock.today());
    let after = desk.visit.request.query.filled("after");
    let facts = store.read(|db| {
        let before = after.map(|number| desk.own_invoice(db, number)).transpose()?.flatten();
        let (mut rows, mut older) = (Vec::new(), None);
        // One more than a page says whether there is another.
        db.each_invoice_before((tenant.id, before.map(|one| one.id)), PAGE + 1, |invoice| {
            rows.push(objects::invoice(&invoice, today));
            Ok(())
        })?;
        if rows.len() > PAGE as usize {
            rows.truncate(PAGE as usize);
            older = rows.last().map(|row| row["number"].clone());
        }
        let balances = objects::totals(&db.balance_due(tenant.id)?);
        Ok(json!({ "rows": rows, "balances": balances, "older": older }))
    })?;
    desk.page(Status::Ok, "portal/invoices.html", facts)
}

/// One invoice.
pub fn invoice(desk: &Desk, store: &mut Store, number: &str) -> Answer {
    let ctx = desk.visit.context(&desk.actor());
    let (act, today) = (ctx.act(), ctx.clock.today());
    let facts = store.read(|db| {
        let Some(found) = desk.own_invoice(db, number)? else { return Ok(None) };
        let mut invoice = front::invoice(desk, &found, today);
        invoice["lines"] = found.lines.iter().map(|of| line(desk, of)).collect();
        invoice["has_discount"] = json!(!found.discount.is_zero());
        invoice["has_tax"] = json!(!found.tax.is_zero());
        let rate = found.tax_rate.normalize().to_string();
        invoice["tax_rate_shown"] = json!(wording::percent(&rate, desk.locale));
        invoice["nothing"] = json!(Money::zero(found.total.currency()).major());
        let notes = db.credit_notes_of(found.id)?;
        let mut payments = Vec::new();
        let filter = TransactionFilter { invoice: Some(found.id), ..TransactionFilter::default() };
        db.each_transaction(&filter, |transaction| {
            payments.push(objects::transaction(&transaction));
            Ok(())
        })?;
        payments
            .retain(|payment| payment["status"] == "succeeded" || payment["status"] == "pending");
        for payment in &mut payments {
            let day = |field: &str| payment[field].as_str().map(|at| at[..10].to_owned());
            payment["day"] = json!(day("paid_on").or_else(|| day("created_at")));
        }
        let disputable = desk.may(PortalAction::Dispute)
            && Book::new(db, &act, &ctx.config).may_be_disputed(&found)?;
        Ok(Some(json!({
            "invoice": invoice,
            "notes": notes.iter().map(objects::credit_note).collect::<Vec<_>>(),
            "payments": payments,
            "disputable": disputable,
            "is_paid": found.status == InvoiceStatus::Paid,
        })))
    })?;
    let mut facts = facts.ok_or_else(Trouble::missing)?;
    // Whoever has typed it into the address has not paid by it.
    let says_paid = matches!(desk.visit.request.query.get("done"), Some("paid" | "back"));
    if says_paid && facts["is_paid"] != true {
        facts["notice"] = Value::Null;
    }
    desk.page(Status::Ok, "portal/invoice.html", facts)
}

fn line(desk: &Desk, line: &Line) -> Value {
    let currency = line.amount.currency();
    json!({
        "description": line.description,
        "quantity_shown": wording::number(&line.quantity.normalize().to_string(), desk.locale),
        "price_shown": line
            .unit_price
            .map(|price| wording::exact_amount(price, currency, desk.locale)),
        "amount": line.amount.major(),
        "currency": currency.code(),
        "period_start": line.period.map(|(start, _)| start),
        "period_end": line.period.map(|(_, end)| end),
    })
}

/// The PDF of an invoice, made when it is first asked for.
pub fn pdf(desk: &Desk, store: &mut Store, number: &str) -> Answer {
    let found = store.read(|db| desk.own_invoice(db, number))?;
    let number = found.ok_or_else(|| missing("invoice", number))?.number;
    document(desk, Noun::Invoice, &number)
}

/// The PDF of a credit note.
pub fn note_pdf(desk: &Desk, store: &mut Store, name: &str) -> Answer {
    let number = name.strip_suffix(".pdf").ok_or_else(Trouble::missing)?;
    let found = store.read(|db| {
        let note = db.find_credit_note(number)?;
        Ok(match note {
            Some(note) => {
                let of = db.invoice_by_id(note.invoice_id)?;
                desk.own_invoice(db, &of.number)?.map(|_| note.number)
            }
            None => None,
        })
    })?;
    let number = found.ok_or_else(|| missing("credit note", number))?;
    document(desk, Noun::CreditNote, &number)
}

fn document(desk: &Desk, noun: Noun, number: &str) -> Answer {
    let words = ["pdf".to_owned(), "--".to_owned(), number.to_owned()];
    let asked = desk.ask(noun, &words)?;
    Ok(attachment(number, asked.printed))
}

/// A PDF that a browser keeps under the number's name.
pub fn attachment(number: &str, bytes: Vec<u8>) -> Response {
    let safe: String = number
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' })
        .collect();
    Response::new(Status::Ok, "application/pdf", bytes)
        .with("Content-Disposition", format!("attachment; filename=\"{safe}.pdf\""))
}

/// Disputes an invoice: it is not chased until somebody has looked.
pub fn dispute(desk: &Desk, store: &mut Store, number: &str) -> Answer {
    let fields = desk.form("dispute")?;
    desk.require(PortalAction::Dispute)?;
    let ctx = desk.visit.context(&desk.actor());
    let act = ctx.act();
    let (found, disputable) = store.read(|db| {
        let found = desk.own_invoice(db, number)?;
        let book = Book::new(db, &act, &ctx.config);
        let disputable = found.as_ref().map(|found| book.may_be_disputed(found)).transpose()?;
        Ok((found, disputable == Some(true)))
    })?;
    let invoice = found.ok_or_else(|| missing("invoice", number))?;
    if !disputable {
        return Err(Trouble::Status(Status::Conflict));
    }
    let back = format!("/invoices/{}", encoded(&invoice.number));
    let note = fields.filled("note").unwrap_or_default().split_whitespace().collect::<Vec<_>>();
    let words = [
        "dispute".to_owned(),
        format!("--note={}", note.join(" ")),
        "--".to_owned(),
        invoice.number.clone(),
    ];
    desk.ask(Noun::Invoice, &words).map_err(|why| Trouble::back_to(why, back.clone()))?;
    Ok(super::done(desk, &back, "disputed"))
}
