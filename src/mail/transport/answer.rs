//! What the answer of a relay or a mailer is about, and whether every e-mail gets the same.

use super::Outcome;

/// Equal answers in a row after which a run stops, where they are about us.
const SAME_ABOUT_US: usize = 3;

/// The same of answers that may be about the recipient.
const SAME_ABOUT_ANYTHING: usize = 20;

/// Whether a refusal speaks of the recipient, so that another attempt would be refused as well.
///
/// The second number of an enhanced code tells (RFC 3463, 3): 1 is an address, 2 a mailbox. Relays
/// say much in answer to RCPT that is about the sender: that it may not relay, that its own address
/// is not verified (5.1.7, 5.1.8), that its network is on a list.
pub fn is_of_the_recipient(code: u16, said: &str) -> bool {
    let words = said.to_lowercase();
    let named = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let of_us =
        named(&["sender", "relay", "authenti", "client host", "helo", "blocked", "spam", "policy"]);
    match enhanced(said) {
        Some((1, detail)) => !matches!(detail, 7 | 8),
        Some((2, _)) => true,
        Some(_) => named(&["recipient", "user unknown", "unknown user", "no such user"]) && !of_us,
        None => matches!(code, 550 | 551 | 553) && !of_us,
    }
}

/// The second and third number of the enhanced code, `5.1.1`, where there is one.
fn enhanced(said: &str) -> Option<(u16, u16)> {
    said.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_matches(['#', '(', ')', ':', ';', '-']).split('.');
        let class = numbers.next()?;
        let (subject, detail) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        (matches!(class, "4" | "5") && numbers.next().is_none()).then_some((subject, detail))
    })
}

/// Watches the outcomes of a run: where each e-mail gets the same answer, the way is down, and the
/// others keep their first attempt for a better day.
#[derive(Debug, Default)]
pub struct Watch {
    last: String,
    equal: usize,
}

impl Watch {
    /// The outcome as the run takes it: [`Outcome::Down`] in place of one that every e-mail gets.
    pub fn judge(&mut self, outcome: Outcome) -> Outcome {
        let (said, most) = match &outcome {
            // Greylisting lets in each recipient only at the second attempt, so each needs a first.
            Outcome::TryLater(said) if is_greylisting(said) => return outcome,
            Outcome::NotFromUs(said) => (said, SAME_ABOUT_US),
            Outcome::TryLater(said) | Outcome::Refused(said) => (said, SAME_ABOUT_ANYTHING),
            Outcome::Down(_) => return outcome,
            Outcome::Sent | Outcome::SentWithout(_) => {
                *self = Watch::default();
                return outcome;
            }
        };
        let gist = gist(said);
        self.equal = if gist == self.last { self.equal + 1 } else { 1 };
        self.last = gist;
        if self.equal >= most { Outcome::Down(said.clone()) } else { outcome }
    }
}

fn is_greylisting(said: &str) -> bool {
    let words = said.to_lowercase().replace('-', "");
    ["greylist", "graylist", "postgrey"].iter().any(|word| words.contains(word))
}

/// An answer without what differs from e-mail to e-mail: addresses, and numbers of the relay's
/// queue.
fn gist(said: &str) -> String {
    let varies = |word: &str| {
        word.contains('@') || (word.len() > 6 && word.contains(|c: char| c.is_ascii_digit()))
    };
    said.split_whitespace().filter(|word| !varies(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_recipient_is_told_from_one_of_the_sender() {
        for said in [
            "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown",
            "550 5.2.1 The email account that you tried to reach is disabled",
            "552 5.2.2 mailbox full",
            "550 5.4.1 Recipient address rejected: Access denied",
            "553 5.1.3 bad recipient address syntax",
            "550 No such user here",
            "551 User not local",
        ] {
            let code = said[..3].parse().unwrap();
            assert!(is_of_the_recipient(code, &format!("smtp.example: {said}")), "{said}");
        }
        for said in [
            "554 5.7.1 <a@b.example>: Relay access denied",
            "550 5.7.1 <x@y.example>: Sender address rejected: not owned by user x",
            "550 5.1.8 <x@y.example>: Sender address rejected: Domain not found",
            "550 5.7.1 Client host [192.0.2.1] blocked using a list",
            "550 relaying denied",
            "550 Sender verify failed",
            "504 5.5.2 <h>: Helo command rejected: need fully-qualified hostname",
            "554 transaction failed",
            "503 5.5.1 bad sequence of commands",
        ] {
            let code = said[..3].parse().unwrap();
            assert!(!is_of_the_recipient(code, &format!("smtp.example: {said}")), "{said}");
        }
    }

    #[test]
    fn not_everybody_is_unknown() {
        let mut watch = Watch::default();
        let unknown = |to| Outcome::Refused(format!("x: 550 5.1.1 <t{to}@b.example> unknown"));
        for to in 1..SAME_ABOUT_ANYTHING {
            assert!(matches!(watch.judge(unknown(to)), Outcome::Refused(_)));
        }
        assert!(matches!(watch.judge(unknown(99)), Outcome::Down(_)));
    }

    #[test]
    fn the_same_answer_to_every_email_is_a_way_that_is_down() {
        let refused = |to: u32| {
            Outcome::NotFromUs(format!("x: 550 not verified (t{to}@b.example, queue 4bF{to}00a1)"))
        };
        let mut watch = Watch::default();
        assert!(matches!(watch.judge(refused(1)), Outcome::NotFromUs(_)));
        assert!(matches!(watch.judge(refused(2)), Outcome::NotFromUs(_)));
        assert!(matches!(watch.judge(refused(3)), Outcome::Down(_)));
        // Another answer, or an e-mail that left, begins anew.
        for other in [Outcome::Sent, Outcome::NotFromUs("x: 552 too big".into())] {
            let mut watch = Watch::default();
            for outcome in [refused(1), refused(2), other] {
                let _ = watch.judge(outcome);
            }
            assert!(matches!(watch.judge(refused(4)), Outcome::NotFromUs(_)));
        }
        let mut watch = Watch::default();
        for _ in 1..SAME_ABOUT_ANYTHING {
            assert!(matches!(watch.judge(Outcome::TryLater("busy".into())), Outcome::TryLater(_)));
        }
        assert!(matches!(watch.judge(Outcome::TryLater("busy".into())), Outcome::Down(_)));
        let grey = || Outcome::TryLater("x: 450 4.2.0 <t@b.example>: Greylisted".into());
        let mut watch = Watch::default();
        for _ in 0..100 {
            assert!(matches!(watch.judge(grey()), Outcome::TryLater(_)));
        }
    }
}
