//! A program of the operator's as the gateway.
//!
//! It is run without a shell once for each question: one JSON object on standard input, one on
//! standard output, and exit code 0. Whatever else happens leaves the outcome unknown, in words
//! that say what was wrong and never name the token.

mod answer;
mod changes;
mod checkout;
mod question;
mod words;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Unavailable;
use crate::domain::Result;
use crate::domain::charge::{Answer, ChargeRequest};
use crate::domain::gateway_refund::{Change, RefundRequest};
use crate::outside::program::{self, plain};
use crate::outside::run::{Group, LONGEST_ANSWER, Ran};
use answer::Operation;
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
        if let Err(message) = program::locate(&self.command) {
            return refuse("command", message);
        }
        // It would be killed as soon as it starts, at any point of a charge.
        if self.timeout.is_zero() {
            return refuse("timeout_seconds", "must be at least 1".to_owned());
        }
        match program::are_names(&self.pass_env) {
            true => Ok(()),
            false => refuse("pass_env", "lists names of variables, without values".to_owned()),
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
        let prepared = program::prepared(&self.command, &self.pass_env);
        let started = prepared
            .and_then(|mut command| Group::start(&mut command).map_err(|error| plain(&error)));
        started.map_err(|message| format!("cannot be started: {message}"))
    }

    fn hear(&self, group: Group, input: &[u8], longest: usize) -> std::result::Result<Ran, String> {
        group
            .hold(input, self.timeout, longest)
            .map_err(|error| format!("cannot be waited for: {}", plain(&error)))
    }
}

#[cfg(test)]
mod tests;
