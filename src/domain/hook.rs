//! The rules of hooks: which events one is told of, and when one that failed is called again.

use chrono::{DateTime, TimeDelta, Utc};

use super::{event, text, words};

words! {
    /// How a hook stands.
    HookState {
        Ok = "ok",
        /// It did not take the next event, and is called again later.
        Failing = "failing",
        /// It said that it wants no more: nothing goes to it until a person has it go on.
        Stopped = "stopped",
    }
}

/// The kind of the event that `hook test` makes up. None is ever recorded.
pub const TEST_KIND: &str = "hook_test";

/// How long a hook that failed rests: after the first attempt, the second, and so on; daily then.
const WAITS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// How long a hook may be behind before `tasks status` calls it late.
pub const MAY_BE_BEHIND: TimeDelta = TimeDelta::hours(1);

/// How long a hook rests after so many attempts that failed, one at least.
pub fn wait_after(attempts: i64) -> TimeDelta {
    let at = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    WAITS.get(at).copied().unwrap_or(TimeDelta::hours(24))
}

/// Whether a hook that failed at `tried_at` and rests until `next_try_at` is to be called by now. A
/// clock that ran backwards meanwhile, by however much it had been ahead, holds nothing up.
pub fn is_due(tried_at: DateTime<Utc>, next_try_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= next_try_at || now < tried_at
}

/// The kinds of events that a hook is told of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kinds {
    /// As they were written: a kind, or the beginning of some with `*` at the end. None: every kind.
    patterns: Vec<String>,
}

impl Kinds {
    /// The kinds that the words name.
    ///
    /// # Errors
    /// In words: one names no kind.
    pub fn parse(patterns: Vec<String>) -> Result<Kinds, String> {
        for pattern in &patterns {
            if all().any(|kind| is_named(pattern, kind)) {
                continue;
            }
            let words: Vec<&str> = all().collect();
            let meant = match text::nearest(pattern.trim_end_matches('*'), &words) {
                Some(kind) => format!("; did you mean {kind}?"),
                None => "; docs/events.md lists them all".to_owned(),
            };
            return Err(format!("no kind of event is called {pattern}{meant}"));
        }
        Ok(Kinds { patterns })
    }

    /// As they were written; nothing where it is every kind.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether a kind is among them.
    pub fn contain(&self, kind: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| is_named(pattern, kind))
    }

    /// Each of them; `None`: every kind there is or was.
    pub fn each(&self) -> Option<Vec<&'static str>> {
        let every = self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern == "*");
        (!every).then(|| all().filter(|kind| self.contain(kind)).collect())
    }
}

fn all() -> impl Iterator<Item = &'static str> {
    event::NOUNS.iter().flat_map(|(_, kinds)| kinds.iter().map(|kind| kind.word))
}

fn is_named(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => pattern == kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(patterns: &[&str]) -> Result<Kinds, String> {
        Kinds::parse(patterns.iter().map(|&pattern| pattern.to_owned()).collect())
    }

    #[test]
    fn a_star_at_the_end_stands_for_whatever_follows() {
        let some = kinds(&["tenant_suspended", "subscription_*"]).unwrap();
        for (kind, told) in [
            ("tenant_suspended", true),
            ("tenant_reactivated", false),
            ("subscription_paused", true),
            ("subscription_", true),
            ("a_subscription_paused", false),
        ] {
            assert_eq!(some.contain(kind), told, "{kind}");
        }
        assert!(some.each().unwrap().iter().all(|kind| some.contain(kind)));
        assert!(some.each().unwrap().len() > 10);
        for every in [kinds(&[]).unwrap(), kinds(&["*"]).unwrap()] {
            assert_eq!(every.each(), None);
            assert!(every.contain("tenant_suspended") && every.contain("of_a_version_to_come"));
        }
    }

    #[test]
    fn a_word_that_names_no_kind_is_refused_with_the_nearest() {
        for (word, says) in [
            (
                "tenant_suspend",
                "no kind of event is called tenant_suspend; did you mean tenant_suspended?",
            ),
            (
                "subscripton_*",
                "no kind of event is called subscripton_*; did you mean subscription",
            ),
            ("*_suspended", "no kind of event is called *_suspended"),
            ("", "no kind of event is called ;"),
            ("qqqq", "docs/events.md lists them all"),
        ] {
            let refused = kinds(&["tenant_created", word]).unwrap_err();
            assert!(refused.contains(says), "{word}: {refused}");
        }
    }

    #[test]
    fn a_hook_that_fails_rests_longer_and_longer_and_then_daily() {
        let seconds = |attempts| wait_after(attempts).num_seconds();
        let hour = 3600;
        let waits: Vec<_> = (1..=12).map(seconds).collect();
        let hours = [2, 5, 10, 14, 20, 24, 24, 24, 24].map(|hours| hours * hour);
        assert_eq!(waits[..3], [5, 300, 1800]);
        assert_eq!(waits[3..], hours);
        assert_eq!((seconds(0), seconds(i64::MAX)), (5, 24 * hour));
    }

    #[test]
    fn a_clock_that_ran_backwards_holds_nothing_up() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let (tried, next) = (at("2026-03-01T09:00:00Z"), at("2026-03-01T09:05:00Z"));
        for (now, due) in [
            ("2026-03-01T09:04:59Z", false),
            ("2026-03-01T09:00:00Z", false),
            ("2026-03-01T09:05:00Z", true),
            ("2026-03-01T08:59:59Z", true),
            ("2020-01-01T00:00:00Z", true),
        ] {
            assert_eq!(is_due(tried, next, at(now)), due, "{now}");
        }
    }
}
