//! The bytes of an e-mail (RFC 5322, MIME).

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, address};

use super::Rendered;
use super::Undeliverable;
use crate::domain::{Refusal, Result, text};

/// Longest `Name <address>` that is read.
const LONGEST_MAILBOX: usize = 500;

/// Longest display name.
const LONGEST_NAME: usize = 200;

/// Longest boundary; MIME allows 70 (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 60;

/// What stands above an e-mail's text.
#[derive(Debug, Clone)]
pub struct Headers<'a> {
    /// An address, or `Name <address>`.
    pub from: &'a str,
    pub reply_to: Option<&'a str>,
    /// May be empty.
    pub to_name: &'a str,
    pub to: &'a str,
    /// Who gets a copy.
    pub cc: &'a [String],
    /// Complete, `local@domain`, without angle brackets.
    pub message_id: &'a str,
    pub date: DateTime<Utc>,
    /// The Message-ID of the e-mail that this one follows up.
    pub in_reply_to: Option<&'a str>,
}

/// The whole message: headers, the text, and the same in HTML.
///
/// Every line is ASCII and ends with CRLF, unless an address itself is not ASCII (RFC 6532); the
/// same input gives the same bytes. It says that a machine wrote it (RFC 3834), so that no holiday
/// notice comes back, and carries no List-Unsubscribe: nobody can unsubscribe from owing.
///
/// # Errors
/// [`Undeliverable::Transport`] for an address that is none, a control character in a name or in the
/// subject, a Message-ID that is none, or a date before 1970.
pub fn compose(headers: &Headers, rendered: &Rendered) -> Result<Vec<u8>> {
    let message_id = bracketed(headers.message_id)?;
    if rendered.subject.chars().any(char::is_control) {
        return Err(refuse("control character in the subject"));
    }
    // Mail knows four digits of a year, and the library no date before 1970.
    if !(0..253_402_300_800).contains(&headers.date.timestamp()) {
        return Err(refuse(&format!("no date for an e-mail: {}", headers.date)));
    }
    let mut builder = Message::builder()
        .from(mailbox(headers.from)?)
        .to(named(headers.to_name, headers.to)?)
        .subject(rendered.subject.as_str())
        .date(headers.date.into())
        .message_id(Some(message_id));
    for copy in headers.cc {
        builder = builder.cc(named("", copy)?);
    }
    if let Some(reply_to) = headers.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    if let Some(earlier) = headers.in_reply_to {
        let earlier = bracketed(earlier)?;
        builder = builder.in_reply_to(earlier.clone()).references(earlier);
    }
    for (name, value) in [
        ("Auto-Submitted", "auto-generated"),
        // Exchange goes by its own header.
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", rendered.locale.word()),
    ] {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let body = MultiPart::alternative()
        .boundary(boundary(headers.message_id))
        .singlepart(SinglePart::plain(ending_in_crlf(&rendered.text)))
        .singlepart(SinglePart::html(ending_in_crlf(&rendered.html)));
    let message = builder.multipart(body).map_err(|error| refuse(&error.to_string()))?;
    Ok(message.formatted())
}

/// A file that goes with a message.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// In ASCII: others take other ways to write anything else.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// The message that [`compose`] made, with a PDF: both stand in a `multipart/mixed`, whose boundary is made
/// of the message's own, so that the same message with the same file is always the same bytes.
///
/// # Errors
/// [`Undeliverable::Transport`] for bytes that `compose` did not make.
pub fn attach(message: &[u8], attachment: &Attachment) -> Result<Vec<u8>> {
    let no_message = || refuse("no message that a file could go with");
    let text = std::str::from_utf8(message).map_err(|_| no_message())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(no_message)?;
    let (before, content_type) = head.split_once("\r\nContent-Type: ").ok_or_else(no_message)?;
    // The header goes on in the lines that begin with a space.
    let end = content_type
        .match_indices("\r\n")
        .find(|(at, _)| !content_type[at + 2..].starts_with([' ', '\t']));
    let (content_type, after) = content_type.split_at(end.map_or(content_type.len(), |(at, _)| at));
    let (_, rest) = content_type.split_once("boundary=\"").ok_or_else(no_message)?;
    let (inner, _) = rest.split_once('"').ok_or_else(no_message)?;
    // None begins with the other: a line is compared with as much of a boundary as that has (RFC 2046, 5.1.1).
    let boundary = format!("=_file{}", inner.trim_start_matches("=_"));
    let pdf = ContentType::parse("application/pdf").map_err(|error| refuse(&error.to_string()))?;
    let file = lettre::message::Attachment::new(attachment.name.to_owned());
    let file = file.body(attachment.bytes.to_vec(), pdf).formatted();
    let mut whole = Vec::with_capacity(message.len() + file.len() + 512);
    let opening = format!(
        "{before}\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"{after}\r\n\r\n\
         --{boundary}\r\nContent-Type: {content_type}\r\n\r\n"
    );
    whole.extend_from_slice(opening.as_bytes());
    whole.extend_from_slice(body.as_bytes());
    whole.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
    whole.extend_from_slice(&file);
    whole.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok(whole)
}

/// The lines as mail ends them. The library would put each CR in its place by itself, and move all
/// that follows it: a list of 20 000 invoices took six seconds.
fn ending_in_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// The address of a mailbox without its name, as the envelope takes it.
///
/// # Errors
/// [`Undeliverable::Transport`] where it is not one mailbox: an address with a dotted domain, or
/// `Name <address>`.
pub fn bare_address(text: &str) -> Result<String> {
    mailbox(text).map(|mailbox| mailbox.email.to_string())
}

/// Reads a mailbox. More is taken than RFC 5322 writes: a name need not be quoted, as in
/// `Example, Inc. <billing@example.com>`; it is quoted where the e-mail is composed.
fn mailbox(text: &str) -> Result<Mailbox> {
    let line = text::line("mailbox", text, LONGEST_MAILBOX)
        .map_err(|_| refuse(&format!("no mailbox: {text:?}")))?;
    match line.strip_suffix('>').and_then(|inner| inner.rsplit_once('<')) {
        Some((name, address)) => named(&unquoted(name.trim()), address),
        None => named("", &line),
    }
}

fn named(name: &str, address: &str) -> Result<Mailbox> {
    let no_address = || refuse(&format!("no e-mail address: {address:?}"));
    let address = text::email("address", address).map_err(|_| no_address())?;
    let email =
        text::ascii_address(&address).parse().map_err(|_: address::AddressError| no_address())?;
    Ok(Mailbox::new(display_name(name, &email)?, email))
}

/// The name, where there is one. lettre panics on a line break in it.
fn display_name(name: &str, email: &Address) -> Result<Option<String>> {
    let name = text::seen(name);
    if name.trim_matches(' ').is_empty() {
        return Ok(None);
    }
    match text::line("name", &name, LONGEST_NAME) {
        // Checked untrimmed: `line` would take a line break at the end away.
        Ok(line) if !name.chars().any(char::is_control) => Ok(Some(line)),
        _ => Err(refuse(&format!("no name for a mailbox: {name:?} <{email}>"))),
    }
}

/// A name without the quotes of RFC 5322, 3.2.4.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    plain
}

fn bracketed(message_id: &str) -> Result<String> {
    let ok = message_id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
        && message_id
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if ok {
        Ok(format!("<{message_id}>"))
    } else {
        Err(refuse(&format!("no Message-ID: {message_id:?}")))
    }
}

/// What stands between text and HTML. Made from the Message-ID, because a random one would make
/// every attempt another message; `=_` can stand in neither quoted-printable nor base64.
fn boundary(message_id: &str) -> String {
    let id = message_id.chars().filter(char::is_ascii_alphanumeric).take(LONGEST_BOUNDARY);
    format!("=_{}", id.collect::<String>())
}

/// The text of a message that [`compose`] made, for a person: the plain part, with its
/// quoted-printable undone (RFC 2045, 6.7). `None` where it is written otherwise.
pub fn text_of(message: &[u8]) -> Option<String> {
    let message = std::str::from_utf8(message).ok()?.replace("\r\n", "\n");
    let part = message.split_once("Content-Type: text/plain")?.1;
    let (head, rest) = part.split_once("\n\n")?;
    let body = rest.split_once("\n--=_").map_or(rest, |(body, _)| body);
    if head.contains("quoted-printable") {
        return unquote_printable(body);
    }
    head.contains("7bit").then(|| body.to_owned())
}

fn unquote_printable(body: &str) -> Option<String> {
    let joined = body.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut pieces = joined.split('=');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let code = u8::from_str_radix(piece.get(..2)?, 16).ok()?;
        bytes.push(code);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

fn refuse(message: &str) -> Refusal {
    Refusal::from(Undeliverable::Transport { message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Locale;

    fn headers() -> Headers<'static> {
        Headers {
            from: "Société Exemple <facturation@example.com>",
            reply_to: Some("compta@example.com"),
            to_name: "Atelier d'Été & Fils, S.A.R.L.",
            to: "atelier@example.org",
            cc: &[],
            message_id: "eml-7.3f2a@billing.example.com",
            date: DateTime::from_timestamp(1_773_561_600, 0).unwrap(),
            in_reply_to: Some("eml-3.3f2a@billing.example.com"),
        }
    }

    fn rendered() -> Rendered {
        Rendered {
            locale: Locale::Fr,
            subject: "Rappel : échéance dépassée".into(),
            text: "Bonjour,\n\n.Reste dû : 49,90 €\nFrom là\n".into(),
            html: format!("<p>Reste dû : 49,90 €</p>{}", "<br>".repeat(400)),
        }
    }

    fn composed(headers: &Headers) -> String {
        String::from_utf8(compose(headers, &rendered()).unwrap()).unwrap()
    }

    #[test]
    fn the_headers_are_those_of_a_email_by_a_machine() {
        let message = composed(&headers());
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        for line in [
            "Reply-To: compta@example.com",
            "Date: Sun, 15 Mar 2026 08:00:00 +0000",
            "Message-ID: <eml-7.3f2a@billing.example.com>",
            "In-Reply-To: <eml-3.3f2a@billing.example.com>",
            "References: <eml-3.3f2a@billing.example.com>",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: OOF, AutoReply",
            "Content-Language: fr",
            "MIME-Version: 1.0",
        ] {
            assert!(head.contains(line), "{line}\n{head}");
        }
        assert!(!head.contains("List-Unsubscribe"));
        assert!(
            head.contains("<facturation@example.com>") && head.contains("<atelier@example.org>")
        );
        assert_eq!(message.matches("Content-Type: multipart/alternative").count(), 1);
        let (text, html) = (body.find("text/plain").unwrap(), body.find("text/html").unwrap());
        assert!(text < html);
    }

    #[test]
    fn who_gets_a_copy_is_told() {
        let cc = ["compta@bücher.example".to_owned(), "b@example.org".to_owned()];
        let message = composed(&Headers { cc: &cc, ..headers() });
        assert!(
            message.contains("\r\nCc: compta@xn--bcher-kva.example, b@example.org\r\n"),
            "{message}"
        );
        assert!(!composed(&headers()).contains("\r\nCc:"));
    }

    #[test]
    fn the_text_is_read_back_as_it_was_written() {
        let long = format!("à{}", " = mot".repeat(60));
        for text in ["Bonjour,\n\n.Reste dû : 49,90 €\nFrom là\n", "Hello,\n\n100 % = all\n", &long]
        {
            let rendered = Rendered { text: text.into(), ..rendered() };
            let message = compose(&headers(), &rendered).unwrap();
            assert_eq!(text_of(&message).unwrap().trim_end(), text.trim_end());
        }
    }

    #[test]
    fn a_file_goes_with_a_message_whose_text_stays_as_it_was() {
        let message = compose(&headers(), &rendered()).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let with = attach(&message, &Attachment { name: "INV-1.pdf", bytes: &bytes }).unwrap();
        assert_eq!(text_of(&with), text_of(&message));
        let text = String::from_utf8(with.clone()).unwrap();
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998));
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.matches("Content-Type: multipart/mixed").count(), 1, "{head}");
        assert_eq!(head.matches("Content-Type").count(), 1, "{head}");
        assert!(head.contains("\r\nMIME-Version: 1.0") && !head.contains("alternative"));
        assert!(body.contains("Content-Type: multipart/alternative"), "{body}");
        assert!(body.contains("Content-Disposition: attachment; filename=\"INV-1.pdf\""), "{body}");
        assert!(body.contains("Content-Type: application/pdf"), "{body}");
        assert!(body.ends_with("--=_fileeml73f2abillingexamplecom--\r\n"), "{body}");
        let again = attach(&message, &Attachment { name: "INV-1.pdf", bytes: &bytes }).unwrap();
        assert_eq!(with, again);
        assert!(attach(b"no message", &Attachment { name: "a.pdf", bytes: &bytes }).is_err());
    }

    #[test]
    fn the_bytes_are_seven_bit_and_always_the_same() {
        let message = composed(&headers());
        assert!(message.is_ascii());
        assert_eq!(message.matches('\n').count(), message.matches("\r\n").count());
        assert!(message.lines().all(|line| line.len() <= 998));
        assert_eq!(message, composed(&headers()));
        let marks = message.matches("--=_eml73f2abillingexamplecom").count();
        assert_eq!(marks, 3, "before the text, before the HTML, and the end\n{message}");
    }

    #[test]
    fn what_would_break_a_header_is_refused() {
        for broken in [
            Headers { to_name: "a\rb", ..headers() },
            Headers { to_name: "a\n", ..headers() },
            Headers { to_name: "a\nBcc: x@example.net", ..headers() },
            Headers { to_name: "\u{1b}[31m", ..headers() },
            Headers { to_name: "a\u{202e}b", ..headers() },
            Headers { to: "a@example.org, b@example.org", ..headers() },
            Headers { to: "a@example.org\r\nBcc: b@example.org", ..headers() },
            Headers { from: "X\r\nBcc: b@example.org <a@example.org>", ..headers() },
            Headers { reply_to: Some("nobody"), ..headers() },
            Headers { message_id: "a b@c", ..headers() },
            Headers { message_id: "<a@c>", ..headers() },
            Headers { message_id: "@c", ..headers() },
            Headers { in_reply_to: Some("a@b>\r\nX: y"), ..headers() },
            Headers { date: DateTime::from_timestamp(-1, 0).unwrap(), ..headers() },
        ] {
            let refused = compose(&broken, &rendered());
            let refused = refused.unwrap_err();
            assert!(matches!(refused.of(), Some(Undeliverable::Transport { .. })), "{broken:?}");
        }
        let subject = Rendered { subject: "a\nb".into(), ..rendered() };
        assert!(compose(&headers(), &subject).is_err());
        assert!(compose(&Headers { to_name: " ", ..headers() }, &rendered()).is_ok());
        // A name of before such a character was refused in it.
        let unseen = compose(&Headers { to_name: "Ac\u{200b}me", ..headers() }, &rendered());
        let plain = compose(&Headers { to_name: "Acme", ..headers() }, &rendered());
        assert_eq!(unseen.unwrap(), plain.unwrap());
    }

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        for (text, bare) in [
            ("a@example.com", "a@example.com"),
            ("Example <a@example.com>", "a@example.com"),
            ("Example, Inc. <a@example.com>", "a@example.com"),
            ("\"Example \\\"One\\\", Inc.\" <a@example.com>", "a@example.com"),
            ("Société Générale d'Été <a@example.com>", "a@example.com"),
            ("<a@example.com>", "a@example.com"),
            ("Bücher <a@bücher.example>", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(bare_address(text).as_deref(), Ok(bare), "{text}");
            let message = composed(&Headers { from: text, ..headers() });
            assert!(message.starts_with("From: ") && message.is_ascii(), "{message}");
        }
        assert_eq!(unquoted("\"Example \\\"One\\\", Inc.\""), "Example \"One\", Inc.");
        for bad in ["", "a", "a@localhost", "a@example.com>", "A <a@example.com", "a@b.c\nX: y"] {
            assert!(bare_address(bad).is_err(), "{bad}");
        }
    }
}
