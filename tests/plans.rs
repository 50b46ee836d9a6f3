//! No task reads a table from end to end, nor more of it than it has to: every statement that the
//! tasks and imports really run is caught as SQLite runs it, and its plan is looked at. A new one is
//! looked at as soon as a task runs it.

mod support;

use std::path::Path;
use std::time::Duration;

use billing::books::Book;
use billing::books::subscribe::NewStart;
use billing::clock::Clock;
use billing::config::{Config, Hook, OnTrialEnd, Target};
use billing::domain::charge::Found;
use billing::domain::checkout::{CheckoutStatus, SandboxOutcome};
use billing::domain::hook::Kinds;
use billing::domain::invoice::Purpose;
use billing::domain::payment_method::{NewPaymentMethod, PaymentMethodKind};
use billing::domain::period::Anchor;
use billing::domain::plan::NewPrice;
use billing::domain::price::{Model, PriceTerms};
use billing::domain::schedule::Task;
use billing::domain::subscription::{Collection, When};
use billing::domain::usage::{Aggregation, NewMeter};
use billing::domain::{CheckoutId, InvoiceId, SubscriptionId, TransactionId};
use billing::gateway::{Gateway, Program};
use billing::imports::{
    Batches, ImportOptions, Kind, Texts, UsageFile, UsageForm, import, import_usage,
};
use billing::mail::Transport;
use billing::store::{Access, Store};
use billing::tasks::charge;
use billing::tasks::checkout::{self, Asked, Back};
use billing::tasks::{self, Given, Options};
use rusqlite::Connection;
use rust_decimal::Decimal;
use support::statements::statements_of;

/// The ways into a table that a task or an import may take besides its keys. Each leads to a few
/// rows however large the table is: those of one tenant, subscription, invoice, …, or those that
/// are due. An index that leads to a share of the table is not among them.
const WAYS: &[&str] = &[
    // In the order of ids: the first that stands is the answer.
    "charge_attempts_reference (reference=? AND gateway=?)",
    // What is due.
    "invoices_dunning (stage=? AND (due_on,tenant_id)>(?,?) AND due_on<?)",
    "invoices_automatic (id>?)",
    "subscriptions_next_billing (next_billing_on>? AND next_billing_on<?)",
    "subscriptions_ending (ends_on>? AND ends_on<?)",
    "subscriptions_pausing (pause_from>? AND pause_from<?)",
    "subscriptions_resuming (pause_until>? AND pause_until<?)",
    "subscriptions_unbilled (unbilled_from>? AND unbilled_from<?)",
    "subscriptions_trials (trial_ends_on>? AND trial_ends_on<?)",
    "transactions_open (id>?)",
    "emails_due (next_try_at>? AND next_try_at<?)",
    "runs_running (phase=?)",
    // The last run of a task.
    "runs_task (task=?)",
    // What one tenant has.
    "invoices_open (tenant_id=? AND due_on<?)",
    "invoices_open (tenant_id=?)",
    "invoices_tenant (tenant_id=?)",
    "subscriptions_tenant (tenant_id=?)",
    "payment_methods_default (tenant_id=?)",
    "transactions_tenant (tenant_id=?)",
    "emails_tenant (tenant_id=? AND rowid<?)",
    "emails_tenant (tenant_id=?)",
    "redemptions_coupon (coupon_id=? AND tenant_id=?)",
    "pending_items_waiting (tenant_id=? AND currency=?)",
    // What belongs to one subscription, invoice, transaction, e-mail.
    "invoices_period (subscription_id=?)",
    "invoices_period (subscription_id=? AND period_start=?)",
    "subscription_states_subscription (subscription_id=?)",
    "subscription_states_subscription (subscription_id=? AND id>?)",
    "subscription_states_subscription (subscription_id=? AND id<?)",
    "redemptions_of_subscription (subscription_id=?)",
    "reopened_periods_subscription (subscription_id=?)",
    "ledger_invoice (invoice_id=?)",
    "transactions_invoice (invoice_id=?)",
    "transactions_invoice (invoice_id=? AND rowid<?)",
    "transactions_live (invoice_id=?)",
    "transactions_invoice_refunds (invoice_id=?)",
    "credits_left (tenant_id>?)",
    "credits_left (tenant_id=?)",
    "credits_left (tenant_id=? AND currency=?)",
    "credit_uses_invoice (invoice_id=?)",
    "credits_transaction (transaction_id=?)",
    "credits_credit_note (credit_note_id=?)",
    "credit_refunds_credit (credit_id=?)",
    "transactions_refunds (refund_of=?)",
    "ledger_transaction (transaction_id=?)",
    "charge_attempts_transaction (transaction_id=?)",
    "dunning_steps_email (email_id=?)",
    // Counted once a run, and only where there is much to do: for the caps.
    "tenants_status (status=?)",
    // What is still queued when a run has delivered.
    "emails_due (next_try_at>?)",
    // A plan has few prices that are live.
    "prices_live (plan_id=?)",
    "prices_plan (plan_id=?)",
    // Usage that is settled and not billed, and what changed of it later.
    "usage_periods_unbilled ((ends_on,subscription_id)>(?,?) AND ends_on<?)",
    "usage_periods_late (subscription_id>?)",
    "usage_lines_period (subscription_id=? AND starts_on=? AND meter_id=?)",
    "credit_notes_invoice (invoice_id=?)",
    // Pages of the gateway's of which something may come yet, and those of one invoice or customer.
    "checkouts_open (id>?)",
    "checkouts_invoice (invoice_id=?)",
    "checkouts_of_invoice (invoice_id=?)",
    "checkouts_of_setup (tenant_id=?)",
    "checkouts_tenant (tenant_id=?)",
    "checkouts_reference (reference=?)",
    "payment_methods_tenant (tenant_id=?)",
    // The uses of a coupon that is imported again.
    "redemptions_coupon (coupon_id=?)",
];

/// Which way a statement must take: of those where SQLite, left alone, once took a longer one, and
/// of those that page through what is due.
const MUST: &[(&str, &str)] = &[
    ("SELECT due_on, tenant_id FROM invoices", "invoices_dunning"),
    ("SELECT next_billing_on AS due_on", "subscriptions_next_billing"),
    ("SELECT ends_on AS due_on", "subscriptions_ending"),
    ("SELECT trial_ends_on AS due_on", "subscriptions_trials"),
    ("SELECT unbilled_from AS due_on", "subscriptions_unbilled"),
    ("i.warned_on, i.set_back_on", "invoices_open"),
    ("e.next_try_at <= ?1", "emails_due"),
    ("kind = 'charge' AND id > ?1", "transactions_open"),
    ("collection = 'automatic' AND id > ?1", "invoices_automatic"),
    ("FROM checkouts INDEXED BY checkouts_open", "checkouts_open"),
    ("s.tenant_id = ?1 AND s.started_on = ?3", "subscriptions_tenant"),
    ("FROM pending_items p", "pending_items_waiting"),
    ("SELECT u.ends_on, u.subscription_id", "usage_periods_unbilled"),
    ("SELECT DISTINCT u.subscription_id", "usage_periods_late"),
];

/// The lines of a statement's plan.
fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
    let lines = plan.raw_query().mapped(|row| row.get::<_, String>("detail"));
    lines.map(|line| line.expect(sql)).collect()
}

/// The lines of a statement's plan that read a table or an index from end to end, or take a way into
/// it that is not known to be short.
fn long_ways(conn: &Connection, sql: &str) -> Vec<String> {
    // The table that holds the file's uuid has one row, and so has what no table gives. How a
    // subquery finds its rows stands in lines of its own.
    // So have the kinds that a hook is told of, and there are few hooks.
    let harmless = [
        "SCAN d",
        "SCAN database_info",
        "SCAN CONSTANT ROW",
        "SCAN (subquery-1)",
        "SCAN (subquery-2)",
        "SCAN json_each VIRTUAL TABLE INDEX 1:",
        "SCAN hooks",
    ];
    // What refers to an item is looked for when one is added, but only where a reference is broken
    // at that moment: it is planned, and never done.
    let referring = ["SCAN subscription_states", "SCAN invoice_lines", "SCAN usage_prices"];
    let adds_item = sql.trim_start().starts_with("INSERT INTO subscription_items");
    // The same of a credit note and the discounts that are given by one.
    let adds_note = sql.trim_start().starts_with("INSERT INTO credit_notes");
    let is_harmless = |l: &str| {
        harmless.contains(&l)
            || (adds_item && referring.contains(&l))
            || (adds_note && l == "SCAN coupon_usages")
    };
    let is_long = |line: &String| match line.split_once(" INDEX ") {
        _ if line.starts_with("SCAN") => !is_harmless(line),
        // A key leads to one row.
        Some((_, way)) if way.starts_with("sqlite_autoindex") => false,
        Some((_, way)) => !WAYS.contains(&way) && !looks_for_references(sql, line),
        None => false,
    };
    plan(conn, sql).into_iter().filter(is_long).collect()
}

/// Whether the line tells how rows that refer to the changed one would be found, in a table that
/// the statement does not name: that is done only where a reference hangs in the air.
fn looks_for_references(sql: &str, line: &str) -> bool {
    let table = line.split_whitespace().nth(1).unwrap_or_default();
    !sql.starts_with("SELECT") && !sql.contains(table)
}

fn default_card(token: &str) -> NewPaymentMethod {
    let (kind, token) = (PaymentMethodKind::Card, token.to_owned());
    NewPaymentMethod { kind, token, label: None, is_default: true }
}

/// Six weeks in the life of a business: imports, every stage of dunning with its e-mails, an
/// address that fails, payments, and the same files again.
fn six_weeks(db: &Path, config: &Config, folder: &Path) {
    let clock = |day: &str| Clock::new(Some(day), config.timezone).expect("a date");
    let start = clock("2026-03-01");
    let mut store = Store::create(db, &start.act("test")).expect("a database");
    let tenants = "slug,name,email\nacme,Acme,pay@acme.example\nbeta,Beta,pay@beta.example\n";
    let invoices = "number,tenant,total,issued_on,due_on,description\n\
                    INV-2026-000001,acme,100,2026-02-01,2026-02-28,Subscription\n\
                    B-7,acme,200,2026-02-01,2026-03-10,Subscription\n\
                    B-8,beta,300,2026-02-01,2026-02-28,Subscription\n";
    let corrected = invoices.replace("300", "301");
    let payments = "invoice,amount,paid_on,method,reference\n\
                    INV-2026-000001,40,2026-03-01,transfer,R-1\nB-8,1,2026-03-01,,\n";
    let take = |store: &mut Store, kind, text: &str, day: &str| {
        let options = ImportOptions { update: true, ..ImportOptions::default() };
        let (act, path) = (clock(day).act("import"), Path::new("test.csv"));
        import(store, &act, config, kind, path, text.as_bytes(), options, |_| {})
            .expect("an import");
    };
    for text in [invoices, corrected.as_str()] {
        take(&mut store, Kind::Tenants, tenants, "2026-03-01");
        take(&mut store, Kind::Invoices, text, "2026-03-01");
    }
    take(&mut store, Kind::Payments, payments, "2026-03-01");
    let plans = "code,name,price,interval,trial_days\npro,Pro,50,month,14\n";
    let subscriptions = "tenant,plan,started_on,status,trial_ends_on\n\
                         acme,pro,2026-01-15,active,\n\
                         beta,pro,2026-02-20,trialing,2026-03-05\n\
                         beta,pro,2025-02-20,suspended,\n";
    let [renamed, resumed] =
        [plans.replace("Pro", "Professional"), subscriptions.replace("suspended", "active")];
    for (plans, subscriptions) in [(plans, subscriptions), (&renamed, &resumed)] {
        take(&mut store, Kind::Plans, plans, "2026-03-01");
        take(&mut store, Kind::Subscriptions, subscriptions, "2026-03-01");
    }
    take(&mut store, Kind::Payments, payments, "2026-03-01");
    let coupons = "code,name,discount_type,discount_value,valid_to,duration,applicable_plans\n\
                   HALF,Half off,percentage,50,2026-12-31,3,pro\n";
    for coupons in [coupons, &coupons.replace("Half off", "Half")] {
        take(&mut store, Kind::Coupons, coupons, "2026-03-01");
    }
    let transport = Transport::File { directory: folder.join("mail"), owner: None };
    let run = |store: &mut Store, task, day: &str, options: &Options| {
        let clock = clock(day);
        let given =
            Given { config, clock: &clock, transport: &transport, gateway: &Gateway::Sandbox };
        tasks::run(store, &given, task, options).expect("a run");
    };
    store
        .write(|db| {
            let (act, beta) = (start.act("test"), db.tenant("beta")?);
            Book::new(db, &act, config).add_payment_method(&beta, &default_card("tok_ok"))?;
            // One ends with its period, one of the trials is suspended by hand meanwhile.
            let canceled = db.subscription(SubscriptionId(1))?;
            Book::new(db, &act, config).cancel_subscription(&canceled, When::PeriodEnd, None)?;
            let (acme, pro) = (db.tenant("acme")?, db.plan("pro")?);
            let new = NewStart {
                tenant: &acme,
                plan: &pro,
                start: "2026-03-01".parse().expect("a date"),
                trial_days: Some(4),
                anchor: Anchor::Anniversary,
                quantity: 2,
                others: &[],
                collection: Collection::Invoice,
            };
            Book::new(db, &act, config).begin_subscription(&new)?;
            let discounted = db.subscription(SubscriptionId(2))?;
            Book::new(db, &act, config).redeem_for_subscription("half", &discounted, "{}").map(drop)
        })
        .expect("a payment method, a cancellation, a trial, a coupon");
    for day in ["2026-03-03", "2026-03-07", "2026-03-15", "2026-03-30", "2026-04-09"] {
        let options = Options { no_deliver: day == "2026-03-07", ..Options::default() };
        run(&mut store, Task::GenerateRecurringInvoices, day, &options);
        run(&mut store, Task::CleanupExpiredTrials, day, &options);
        run(&mut store, Task::CheckOverdue, day, &options);
        run(&mut store, Task::DeliverEmails, day, &Options::default());
        run(&mut store, Task::DeliverEvents, day, &Options::default());
    }
    take(&mut store, Kind::Payments, "invoice,amount,paid_on\nB-8,300,2026-04-10\n", "2026-04-10");
    charges(&mut store, config, clock);
    checkouts(&mut store, config, clock);
    usage(&mut store, config, clock);
}

/// Three months of usage: events that come in time, late and twice, are void, and are billed with a period
/// and alone.
fn usage(store: &mut Store, config: &Config, clock: impl Fn(&str) -> Clock) {
    let run = |store: &mut Store, day: &str| {
        let (clock, transport) = (clock(day), Transport::Nowhere);
        let given = Given { config, clock: &clock, transport: &transport, gateway: &Gateway::None };
        let options = Options { no_deliver: true, ..Options::default() };
        tasks::run(store, &given, Task::GenerateRecurringInvoices, &options).expect("a run");
    };
    let act = clock("2026-05-01").act("test");
    let (path, options) = (Path::new("test.csv"), ImportOptions::default());
    let tenants = "slug,name,email\nuses,Uses,uses@clients.example\n";
    import(store, &act, config, Kind::Tenants, path, tenants.as_bytes(), options, |_| {})
        .expect("a tenant");
    let begun = store.write(|db| {
        let (tenant, plan) = (db.tenant("uses")?, db.plan("pro")?);
        for (code, aggregation) in [("sms", Aggregation::Sum), ("users", Aggregation::Unique)] {
            let meter = db.insert_meter(&act, &NewMeter::check(code, code, aggregation, None)?)?;
            let terms = PriceTerms::plain(Model::PerUnit { unit: Decimal::ONE });
            let meter = Some((meter, code.to_owned()));
            let new = NewPrice { meter, currency: plan.price.currency, terms };
            db.insert_price(&act, plan.id, &plan.code, &new)?;
        }
        let new = NewStart {
            tenant: &tenant,
            plan: &plan,
            others: &[],
            start: act.today,
            trial_days: Some(0),
            anchor: Anchor::Calendar,
            quantity: 1,
            collection: Collection::Invoice,
        };
        Book::new(db, &act, config).begin_subscription(&new)
    });
    let subscription = begun.expect("a subscription with meters");
    let send = |store: &mut Store, id: &str, at: &str, day: &str| {
        let act = clock(day).act("import:usage");
        let lines = format!(
            "{{\"id\":\"{id}\",\"meter\":\"sms\",\"subscription\":\"{subscription}\",\"at\":\"{at}\"}}\n\
             {{\"id\":\"{id}u\",\"meter\":\"users\",\"subscription\":\"{subscription}\",\"at\":\"{at}\"}}\n"
        );
        let (path, form) = (Path::new("test.jsonl"), UsageForm::Jsonl);
        let file = UsageFile::open(path, lines.as_bytes(), form, Texts::Dropped).expect("a file");
        let given = (&act, config);
        let done = import_usage(store, given, file, Batches::Kept, |_| Ok(()), |_| {});
        assert_eq!(done.expect("an import").rejected, 0, "{id}");
    };
    run(store, "2026-05-01");
    send(store, "a", "2026-05-03T10:00:00Z", "2026-05-04");
    send(store, "a", "2026-05-03T10:00:00Z", "2026-05-04");
    run(store, "2026-06-02");
    send(store, "late", "2026-05-04T10:00:00Z", "2026-06-03");
    run(store, "2026-06-03");
    run(store, "2026-07-02");
    let act = clock("2026-07-03").act("test");
    store
        .write(|db| {
            let book = Book::new(db, &act, config);
            book.void_usage("2026-05-03".parse().expect("a day"), "a", "a test")?;
            let subscription = db.subscription(subscription)?;
            book.cancel_subscription(&subscription, When::PeriodEnd, None).map(drop)
        })
        .expect("what is void");
    send(store, "last", "2026-07-02T10:00:00Z", "2026-07-03");
    for day in ["2026-07-04", "2026-08-01", "2026-08-02"] {
        run(store, day);
    }
    let alone = store.read(|db| db.invoices_of_subscription(&db.subscription(subscription)?));
    let alone = alone.expect("invoices").into_iter().filter(|one| one.purpose == Purpose::Usage);
    assert_eq!(alone.count(), 1);
}

/// Three weeks of charges: each answer that a gateway can give, what is tried again and what is
/// given up, a person who charges and one who says what became of a charge, and a gateway that
/// never saw what was paid in another way meanwhile.
fn charges(store: &mut Store, config: &Config, clock: impl Fn(&str) -> Clock) {
    let (sandbox, transport) = (Gateway::Sandbox, Transport::Nowhere);
    let never_saw = Gateway::Command(Program {
        command: ["/bin/sh", "-c", "echo '{\"status\":\"not_found\"}'"].map(str::to_owned).into(),
        timeout: Duration::from_secs(10),
        pass_env: Vec::new(),
        name: None,
        refunds: false,
    });
    let run = |store: &mut Store, task, day: &str, gateway: &Gateway| {
        let clock = clock(day);
        let given = Given { config, clock: &clock, transport: &transport, gateway };
        tasks::run(store, &given, task, &Options::default()).expect("a run");
    };
    let subscribers = |store: &mut Store, day: &str, tokens: &[&str]| {
        let act = clock(day).act("test");
        for (n, token) in tokens.iter().enumerate() {
            let slug = format!("c{day}-{n}");
            let tenants = format!("slug,name,email\n{slug},C,{slug}@clients.example\n");
            let (path, options) = (Path::new("test.csv"), ImportOptions::default());
            import(store, &act, config, Kind::Tenants, path, tenants.as_bytes(), options, |_| {})
                .expect("a tenant");
            let begun = store.write(|db| {
                let (tenant, plan) = (db.tenant(&slug)?, db.plan("pro")?);
                Book::new(db, &act, config).add_payment_method(&tenant, &default_card(token))?;
                let new = NewStart {
                    tenant: &tenant,
                    plan: &plan,
                    start: act.today,
                    trial_days: Some(0),
                    anchor: Anchor::Anniversary,
                    quantity: 1,
                    others: &[],
                    collection: Collection::Automatic,
                };
                Book::new(db, &act, config).begin_subscription(&new).map(drop)
            });
            begun.expect("a subscription");
        }
    };
    let open_invoices = |store: &mut Store| store.read(|db| db.never_charged(InvoiceId(0), 9));

    let tokens = ["tok_ok", "tok_declined", "tok_declined_hard", "tok_pending", "tok_unknown"];
    subscribers(store, "2026-04-11", &tokens);
    run(store, Task::GenerateRecurringInvoices, "2026-04-11", &sandbox);
    for day in ["2026-04-12", "2026-04-13", "2026-04-14", "2026-04-15", "2026-04-20"] {
        run(store, Task::RetryFailedPayments, day, &sandbox);
    }
    let clock_of_day = clock("2026-04-20");
    let (act, given) = (
        clock_of_day.act("test"),
        Given { config, clock: &clock_of_day, transport: &transport, gateway: &sandbox },
    );
    let open = store.read(|db| db.open_charges(TransactionId(0), 9)).expect("what is open");
    let series = store.read(|db| db.charge_series(open[0])).expect("a charge");
    for (id, found) in [(open[0], Found::Succeeded), (open[1], Found::Failed)] {
        charge::resolve(store, &given, &act, id, found, "asked").expect("an outcome");
    }
    assert!(charge::by_hand(store, &given, &act, &series.number).is_err(), "it is paid");

    // Two that the gateway never saw: one was paid in full meanwhile, one in part.
    subscribers(store, "2026-04-21", &["tok_ok"; 2]);
    run(store, Task::GenerateRecurringInvoices, "2026-04-21", &Gateway::None);
    let numbers: Vec<String> = open_invoices(store)
        .expect("two invoices")
        .into_iter()
        .map(|id| store.read(|db| db.invoice_by_id(id)).expect("an invoice").number)
        .collect();
    assert_eq!(numbers.len(), 2);
    let clock_of_day = clock("2026-04-21");
    let act = clock_of_day.act("test");
    let given = Given { config, clock: &clock_of_day, transport: &transport, gateway: &never_saw };
    for number in &numbers {
        charge::by_hand(store, &given, &act, number).expect("an answer that is none");
    }
    let paid = format!(
        "invoice,amount,paid_on\n{},50,2026-04-21\n{},20,2026-04-21\n",
        numbers[0], numbers[1]
    );
    let (path, options) = (Path::new("test.csv"), ImportOptions::default());
    import(store, &act, config, Kind::Payments, path, paid.as_bytes(), options, |_| {})
        .expect("payments");
    // No call with their keys can arrive any more.
    support::machine_goes_on(store.path(), 4000);
    run(store, Task::RetryFailedPayments, "2026-04-22", &never_saw);
}

/// Pages of the gateway's: asked for twice, paid, left alone, ended by a charge; and one that adds a payment
/// method.
fn checkouts(store: &mut Store, config: &Config, clock: impl Fn(&str) -> Clock) {
    let (sandbox, transport) = (Gateway::Sandbox, Transport::Nowhere);
    let begun_on = clock("2026-04-23");
    let given = Given { config, clock: &begun_on, transport: &transport, gateway: &sandbox };
    let act = begun_on.act("test");
    let (path, options) = (Path::new("test.csv"), ImportOptions::default());
    let tenants = "slug,name,email\npages,Pages,pages@clients.example\n";
    import(store, &act, config, Kind::Tenants, path, tenants.as_bytes(), options, |_| {})
        .expect("a tenant");
    let invoices = "number,tenant,total,issued_on,due_on,description\n\
                    P-1,pages,30,2026-04-01,2026-05-20,X\nP-2,pages,30,2026-04-01,2026-05-20,X\n\
                    P-3,pages,30,2026-04-01,2026-05-20,X\n";
    import(store, &act, config, Kind::Invoices, path, invoices.as_bytes(), options, |_| {})
        .expect("invoices");
    let back = Back { return_url: "https://pages.example/", base_url: None };
    for number in ["P-1", "P-1", "P-2", "P-3"] {
        let asked = Asked { invoice: number, shown: None, back };
        checkout::begin(store, &given, &act, &asked).expect("a page");
    }
    let setup = checkout::begin_setup(store, &given, &act, "pages", &back).expect("a page");
    let first = store.read(|db| db.checkout(CheckoutId(1))).expect("the first");
    for page in [&first, &setup] {
        let reference = page.reference.as_deref().expect("a reference");
        checkout::sandbox_outcome(store, reference, SandboxOutcome::Succeeded).expect("a choice");
    }
    checkout::ask_about_tenant(store, &given, &act, setup.tenant_id).expect("answers");
    assert_eq!(
        store.read(|db| db.checkout(first.id)).expect("it").status,
        CheckoutStatus::Succeeded
    );
    charge::by_hand(store, &given, &act, "P-2").expect("a charge");
    let later = clock("2026-04-25");
    let given = Given { config, clock: &later, transport: &transport, gateway: &sandbox };
    tasks::run(store, &given, Task::RetryFailedPayments, &Options::default()).expect("a run");
    let open = store.read(|db| db.open_checkouts(CheckoutId(0), 9)).expect("none");
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn no_task_reads_a_table_from_end_to_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (db, mut config) = (folder.path().join("billing.db"), Config::default());
    config.trials.on_end = OnTrialEnd::Convert;
    let kinds = |kinds: &[&str]| Kinds::parse(kinds.iter().map(|&k| k.to_owned()).collect());
    for (name, command, told) in
        [("all", "true", &[][..]), ("some", "true", &["tenant_*"]), ("down", "false", &[])]
    {
        config.hooks.push(Hook {
            name: name.to_owned(),
            target: Target::Program { command: vec![command.to_owned()], pass_env: Vec::new() },
            kinds: kinds(told).expect("kinds"),
            timeout: Duration::from_secs(10),
        });
    }
    let run = statements_of(|| six_weeks(&db, &config, folder.path()));
    drop(Store::open(&db, Access::Read).expect("the database"));

    let conn = Connection::open(&db).expect("the database");
    let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    let looked_at: Vec<_> = run
        .keys()
        // What makes the database is no task, and lines of triggers start with `--`.
        .filter(|sql| verbs.iter().any(|verb| sql.trim_start().starts_with(verb)))
        .collect();
    let bad: Vec<_> = looked_at
        .iter()
        .map(|sql| (sql, long_ways(&conn, sql)))
        .filter(|(_, long_ways)| !long_ways.is_empty())
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");

    for (part, index) in MUST {
        let these: Vec<_> = looked_at.iter().filter(|sql| sql.contains(part)).collect();
        assert!(!these.is_empty(), "{part} was not run");
        for sql in these {
            let plan = plan(&conn, sql);
            let taken = plan.iter().any(|line| line.contains(&format!(" INDEX {index} (")));
            assert!(taken, "{sql} does not use {index}: {plan:#?}");
        }
    }

    // The net holds what it should: each room that a task writes to.
    for part in [
        "INSERT INTO hooks",
        "UPDATE hooks SET told_id",
        "UPDATE hooks SET attempts",
        "INSERT INTO billing_starts",
        "SET status = 'canceled'",
        "SET suspended_from = status",
        "SET collection",
        "INSERT INTO dunning_steps",
        "INSERT INTO emails",
        "INSERT INTO email_messages",
        "INSERT INTO invoices",
        "INSERT INTO transactions",
        "INSERT INTO plans",
        "UPDATE plans",
        "INSERT INTO subscriptions",
        "UPDATE subscriptions",
        "INSERT INTO subscription_items",
        "UPDATE subscription_items",
        "INSERT INTO coupons",
        "INSERT INTO coupon_plans",
        "UPDATE coupons SET name",
        "INSERT INTO coupon_usages",
        "INSERT INTO billing_starts",
        "SET status = 'suspended'",
        "INSERT INTO charge_attempts",
        "UPDATE charge_attempts",
        "SET status = 'unknown', failure_code",
        "SET status = 'succeeded', applied_minor",
        "SET status = 'failed', failure_code = ?2",
        "SET status = 'failed', failure_code = 'not_sent'",
        "SET next_retry_at = NULL,",
        "SET retries",
        "INSERT INTO usage_events",
        "INSERT INTO usage_totals",
        "INSERT INTO usage_values",
        "INSERT INTO usage_periods",
        "INSERT INTO usage_lines",
        "INSERT INTO usage_corrections",
        "UPDATE usage_periods SET late",
    ] {
        assert!(looked_at.iter().any(|sql| sql.contains(part)), "{part} was not run");
    }
}
