//! A program that is told of events: one JSON object a line on standard input.

use std::ops::ControlFlow;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::{EventId, text};
use crate::outside::program::{self, plain};
use crate::outside::run::{Group, Heed, Ran};

/// So much of what it writes is looked at: a hundred lines that say what is done, many times over.
const LONGEST_OUTPUT: usize = 1024 * 1024;

/// Longest part of its complaints that is shown.
const LONGEST_COMPLAINT: usize = 200;

/// The program, its arguments, and how it is run.
#[derive(Debug)]
pub struct Listener {
    pub command: Vec<String>,
    /// Variables that it gets besides PATH, HOME and LANG.
    pub pass_env: Vec<String>,
    /// It is killed, with all that it started, after so long without an event done.
    pub timeout: Duration,
}

/// An event as it is told: one JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: EventId,
    pub body: String,
}

/// Why a program did not take what it did not say to have done.
#[derive(Debug, PartialEq, Eq)]
pub struct Untold {
    /// In words that may be kept: how it ended.
    pub why: String,
    /// The first line of its complaints. There may be anything in it, also a secret that it was given:
    /// for the eyes of who tries the program, and kept nowhere.
    pub complaint: Option<String>,
}

impl Untold {
    fn by(why: String) -> Untold {
        Untold { why, complaint: None }
    }
}

/// A line of its output that says what it has done.
#[derive(Deserialize)]
struct Done {
    done: String,
}

impl Listener {
    /// Runs the program with these messages, in their order. Each event that it says to have done, all
    /// before it included, is handed to `done` as it says so; whoever breaks off has it killed.
    ///
    /// # Errors
    /// It did not end well, and what it did not say to have done is not.
    pub fn tell(
        &self,
        messages: &[Message],
        mut done: impl FnMut(EventId) -> ControlFlow<()>,
    ) -> Result<(), Untold> {
        let (mut lines, mut furthest) = (Lines::default(), None);
        let ran = self.run(messages, |piece| {
            let before = furthest;
            let heard = lines.each(piece, |line| match done_event(line, messages) {
                Some(id) => {
                    furthest = furthest.max(Some(id));
                    done(id)
                }
                None => ControlFlow::Continue(()),
            });
            match heard {
                ControlFlow::Break(()) => Heed::BreakOff,
                // What it says again is no progress.
                ControlFlow::Continue(()) if furthest > before => Heed::BeginAnew,
                ControlFlow::Continue(()) => Heed::GoOn,
            }
        })?;
        self.judge(&ran)
    }

    fn run(&self, messages: &[Message], listen: impl FnMut(&[u8]) -> Heed) -> Result<Ran, Untold> {
        if !program::are_names(&self.pass_env) {
            let why = "pass_env lists names of variables, without values";
            return Err(Untold::by(why.to_owned()));
        }
        let input: String = messages.iter().map(|message| format!("{}\n", message.body)).collect();
        let mut command = program::prepared(&self.command, &self.pass_env)
            .map_err(|why| Untold::by(format!("cannot be started: {why}")))?;
        let group = Group::start(&mut command)
            .map_err(|error| Untold::by(format!("cannot be started: {}", plain(&error))))?;
        let ran = group.hold_and_listen(input.as_bytes(), self.timeout, LONGEST_OUTPUT, listen);
        ran.map_err(|error| Untold::by(format!("cannot be waited for: {}", plain(&error))))
    }

    fn judge(&self, ran: &Ran) -> Result<(), Untold> {
        let why = match ran.status {
            None => return Err(Untold::by(format!("was killed after {:?}", self.timeout))),
            Some(status) if status.success() => return Ok(()),
            Some(status) => match status.code() {
                Some(code) => format!("exits with {code}"),
                None => "was killed".to_owned(),
            },
        };
        let complaint = String::from_utf8_lossy(&ran.stderr.bytes);
        let complaint = complaint.lines().map(str::trim).find(|line| !line.is_empty());
        let complaint = complaint.map(|line| {
            let line: String = line.chars().take(LONGEST_COMPLAINT).collect();
            text::printable_value(&line).to_string()
        });
        Err(Untold { why, complaint })
    }
}

/// The event that a line says to be done, where it is one of those that were told.
fn done_event(line: &[u8], messages: &[Message]) -> Option<EventId> {
    let Done { done } = serde_json::from_slice(line).ok()?;
    let id = done.parse().ok()?;
    messages.iter().any(|message| message.id == id).then_some(id)
}

/// Lines out of pieces.
#[derive(Default)]
struct Lines {
    /// The beginning of one whose end has not come.
    begun: Vec<u8>,
}

impl Lines {
    fn each(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.begun.extend_from_slice(piece);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            each(&line)?;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn messages(ids: std::ops::RangeInclusive<i64>) -> Vec<Message> {
        let message = |id| Message { id: EventId(id), body: format!("{{\"id\":\"evt_{id}\"}}") };
        ids.map(message).collect()
    }

    /// What a script in place of the program comes to, and what it said to have done.
    fn tell(script: &str, ids: std::ops::RangeInclusive<i64>) -> (Result<(), String>, Vec<i64>) {
        let listener = Listener {
            command: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            pass_env: Vec::new(),
            timeout: Duration::from_secs(2),
        };
        let mut done = Vec::new();
        let told = listener.tell(&messages(ids), |id| {
            done.push(id.0);
            ControlFlow::Continue(())
        });
        (told.map_err(|untold| untold.why), done)
    }

    #[test]
    fn a_program_reads_a_line_an_event_and_says_what_it_has_done() {
        let (told, done) = tell("cat > /dev/null", 1..=3);
        assert_eq!((told, done), (Ok(()), vec![]));
        let says = "while read line; do echo \"$line\" | sed 's/id/done/'; done";
        assert_eq!(tell(says, 4..=6), (Ok(()), vec![4, 5, 6]));
        // What it says to have done stands, also where it then fails or hangs.
        let fails = "echo '{\"done\":\"evt_4\"}'; echo not so >&2; exit 3";
        assert_eq!(tell(fails, 4..=6), (Err("exits with 3".to_owned()), vec![4]));
        let begun = Instant::now();
        let (told, done) = tell("echo '{\"done\":\"evt_5\"}'; sleep 60", 4..=6);
        assert_eq!((told, done), (Err("was killed after 2s".to_owned()), vec![5]));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_goes_on_has_its_time_anew() {
        let goes_on = "for n in 4 5 6; do sleep 1.2; echo \"{\\\"done\\\":\\\"evt_$n\\\"}\"; done";
        assert_eq!(tell(goes_on, 4..=6), (Ok(()), vec![4, 5, 6]));
        // What was done already is no progress.
        let again = "while sleep 0.3; do echo '{\"done\":\"evt_4\"}'; done";
        let begun = Instant::now();
        assert_eq!(tell(again, 4..=6).0, Err("was killed after 2s".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_a_program_says_beside_is_passed_over() {
        let noise =
            "echo hello; echo '{\"done\":\"evt_9\"}'; echo '{\"done\":5}'; echo '{\"done\"';
                     printf '{\"done\":\"evt_5\"}'";
        assert_eq!(tell(noise, 4..=6), (Ok(()), vec![]));
    }

    #[test]
    fn a_program_is_killed_where_what_it_has_done_cannot_be_kept() {
        let listener = Listener {
            command: ["/bin/sh", "-c", "echo '{\"done\":\"evt_4\"}'; sleep 60"]
                .map(str::to_owned)
                .into(),
            pass_env: Vec::new(),
            timeout: Duration::from_secs(60),
        };
        let begun = Instant::now();
        let told = listener.tell(&messages(4..=5), |_| ControlFlow::Break(()));
        assert!(told.is_err());
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let listener = |command: &str, pass_env: &[&str]| Listener {
            command: vec![command.to_owned()],
            pass_env: pass_env.iter().map(|&name| name.to_owned()).collect(),
            timeout: Duration::from_secs(1),
        };
        let tell = |listener: Listener| {
            let goes_on = |_| ControlFlow::Continue(());
            listener.tell(&messages(1..=1), goes_on).unwrap_err().why
        };
        assert!(tell(listener("/no/such", &[])).starts_with("cannot be started: cannot run"));
        assert!(tell(listener("/bin/true", &["A=secret"])).starts_with("pass_env lists names"));
    }
}
