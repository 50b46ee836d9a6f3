//! What the product asks for: coupons, usage, customers.

use serde_json::Value;

use super::{Ask, Outcome, Problem, routes};
use crate::commands::asked::{self, Asked, Noun};
use crate::failure::api;
use crate::portal::response::{Response, Status};

/// Carries out the route's verb with what the address names.
pub(super) fn verb(ask: &Ask) -> Outcome {
    let names = routes::names(ask.route.path);
    let fixed: Vec<_> = names.into_iter().zip(ask.named.iter().copied()).collect();
    Ok(ask.answer(ask.verb(&fixed)?.printed))
}

/// Changes a coupon; whether it can be used is a verb of its own.
pub(super) fn edit_coupon(ask: &Ask) -> Outcome {
    let code = ask.named[0];
    let switch = match (ask.fields.get("is_active"), ask.fields.get("inactive")) {
        (None | Some(Value::Null), None | Some(Value::Null)) => return verb(ask),
        (Some(Value::Bool(on)), None) => *on,
        (None, Some(Value::Bool(off))) => !*off,
        _ => return Err(wrong("is_active", "it is true or false")),
    };
    if ask.fields.len() > 1 {
        return Err(wrong(
            "is_active",
            "it stands alone: change the other fields by another request",
        ));
    }
    let verb = if switch { "activate" } else { "deactivate" };
    let words = [verb, "--", code].map(str::to_owned);
    Ok(ask.answer(ask.ask(Noun::Coupon, &words)?.printed))
}

fn wrong(field: &str, words: &str) -> Problem {
    api::bad_fields(&[(field.to_owned(), "bad_value", words.to_owned())]).into()
}

/// Takes one event of usage, or a list of them as `usage import` takes the lines of a file.
pub(super) fn usage(ask: &Ask) -> Outcome {
    let Some(events) = ask.fields.get("events") else { return one_event(ask) };
    ask.takes_only(&["events"])?;
    let Value::Array(events) = events else {
        return Err(wrong("events", "it is a list of events"));
    };
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let taken: Asked = asked::take_usage(ask.context(), lines.into_bytes())?;
    Ok(Response::new(Status::Ok, "application/json", taken.printed))
}

fn one_event(ask: &Ask) -> Outcome {
    // An event without an id of its own gets that of the request: sent again, it is the same event.
    let fixed: Vec<_> = match (&ask.once, ask.fields.get("id")) {
        (Some(id), None | Some(Value::Null)) => vec![("id", id.as_str())],
        _ => Vec::new(),
    };
    Ok(ask.answer(ask.verb(&fixed)?.printed))
}
