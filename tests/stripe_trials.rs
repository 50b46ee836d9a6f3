//! `billing` killed at random moments while it charges with a Stripe of our own that fails: each
//! debt is charged once, and the database says what Stripe says.
mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use support::fake_stripe::{FakeStripe, Fault, SECRET_KEY};
use support::inside::Random;
use support::subscriptions::text;
use support::{Prepared, Shop};

const DEBTS: usize = 8;
const CHARGES: [&str; 2] = ["retry-failed-payments", "generate-recurring-invoices"];

/// Subscribers of a period that is not billed yet; two of them pay by what takes its time.
fn subscribers() -> Prepared {
    let shop = Shop::new();
    shop.plan("monthly", "10", "1", &[]);
    for n in 1..=DEBTS {
        let (tenant, kind) = (format!("t{n}"), if n <= 2 { "processing" } else { "card" });
        shop.tenant(&tenant);
        let token = format!("cus_{n}:pm_{kind}");
        let create = ["payment-method", "create", "--tenant", &tenant, "--kind", "card"];
        shop.ok(&[&create[..], &["--default", "--token", &token]].concat());
        let more = ["--anchor", "anniversary", "--collection", "automatic", "--no-invoice"];
        shop.subscribe(&tenant, "monthly", "2025-03-01", &more);
    }
    shop.prepared()
}

/// What goes wrong with two requests of three.
fn faults(random: &mut Random) -> Fault {
    match random.below(12) {
        0 => Fault::DropBefore,
        1 => Fault::DropAfter,
        2 => Fault::HalfAnswer,
        3 => Fault::DoneThen500,
        4 => Fault::NoJson,
        5 => Fault::LateAnswer(Duration::from_millis(100)),
        6 => Fault::LateBooking { by: Duration::from_millis(150), seen: random.below(2) == 0 },
        // Longer than it is waited for.
        7 if random.below(4) == 0 => Fault::LateAnswer(Duration::from_millis(1300)),
        _ => Fault::None,
    }
}

struct World {
    shop: Shop,
    fake: FakeStripe,
    now: DateTime<Utc>,
}

impl World {
    fn new(prepared: &Prepared, seed: u64) -> World {
        let (shop, fake) = (prepared.shop(), FakeStripe::start());
        let mut random = Random::with(seed);
        fake.plan(move |_, _| faults(&mut random));
        shop.configure(&format!(
            "[payments]\ngateway = \"stripe\"\ntimeout_seconds = 1\nparallel = 2\n\
             [payments.stripe]\nbase_url = \"{}\"\n",
            fake.base_url()
        ));
        let now: DateTime<Utc> = "2025-03-01T12:00:00Z".parse().expect("a time");
        fake.set_clock(now.timestamp());
        World { shop, fake, now }
    }

    fn start(&self, words: &[&str]) -> Child {
        let at = self.now.to_rfc3339();
        let mut command = self.shop.command(&[words, &["--as-of", &at, "--json"]].concat());
        command.env("BILLING_STRIPE_KEY", SECRET_KEY);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("billing starts")
    }

    /// Both clocks go on.
    fn later(&mut self, by: TimeDelta) {
        self.now += by;
        self.fake.advance(by);
    }

    fn kill(&mut self, random: &mut Random) -> u64 {
        let open = self.shop.json(&["invoice", "list", "--status", "open"]);
        let number = open.as_array().and_then(|open| random.one_of(open));
        let words = match (random.below(3), &number) {
            (0, Some(invoice)) => {
                vec!["invoice".to_owned(), "charge".to_owned(), text(&invoice["number"])]
            }
            (which, _) => {
                ["tasks", CHARGES[which as usize % 2], "--no-deliver"].map(str::to_owned).to_vec()
            }
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child = self.start(&words);
        std::thread::sleep(Duration::from_millis(random.below(70)));
        child.kill().expect("it is ours");
        let done = Shop::end_of(child);
        assert!(!done.stderr.contains("panicked"), "{done:?}");
        self.later(TimeDelta::minutes(20));
        u64::from(done.status < 0)
    }

    /// Stripe comes to its senses, and cron goes on until no charge is open.
    fn goes_on_until_quiet(&mut self) {
        // What is at work comes to its end.
        std::thread::sleep(Duration::from_millis(200));
        self.fake.plan(|_, _| Fault::None);
        for _ in 0..8 {
            for task in CHARGES {
                let done = Shop::end_of(self.start(&["tasks", task, "--no-deliver"]));
                assert!([0, 3].contains(&done.status), "{done:?}");
            }
            self.fake.finish(true);
            self.later(TimeDelta::hours(1));
            let open = self.shop.json(&["invoice", "list", "--status", "open"]);
            if open.as_array().expect("a list").is_empty() {
                return;
            }
        }
        panic!("still open: {:#?}", self.shop.json(&["transaction", "list"]));
    }

    fn agrees(&self) {
        self.fake.never_twice();
        let charges = self.fake.charges();
        assert_eq!(charges.len(), DEBTS, "{charges:#?}");
        let booked = self.shop.json(&["transaction", "list", "--status", "succeeded"]);
        let booked: Vec<&Value> = booked.as_array().expect("a list").iter().collect();
        assert_eq!(booked.len(), DEBTS);
        for charge in charges {
            assert_eq!((charge.amount, charge.currency.as_str()), (1000, "eur"));
            let of_it = |t: &&&Value| t["reference"] == charge.intent.as_str();
            let [transaction] = booked.iter().filter(of_it).collect::<Vec<_>>()[..] else {
                panic!("{charge:?} is not recorded once");
            };
            assert_eq!(transaction["invoice"], charge.invoice.as_str());
            assert_eq!(
                (&transaction["amount"], &transaction["applied"]),
                (&"10.00".into(), &"10.00".into())
            );
        }
        self.shop.check();
    }
}

#[test]
fn billing_killed_while_stripe_fails_charges_each_debt_once() {
    let (prepared, begun) = (subscribers(), Instant::now());
    let mut random = Random::seeded();
    let wanted = std::env::var("BILLING_TRIALS").ok().map(|text| text.parse().expect("a number"));
    let (mut died, mut worlds) = (0u64, 0);
    while wanted.map_or(begun.elapsed() < Duration::from_secs(12), |wanted| died < wanted) {
        let seed = random.below(u64::MAX);
        println!("world of seed {seed}");
        let mut world = World::new(&prepared, seed);
        for _ in 0..8 {
            died += world.kill(&mut random);
        }
        world.goes_on_until_quiet();
        world.agrees();
        worlds += 1;
    }
    println!("{died} kills in {worlds} worlds of {DEBTS} debts, {:?}", begun.elapsed());
    assert!(died > 0);
}
