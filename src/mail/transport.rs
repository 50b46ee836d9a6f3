//! How an e-mail leaves: into a file, to an SMTP relay, or to the machine's own `sendmail`.
//!
//! What became of an e-mail is an [`Outcome`], never an error: a run of thousands goes on past one
//! bad address. Errors of [`deliver`] are those of the caller's outbox, and a transport that is set
//! up wrongly.

mod answer;
mod file;
mod sendmail;
mod smtp;

use std::path::PathBuf;

use crate::domain::{EmailId, Result};

use answer::Watch;
pub use smtp::{Secret, Smtp, Tls};

/// An e-mail on its way out: envelope and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub id: EmailId,
    /// Without angle brackets.
    pub message_id: String,
    /// The envelope's sender, a bare address.
    pub from: String,
    /// The recipient, a bare address. What becomes of the e-mail is what becomes of it here.
    pub to: String,
    /// Who gets a copy.
    pub cc: Vec<String>,
    /// The whole message, as [`super::compose`] made it.
    pub bytes: Vec<u8>,
}

/// What became of an e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next one on the way has taken it over.
    Sent,
    /// The same, but for copies: each with its address and what was said of it.
    SentWithout(Vec<String>),
    /// For good: this recipient is not taken.
    Refused(String),
    /// Not this time, and for a reason that is ours: the sender, the account, the text. Every
    /// other e-mail may well get the same answer.
    NotFromUs(String),
    /// Not this time, or not known: the same bytes may be tried again later.
    TryLater(String),
    /// The way itself is out of order; nobody else need be tried in this run.
    Down(String),
}

/// The way that e-mails leave by.
#[derive(Debug, Clone)]
pub enum Transport {
    /// One `.eml` an e-mail into the directory. What is made there is given to `owner`, user and
    /// group, where that is not who runs the program.
    File { directory: PathBuf, owner: Option<(u32, u32)> },
    /// A relay on the network.
    Smtp(Smtp),
    /// A program that takes what `sendmail` takes.
    Sendmail { program: PathBuf },
    /// A simulation: every e-mail counts as sent, and none is.
    Nowhere,
}

impl Transport {
    /// Checks that e-mails can leave by it, as far as its settings tell.
    ///
    /// # Errors
    /// [`Undeliverable::Transport`](super::Undeliverable::Transport) saying which setting is wrong.
    pub fn check(&self) -> Result<()> {
        match self {
            Transport::Smtp(smtp) => smtp.check(),
            _ => Ok(()),
        }
    }
}

/// Where e-mails come from and where their outcomes go.
pub trait Outbox {
    /// The next e-mail, or `None` where there is none left.
    ///
    /// # Errors
    /// Whatever kept it from being read; nothing more is asked for after that.
    fn next(&mut self) -> Result<Option<Outgoing>>;

    /// Takes down what became of an e-mail. Called once for every e-mail that `next` handed out.
    ///
    /// # Errors
    /// Whatever kept it from being written; nothing more is asked for after that.
    fn done(&mut self, id: EmailId, outcome: Outcome) -> Result<()>;
}

/// Sends what the outbox hands out until it is empty or the way is [`Outcome::Down`]. `next` and
/// `done` are called on the calling thread only, and an e-mail is asked for only when it can leave
/// at once.
///
/// # Errors
/// The first error of `next` or `done`, once the e-mails in flight have come to their end; a
/// transport that is set up wrongly, before any e-mail was asked for.
pub fn deliver(transport: &Transport, outbox: &mut dyn Outbox) -> Result<()> {
    match transport {
        Transport::File { directory, owner } => {
            one_by_one(outbox, |email| file::write(directory, *owner, email))
        }
        Transport::Sendmail { program } => {
            one_by_one(outbox, |email| sendmail::hand_over(program, email))
        }
        Transport::Smtp(smtp) => smtp.deliver(outbox),
        Transport::Nowhere => one_by_one(outbox, |_| Outcome::Sent),
    }
}

fn one_by_one(outbox: &mut dyn Outbox, send: impl Fn(&Outgoing) -> Outcome) -> Result<()> {
    let mut watch = Watch::default();
    while let Some(email) = outbox.next()? {
        let outcome = watch.judge(send(&email));
        let down = matches!(outcome, Outcome::Down(_));
        outbox.done(email.id, outcome)?;
        if down {
            break;
        }
    }
    Ok(())
}

/// Longest text that is kept of what a relay or program said.
const LONGEST_REPLY: usize = 300;

/// What a relay or program said, on one line and not endless: it is stored, and shown on
/// terminals.
fn reply_text(said: &str) -> String {
    let words = said.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_REPLY) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::domain::Refusal;

    /// An outbox in memory.
    #[derive(Default)]
    pub struct Memory {
        pub waiting: VecDeque<Outgoing>,
        pub done: Vec<(EmailId, Outcome)>,
        pub in_flight: usize,
        pub most_in_flight: usize,
        pub fail_done: bool,
    }

    impl Memory {
        pub fn with(count: i64) -> Memory {
            Memory { waiting: (1..=count).map(email).collect(), ..Memory::default() }
        }

        pub fn outcome(&self, id: i64) -> &Outcome {
            &self.done.iter().find(|(done, _)| done.0 == id).expect("the e-mail was tried").1
        }
    }

    impl Outbox for Memory {
        fn next(&mut self) -> Result<Option<Outgoing>> {
            let email = self.waiting.pop_front();
            self.in_flight += usize::from(email.is_some());
            self.most_in_flight = self.most_in_flight.max(self.in_flight);
            Ok(email)
        }

        fn done(&mut self, id: EmailId, outcome: Outcome) -> Result<()> {
            self.in_flight -= 1;
            self.done.push((id, outcome));
            if self.fail_done {
                return Err(Refusal::from(crate::mail::Undeliverable::Transport {
                    message: "disk full".into(),
                }));
            }
            Ok(())
        }
    }

    pub fn email(id: i64) -> Outgoing {
        Outgoing {
            id: EmailId(id),
            message_id: format!("eml-{id}.0f3c@billing.example"),
            from: "billing@example.com".into(),
            to: format!("tenant{id}@example.org"),
            cc: Vec::new(),
            bytes: format!("Subject: {id}\r\n\r\n.first\r\nlast\r\n").into_bytes(),
        }
    }

    #[test]
    fn a_simulation_sends_everything_nowhere() {
        let mut outbox = Memory::with(3);
        deliver(&Transport::Nowhere, &mut outbox).unwrap();
        assert!(outbox.done.iter().all(|(_, outcome)| *outcome == Outcome::Sent));
        assert_eq!((outbox.done.len(), outbox.most_in_flight), (3, 1));
    }

    #[test]
    fn an_error_of_the_outbox_stops_the_feeding() {
        let mut outbox = Memory { fail_done: true, ..Memory::with(3) };
        assert!(deliver(&Transport::Nowhere, &mut outbox).is_err());
        assert_eq!(outbox.waiting.len(), 2);
    }

    #[test]
    fn a_reply_stays_on_one_line() {
        assert_eq!(reply_text(" 5.1.1\r\n\u{1b}[31mno such\tuser "), "5.1.1 [31mno such user");
        assert_eq!(reply_text(&"é".repeat(400)).chars().count(), LONGEST_REPLY + 1);
    }
}
