//! What a program's run means: an answer, or what was wrong with it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use super::words::Words;
use crate::domain::charge::Answer;
use crate::domain::text;
use crate::outside::run::{Heard, LONGEST_ANSWER, Ran};

/// Longest reference, code and message, in characters.
pub const LONGEST_REFERENCE: usize = 200;
pub const LONGEST_CODE: usize = 100;
pub const LONGEST_MESSAGE: usize = 500;

/// What a program is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Charge,
    /// To give back.
    Refund,
    /// What became of either.
    Status,
}

impl Operation {
    /// The word of the protocol.
    pub fn word(self) -> &'static str {
        match self {
            Operation::Charge => "charge",
            Operation::Refund => "refund",
            Operation::Status => "status",
        }
    }
}

/// What an answer says, each field of whatever type: which one is wrong can be told then. A field
/// that is there twice is refused by the derived code, an unknown one is passed over.
#[derive(Deserialize)]
struct Said {
    status: Option<Value>,
    reference: Option<Value>,
    code: Option<Value>,
    message: Option<Value>,
    retryable: Option<Value>,
}

/// Reads the answer out of a run.
///
/// # Errors
/// What was wrong, for [`Answer::Unknown`]: the program may have moved the money all the same.
pub fn judge(
    operation: Operation,
    ran: &Ran,
    patience: Duration,
    words: &Words,
) -> Result<Answer, String> {
    let stdout = spoken(ran, patience, words)?;
    let said = object(stdout, LONGEST_ANSWER)
        .and_then(parsed)
        .map_err(|what| with_excerpt(format!("answered with {what}"), &words.excerpt(stdout)))?;
    answer(operation, said, words).map_err(|what| format!("answered with {what}"))
}

/// What a program wrote that ended in time and with success.
///
/// # Errors
/// How it ended, with what it complained of.
pub fn spoken<'a>(ran: &'a Ran, patience: Duration, words: &Words) -> Result<&'a Heard, String> {
    let what = match ran.status {
        Some(status) if status.success() => return Ok(&ran.stdout),
        Some(status) => end(status),
        None => format!("no answer within {}", span(patience)),
    };
    // A program that complains on its standard output is understood as well.
    let complaint = match words.excerpt(&ran.stderr) {
        text if text.is_empty() => words.excerpt(&ran.stdout),
        text => text,
    };
    Err(with_excerpt(what, &complaint))
}

/// The text of something that begins as an object.
///
/// # Errors
/// There is more than `longest` bytes, nothing, or something else.
pub fn object(stdout: &Heard, longest: usize) -> Result<&str, String> {
    if stdout.more {
        return Err(format!("more than {} KB", longest / 1024));
    }
    if stdout.bytes.trim_ascii().is_empty() {
        return Err("nothing".to_owned());
    }
    // The whole of it: values that are passed over are not looked at by the reader.
    let text = std::str::from_utf8(&stdout.bytes).map_err(|_| no_object())?;
    // The derived code would take an array for the object as well.
    match text.trim_start().starts_with('{') {
        true => Ok(text),
        false => Err(no_object()),
    }
}

/// The one object of a text.
///
/// # Errors
/// It is none, or not alone.
pub fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut objects = Deserializer::from_str(text).into_iter::<T>();
    let said = match objects.next() {
        Some(Ok(said)) => said,
        // It names a field of ours, and no value.
        Some(Err(error)) if error.is_data() => return Err(format!("an object with a {error}")),
        Some(Err(_)) | None => return Err(no_object()),
    };
    match text.get(objects.byte_offset()..).unwrap_or_default().trim_start() {
        "" => Ok(said),
        rest if rest.starts_with('{') => Err("more than one object".to_owned()),
        _ => Err("more than an object".to_owned()),
    }
}

/// What is said of an output that is something else.
pub fn no_object() -> String {
    "no JSON object".to_owned()
}

fn answer(operation: Operation, said: Said, words: &Words) -> Result<Answer, String> {
    let reference = string("reference", said.reference)?;
    // As it was given or not at all: the program is asked with it later, and one that was cut or
    // masked would name nothing, or another charge. The key names this one in any case.
    let reference = reference
        .and_then(|reference| text::line("reference", &reference, LONGEST_REFERENCE).ok())
        .filter(|reference| !words.betrays(reference));
    let status = string("status", said.status)?.ok_or("no status")?;
    match (status.as_str(), operation) {
        ("succeeded", _) => Ok(Answer::Succeeded { reference }),
        ("pending", _) => Ok(Answer::Pending { reference }),
        ("declined", _) => {
            let code = string("code", said.code)?.unwrap_or_else(|| "declined".to_owned());
            let message = string("message", said.message)?;
            Ok(Answer::Declined {
                code: words.line(&code, LONGEST_CODE),
                message: message.map(|message| words.line(&message, LONGEST_MESSAGE)),
                retryable: truth("retryable", said.retryable)?.unwrap_or(true),
            })
        }
        ("not_found", Operation::Status) => Ok(Answer::NotFound),
        // It was just handed the key: whatever that means, it is no word on the money.
        ("not_found", begins) => Err(format!("not_found to a {}", begins.word())),
        (other, _) => Err(format!("an unknown status: {}", words.line(other, LONGEST_CODE))),
    }
}

/// A field's text; `None` where it is missing, null or empty.
pub fn string(field: &str, value: Option<Value>) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) if field.starts_with('a') => Err(format!("an {field} that is no text")),
        Some(_) => Err(format!("a {field} that is no text")),
    }
}

fn truth(field: &str, value: Option<Value>) -> Result<Option<bool>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(truth)),
        Some(_) => Err(format!("a {field} that is neither true nor false")),
    }
}

fn end(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in a way of its own".to_owned(),
    }
}

fn span(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

/// What was wrong, and the beginning of what was said.
pub fn with_excerpt(what: String, excerpt: &str) -> String {
    if excerpt.is_empty() { what } else { format!("{what}: {excerpt}") }
}
