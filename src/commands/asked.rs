//! Commands that a program asks for: the same words, checks and objects as at the command line,
//! with the result in memory. What the API answers is so what `--json` prints, field by field.

use clap::{Args, FromArgMatches, Subcommand};

use super::{
    Context, coupon, credit_note, invoice, payment_method, portal, subscription, tenant, usage,
};
use crate::books::Book;
use crate::domain::Result as Checked;
use crate::domain::tenant::Tenant;
use crate::failure::{Failure, exit};
use crate::view::Printer;

/// The nouns that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    Coupon,
    CreditNote,
    Invoice,
    PaymentMethod,
    Portal,
    Subscription,
    Tenant,
    Usage,
}

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its exit status.
    pub status: u8,
    /// What it printed: JSON, or the bytes of a document.
    pub printed: Vec<u8>,
}

impl Noun {
    /// Its verbs as clap has them.
    pub fn tree(self) -> clap::Command {
        match self {
            Noun::Coupon => coupon::Command::augment_subcommands(clap::Command::new("coupon")),
            Noun::CreditNote => {
                credit_note::Command::augment_subcommands(clap::Command::new("credit-note"))
            }
            Noun::Invoice => invoice::Command::augment_subcommands(clap::Command::new("invoice")),
            Noun::PaymentMethod => {
                payment_method::Command::augment_subcommands(clap::Command::new("payment-method"))
            }
            Noun::Portal => portal::Args::augment_args(clap::Command::new("portal")),
            Noun::Subscription => {
                subscription::Command::augment_subcommands(clap::Command::new("subscription"))
            }
            Noun::Tenant => tenant::Command::augment_subcommands(clap::Command::new("tenant")),
            Noun::Usage => usage::Command::augment_subcommands(clap::Command::new("usage")),
        }
    }

    /// Runs `words`, the verb and its arguments, as the command line would.
    ///
    /// # Errors
    /// Whatever the command refuses; with the code `usage`, words that are wrong.
    pub fn ask(self, mut ctx: Context, words: &[String]) -> Result<Asked, Box<Failure>> {
        let matches = self.parsed(words)?;
        ctx.printer = Printer::captured(ctx.config.timezone);
        let ran = self.run(&mut ctx, &matches);
        let status = ran.map_err(|error| Failure::of(&error))?;
        Ok(Asked { status, printed: ctx.printer.into_bytes() })
    }

    fn parsed(self, words: &[String]) -> Result<clap::ArgMatches, Box<Failure>> {
        let name = std::iter::once("billing".to_owned());
        let parsed = self.tree().try_get_matches_from(name.chain(words.iter().cloned()));
        parsed.map_err(|error| Box::new(usage_of(&error)))
    }

    fn run(self, ctx: &mut Context, matches: &clap::ArgMatches) -> anyhow::Result<u8> {
        match self {
            Noun::Coupon => coupon::run(ctx, FromArgMatches::from_arg_matches(matches)?),
            Noun::CreditNote => credit_note::run(ctx, FromArgMatches::from_arg_matches(matches)?),
            Noun::Invoice => invoice::run(ctx, FromArgMatches::from_arg_matches(matches)?),
            Noun::PaymentMethod => {
                payment_method::run(ctx, FromArgMatches::from_arg_matches(matches)?)
            }
            Noun::Portal => portal::run(ctx, FromArgMatches::from_arg_matches(matches)?),
            Noun::Subscription => {
                subscription::run(ctx, FromArgMatches::from_arg_matches(matches)?)
            }
            Noun::Tenant => tenant::run(ctx, FromArgMatches::from_arg_matches(matches)?),
            Noun::Usage => usage::run(ctx, FromArgMatches::from_arg_matches(matches)?),
        }
    }
}

/// Carries out the words of `tenant edit`, and `also` in the same transaction, which is given the customer as
/// it was: both are done, or neither.
///
/// # Errors
/// Whatever either refuses.
pub fn edit_tenant(
    mut ctx: Context,
    words: &[String],
    also: impl FnOnce(&Book, &Tenant) -> Checked<()>,
) -> Result<Asked, Box<Failure>> {
    let matches = Noun::Tenant.parsed(words)?;
    ctx.printer = Printer::captured(ctx.config.timezone);
    let command = tenant::Command::from_arg_matches(&matches).map_err(|error| usage_of(&error))?;
    let tenant::Command::Edit(args) = command else {
        return Err(Box::new(Failure::usage("tenant edit alone is taken here")));
    };
    tenant::edit_and(&mut ctx, args, also).map_err(|error| Failure::of(&error))?;
    Ok(Asked { status: exit::DONE, printed: ctx.printer.into_bytes() })
}

/// Takes events of usage, a JSON object a line, as `usage import` does of a file.
///
/// # Errors
/// Whatever that refuses.
pub fn take_usage(mut ctx: Context, lines: Vec<u8>) -> Result<Asked, Box<Failure>> {
    ctx.printer = Printer::captured(ctx.config.timezone);
    let taken = usage::take(&mut ctx, lines);
    let status = taken.map_err(|error| Failure::of(&error))?;
    Ok(Asked { status, printed: ctx.printer.into_bytes() })
}

/// What is wrong with a command line, and with which of its words.
pub fn usage_of(error: &clap::Error) -> Failure {
    let rendered = error.render().to_string();
    // Up to the first empty line.
    let lines = rendered.trim_start_matches("error: ").lines();
    let said: Vec<_> = lines.take_while(|line| !line.is_empty()).map(str::trim).collect();
    Failure::usage(said.join(" "))
}
