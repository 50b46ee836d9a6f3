//! Version 5: the ledger and the history of invoices and tenants, told once more from what version
//! 4 kept of them: rows that were overwritten, and events that say what they had been.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, Statement};

use crate::store::crash_point;

/// Fills what version 5 adds; `day_of` says on which business day an instant lies.
///
/// # Errors
/// A fault of the file.
pub(super) fn lift(conn: &Connection, day_of: &dyn Fn(&str) -> String) -> rusqlite::Result<()> {
    conn.execute_batch(
        // How a tenant stood before its first change, and before each later one.
        "INSERT INTO tenant_states (tenant_id, since, status_before, status, cause)
         SELECT tenant_id, at,
           coalesce(lag(status) OVER (PARTITION BY tenant_id ORDER BY id), 'active'), status, cause
         FROM (SELECT id, tenant_id, at,
                 CASE kind WHEN 'tenant_suspended' THEN 'suspended'
                   WHEN 'tenant_closed' THEN 'closed' ELSE 'active' END AS status,
                 CASE kind WHEN 'tenant_suspended' THEN data ->> '$.cause' END AS cause
               FROM events WHERE tenant_id IS NOT NULL
                 AND kind IN ('tenant_suspended', 'tenant_reactivated', 'tenant_closed'))
         ORDER BY id;
         -- An import made a closed tenant active again without an event.
         INSERT INTO tenant_states (tenant_id, since, status_before, status, cause)
         SELECT t.id, t.updated_at, h.status, t.status, t.suspension_cause
         FROM tenants t JOIN tenant_states h ON h.id =
           (SELECT max(id) FROM tenant_states WHERE tenant_id = t.id)
         WHERE h.status <> t.status;
         UPDATE emails SET ended_at = coalesce(
           (SELECT e.at FROM events e WHERE e.tenant_id = emails.tenant_id
              AND e.kind IN ('email_failed', 'email_canceled')
              AND e.data ->> '$.email' = 'eml_' || emails.id ORDER BY e.id DESC LIMIT 1),
           first_tried_at, queued_at)
         WHERE status IN ('failed', 'canceled');
         UPDATE charge_attempts SET pending_at = (
           SELECT min(e.at) FROM transactions x JOIN events e ON e.invoice_id = x.invoice_id
           WHERE x.id = charge_attempts.transaction_id AND e.kind = 'charge_pending'
             AND e.at >= charge_attempts.created_at
             AND e.data ->> '$.transaction' = 'txn_' || x.id);",
    )?;
    let told = told_of_tenants(conn)?;
    let mut lift = Lift::new(conn, day_of)?;
    let mut invoices =
        conn.prepare("SELECT * FROM invoices WHERE status <> 'draft' ORDER BY id")?;
    let mut rows = invoices.query([])?;
    while let Some(row) = rows.next()? {
        crash_point("an invoice of version 5");
        lift.invoice(row, told.get(&row.get::<_, i64>("id")?).map_or(&[], Vec::as_slice))?;
    }
    Ok(())
}

/// Something that an event of the tenant says of one of its invoices.
#[derive(Debug, Clone)]
struct Told {
    event: i64,
    at: String,
    what: What,
}

/// What changed an invoice.
#[derive(Debug, Clone)]
enum What {
    Stage {
        stage: String,
        /// The day on which it was recorded.
        day: String,
    },
    Promised {
        until: Option<String>,
    },
    Disputed,
    DisputeResolved {
        set_back: bool,
    },
    /// Its tenant came back by hand.
    SetBack {
        day: Option<String>,
    },
    /// The e-mail of its warning was sent once more.
    WarnedAgain {
        first: i64,
        email: i64,
        day: Option<String>,
    },
    Paid {
        transaction: i64,
        applied: i64,
    },
    Reversed {
        transaction: i64,
        reopened: bool,
        set_back: bool,
    },
    Discounted {
        total_before: i64,
        total: i64,
        tax: i64,
        day: Option<String>,
    },
    WrittenOff,
    Voided,
}

/// What events of tenants say of invoices, by invoice: those that a reactivation set back, and
/// those whose warning was sent again.
fn told_of_tenants(conn: &Connection) -> rusqlite::Result<HashMap<i64, Vec<Told>>> {
    let mut statement = conn.prepare(
        "SELECT i.id AS invoice, e.id AS event, e.at, e.kind, e.data ->> '$.on' AS day,
                CAST(substr(e.data ->> '$.email', 5) AS INTEGER) AS first,
                CAST(substr(e.data ->> '$.as', 5) AS INTEGER) AS email
         FROM events e, json_each(e.data, CASE e.kind WHEN 'email_resent' THEN '$.warned'
           ELSE '$.set_back' END) named
         JOIN invoices i ON i.number = named.value
         WHERE e.kind IN ('tenant_reactivated', 'email_resent')
           AND json_type(e.data, CASE e.kind WHEN 'email_resent' THEN '$.warned'
             ELSE '$.set_back' END) = 'array'
         ORDER BY e.id",
    )?;
    let mut rows = statement.query([])?;
    let mut told: HashMap<i64, Vec<Told>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let day = row.get("day")?;
        let what = match row.get::<_, String>("kind")?.as_str() {
            "email_resent" => {
                What::WarnedAgain { first: row.get("first")?, email: row.get("email")?, day }
            }
            _ => What::SetBack { day },
        };
        let one = Told { event: row.get("event")?, at: row.get("at")?, what };
        told.entry(row.get("invoice")?).or_default().push(one);
    }
    Ok(told)
}

/// What of an invoice's row never changes but by a discount.
struct Issued {
    id: i64,
    subtotal: i64,
    total: i64,
    tax: i64,
    paid_elsewhere: i64,
    status: String,
    issued_on: String,
    due_on: String,
    paid_on: Option<String>,
    closed_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl Issued {
    fn read(row: &Row) -> rusqlite::Result<Issued> {
        Ok(Issued {
            id: row.get("id")?,
            subtotal: row.get("subtotal_minor")?,
            total: row.get("total_minor")?,
            tax: row.get("tax_minor")?,
            paid_elsewhere: row.get("paid_elsewhere_minor")?,
            status: row.get("status")?,
            issued_on: row.get("issued_on")?,
            due_on: row.get("due_on")?,
            paid_on: row.get("paid_on")?,
            closed_at: row.get("closed_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Money that came in for an invoice, whether it was taken back since or not.
struct Paid {
    id: i64,
    kind: String,
    amount: i64,
    applied: i64,
    paid_on: Option<String>,
    /// Not taken back.
    live: bool,
    created_at: String,
}

/// An invoice on its way through its events.
struct Standing {
    due: i64,
    /// What is due was given up.
    lost: bool,
    void: bool,
    /// What each transaction applied, of those that were not taken back.
    applied: HashMap<i64, i64>,
    dunning: Dunning,
}

impl Standing {
    /// What a payment of `applied` (or, where negative, its reversal) changes.
    fn claim(&self, applied: i64) -> Accounts {
        match self.lost {
            true => Accounts { loss: -applied, ..Accounts::default() },
            false => Accounts { receivable: -applied, ..Accounts::default() },
        }
    }
}

/// How an invoice stands with dunning.
#[derive(Clone, PartialEq, Eq)]
struct Dunning {
    stage: String,
    warned_on: Option<String>,
    warning_email: Option<i64>,
    set_back_on: Option<String>,
    promised_until: Option<String>,
    disputed: bool,
}

impl Dunning {
    /// What was warned before gives no notice any more.
    fn end_notice(&mut self) {
        (self.warned_on, self.warning_email, self.set_back_on) = (None, None, None);
    }

    /// An invoice past one of those stages falls below its warning.
    fn set_back(&mut self, stages: &[&str]) {
        if stages.contains(&self.stage.as_str()) {
            self.stage = "urgent".to_owned();
        }
    }
}

/// The six accounts of an entry.
#[derive(Default, Clone, Copy)]
struct Accounts {
    receivable: i64,
    cash: i64,
    loss: i64,
    credit: i64,
    revenue: i64,
    tax: i64,
}

/// When an entry counts, and when it was written down.
type When<'a> = (&'a str, &'a str);

struct Lift<'a> {
    day_of: &'a dyn Fn(&str) -> String,
    events: Statement<'a>,
    transactions: Statement<'a>,
    warnings: Statement<'a>,
    entry: Statement<'a>,
    state: Statement<'a>,
}

impl<'a> Lift<'a> {
    fn new(conn: &'a Connection, day_of: &'a dyn Fn(&str) -> String) -> rusqlite::Result<Self> {
        Ok(Lift {
            day_of,
            events: conn.prepare(
                "SELECT id, at, kind, data ->> '$.stage' AS stage,
                   data ->> '$.days_overdue' AS days, data ->> '$.until' AS until,
                   coalesce(data ->> '$.set_back', 0) AS set_back,
                   coalesce(data ->> '$.reopened', 1) AS reopened,
                   CAST(substr(data ->> '$.transaction', 5) AS INTEGER) AS txn,
                   CAST(replace(data ->> '$.applied', '.', '') AS INTEGER) AS applied,
                   CAST(replace(data ->> '$.total', '.', '') AS INTEGER) AS total,
                   CAST(replace(data ->> '$.tax', '.', '') AS INTEGER) AS tax,
                   CAST(replace(data ->> '$.total_before', '.', '') AS INTEGER) AS total_before,
                   data ->> '$.on' AS day,
                   date(?2, '+' || (data ->> '$.days_overdue') || ' days') AS recorded_on
                 FROM events WHERE invoice_id = ?1 AND kind IN ('dunning_stage_recorded',
                   'promise_recorded', 'dispute_opened', 'dispute_resolved', 'payment_recorded',
                   'charge_succeeded', 'payment_reversed', 'coupon_applied', 'invoice_written_off',
                   'invoice_voided') ORDER BY id",
            )?,
            transactions: conn.prepare(
                "SELECT x.id, x.kind, x.amount_minor, x.applied_minor, x.status, x.created_at,
                   x.reversed_at,
                   coalesce(x.paid_on, (SELECT e.data ->> '$.paid_on' FROM events e
                     WHERE e.invoice_id = x.invoice_id
                       AND e.kind IN ('payment_recorded', 'charge_succeeded')
                       AND e.data ->> '$.transaction' = 'txn_' || x.id)) AS paid_on
                 FROM transactions x WHERE x.invoice_id = ?1
                   AND (x.status = 'succeeded' OR x.reversed_at IS NOT NULL) ORDER BY x.id",
            )?,
            warnings: conn.prepare(
                "SELECT email_id FROM dunning_steps WHERE invoice_id = ?1 AND stage = 'warning'
                   AND recorded_on <= ?2 ORDER BY recorded_on DESC LIMIT 1",
            )?,
            entry: conn.prepare(
                "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id,
                   transaction_id, currency, receivable_minor, cash_minor, loss_minor,
                   credit_minor, revenue_minor, tax_minor)
                 SELECT ?2, ?3, ?4, tenant_id, id, ?5, currency, ?6, ?7, ?8, ?9, ?10, ?11
                 FROM invoices WHERE id = ?1",
            )?,
            state: conn.prepare(
                "INSERT INTO invoice_states (invoice_id, since, stage, warned_on,
                   warning_email_id, set_back_on, promised_until, disputed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
        })
    }

    fn invoice(&mut self, row: &Row, of_tenant: &[Told]) -> rusqlite::Result<()> {
        let issued = Issued::read(row)?;
        let mut told = self.told(issued.id, &issued.due_on)?;
        told.extend(of_tenant.iter().cloned());
        told.sort_by_key(|told| told.event);
        let money = self.paid(issued.id)?;
        let mut standing = self.issue(&issued, &told)?;
        for at in 0..told.len() {
            self.book(&issued, &mut standing, &money, &told[at])?;
            self.stand(&issued, &mut standing, &told, at)?;
        }
        // What no event tells of stands in its row alone.
        for paid in money.iter().filter(|paid| paid.live) {
            if !standing.applied.contains_key(&paid.id) {
                let what = What::Paid { transaction: paid.id, applied: paid.applied };
                let told = Told { event: 0, at: paid.created_at.clone(), what };
                self.book(&issued, &mut standing, &money, &told)?;
            }
        }
        self.close(&issued, &mut standing)?;
        let now = Dunning {
            stage: row.get("stage")?,
            warned_on: row.get("warned_on")?,
            warning_email: row.get("warning_email_id")?,
            set_back_on: row.get("set_back_on")?,
            promised_until: row.get("promised_until")?,
            disputed: row.get::<_, Option<String>>("disputed_at")?.is_some(),
        };
        // What changed it without an event changed it last.
        if now != standing.dunning {
            self.write_state(issued.id, &issued.updated_at, &now)?;
        }
        Ok(())
    }

    /// Books the issue of an invoice as it was before any discount, and what was paid elsewhere.
    fn issue(&mut self, issued: &Issued, told: &[Told]) -> rusqlite::Result<Standing> {
        let before = told.iter().find_map(|told| match told.what {
            What::Discounted { total_before, .. } => Some(total_before),
            _ => None,
        });
        let (total, tax) = match before {
            Some(before) => (before, before - issued.subtotal),
            None => (issued.total, issued.tax),
        };
        let accounts =
            Accounts { receivable: total, revenue: total - tax, tax, ..Accounts::default() };
        let when = (issued.issued_on.as_str(), issued.created_at.as_str());
        self.write(issued.id, when, "invoice", None, accounts)?;
        let cash = issued.paid_elsewhere;
        if cash > 0 {
            let paid = Accounts { receivable: -cash, cash, ..Accounts::default() };
            let day = issued.paid_on.as_deref().unwrap_or(when.0);
            self.write(issued.id, (day, when.1), "payment", None, paid)?;
        }
        let dunning = Dunning {
            stage: "none".to_owned(),
            warned_on: None,
            warning_email: None,
            set_back_on: None,
            promised_until: None,
            disputed: false,
        };
        let applied = HashMap::new();
        Ok(Standing { due: total - cash, lost: false, void: false, applied, dunning })
    }

    /// Books what an event says of money.
    fn book(
        &mut self,
        issued: &Issued,
        standing: &mut Standing,
        money: &[Paid],
        told: &Told,
    ) -> rusqlite::Result<()> {
        let today = (self.day_of)(&told.at);
        let of = |id: i64| money.iter().find(|paid| paid.id == id);
        match &told.what {
            What::Paid { transaction, applied } => {
                let Some(paid) = of(*transaction) else { return Ok(()) };
                let (cash, credit) = (paid.amount, paid.amount - applied);
                let accounts = Accounts { cash, credit, ..standing.claim(*applied) };
                let day = paid.paid_on.as_deref().unwrap_or(&today);
                let id = Some(paid.id);
                self.write(issued.id, (day, &told.at), &paid.kind, id, accounts)?;
                standing.applied.insert(paid.id, *applied);
                standing.due -= applied;
                standing.lost &= standing.due > 0;
            }
            What::Reversed { transaction, .. } => {
                let Some(paid) = of(*transaction) else { return Ok(()) };
                let applied = standing.applied.remove(&paid.id).unwrap_or(0);
                let (cash, credit) = (-paid.amount, applied - paid.amount);
                let accounts = Accounts { cash, credit, ..standing.claim(-applied) };
                let id = Some(paid.id);
                self.write(issued.id, (&today, &told.at), "reversal", id, accounts)?;
                standing.due += applied;
            }
            What::Discounted { total_before, total, tax, day } => {
                let off = total - total_before;
                let off_tax = tax - (total_before - issued.subtotal);
                let (receivable, revenue) = (off, off - off_tax);
                let accounts =
                    Accounts { receivable, revenue, tax: off_tax, ..Accounts::default() };
                let day = day.as_deref().unwrap_or(&today);
                self.write(issued.id, (day, &told.at), "discount", None, accounts)?;
                standing.due += off;
            }
            What::WrittenOff => self.write_off(issued, standing, (&today, &told.at))?,
            What::Voided => self.void(issued, standing, (&today, &told.at))?,
            _ => {}
        }
        Ok(())
    }

    fn write_off(
        &mut self,
        issued: &Issued,
        standing: &mut Standing,
        when: When,
    ) -> rusqlite::Result<()> {
        // An import had reopened it meanwhile, of which version 4 kept nothing.
        if standing.lost {
            return Ok(());
        }
        let due = standing.due;
        let accounts = Accounts { receivable: -due, loss: due, ..Accounts::default() };
        standing.lost = true;
        self.write(issued.id, when, "write_off", None, accounts)
    }

    fn void(
        &mut self,
        issued: &Issued,
        standing: &mut Standing,
        when: When,
    ) -> rusqlite::Result<()> {
        let revenue = issued.tax - issued.total;
        let accounts = Accounts { revenue, tax: -issued.tax, ..standing.claim(issued.total) };
        standing.void = true;
        self.write(issued.id, when, "void", None, accounts)
    }

    /// Books what no event tells of: that an invoice was closed before its import, or that an import
    /// closed or reopened it.
    fn close(&mut self, issued: &Issued, standing: &mut Standing) -> rusqlite::Result<()> {
        // Since when it was closed before its import is not known.
        let ever = (issued.issued_on.as_str(), issued.created_at.as_str());
        match (issued.status.as_str(), &issued.closed_at) {
            ("void", Some(at)) if standing.lost => {
                let day = (self.day_of)(at);
                self.void(issued, standing, (&day, at))
            }
            ("void", _) if !standing.void => self.void(issued, standing, ever),
            ("uncollectible", _) if !standing.lost => self.write_off(issued, standing, ever),
            // To version 4 it was given up until it was changed last.
            ("open", _) if standing.lost => {
                let (at, due) = (&issued.updated_at, standing.due);
                let accounts = Accounts { receivable: due, loss: -due, ..Accounts::default() };
                let day = (self.day_of)(at);
                self.write(issued.id, (&day, at), "correction", None, accounts)
            }
            _ => Ok(()),
        }
    }

    /// Writes down how an invoice stands with dunning after an event.
    fn stand(
        &mut self,
        issued: &Issued,
        standing: &mut Standing,
        told: &[Told],
        at: usize,
    ) -> rusqlite::Result<()> {
        let now = &mut standing.dunning;
        let before = now.clone();
        match &told[at].what {
            What::Stage { stage, day } => {
                now.stage.clone_from(stage);
                if stage == "warning" {
                    now.warned_on = Some(day.clone());
                    now.warning_email = self.first_warning(issued.id, day, &told[at..])?;
                }
            }
            What::Promised { until } => {
                now.promised_until.clone_from(until);
                now.end_notice();
            }
            What::Disputed => {
                now.disputed = true;
                now.end_notice();
            }
            What::DisputeResolved { set_back } => {
                now.disputed = false;
                now.end_notice();
                if *set_back {
                    now.set_back(&["suspension"]);
                }
            }
            What::Reversed { reopened: true, set_back, .. } => {
                now.end_notice();
                if *set_back {
                    now.set_back(&["suspension"]);
                }
            }
            What::SetBack { day } => {
                now.end_notice();
                now.set_back_on.clone_from(day);
                now.set_back(&["warning", "suspension"]);
            }
            What::WarnedAgain { email, day, .. } => {
                now.warned_on.clone_from(day);
                now.warning_email = Some(*email);
            }
            _ => {}
        }
        let now = now.clone();
        match now == before {
            true => Ok(()),
            false => self.write_state(issued.id, &told[at].at, &now),
        }
    }

    /// The e-mail of a warning as it left first: where it was sent again later, the record of the
    /// stage names the newest.
    fn first_warning(
        &mut self,
        id: i64,
        day: &str,
        later: &[Told],
    ) -> rusqlite::Result<Option<i64>> {
        let again = later.iter().find_map(|told| match told.what {
            What::WarnedAgain { first, .. } => Some(first),
            _ => None,
        });
        if again.is_some() {
            return Ok(again);
        }
        self.warnings.query_row((id, day), |row| row.get(0)).optional().map(Option::flatten)
    }

    fn told(&mut self, id: i64, due_on: &str) -> rusqlite::Result<Vec<Told>> {
        let found = self.events.query_map((id, due_on), |row| {
            let what = match row.get::<_, String>("kind")?.as_str() {
                "dunning_stage_recorded" => What::Stage {
                    stage: row.get("stage")?,
                    day: row.get::<_, Option<String>>("recorded_on")?.unwrap_or_default(),
                },
                "promise_recorded" => What::Promised { until: row.get("until")? },
                "dispute_opened" => What::Disputed,
                "dispute_resolved" => What::DisputeResolved { set_back: row.get("set_back")? },
                "payment_reversed" => What::Reversed {
                    transaction: row.get("txn")?,
                    reopened: row.get("reopened")?,
                    set_back: row.get("set_back")?,
                },
                "coupon_applied" => What::Discounted {
                    total_before: row.get("total_before")?,
                    total: row.get("total")?,
                    tax: row.get("tax")?,
                    day: row.get("day")?,
                },
                "invoice_written_off" => What::WrittenOff,
                "invoice_voided" => What::Voided,
                _ => What::Paid { transaction: row.get("txn")?, applied: row.get("applied")? },
            };
            Ok(Told { event: row.get("id")?, at: row.get("at")?, what })
        })?;
        found.collect()
    }

    /// The money that came in for an invoice.
    fn paid(&mut self, id: i64) -> rusqlite::Result<Vec<Paid>> {
        let found = self.transactions.query_map([id], |row| {
            Ok(Paid {
                id: row.get("id")?,
                kind: row.get("kind")?,
                amount: row.get("amount_minor")?,
                applied: row.get("applied_minor")?,
                paid_on: row.get("paid_on")?,
                live: row.get::<_, Option<String>>("reversed_at")?.is_none(),
                created_at: row.get("created_at")?,
            })
        })?;
        found.collect()
    }

    fn write(
        &mut self,
        id: i64,
        (booked_on, recorded_at): When,
        kind: &str,
        transaction: Option<i64>,
        a: Accounts,
    ) -> rusqlite::Result<()> {
        let accounts = (a.receivable, a.cash, a.loss, a.credit, a.revenue, a.tax);
        let (receivable, cash, loss, credit, revenue, tax) = accounts;
        self.entry.execute((
            id,
            booked_on,
            recorded_at,
            kind,
            transaction,
            receivable,
            cash,
            loss,
            credit,
            revenue,
            tax,
        ))?;
        Ok(())
    }

    fn write_state(&mut self, id: i64, since: &str, d: &Dunning) -> rusqlite::Result<()> {
        self.state.execute((
            id,
            since,
            &d.stage,
            &d.warned_on,
            d.warning_email,
            &d.set_back_on,
            &d.promised_until,
            d.disputed,
        ))?;
        Ok(())
    }
}
