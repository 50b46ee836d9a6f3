//! The gateways: who takes the money. Each is asked to charge, or what became of a charge; each
//! answers with one [`Answer`], and whatever cannot be relied on is `Unknown`. None opens the
//! database, and none tries again by itself.

mod command;
mod refusal;
mod sandbox;
mod stripe;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::charge::{Answer, Attempt, ChargeRequest};
use crate::domain::{Refusal, Result};

pub use command::Program;
pub use refusal::Unavailable;
pub use stripe::Stripe;

/// Who takes the money. Shared by the threads that charge.
#[derive(Debug)]
pub enum Gateway {
    /// Nobody: nothing is charged.
    None,
    /// Answers from the token; takes nothing.
    Sandbox,
    /// A program of the operator's.
    Command(Program),
    Stripe(Stripe),
    /// One that is configured and cannot be used, and why: what does not charge goes on without it.
    Unusable(Refusal),
}

/// Whether a gateway is the one with which an attempt was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    Here,
    /// What is kept of its gateway fits this one, and others too: it may be asked what became of the
    /// charge, but if it never saw the key, another may have.
    Perhaps,
    Elsewhere,
}

impl Gateway {
    /// Whether there is one.
    pub fn charges(&self) -> bool {
        !matches!(self, Gateway::None)
    }

    /// Who it is: what was begun with one is asked of no other. A program is told by its whole
    /// command, an account by whether its money is real, either by the name that the config gives it.
    pub fn name(&self) -> String {
        match self {
            Gateway::None => "none".to_owned(),
            Gateway::Sandbox => "sandbox".to_owned(),
            Gateway::Command(program) => match &program.name {
                Some(name) => format!("command@{name}"),
                None => format!("command:{}", program.words()),
            },
            Gateway::Stripe(stripe) => match stripe.name() {
                Some(name) => format!("stripe:{}@{name}", stripe.mode()),
                None => format!("stripe:{}", stripe.mode()),
            },
            Gateway::Unusable(_) => "unusable".to_owned(),
        }
    }

    /// Whether it is the gateway with which an attempt was begun.
    pub fn began(&self, attempt: &Attempt) -> Began {
        let name = &attempt.gateway;
        if *name == self.name() {
            return Began::Here;
        }
        match self {
            // It was given a name since.
            Gateway::Command(program) if *name == format!("command:{}", program.words()) => {
                Began::Here
            }
            Gateway::Command(program)
                if attempt.of_earlier_version
                    && program
                        .command
                        .first()
                        .is_some_and(|word| *name == format!("command:{word}")) =>
            {
                if program.command.len() == 1 { Began::Here } else { Began::Perhaps }
            }
            Gateway::Stripe(stripe) if *name == format!("stripe:{}", stripe.mode()) => {
                Began::Perhaps
            }
            _ => Began::Elsewhere,
        }
    }

    /// Whether money really moves.
    pub fn moves_money(&self) -> bool {
        matches!(self, Gateway::Command(_) | Gateway::Stripe(_))
    }

    /// Checks what would keep every charge from reaching it, before a key is made.
    ///
    /// # Errors
    /// A program that is not there, a secret that cannot be read.
    pub fn check(&self) -> Result<()> {
        match self {
            Gateway::None | Gateway::Sandbox => Ok(()),
            Gateway::Command(program) => program.check(),
            Gateway::Stripe(stripe) => stripe.check(),
            Gateway::Unusable(refusal) => Err(refusal.clone()),
        }
    }

    /// Charges. Called with no transaction open, once the key is on disk.
    pub fn charge(&self, request: &ChargeRequest) -> Answer {
        match self {
            Gateway::None => Answer::NotFound,
            Gateway::Sandbox => sandbox::charge(request),
            Gateway::Command(program) => program.charge(request),
            Gateway::Stripe(stripe) => stripe.charge(request),
            Gateway::Unusable(_) => unusable(),
        }
    }

    /// Asks what became of a charge: by its key, and by the gateway's own reference where it gave
    /// one.
    pub fn status(&self, request: &ChargeRequest, reference: Option<&str>) -> Answer {
        match self {
            // There is nobody who could know.
            Gateway::None => Answer::Unknown { message: "no gateway is configured".to_owned() },
            Gateway::Sandbox => sandbox::status(request),
            Gateway::Command(program) => program.status(request, reference),
            Gateway::Stripe(stripe) => stripe.status(request, reference),
            Gateway::Unusable(_) => unusable(),
        }
    }

    /// Whether the gateway still remembers a key, so that the same charge may be sent once more
    /// without being taken for another. `now` is the command's moment, `machine_now` what the
    /// machine's clock says: a key is as old as the greater of both ages.
    pub fn remembers(
        &self,
        request: &ChargeRequest,
        now: DateTime<Utc>,
        machine_now: DateTime<Utc>,
    ) -> bool {
        let ages = [now - request.created_at, machine_now - request.prepared_at];
        let memory = match self {
            Gateway::None | Gateway::Unusable(_) => return false,
            Gateway::Sandbox => return true,
            Gateway::Command(_) => TimeDelta::days(29),
            Gateway::Stripe(_) => stripe::MEMORY,
        };
        // A clock that ran backwards says nothing of the age.
        ages.iter().all(|age| *age < memory && *age > -TimeDelta::hours(1))
    }
}

fn unusable() -> Answer {
    Answer::Unknown { message: "the gateway cannot be used".to_owned() }
}
