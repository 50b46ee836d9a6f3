//! What may be typed into a field: names, slugs, addresses.
//!
//! Names reach terminals, mail headers and spreadsheets, so characters that would act there are
//! refused on the way in.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::refusal::{Refusal, Result, Why};

/// The word that another one was probably meant to be.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&word, name);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.copied().filter(|name| likeness(name) > 0.8)
}

/// A one-line text of 1 to `max` characters without control or direction-changing characters.
pub fn line(field: &'static str, value: &str, max: usize) -> Result<String> {
    checked(field, value, max, |c| c.is_control())
}

/// Like [`line`], with line breaks allowed: an address, a note.
pub fn paragraph(field: &'static str, value: &str, max: usize) -> Result<String> {
    checked(field, value, max, |c| c.is_control() && c != '\n')
}

fn checked(field: &'static str, value: &str, max: usize, bad: fn(char) -> bool) -> Result<String> {
    let value = value.trim();
    let why = if value.is_empty() {
        Why::Empty
    } else if value.chars().count() > max {
        Why::TooLong { max }
    } else if let Some(c) = value.chars().find(|c| bad(*c) || is_deceptive(*c)) {
        Why::ControlCharacter { code: c as u32 }
    } else if let Some(c) = useless_joiner(value).and_then(|at| value[at..].chars().next()) {
        Why::ControlCharacter { code: c as u32 }
    } else {
        return Ok(value.to_owned());
    };
    Err(Refusal::bad(field, value, why))
}

/// Line and paragraph separators, the marks that turn the direction of what follows, and what nobody
/// sees: a name with one can make a terminal or a mail show something else than what is stored.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || is_invisible(c)
}

/// Characters that show nothing, tags among them: `Acme` could be there twice.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name without what nobody sees of it: one that was typed before [`line`] refused that is a name
/// still.
pub fn seen(name: &str) -> String {
    let mut name: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    while let Some(at) = useless_joiner(&name) {
        name.remove(at);
    }
    name
}

/// Where a joiner or non-joiner stands that does nothing: only scripts that join their letters (Arabic, Persian,
/// those of India) and pictures need one, behind the letter or picture that it acts on.
fn useless_joiner(text: &str) -> Option<usize> {
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
    let mut before = None;
    text.char_indices().find_map(|(at, c)| {
        let joins = before.replace(c).is_some_and(|c| c >= '\u{590}' && !is_joiner(c));
        (is_joiner(c) && !joins).then_some(at)
    })
}

/// A slug: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn slug(field: &'static str, value: &str) -> Result<String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&value.len()) && value.bytes().all(allowed) && !value.starts_with('-') {
        return Ok(value.to_owned());
    }
    Err(Refusal::bad(field, value, Why::NotASlug))
}

/// An e-mail address: one mailbox with a dotted domain, at most 254 characters (RFC 5321, 4.5.3.1).
/// A domain outside ASCII is kept as it is typed: [`ascii_address`] is what mail carries.
pub fn email(field: &'static str, value: &str) -> Result<String> {
    let bad = || Refusal::bad(field, value, Why::NotAnEmailAddress);
    let (local, domain) = value.rsplit_once('@').ok_or_else(bad)?;
    let local_ok = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain = ascii_domain(domain).ok_or_else(bad)?;
    let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
    let length = local.len() + 1 + domain.len();
    if local_ok && domain_ok && length <= 254 { Ok(value.to_owned()) } else { Err(bad()) }
}

/// The domain as the name system and mail know it: one outside ASCII in punycode (RFC 5891),
/// `bücher.example` as `xn--bcher-kva.example`. `None` where it cannot be written so.
fn ascii_domain(domain: &str) -> Option<String> {
    match domain.is_ascii() {
        true => Some(domain.to_owned()),
        false => idna::domain_to_ascii_strict(domain).ok(),
    }
}

/// The address as mail carries it, its domain in ASCII. What stands before the `@` stays.
pub fn ascii_address(address: &str) -> String {
    match address.rsplit_once('@').and_then(|(local, domain)| Some((local, ascii_domain(domain)?)))
    {
        Some((local, domain)) => format!("{local}@{domain}"),
        None => address.to_owned(),
    }
}

/// The address of a mailbox as a config or a header writes it: `billing@example.com`, or
/// `Example Services <billing@example.com>`.
///
/// # Errors
/// The name has characters that cannot stand in a header, or the address is none.
pub fn mailbox<'a>(field: &'static str, value: &'a str) -> Result<&'a str> {
    let (name, address) = match value.trim().strip_suffix('>').and_then(|v| v.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", value.trim()),
    };
    if !name.is_empty() {
        line(field, name, 200)?;
    }
    // What stands before the @ cannot be written in ASCII, and not every relay takes it otherwise.
    match email(field, address) {
        Ok(_) if ascii_address(address).is_ascii() => Ok(address),
        _ => Err(Refusal::bad(field, value, Why::NotAnEmailAddress)),
    }
}

/// A country of ISO 3166-1 as two capital letters.
pub fn country(field: &'static str, value: &str) -> Result<String> {
    if value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(value.to_owned());
    }
    Err(Refusal::bad(field, value, Why::NotACountry))
}

/// The text as a terminal may show it: what would act there is shown as its code (`\u{1b}`).
/// Line breaks stay.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || is_deceptive(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A value as a message may name it: like [`printable`], and on one line, so that a value with a
/// line break in it cannot pass for a line of the message. What nobody sees, or takes for a space,
/// is shown as its code too: or the value that is refused would look like one that is not.
pub fn printable_value(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for c in printable(value).chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            c if is_unseen(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Spaces that are not the space, and characters without a width.
fn is_unseen(c: char) -> bool {
    (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{ffa0}')
}

/// What a spreadsheet would run as a formula, also behind the quotes that keep it from that.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_negative_number(text)
}

/// `-30.00`: a sum that nothing has to be kept from, and that is to be added up as a number.
fn is_negative_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('-').is_some_and(|text| match text.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(text),
    })
}

/// A text as a cell of a CSV that is written. What a spreadsheet would run as a formula is quoted:
/// a tenant may be called `=HYPERLINK("…")`.
pub fn quoted_cell(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A cell of a CSV that is read, without the quote of [`quoted_cell`]: what was written is read
/// again as it was.
pub fn unquoted_cell(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(cell)
}

/// A decimal number that is written as digits, with a point before its decimals if it has any, and
/// maybe a minus. The parser of its type would take `1_8` for 18, and round past 28 digits.
pub fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (plain(whole) && plain(fraction)).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

/// Reads a percentage such as a tax rate: 0 to 100 with at most 4 decimals.
pub fn parse_percent(text: &str) -> std::result::Result<Decimal, Why> {
    let value = decimal(text).ok_or(Why::NotAPercentage)?;
    if value.is_sign_negative() || value > Decimal::ONE_HUNDRED || value.normalize().scale() > 4 {
        return Err(Why::NotAPercentage);
    }
    Ok(value.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_what_nobody_sees_of_a_value() {
        assert_eq!(printable_value("SUM\u{200b}MER"), "SUM\\u{200b}MER");
        assert_eq!(printable_value("SUM\u{a0}MER\t"), "SUM\\u{a0}MER\\u{9}");
        assert_eq!(printable_value("a\nb"), "a\\nb");
        assert_eq!(printable_value("Été à l’hôtel 日本"), "Été à l’hôtel 日本");
    }

    #[test]
    fn names_may_say_anything_that_stays_on_its_line() {
        assert_eq!(
            line("name", "  Société Générale d'Été & Fils ", 200).unwrap(),
            "Société Générale d'Été & Fils"
        );
        for bad in
            ["", "   ", "a\nBcc: x@y.z", "a\rb", "a\0b", "a\u{1b}[31m", "a\u{202e}b", "a\u{2028}b"]
        {
            assert!(line("name", bad, 200).is_err(), "{bad:?}");
        }
        // What nobody sees would make a second customer of the same name.
        for unseen in [
            '\u{61c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2060}',
            '\u{2069}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
        ] {
            for bad in [format!("Ac{unseen}me"), format!("Acme{unseen}"), format!("{unseen}Acme")] {
                let why = Why::ControlCharacter { code: unseen as u32 };
                assert_eq!(line("name", &bad, 200), Err(Refusal::bad("name", &bad, why)));
                assert!(paragraph("note", &bad, 200).is_err());
            }
        }
        // Persian writes a non-joiner inside a word, Sinhala a joiner, a family is joined pictures.
        for good in ["می\u{200c}خواهم", "ශ්\u{200d}රී", "👩\u{200d}👧 & Co", "Été “à l’hôtel” — 日本"]
        {
            assert_eq!(line("name", good, 200).unwrap(), good);
            assert_eq!(seen(good), good);
        }
        assert_eq!(seen("\u{200d}A\u{200b}c\u{200d}\u{200c}me\u{e0041}"), "Acme");
        assert!(line("name", &"x".repeat(201), 200).is_err());
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_quoted_and_read_again_as_it_was() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-20 % été", "'-20 % été"),
            ("'-20 %", "''-20 %"),
            ("-20+cmd|' /C calc'!A0", "'-20+cmd|' /C calc'!A0"),
            ("-1.2.3", "'-1.2.3"),
            ("-", "'-"),
            // A number is a number.
            ("-20", "-20"),
            ("-30.00", "-30.00"),
            ("'-20", "'-20"),
            ("a=b", "a=b"),
            ("'t is", "'t is"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(quoted_cell(text), cell);
            assert_eq!(unquoted_cell(cell), text);
        }
        // What nobody quoted is what it says.
        assert_eq!(unquoted_cell("-20"), "-20");
    }

    #[test]
    fn a_slug_is_lower_case_letters_digits_and_hyphens() {
        for good in ["a", "acme", "7-eleven", "a--b"] {
            assert!(slug("slug", good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Acme", "a b", "é", "a_b", &"a".repeat(64)] {
            assert!(slug("slug", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_domain_outside_ascii_is_sent_as_punycode() {
        for (typed, sent) in [
            ("kasse@bücher.example", "kasse@xn--bcher-kva.example"),
            ("Kasse@BÜCHER.example", "Kasse@xn--bcher-kva.example"),
            ("pay@例え.テスト", "pay@xn--r8jz45g.xn--zckzah"),
            ("été@société.example", "été@xn--socit-esab.example"),
            ("a@Example.com", "a@Example.com"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(email("email", typed).as_deref(), Ok(typed));
            assert_eq!(ascii_address(typed), sent);
        }
        assert_eq!(mailbox("from", "X <a@bücher.example>"), Ok("a@bücher.example"));
        for bad in ["a@bü cher.example", "a@-bücher.example", "a@\u{200b}.example", "a@ü"] {
            assert!(email("email", bad).is_err(), "{bad}");
        }
        assert!(email("email", &format!("a@{}.example", "ü".repeat(60))).is_err());
    }

    #[test]
    fn an_address_is_one_mailbox_with_a_dotted_domain() {
        for good in
            ["a@b.co", "billing+acme@mail.example.sn", "o'neil@example.ie", "été@exemple.fr"]
        {
            assert!(email("email", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "a@b.",
            "@b.co",
            "a b@c.co",
            "a@b.co,c@d.co",
            "A <a@b.co>",
            "a@b.co\nBcc: x@y.z",
            "a..b@c.co",
            "a@-b.co",
        ] {
            assert!(email("email", bad).is_err(), "{bad}");
        }
    }
}
