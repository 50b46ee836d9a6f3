//! `--metadata KEY=VALUE`: pairs that are kept and never read.

use serde_json::{Map, json};

use crate::domain::refusal::Why;
use crate::domain::{Refusal, Result, text};

/// The most pairs that one object may carry.
const MOST: usize = 20;

/// Puts pairs as they were typed into an object of texts.
///
/// # Errors
/// One of them is no `KEY=VALUE`, a key was typed twice, or there are too many.
pub fn put(pairs: &[String], object: &mut Map<String, serde_json::Value>) -> Result<()> {
    let bad = |pair: &str| Refusal::bad("metadata", pair, Why::NotMetadata);
    let mut typed = Vec::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| bad(pair))?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = (1..=40).contains(&key.len()) && key.chars().all(is_key);
        if !fits || typed.contains(&key) {
            return Err(bad(pair));
        }
        typed.push(key);
        let value = match value.trim() {
            "" => String::new(),
            value => text::line("metadata", value, 500)?,
        };
        object.insert(key.to_owned(), json!(value));
        if object.len() > MOST {
            return Err(bad(pair));
        }
    }
    Ok(())
}
