//! The program's own library at work in a shop, where starting a process for every day of years
//! would take too long.

use billing::clock::Clock;
use billing::config::Config;
use billing::domain::schedule::Task;
use billing::gateway::Gateway;
use billing::mail::Transport;
use billing::store::{Access, CHECKS, Store};
use billing::tasks::{self, Given, Options, Report};

use super::Shop;

/// A shop whose tasks run in this process; every e-mail counts as sent.
pub struct Inside<'a> {
    pub shop: &'a Shop,
    pub config: Config,
}

impl<'a> Inside<'a> {
    pub fn new(shop: &'a Shop) -> Inside<'a> {
        let config = Config::load(Some(&shop.path("billing.toml"))).expect("billing.toml");
        Inside { shop, config }
    }

    pub fn open(&self) -> Store {
        Store::open(&self.shop.path("billing.db"), Access::Write).expect("the database")
    }

    pub fn clock(&self, at: &str) -> Clock {
        Clock::new(Some(at), self.config.timezone).expect("a moment")
    }

    /// One run that must find nothing wrong.
    pub fn run(&self, store: &mut Store, task: Task, at: &str, options: &Options) -> Report {
        let report = self.report(store, task, at, options);
        assert!(report.errors.is_empty(), "{task} {at}: {:?}", report.errors);
        assert_eq!(report.emails_failed, 0, "{task} {at}");
        report
    }

    /// One run, whatever it names.
    pub fn report(&self, store: &mut Store, task: Task, at: &str, options: &Options) -> Report {
        let clock = self.clock(at);
        let transport = Transport::Nowhere;
        let given = Given {
            config: &self.config,
            clock: &clock,
            transport: &transport,
            gateway: &Gateway::Sandbox,
        };
        tasks::run(store, &given, task, options).unwrap_or_else(|e| panic!("{task} {at}: {e:?}"))
    }
}

/// Proves what `db check` proves, without a process.
pub fn check(store: &mut Store, what: &str) {
    check_but_for(store, &[], what);
}

/// The same but for the checks of those names.
pub fn check_but_for(store: &mut Store, without: &[&str], what: &str) {
    for check in CHECKS.iter().filter(|check| !without.contains(&check.name)) {
        let found = store.check(check).expect("a sound file");
        assert!(found.findings.is_empty(), "{what}: {}: {found:#?}", check.name);
    }
}

/// Numbers that look random and are the same every time, unless `BILLING_REPLAY_SEED` says
/// otherwise.
pub struct Random(u64);

impl Random {
    pub fn seeded() -> Random {
        let seed = std::env::var("BILLING_REPLAY_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or(20_120_103);
        println!("seed {seed}");
        Random(seed)
    }

    /// Those of that seed, whatever the environment says.
    pub fn with(seed: u64) -> Random {
        Random(seed)
    }

    /// One of a list.
    pub fn one_of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let at = self.below(list.len().max(1) as u64);
        list.get(at as usize).cloned()
    }

    pub fn below(&mut self, end: u64) -> u64 {
        // The step of SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
