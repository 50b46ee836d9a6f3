//! What a program said, as it may be kept and shown: on one line, not endless, without the token.

use crate::domain::charge::Token;
use crate::domain::text;
use crate::outside::run::Heard;

/// Stands in place of the token.
const HIDDEN: &str = "***";

/// Longest text that is shown of an output.
const LONGEST_EXCERPT: usize = 300;

/// Knows the token, and keeps it out of what a program said.
pub struct Words {
    /// The token as it is, and as JSON writes it.
    secrets: Vec<String>,
    /// Nothing of it is shown.
    silent: bool,
}

impl Words {
    /// Hides the token wherever a program repeats it.
    pub fn hiding(token: &Token) -> Words {
        let token = token.reveal();
        let quoted = serde_json::Value::from(token).to_string();
        let json = quoted.trim_start_matches('"');
        let json = json.strip_suffix('"').unwrap_or(json);
        let mut secrets = vec![token.to_owned(), json.to_owned(), in_ascii(json)];
        secrets.retain(|secret| !secret.is_empty());
        secrets.dedup();
        Words { secrets, silent: false }
    }

    /// For a program that was told of no token.
    pub fn hiding_nothing() -> Words {
        Words { secrets: Vec::new(), silent: false }
    }

    /// For a program that may tell a token which nobody knows yet: nothing of what it says is shown.
    pub fn hiding_all() -> Words {
        Words { secrets: Vec::new(), silent: true }
    }

    /// Whether the token stands in the text.
    pub fn betrays(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret))
    }

    /// The text on one line of at most `longest` characters.
    pub fn line(&self, text: &str, longest: usize) -> String {
        let hidden = self.hide(text);
        let words: Vec<&str> = hidden.split_whitespace().collect();
        // Once more: a token with a space in it may have been broken into two lines.
        let line = self.hide(&text::printable_value(&words.join(" ")));
        match line.char_indices().nth(longest) {
            Some(_) => line.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
            None => line,
        }
    }

    /// The beginning of an output, for a message.
    pub fn excerpt(&self, heard: &Heard) -> String {
        let mut text = self.hide(&String::from_utf8_lossy(&heard.bytes));
        if heard.more {
            // Where it was cut, the first part of the token may stand.
            let longest = self.secrets.iter().map(|secret| secret.chars().count()).max();
            for _ in 0..longest.unwrap_or(0) {
                text.pop();
            }
        }
        self.line(&text, LONGEST_EXCERPT)
    }

    fn hide(&self, text: &str) -> String {
        if self.silent {
            return String::new();
        }
        let hidden = text.to_owned();
        self.secrets.iter().fold(hidden, |text, secret| text.replace(secret, HIDDEN))
    }
}

/// Some text of JSON as writers that stay within ASCII have it: `\u00e9` for `é`.
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&format!("\\u{unit:04x}"));
        }
    }
    ascii
}
