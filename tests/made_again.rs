//! What makes files, killed (SIGKILL) at every point where a file gets its name or a transaction ends,
//! and at any moment; then given again, word for word, and with the same result.
//! `BILLING_TRIALS=1000` tries so many moments of each.
mod support;

use std::time::{Duration, Instant};

use support::Shop;
use support::inside::Random;

const MAKE: [&str; 4] = ["db", "migrate", "--db", "billing.db"];
const INIT: [&str; 5] = ["init", "--currency", "EUR", "--company", "Example"];
const DEMO: [&str; 6] = ["demo", "--dir", "demo", "--tenants", "4", "--quiet"];

/// Gives the command again after each death; `whole` proves what it leaves.
fn killed_anywhere_and_given_again(args: &[&str], trials: u64, whole: impl Fn(&Shop)) {
    let given_again = |shop: &Shop| {
        let again = shop.run(args);
        let stands = ["it is there already", "the folder is not empty"];
        let stands = stands.iter().any(|words| again.stderr.contains(words));
        assert!(again.status == 0 || stands, "{again:?}");
        whole(shop);
    };
    let made = || {
        let shop = Shop::empty();
        let begun = Instant::now();
        shop.ok(args);
        (u64::try_from(begun.elapsed().as_micros()).expect("a moment"), shop)
    };
    let (took, undisturbed) = made();
    whole(&undisturbed);
    for point in 1..=trials {
        let shop = Shop::empty();
        if shop.crashes(args, point).is_none() {
            break;
        }
        given_again(&shop);
    }
    let wanted = std::env::var("BILLING_TRIALS").ok().map(|text| text.parse().expect("a number"));
    let mut random = Random::seeded();
    let mut died = 0;
    for _ in 0..wanted.unwrap_or(trials) {
        let shop = Shop::empty();
        for _ in 0..2 {
            died += u32::from(shop.is_killed(args, Duration::from_micros(random.below(took))));
        }
        given_again(&shop);
    }
    println!("{died} died");
    assert!(died > 0);
}

fn nothing_unfinished_in(shop: &Shop, folder: &str) {
    for entry in std::fs::read_dir(shop.path(folder)).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        assert!(!name.to_string_lossy().contains(".part"), "{name:?}");
    }
}

#[test]
fn a_database_whose_making_is_killed_anywhere_can_be_made_again() {
    killed_anywhere_and_given_again(&MAKE, 30, |shop| {
        shop.ok(&["db", "check", "--db", "billing.db"]);
        nothing_unfinished_in(shop, ".");
    });
}

#[test]
fn a_business_whose_beginning_is_killed_anywhere_can_be_begun_again() {
    killed_anywhere_and_given_again(&INIT, 30, |shop| {
        shop.check();
        let email = ["--email", "a@b.co"];
        shop.ok(&[&["tenant", "create", "acme", "--name", "Acme"], &email[..]].concat());
        nothing_unfinished_in(shop, ".");
        // What is finished is never written over.
        assert_eq!(shop.refusal(&INIT), "would_overwrite");
        std::fs::rename(shop.path("billing.toml"), shop.path("billing.toml.part")).expect("it");
        assert_eq!(shop.refusal(&INIT), "would_overwrite");
    });
}

#[test]
fn a_demo_that_is_killed_anywhere_can_be_made_again() {
    killed_anywhere_and_given_again(&DEMO, 3, |shop| {
        let config = ["--config", "demo/billing.toml"];
        shop.ok(&[&["db", "check"], &config[..]].concat());
        let tenants = shop.json(&[&["tenant", "list"], &config[..]].concat());
        assert_eq!(tenants.as_array().map(Vec::len), Some(4));
        assert_eq!(shop.refusal(&DEMO), "not_empty");
        nothing_unfinished_in(shop, "demo");
    });
    // A folder with something of the user's in it is left as it is.
    let shop = Shop::empty();
    std::fs::create_dir(shop.path("demo")).expect("a folder");
    for file in ["demo.part", "billing.db", "notes.txt"] {
        shop.write(&format!("demo/{file}"), "mine");
    }
    assert_eq!(shop.refusal(&DEMO), "not_empty");
    assert!(shop.path("demo/billing.db").exists());
}

#[test]
fn a_new_database_does_not_take_up_the_log_of_one_that_is_gone() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.co"]);
    // The log of a database that a reader kept open, and that then was deleted.
    let reader = shop.sql();
    reader.query_row("SELECT count(*) FROM tenants", [], |row| row.get::<_, i64>(0)).expect("1");
    shop.ok(&["tenant", "create", "bolt", "--name", "Bolt", "--email", "b@c.co"]);
    assert!(shop.path("billing.db-wal").metadata().expect("a log").len() > 0);
    std::fs::copy(shop.path("billing.db-wal"), shop.path("kept")).expect("a copy");
    drop(reader);
    std::fs::remove_file(shop.path("billing.db")).expect("it goes");
    std::fs::rename(shop.path("kept"), shop.path("billing.db-wal")).expect("it stays");
    shop.ok(&["db", "migrate"]);
    assert_eq!(shop.json(&["tenant", "list"]), serde_json::json!([]));
    shop.check();
}

#[test]
fn two_that_make_one_database_at_once_make_one() {
    for _ in 0..10 {
        let shop = Shop::empty();
        let outcomes = shop.at_once(&vec![MAKE.to_vec(); 4]);
        assert!(outcomes.iter().any(|outcome| outcome.status == 0), "{outcomes:?}");
        shop.ok(&["db", "check", "--db", "billing.db"]);
        nothing_unfinished_in(&shop, ".");
    }
}
