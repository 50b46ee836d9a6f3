//! The fields of a request as the words of a command. What stands in a field is never a flag of its own:
//! each is handed over as `--flag=value`, and what is no flag stands behind `--`.

use clap::{Arg, ArgAction, Command};
use serde_json::{Map, Value};

use crate::commands::asked::Noun;
use crate::failure::{Failure, api};

/// Where fields came from: a query has texts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Body,
    Query,
}

/// What is wrong with a field.
type Wrong = (String, &'static str, String);

/// The command that does what a route asks for, and which of its fields a request may give.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    pub noun: Noun,
    pub verb: &'static str,
    pub takes: &'static [&'static str],
    pub needs: &'static [&'static str],
}

/// A verb as clap has it, and what of it a request may say.
#[derive(Debug)]
pub struct Form {
    verb: Verb,
    command: Command,
}

/// A field of a request.
#[derive(Debug)]
pub struct Field<'a> {
    pub name: String,
    pub arg: &'a Arg,
    pub required: bool,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--flag` or nothing.
    Switch,
    /// One of two words.
    Bool,
    /// One value.
    One,
    /// Several, or one.
    Many,
    /// `KEY=VALUE` pairs: an object.
    Pairs,
    /// An object as it stands.
    Object,
}

/// The name of an argument as a field.
pub fn name_of(arg: &Arg) -> String {
    arg.get_long().unwrap_or(arg.get_id().as_str()).replace('-', "_")
}

/// How the values of an argument are written.
pub fn kind_of(arg: &Arg) -> Kind {
    let values = arg.get_possible_values();
    match (name_of(arg).as_str(), arg.get_action()) {
        ("properties", _) => Kind::Object,
        ("metadata", _) => Kind::Pairs,
        (_, ArgAction::SetTrue) => Kind::Switch,
        (_, ArgAction::Append) => Kind::Many,
        _ if values.iter().any(|value| value.get_name() == "true") => Kind::Bool,
        _ => Kind::One,
    }
}

impl Form {
    /// The form of a verb.
    pub fn of(verb: Verb) -> Form {
        let tree = verb.noun.tree();
        let command = tree.find_subcommand(verb.verb).cloned();
        // That each verb is there is tested.
        Form { verb, command: command.unwrap_or_else(|| Command::new(verb.verb)) }
    }

    /// The fields that a request may have.
    pub fn fields(&self) -> Vec<Field<'_>> {
        let takes = |arg: &&Arg| self.verb.takes.contains(&name_of(arg).as_str());
        let of = |arg| {
            let name = name_of(arg);
            let required = self.verb.needs.contains(&name.as_str());
            Field { name, arg, required }
        };
        self.command.get_arguments().filter(takes).map(of).collect()
    }

    /// Whether what it makes can be made once under a key.
    pub fn makes_once(&self) -> bool {
        self.command.get_arguments().any(|arg| arg.get_id() == "idempotency_key")
    }

    /// The words of the command that says what a request says. `fixed` are values that the address or the
    /// key gives, `also` the fields that are read elsewhere.
    ///
    /// # Errors
    /// All that is wrong with the fields, at once.
    pub fn words(
        &self,
        fixed: &[(&str, &str)],
        given: &Map<String, Value>,
        source: Source,
        also: &[&str],
    ) -> Result<Vec<String>, Box<Failure>> {
        let fields = self.fields();
        let is_fixed = |name: &str| fixed.iter().any(|(fixed, _)| *fixed == name);
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let mut wrong: Vec<Wrong> = Vec::new();
        let not_ours = |name: &&String| !also.contains(&name.as_str());
        for name in given.keys().filter(not_ours).filter(|name| !names.contains(&name.as_str())) {
            wrong.push(unknown(name, &names));
        }
        let mut words = vec![self.verb.verb.to_owned()];
        let mut behind = Vec::new();
        for arg in self.command.get_arguments() {
            let name = name_of(arg);
            let values = match fixed.iter().find(|(fixed, _)| *fixed == name) {
                Some(_) if kind_of(arg) == Kind::Switch => Some(vec![None]),
                Some((_, value)) => Some(vec![Some((*value).to_owned())]),
                None if !names.contains(&name.as_str()) => None,
                None => match given.get(&name).filter(|value| !value.is_null()) {
                    Some(value) => match texts(kind_of(arg), value, source) {
                        Ok(texts) => Some(texts),
                        Err(words) => {
                            wrong.push((name.clone(), "bad_value", words));
                            None
                        }
                    },
                    None => None,
                },
            };
            for value in values.into_iter().flatten() {
                match (arg.get_long(), value) {
                    (Some(long), Some(value)) => words.push(format!("--{long}={value}")),
                    (Some(long), None) => words.push(format!("--{long}")),
                    (None, Some(value)) => behind.push(value),
                    (None, None) => {}
                }
            }
        }
        for name in self.verb.needs.iter().filter(|name| !is_fixed(name)) {
            if given.get(*name).is_none_or(Value::is_null) {
                wrong.push(((*name).to_owned(), "missing_value", "it is missing".to_owned()));
            }
        }
        if !wrong.is_empty() {
            return Err(Box::new(api::bad_fields(&wrong)));
        }
        if !behind.is_empty() {
            words.push("--".to_owned());
            words.extend(behind);
        }
        Ok(words)
    }
}

/// Flags as the fields that they are here: `--return-url` is `return_url`.
pub fn without_hyphens(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for (nth, part) in text.split("--").enumerate() {
        let is_flag = nth > 0 && part.starts_with(|c: char| c.is_ascii_lowercase());
        let end = match is_flag {
            true => part.find(|c: char| !(c.is_ascii_lowercase() || c == '-')),
            false => Some(0),
        };
        let (flag, rest) = part.split_at(end.unwrap_or(part.len()));
        if nth > 0 && !is_flag {
            told.push_str("--");
        }
        told.push_str(&flag.replace('-', "_"));
        told.push_str(rest);
    }
    told
}

/// A field that nobody knows, with the nearest one.
pub fn unknown(name: &str, known: &[&str]) -> Wrong {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let near = known
        .iter()
        .filter(|known| likeness(known) > 0.8)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let words = match near {
        Some(near) => format!("there is no such field; did you mean {near}?"),
        None if known.is_empty() => "no field is taken here".to_owned(),
        None => format!("there is no such field; there are {}", known.join(", ")),
    };
    (name.to_owned(), "unknown_field", words)
}

/// The texts of a value; `None` is a switch that is on.
fn texts(kind: Kind, value: &Value, source: Source) -> Result<Vec<Option<String>>, String> {
    let on_off = match (value, source) {
        (Value::Bool(on), _) => Some(*on),
        (Value::String(text), Source::Query) => match text.as_str() {
            "true" | "1" | "" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    match (kind, value) {
        (Kind::Switch, _) => match on_off {
            Some(true) => Ok(vec![None]),
            Some(false) => Ok(Vec::new()),
            None => Err("it is true or false".to_owned()),
        },
        (Kind::Bool, _) => {
            let on = on_off.ok_or("it is true or false")?;
            Ok(vec![Some(on.to_string())])
        }
        (Kind::Pairs, Value::Object(pairs)) => pairs.iter().map(pair).collect(),
        (Kind::Object, Value::Object(_)) => Ok(vec![Some(value.to_string())]),
        (Kind::Object, _) => Err("it is an object".to_owned()),
        (Kind::Pairs, Value::Array(_)) | (Kind::Many, Value::Array(_)) => {
            let all = value.as_array().into_iter().flatten();
            all.map(|value| scalar(value).map(Some)).collect()
        }
        (Kind::Pairs, _) => Err("it is an object of texts".to_owned()),
        (Kind::Many, value) => Ok(vec![Some(scalar(value).map_err(|_| "it is a list of texts")?)]),
        (Kind::One, value) => Ok(vec![Some(scalar(value)?)]),
    }
}

fn pair((key, value): (&String, &Value)) -> Result<Option<String>, String> {
    if key.contains('=') {
        return Err(format!("the key {key} has an = in it"));
    }
    let value = match value {
        Value::Null => String::new(),
        value => scalar(value)?,
    };
    Ok(Some(format!("{key}={value}")))
}

/// A text or a whole number. A number with a point may have lost digits on its way here.
fn scalar(value: &Value) -> Result<String, String> {
    match value {
        // Standard input is nobody's here.
        Value::String(text) if text == "-" => Err("a hyphen alone is no value".to_owned()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(number) => Err(format!("write it as text: \"{number}\"")),
        _ => Err("it is a text, or a whole number".to_owned()),
    }
}
