//! An invoice as the made-up businesses have it: its row and its line, what the ledger says of it,
//! and the reminders that were sent for it.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::{Connection, params};

use crate::Done;
use crate::database::{locale, major, noon};

/// Days after the due date at which each stage of dunning is reached.
pub const STAGES: &[(&str, i64)] = &[("friendly", 3), ("urgent", 7), ("warning", 15)];

/// The series of the numbers of issued invoices.
pub const SERIES: &str = "INV-2026-#";

/// An invoice over one line. It is open but where it says when it was paid or voided.
pub struct Invoice {
    pub id: i64,
    pub tenant: i64,
    pub number: String,
    pub origin: &'static str,
    pub subtotal: i64,
    pub discount: i64,
    pub coupon: Option<i64>,
    pub collection: &'static str,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    /// The subscription and the days that are billed.
    pub period: Option<(i64, NaiveDate, NaiveDate)>,
    pub paid_on: Option<NaiveDate>,
    pub voided_on: Option<NaiveDate>,
    /// The stages of dunning that it reached, with the age in days at which it did.
    pub reached: &'static [(&'static str, i64)],
}

impl Invoice {
    /// An invoice over 49 EUR that another system issued, due on the same day.
    pub fn new(id: i64, tenant: i64, issued_on: NaiveDate) -> Invoice {
        Invoice {
            id,
            tenant,
            number: format!("A-{id}"),
            origin: "imported",
            subtotal: 4900,
            discount: 0,
            coupon: None,
            collection: "invoice",
            issued_on,
            due_on: issued_on,
            period: None,
            paid_on: None,
            voided_on: None,
            reached: &[],
        }
    }

    pub fn total(&self) -> i64 {
        self.subtotal - self.discount
    }

    /// Writes the invoice, its line, its entries in the ledger, and for each stage an e-mail and a
    /// step. What was paid is another's to write, but for an imported invoice: that was paid
    /// elsewhere.
    pub fn insert(&self, conn: &Connection) -> Done {
        let mut reminders = Vec::new();
        for (stage, days) in self.reached {
            let key = format!("dunning/{}/1/{stage}", self.id);
            let sent_at = noon(plus_days(self.due_on, *days));
            insert_email(conn, (self.tenant, None), stage, &key, &sent_at, true)?;
            reminders.push((stage, days, conn.last_insert_rowid()));
        }
        let warning = reminders.last().filter(|(stage, ..)| **stage == "warning");
        self.insert_row(
            conn,
            warning.map(|(_, days, email)| (plus_days(self.due_on, **days), *email)),
        )?;
        conn.prepare_cached(
            "INSERT INTO invoice_lines (invoice_id, position, item_id, description, unit_price,
               amount_minor, discount_minor)
             VALUES (?1, 1, ?2, 'Subscription, one month', ?3, ?4, ?5)",
        )?
        .execute((
            self.id,
            // The one item of a subscription has its id.
            self.period.map(|(subscription, ..)| subscription),
            major(self.subtotal),
            self.subtotal,
            self.discount,
        ))?;
        self.book(conn)?;
        for (stage, days, email) in reminders {
            let reached_on = plus_days(self.due_on, *days).to_string();
            conn.prepare_cached(
                "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id,
                   recorded_on, days_overdue, email_id) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((self.id, stage, self.tenant, &reached_on, days, email))?;
            let warns = *stage == "warning";
            conn.prepare_cached(
                "INSERT INTO invoice_states (invoice_id, since, stage, warned_on, warning_email_id,
                   disputed) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
            )?
            .execute((
                self.id,
                noon(&reached_on),
                stage,
                warns.then_some(&reached_on),
                warns.then_some(email),
            ))?;
        }
        Ok(())
    }

    fn book(&self, conn: &Connection) -> Done {
        let (total, about) = (self.total(), (self.tenant, self.id, None));
        insert_entry(conn, "invoice", about, [total, 0, 0, total], self.issued_on)?;
        match (self.paid_on, self.voided_on) {
            (Some(on), _) if self.origin == "imported" => {
                insert_entry(conn, "payment", about, [-total, total, 0, 0], on)
            }
            (_, Some(on)) => insert_entry(conn, "void", about, [-total, 0, 0, -total], on),
            _ => Ok(()),
        }
    }

    fn insert_row(&self, conn: &Connection, warning: Option<(NaiveDate, i64)>) -> Done {
        let issued = self.origin == "issued";
        let status = match (self.paid_on, self.voided_on) {
            (Some(_), _) => "paid",
            (None, Some(_)) => "void",
            (None, None) => "open",
        };
        let paid = self.paid_on.map_or(0, |_| self.total());
        let date = |date: NaiveDate| date.to_string();
        conn.prepare_cached(
            "INSERT INTO invoices (id, number, series, sequence, origin, tenant_id, subscription_id,
               purpose, status, currency, subtotal_minor, discount_minor, total_minor, paid_minor,
               paid_elsewhere_minor, coupon_id, collection, seller_id, buyer_id, issued_on, due_on,
               paid_on, period_start, period_end, closed_at, stage, warned_on, warning_email_id,
               created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?7 IS NULL, 'single', 'period'), ?8, 'EUR', ?9, ?10, ?11, ?12, ?13, ?14, ?15, 1,
               1 + ?6, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
        )?
        .execute(params![
            self.id,
            self.number,
            issued.then_some(SERIES),
            issued.then_some(self.id),
            self.origin,
            self.tenant,
            self.period.map(|(subscription, ..)| subscription),
            status,
            self.subtotal,
            self.discount,
            self.total(),
            paid,
            if self.origin == "imported" { paid } else { 0 },
            self.coupon,
            self.collection,
            date(self.issued_on),
            date(self.due_on),
            self.paid_on.map(date),
            self.period.map(|(_, start, _)| date(start)),
            self.period.map(|(_, _, end)| date(end)),
            self.voided_on.map(noon),
            self.reached.last().map_or("none", |(stage, _)| *stage),
            warning.map(|(warned_on, _)| date(warned_on)),
            warning.map(|(_, email)| email),
            noon(self.issued_on),
            noon(self.paid_on.or(self.voided_on).unwrap_or(self.issued_on)),
        ])?;
        Ok(())
    }
}

/// Where the numbers of issued invoices stand, of which none is missing.
pub fn insert_sequence(conn: &Connection, invoices: i64) -> Done {
    conn.execute("INSERT INTO number_sequences VALUES (?1, ?2, 0)", (SERIES, invoices))?;
    Ok(())
}

/// What was paid: three of ten by card, and one of twenty-five after a card was declined; of a
/// thousand payments one is more than the invoice.
pub fn insert_money(conn: &Connection, id: i64, tenant: i64, total: i64, on: NaiveDate) -> Done {
    if id % 25 == 2 {
        let code = ["insufficient_funds", "card_expired"][id as usize / 25 % 2];
        conn.prepare_cached(
            "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency, amount_minor,
               applied_minor, method, failure_code, created_at, updated_at)
             VALUES (?1, ?2, 'charge', 'failed', 'EUR', ?3, 0, 'card', ?4, ?5, ?5)",
        )?
        .execute((id, tenant, total, code, noon(plus_days(on, -2))))?;
    }
    let (kind, method) = match id % 10 {
        2..=4 => ("charge", "card"),
        5..=7 => ("payment", "mobile_money"),
        _ => ("payment", "bank_transfer"),
    };
    let amount = total + if id % 1000 == 8 { 500 } else { 0 };
    insert_transaction(conn, (id, tenant), (kind, method), (amount, total), on)
}

/// Money that came, and what of it went to the invoice.
pub fn insert_transaction(
    conn: &Connection,
    (invoice, tenant): (i64, i64),
    (kind, method): (&str, &str),
    (amount, applied): (i64, i64),
    on: NaiveDate,
) -> Done {
    conn.prepare_cached(
        "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency, amount_minor,
           applied_minor, paid_on, method, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'succeeded', 'EUR', ?4, ?5, ?6, ?7, ?8, ?8)",
    )?
    .execute((invoice, tenant, kind, amount, applied, on.to_string(), method, noon(on)))?;
    let about = (tenant, invoice, Some(conn.last_insert_rowid()));
    insert_entry(conn, kind, about, [-applied, amount, amount - applied, 0], on)
}

/// An entry of the ledger: of an invoice and perhaps of a transaction, and what it changes of what
/// is owed, of the cash, of the customer's credit and of the revenue.
fn insert_entry(
    conn: &Connection,
    kind: &str,
    (tenant, invoice, transaction): (i64, i64, Option<i64>),
    [receivable, cash, credit, revenue]: [i64; 4],
    on: NaiveDate,
) -> Done {
    conn.prepare_cached(
        "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id, transaction_id,
           currency, receivable_minor, cash_minor, credit_minor, revenue_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'EUR', ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        on.to_string(),
        noon(on),
        kind,
        tenant,
        invoice,
        transaction,
        receivable,
        cash,
        credit,
        revenue,
    ])?;
    Ok(())
}

/// An e-mail that was tried once: of an invoice, or of a stage of dunning.
pub fn insert_email(
    conn: &Connection,
    (tenant, invoice): (i64, Option<i64>),
    template: &str,
    key: &str,
    at: &str,
    sent: bool,
) -> Done {
    conn.prepare_cached(
        "INSERT INTO emails (tenant_id, invoice_id, template, stage, locale, recipient, status,
           attempts, dedup_key, message_id, queued_at, first_tried_at, sent_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8 || '@bench.example', ?9, ?9, ?10, ?11)",
    )?
    .execute(params![
        tenant,
        invoice,
        template,
        (template != "invoice").then_some(template),
        locale(tenant),
        format!("pay@t{tenant}.example"),
        if sent { "sent" } else { "failed" },
        key,
        at,
        sent.then_some(at),
        (!sent).then_some(at),
    ])?;
    Ok(())
}
