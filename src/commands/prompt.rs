//! Questions to a person at a terminal. The only file that uses dialoguer.

use dialoguer::{Confirm, Input};

use super::Context;
use crate::domain::Refusal;
use crate::failure::Failure;

/// Asks for a line of text that `check` takes; the default, where there is one, is what it is when
/// nothing is typed.
///
/// # Errors
/// The terminal went away.
pub fn checked(
    question: &str,
    default: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> anyhow::Result<String> {
    let mut input = Input::<String>::new().with_prompt(question);
    if !default.is_empty() {
        input = input.default(default.to_owned());
    }
    let input = input.validate_with(|text: &String| check(text));
    Ok(input.interact_text()?)
}

/// A value that was given, or that a person types now; asked again until `check` takes it. Without
/// a terminal nothing is asked: the command line is wrong, and the flag is named.
///
/// # Errors
/// Nobody can be asked, or the terminal went away.
pub fn needed(
    ctx: &Context,
    flag: &str,
    question: &str,
    given: Option<String>,
    check: impl Fn(&str) -> Result<(), Refusal>,
) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !ctx.can_ask() {
        return Err(Failure::usage(format!("{flag} is missing"))
            .hint("without a terminal nothing is asked; --help lists what the command takes")
            .into());
    }
    let words = |text: &String| check(text).map_err(|refusal| Failure::from(&refusal).message);
    Ok(Input::<String>::new().with_prompt(question).validate_with(words).interact_text()?)
}

/// Asks at a terminal whether to go on with what cannot be undone. Elsewhere nothing is asked, and
/// nothing refused: scripts never had to confirm it.
///
/// # Errors
/// Not confirmed.
pub fn ask(ctx: &Context, what: &str) -> anyhow::Result<()> {
    if ctx.can_ask() { confirm(ctx, what) } else { Ok(()) }
}

/// Asks whether to go on. Without a terminal it never asks: it refuses and names `--yes`.
///
/// # Errors
/// Not confirmed.
pub fn confirm(ctx: &Context, what: &str) -> anyhow::Result<()> {
    if ctx.yes {
        return Ok(());
    }
    let refused = Refusal::NotConfirmed { what: what.to_owned() };
    if !ctx.can_ask() {
        return Err(refused.into());
    }
    match Confirm::new().with_prompt(format!("{what}. Go on?")).default(false).interact()? {
        true => Ok(()),
        false => Err(refused.into()),
    }
}
