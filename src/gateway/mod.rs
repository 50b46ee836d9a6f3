//! The gateways: who takes the money, and gives it back. Each is asked to charge or to refund, or what
//! became of either; each answers with one [`Answer`], and whatever cannot be relied on is `Unknown`.
//! None opens the database, and none tries again by itself.

mod command;
mod refusal;
mod sandbox;
mod stripe;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::charge::{Answer, Attempt, ChargeRequest};
use crate::domain::checkout::{Became, Checkout, CheckoutRequest, Opened};
use crate::domain::gateway_refund::{Change, RefundRequest, UNSUPPORTED};
use crate::domain::{Refusal, Result};

pub use command::Program;
pub use refusal::Unavailable;
pub use stripe::Stripe;

/// How far back a gateway is asked for what was done there ([`Gateway::changes`]): most disputes are
/// opened within 120 days of the charge.
pub const CHANGES_SPAN: TimeDelta = TimeDelta::days(180);

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
        self.is_called(&attempt.gateway, attempt.of_earlier_version)
    }

    /// Whether it is the gateway with which a checkout was begun.
    pub fn began_checkout(&self, checkout: &Checkout) -> Began {
        self.is_called(&checkout.gateway, false)
    }

    fn is_called(&self, name: &String, of_earlier_version: bool) -> Began {
        if *name == self.name() {
            return Began::Here;
        }
        match self {
            // It was given a name since.
            Gateway::Command(program) if *name == format!("command:{}", program.words()) => {
                Began::Here
            }
            Gateway::Command(program)
                if of_earlier_version
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
            Gateway::None => nobody(),
            Gateway::Sandbox => sandbox::status(request),
            Gateway::Command(program) => program.status(request, reference),
            Gateway::Stripe(stripe) => stripe.status(request, reference),
            Gateway::Unusable(_) => unusable(),
        }
    }

    /// Asks for a page on which a customer pays, or adds a payment method. Called with no transaction open,
    /// once the key is on disk; the same key leads to the same page.
    ///
    /// `NotSent` speaks of this call alone.
    pub fn checkout(&self, request: &CheckoutRequest) -> Opened {
        match self {
            Gateway::None => Opened::Unsupported,
            Gateway::Sandbox => sandbox::checkout(request),
            Gateway::Command(program) => program.checkout(request),
            Gateway::Stripe(stripe) => stripe.checkout(request),
            Gateway::Unusable(_) => Opened::NotSent { message: UNUSABLE.to_owned() },
        }
    }

    /// Asks what became of a checkout: by its key, and by the gateway's own reference where it gave one.
    pub fn checkout_status(
        &self,
        request: &CheckoutRequest,
        reference: Option<&str>,
        now: DateTime<Utc>,
    ) -> Became {
        match self {
            Gateway::None => Became::Unknown { message: "no gateway is configured".to_owned() },
            Gateway::Sandbox => sandbox::checkout_status(request, now),
            Gateway::Command(program) => program.checkout_status(request, reference),
            Gateway::Stripe(stripe) => stripe.checkout_status(request, reference),
            Gateway::Unusable(_) => Became::Unknown { message: UNUSABLE.to_owned() },
        }
    }

    /// Ends a checkout, so that nobody pays by it any more, and says what became of it. `Unknown` and
    /// `NotFound` say nothing of the checkout: it is to be asked about.
    pub fn expire_checkout(
        &self,
        request: &CheckoutRequest,
        reference: &str,
        now: DateTime<Utc>,
    ) -> Became {
        match self {
            Gateway::None => Became::Unknown { message: "no gateway is configured".to_owned() },
            Gateway::Sandbox => sandbox::expire_checkout(request, now),
            Gateway::Command(program) => program.expire_checkout(request, reference),
            Gateway::Stripe(stripe) => stripe.expire_checkout(request, reference),
            Gateway::Unusable(_) => Became::Unknown { message: UNUSABLE.to_owned() },
        }
    }

    /// The same gateway, with no more time for a call than that.
    #[must_use]
    pub fn within(self, limit: Duration) -> Gateway {
        match self {
            Gateway::Command(program) => {
                Gateway::Command(Program { timeout: program.timeout.min(limit), ..program })
            }
            Gateway::Stripe(stripe) => Gateway::Stripe(stripe.within(limit)),
            other => other,
        }
    }

    /// Whether it gives back what it took, when it is asked to.
    pub fn refunds(&self) -> bool {
        match self {
            Gateway::None => false,
            Gateway::Command(program) => program.refunds,
            // An account whose key is not there is one all the same: `check` says what is wrong.
            Gateway::Sandbox | Gateway::Stripe(_) | Gateway::Unusable(_) => true,
        }
    }

    /// Gives back, of one charge. Called with no transaction open, once the key is on disk. Who gives
    /// nothing back declines with the code `unsupported`.
    ///
    /// `NotSent` speaks of this call alone: where the key was sent before, and may be at work there, its
    /// outcome is as unknown as it was.
    pub fn refund(&self, request: &RefundRequest) -> Answer {
        match self {
            Gateway::None => unsupported("no gateway is configured"),
            Gateway::Sandbox => sandbox::refund(request),
            Gateway::Command(program) if program.refunds => program.refund(request),
            Gateway::Command(_) => unsupported("[payments] refunds is not set"),
            Gateway::Stripe(stripe) => stripe.refund(request),
            Gateway::Unusable(_) => Answer::NotSent { message: UNUSABLE.to_owned() },
        }
    }

    /// Asks what became of a refund that is pending, unknown or succeeded: by its key, and by the
    /// gateway's own reference where it gave one. One that had succeeded may be declined by then.
    ///
    /// A refund that was made at the gateway ([`Change`]) is asked after by its reference, too.
    pub fn refund_status(&self, request: &RefundRequest, reference: Option<&str>) -> Answer {
        match self {
            Gateway::None => nobody(),
            Gateway::Sandbox => sandbox::refund(request),
            Gateway::Command(program) => program.refund_status(request, reference),
            Gateway::Stripe(stripe) => stripe.refund_status(request, reference),
            Gateway::Unusable(_) => unusable(),
        }
    }

    /// The refunds and disputes that the gateway knows of since then, the oldest first: those that
    /// billing asked for may be among them, and each is told again each time. Nothing where it gives
    /// nothing back.
    ///
    /// # Errors
    /// In one line: it cannot be asked, or a part of what it said cannot be read. Then nothing of it
    /// is taken.
    pub fn changes(&self, since: DateTime<Utc>) -> std::result::Result<Vec<Change>, String> {
        let told = match self {
            Gateway::Command(program) if program.refunds => program.changes(since),
            Gateway::Stripe(stripe) => stripe.changes(since),
            Gateway::Unusable(_) => Err(UNUSABLE.to_owned()),
            Gateway::None | Gateway::Sandbox | Gateway::Command(_) => Ok(Vec::new()),
        };
        told.map(|mut changes| {
            changes.sort_by_key(|change| change.at);
            changes
        })
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
        self.remembers_for([now - request.created_at, machine_now - request.prepared_at])
    }

    /// The same of a refund.
    pub fn remembers_refund(
        &self,
        request: &RefundRequest,
        now: DateTime<Utc>,
        machine_now: DateTime<Utc>,
    ) -> bool {
        self.remembers_for([now - request.created_at, machine_now - request.prepared_at])
    }

    /// The same of a checkout.
    pub fn remembers_checkout(
        &self,
        checkout: &Checkout,
        now: DateTime<Utc>,
        machine_now: DateTime<Utc>,
    ) -> bool {
        self.remembers_for([now - checkout.created_at, machine_now - checkout.prepared_at])
    }

    fn remembers_for(&self, ages: [TimeDelta; 2]) -> bool {
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

const UNUSABLE: &str = "the gateway cannot be used";

fn unusable() -> Answer {
    Answer::Unknown { message: UNUSABLE.to_owned() }
}

fn nobody() -> Answer {
    Answer::Unknown { message: "no gateway is configured".to_owned() }
}

fn unsupported(why: &str) -> Answer {
    Answer::Declined {
        code: UNSUPPORTED.to_owned(),
        message: Some(format!("nothing is given back: {why}")),
        retryable: false,
    }
}
