//! The ledger for whoever keeps the books: as a journal of hledger, as the file of entries that
//! French law describes (FEC), as CSV. An entry is written as it comes, so that the memory of an
//! export does not grow with it.

mod csv;
mod fec;
mod hledger;

pub use csv::Csv;
pub use fec::Fec;
pub use hledger::Hledger;

use crate::domain::accounting::Booking;

/// A form in which entries are written.
pub trait Form {
    /// What stands before the first entry.
    fn head(&self, text: &mut String);

    /// Writes an entry. Returns how many postings that were: none where it moves nothing.
    fn entry(&mut self, booking: &Booking, text: &mut String) -> u64;
}

/// Adds a value so that it stays on its line: what breaks a line or turns it, and any run of spaces,
/// is one space, and each of these characters is its substitute.
fn add(text: &mut String, value: &str, instead: &[(char, char)]) {
    let is_plain = |(at, byte): (usize, u8)| match byte {
        b' ' => at > 0 && value.as_bytes().get(at + 1).is_some_and(|next| *next != b' '),
        byte => byte.is_ascii_graphic() && instead.iter().all(|(c, _)| *c != char::from(byte)),
    };
    // As nearly all are.
    if value.bytes().enumerate().all(is_plain) {
        return text.push_str(value);
    }
    let mut blank = false;
    let begin = text.len();
    for c in value.chars() {
        let c = instead.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
        if c.is_control() || c.is_whitespace() {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && text.len() > begin {
            text.push(' ');
        }
        text.push(c);
    }
}

#[cfg(test)]
mod tests;
