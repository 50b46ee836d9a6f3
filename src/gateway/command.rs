//! A program of the operator's as the gateway.
//!
//! It is run without a shell once for each question: one JSON object on standard input, one on
//! standard output, and exit code 0. Whatever else happens leaves the outcome unknown, in words
//! that say what was wrong and never name the token.

mod answer;
mod changes;
mod checkout;
mod question;
mod run;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::fs::Access;

use super::Unavailable;
use crate::domain::charge::{Answer, ChargeRequest};
use crate::domain::gateway_refund::{Change, RefundRequest};
use crate::domain::programs::ENVIRONMENT;
use crate::domain::{Result, text};
use answer::Operation;
use run::{Group, LONGEST_ANSWER, Ran};
use words::Words;

/// The program, its arguments, and how it is run.
#[derive(Debug)]
pub struct Program {
    /// The program, an absolute path or a name that is found in PATH, and its arguments.
    pub command: Vec<String>,
    /// It is killed, with all that it started, after so long.
    pub timeout: Duration,
    /// Variables that it gets besides PATH, HOME and LANG.
    pub pass_env: Vec<String>,
    /// What the operator calls it, so that it may move.
    pub name: Option<String>,
    /// Whether it understands refunds and changes.
    pub refunds: bool,
}

impl Program {
    /// Checks that the program is there.
    ///
    /// # Errors
    /// It is not, or cannot be run.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, message: String| {
            Err(Unavailable::Setting { place: format!("[payments] {key}"), message }.into())
        };
        if let Err(message) = self.locate() {
            return refuse("command", message);
        }
        // It would be killed as soon as it starts, at any point of a charge.
        if self.timeout.is_zero() {
            return refuse("timeout_seconds", "must be at least 1".to_owned());
        }
        match self.pass_env.iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            // The value is not shown: whoever writes NAME=value writes a secret.
            Some(_) => refuse("pass_env", "lists names of variables, without values".to_owned()),
            None => Ok(()),
        }
    }

    /// The whole command on one line: two programs behind one interpreter are two gateways, and so is
    /// one program with two accounts. Words that would not stay apart are quoted.
    pub fn words(&self) -> String {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '\\';
        let quoted = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
            true => word.clone(),
            false => serde_json::Value::from(word.as_str()).to_string(),
        };
        self.command.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Charges.
    pub fn charge(&self, request: &ChargeRequest) -> Answer {
        let question = question::of_charge(Operation::Charge, request, None);
        self.ask(Operation::Charge, question, &Words::hiding(&request.token))
    }

    /// Asks what became of a charge.
    pub fn status(&self, request: &ChargeRequest, reference: Option<&str>) -> Answer {
        let question = question::of_charge(Operation::Status, request, reference);
        self.ask(Operation::Status, question, &Words::hiding(&request.token))
    }

    /// Gives back.
    pub fn refund(&self, request: &RefundRequest) -> Answer {
        self.ask(Operation::Refund, question::of_refund(request), &Words::hiding_nothing())
    }

    /// Asks what became of a refund.
    pub fn refund_status(&self, request: &RefundRequest, reference: Option<&str>) -> Answer {
        let question = question::of_refund_status(request, reference);
        self.ask(Operation::Status, question, &Words::hiding_nothing())
    }

    /// Asks for the refunds and disputes since then, in the order in which it tells them.
    ///
    /// # Errors
    /// In words: it cannot be asked, or what it says cannot be relied on.
    pub fn changes(&self, since: DateTime<Utc>) -> std::result::Result<Vec<Change>, String> {
        let question = question::of_changes(since)?;
        let ran = self.hear(self.start()?, &question, changes::LONGEST_LIST)?;
        changes::judge(&ran, self.timeout)
    }

    fn ask(
        &self,
        operation: Operation,
        question: std::result::Result<Vec<u8>, String>,
        words: &Words,
    ) -> Answer {
        let group = match (self.start(), operation) {
            (Ok(group), _) => group,
            (Err(message), Operation::Status) => return Answer::Unknown { message },
            // Nobody was told of the key.
            (Err(message), _) => return Answer::NotSent { message },
        };
        let answer = question
            .and_then(|bytes| self.hear(group, &bytes, LONGEST_ANSWER))
            .and_then(|ran| answer::judge(operation, &ran, self.timeout, words));
        answer.unwrap_or_else(|message| Answer::Unknown { message })
    }

    fn start(&self) -> std::result::Result<Group, String> {
        Group::start(&mut self.prepared()?)
            .map_err(|error| format!("cannot be started: {}", plain(&error)))
    }

    fn hear(&self, group: Group, input: &[u8], longest: usize) -> std::result::Result<Ran, String> {
        group
            .hold(input, self.timeout, longest)
            .map_err(|error| format!("cannot be waited for: {}", plain(&error)))
    }

    /// The command as it is started. The working directory stays that of billing: so a line of the
    /// config behaves as the same line typed beside `billing`, or written into the same crontab.
    fn prepared(&self) -> std::result::Result<Command, String> {
        let program = self.locate().map_err(|message| format!("cannot be started: {message}"))?;
        let mut command = Command::new(program);
        command.args(self.command.iter().skip(1)).env_clear();
        let names = ENVIRONMENT.into_iter().chain(self.pass_env.iter().map(String::as_str));
        command.envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))));
        Ok(command)
    }

    /// Where the program is. A relative path would be another program in another directory, and
    /// cron's is seldom the one that the operator tried it in.
    fn locate(&self) -> std::result::Result<PathBuf, String> {
        let name = match self.command.first() {
            Some(name) if !name.is_empty() => name,
            _ => return Err("names no program, which gateway = \"command\" needs".to_owned()),
        };
        let (path, shown) = (Path::new(name), text::printable_value(name));
        if path.is_absolute() {
            return match runs(path) {
                Ok(()) => Ok(path.to_owned()),
                Err(error) => Err(format!("cannot run {shown}: {}", plain(&error))),
            };
        }
        if name.contains('/') {
            return Err(format!("{shown} is neither an absolute path nor a name that is in PATH"));
        }
        let places = std::env::var_os("PATH").unwrap_or_default();
        let mut found = std::env::split_paths(&places)
            // An empty or relative entry would be the working directory again.
            .filter(|place| place.is_absolute())
            .map(|place| place.join(name));
        found.find(|path| runs(path).is_ok()).ok_or_else(|| format!("{shown} is not in PATH"))
    }
}

/// What the system said, without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Whether there is a file that may be run.
fn runs(path: &Path) -> std::io::Result<()> {
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    Ok(rustix::fs::access(path, Access::EXEC_OK)?)
}

#[cfg(test)]
mod tests;
