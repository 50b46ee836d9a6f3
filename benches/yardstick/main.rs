//! What `benches/run.sh` measures `billing` with: made-up businesses of any size, the bare loops
//! that it is compared with, a mail relay that is slow to answer, and a stopwatch that also sees
//! peak memory and the write-ahead log. One file a subject.
//!
//! It speaks SQL of its own on purpose: a yardstick that went through `billing::store` would
//! measure the store with itself.

mod charges;
mod compare;
mod coupons;
mod database;
mod delivery;
mod dunning;
mod hooks;
mod import;
mod invoices;
mod journal;
mod measure;
mod recurring;
mod reports;
mod revenue;
mod runs;
mod trade;
mod trail;
mod usage;

use std::error::Error;
use std::time::Duration;

use charges::{gateway, owe};
use compare::{list, same, sound};
use coupons::{GENERATED, generate, promote};
use delivery::{deliver, queue};
use dunning::{STEPS, check_overdue, owe_all, stock};
use import::{csv, csv_subscriptions, import};
use journal::journal;
use measure::measure;
use recurring::{ISSUED, bill, recurring, subscribe};
use reports::report;
use runs::run_daily;
use trade::trade;
use usage::{usage, usage_events};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const USAGE: &str = "yardstick stock DB INVOICES AS-OF       fill a database of billing init
yardstick subscribe DB N AS-OF          the same with subscriptions, all due
yardstick promote DB N AS-OF            the same with coupons and as many uses; prints a code that
                                        can be used once and was not
yardstick owe-all DB INVOICES AS-OF     the same with one tenant, all of whose invoices are due
yardstick bill DB N MONTHS AS-OF        the same with subscriptions that were billed for so long
yardstick run-daily DB DAYS AS-OF       the same with the runs of so many days
yardstick csv TENANTS INVOICES N AS-OF  write files to import
yardstick csv-subscriptions TENANTS SUBSCRIPTIONS N AS-OF
                                        the same of subscriptions
yardstick list TASK DB FILE             what a run of the task wrote, as a list for the loop
yardstick check-overdue DB FILE AS-OF   the bare loop: the same rows
yardstick recurring DB FILE AS-OF       the bare loop: the same rows
yardstick generate DB FILE AS-OF        the bare loop: the same rows
yardstick owe DB N AS-OF                fill a database with tenants that are charged, one invoice each
yardstick gateway DELAY-MS              a gateway's program: takes so long, and every charge succeeds
yardstick import DB CSV AS-OF           the bare loop: the same rows
yardstick usage-events FILE EVENTS SUBSCRIPTIONS AS-OF
                                        write a file of events of usage
yardstick usage DB FILE                 the bare loop: the same rows
yardstick same DB DB                    fails where the two hold different rows
yardstick sound DB                      what SQLite itself finds wrong with a file
yardstick trade DB INVOICES AS-OF       fill a database with most of a year of a business
yardstick report NAME DB AS-OF          the bare SQL of a report's figures
yardstick journal DB SINCE UNTIL        a bare SELECT of the ledger as CSV
yardstick queue DB EMAILS AS-OF         fill a database of billing init with queued e-mails
yardstick deliver DELAY-MS EMAILS CONFIG COMMAND…
                                        run COMMAND against a relay of that delay; prints seconds
yardstick tell EVENTS CONFIG COMMAND…   run COMMAND against a receiver of hooks; prints seconds and
                                        peak RSS in MB
yardstick measure TIMES DB COMMAND…     prints median seconds, peak RSS and largest WAL in MB; {}
                                        in the command is the number of its run
yardstick refused TIMES DB COMMAND…     the same of a command that says no";

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["stock", db, invoices, as_of] => stock(db, invoices.parse()?, as_of.parse()?),
        ["subscribe", db, n, as_of] => subscribe(db, n.parse()?, as_of.parse()?),
        ["promote", db, n, as_of] => promote(db, n.parse()?, as_of.parse()?),
        ["owe", db, n, as_of] => owe(db, n.parse()?, as_of.parse()?),
        ["owe-all", db, n, as_of] => owe_all(db, n.parse()?, as_of.parse()?),
        ["bill", db, n, months, as_of] => bill(db, n.parse()?, months.parse()?, as_of.parse()?),
        ["run-daily", db, days, as_of] => run_daily(db, days.parse()?, as_of.parse()?),
        ["gateway", delay] => gateway(Duration::from_millis(delay.parse()?)),
        ["csv", tenants, invoices, n, as_of] => csv(tenants, invoices, n.parse()?, as_of.parse()?),
        ["csv-subscriptions", tenants, subscriptions, n, as_of] => {
            csv_subscriptions(tenants, subscriptions, n.parse()?, as_of.parse()?)
        }
        ["list", "check-overdue", db, file] => list(db, STEPS, file),
        ["list", "recurring", db, file] => list(db, ISSUED, file),
        ["list", "generate", db, file] => list(db, GENERATED, file),
        ["check-overdue", db, file, as_of] => check_overdue(db, file, as_of),
        ["recurring", db, file, as_of] => recurring(db, file, as_of),
        ["generate", db, file, as_of] => generate(db, file, as_of),
        ["import", db, file, as_of] => import(db, file, as_of),
        ["usage-events", file, events, subscriptions, as_of] => {
            usage_events(file, events.parse()?, subscriptions.parse()?, as_of.parse()?)
        }
        ["usage", db, file] => usage(db, file),
        ["same", one, other] => same(one, other),
        ["sound", db] => sound(db),
        ["trade", db, invoices, as_of] => trade(db, invoices.parse()?, as_of.parse()?),
        ["report", name, db, as_of] => report(name, db, as_of.parse()?),
        ["journal", db, since, until] => journal(db, since, until),
        ["queue", db, emails, as_of] => queue(db, emails.parse()?, as_of.parse()?),
        ["deliver", delay, emails, config, command @ ..] => {
            deliver(Duration::from_millis(delay.parse()?), emails.parse()?, config, command)
        }
        ["tell", events, config, command @ ..] => hooks::tell(events.parse()?, config, command),
        // 3: done, but something needs a person.
        ["measure", times, db, command @ ..] => measure(times.parse()?, db, command, &[0, 3]),
        ["refused", times, db, command @ ..] => measure(times.parse()?, db, command, &[1]),
        // `cargo bench` starts every bench without arguments.
        [] => {
            println!("benches/run.sh runs this; its parts:\n{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}
