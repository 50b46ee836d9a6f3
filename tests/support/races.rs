//! Commands that are started at once, and what is asked of whatever they come to.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, Prepared, Shop, TODAY, assert_same};

/// How often a race is run: one that is lost once in a while shows only if it is run often.
/// `BILLING_RACES=50` runs each of them so often instead.
pub fn times() -> usize {
    let told = std::env::var("BILLING_RACES").ok();
    told.map_or(4, |text| text.parse().expect("BILLING_RACES is a number"))
}

/// The error with which a command was refused.
pub fn error(outcome: &Outcome) -> Value {
    let error: Value = serde_json::from_str(&outcome.stderr)
        .unwrap_or_else(|e| panic!("{e}: {} {}", outcome.status, outcome.stderr));
    error["error"].clone()
}

/// The code with which a command was refused.
pub fn code(outcome: &Outcome) -> String {
    error(outcome)["code"].as_str().expect("a code").to_owned()
}

/// Nobody may be told that the file is busy, or be stopped by a bug.
pub fn nobody_met_a_busy_file(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let said = &outcome.stderr;
        let bad = [
            "database is locked",
            "\"busy\"",
            "another command has been writing",
            "is damaged",
            "panicked",
        ];
        assert!(!bad.iter().any(|words| said.contains(words)), "{outcome:?}");
        assert!([0, 1, 75].contains(&outcome.status), "{outcome:?}");
    }
}

/// Starts all of them at once in the shop, on the day of the business.
pub fn race(shop: &Shop, commands: &[Vec<&str>]) -> Vec<Outcome> {
    let commands: Vec<Vec<&str>> =
        commands.iter().map(|args| [&args[..], &TODAY, &["--json"]].concat()).collect();
    let outcomes = shop.at_once(&commands);
    nobody_met_a_busy_file(&outcomes);
    outcomes
}

pub fn statuses(outcomes: &[Outcome]) -> Vec<i32> {
    outcomes.iter().map(|outcome| outcome.status).collect()
}

/// Proves that two shops hold the same rows and e-mails, and that all that is kept agrees.
pub fn same_as(what: &str, found: &Shop, expected: &Shop) {
    found.check();
    assert_same(what, &found.contents(), &expected.contents());
    assert!(found.mailbox() == expected.mailbox(), "{what}: the mailbox differs");
}

/// What a command is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Yes,
    /// It is refused with that code.
    No(&'static str),
}

impl Said {
    /// Whether that is what the command came to.
    pub fn by(self, outcome: &Outcome) -> bool {
        match self {
            Said::Yes => outcome.status == 0,
            Said::No(with) => outcome.status == 1 && code(outcome) == with,
        }
    }
}

/// Two commands that may meet, and what each of them is told by which of them is first.
#[derive(Debug)]
pub struct Meeting<'a> {
    pub one: &'a [&'a str],
    pub other: &'a [&'a str],
    pub one_first: [Said; 2],
    pub other_first: [Said; 2],
}

impl Meeting<'_> {
    /// Starts the two beside each other, sooner and later, and proves each time that both were
    /// told, and all rows came to, what they are in one order or the other. Returns what is left
    /// where `one` comes first, and where `other` does.
    pub fn in_either_order(&self, prepared: &Prepared) -> [Shop; 2] {
        let with = |args: &[&str]| -> Vec<String> {
            [args, &TODAY, &["--json"]].concat().into_iter().map(str::to_owned).collect()
        };
        let commands = [with(self.one), with(self.other)];
        let args = |at: usize| commands[at].iter().map(String::as_str).collect::<Vec<_>>();
        let serial =
            [([0, 1], &self.one_first), ([1, 0], &self.other_first)].map(|(order, say)| {
                let shop = prepared.shop();
                for at in order {
                    let outcome = shop.run(&args(at));
                    assert!(say[at].by(&outcome), "{:?} in order {order:?}: {outcome:?}", args(at));
                }
                shop.check();
                shop
            });
        let [one_first, other_first] = serial.each_ref().map(Shop::contents);
        assert!(one_first != other_first, "{self:?}: the order makes a difference");
        let mut met = [0, 0];
        for time in 0..2 * times() {
            let shop = prepared.shop();
            // By turns one and the other is ahead, by some of the time that a command takes.
            let (ahead, behind) = (time % 2, 1 - time % 2);
            let gap = Duration::from_millis(time as u64 / 2 % 12);
            let first = shop.start(&args(ahead));
            std::thread::sleep(gap);
            let second = shop.start(&args(behind));
            let mut outcomes = [Shop::end_of(first), Shop::end_of(second)];
            nobody_met_a_busy_file(&outcomes);
            if ahead == 1 {
                outcomes.reverse();
            }
            let found = shop.contents();
            let (at, say, rows) = match found == one_first {
                true => (0, &self.one_first, &one_first),
                false => (1, &self.other_first, &other_first),
            };
            assert_same(&format!("{self:?}, {gap:?} apart: {outcomes:?}"), &found, rows);
            let told = say.iter().zip(&outcomes).all(|(say, outcome)| say.by(outcome));
            assert!(told, "{self:?}, {gap:?} apart: {outcomes:?} is not {say:?}");
            met[at] += 1;
            shop.check();
        }
        let (one, other) = (self.one.join(" "), self.other.join(" "));
        println!("{} times {one} was first, {} times {other}", met[0], met[1]);
        serial
    }
}
