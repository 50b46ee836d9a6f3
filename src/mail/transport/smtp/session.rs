//! One connection to a relay, used for e-mail after e-mail.
//!
//! The SMTP commands are given one by one, so that it is known how far an e-mail had come when
//! something failed. Before the final dot nothing was sent; after it, without an answer, nobody
//! knows (RFC 5321, 4.5.3.2.6).

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::super::reply_text;
use super::{Outcome, Outgoing, Smtp, Tls};

/// E-mails after which a connection is opened anew; relays count them as well.
const EMAILS_PER_CONNECTION: u32 = 100;

/// How long a relay may take to say good-bye.
const GOOD_BYE: Duration = Duration::from_secs(2);

/// How far an e-mail had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Mail,
    Rcpt,
    Data,
    /// The text and its final dot were written, or some of them.
    Content,
}

/// An e-mail as the relay is told of it.
struct Envelope<'a> {
    from: Address,
    to: Address,
    content: &'a str,
}

/// No connection could be opened: the e-mail was not tried, and nothing is wrong with it.
pub struct NoConnection(pub String);

/// Why an e-mail surely was not sent, though nobody refused it.
enum Miss {
    /// The connection went away before the final dot.
    Lost(String),
    NoConnection(String),
}

/// A connection that is opened when an e-mail comes.
pub struct Session<'a> {
    smtp: &'a Smtp,
    tls: Option<&'a TlsParameters>,
    connection: Option<SmtpConnection>,
    emails: u32,
}

impl<'a> Session<'a> {
    /// A session that has not connected yet.
    pub fn new(smtp: &'a Smtp, tls: Option<&'a TlsParameters>) -> Self {
        Session { smtp, tls, connection: None, emails: 0 }
    }

    /// Sends one e-mail. A connection that was used before may have been closed by the relay
    /// meanwhile, which shows only now: the e-mail is then tried once more, on a new one.
    ///
    /// # Errors
    /// The relay takes no connection from us, now or any more.
    pub fn send(&mut self, email: &Outgoing) -> Result<Outcome, NoConnection> {
        let envelope = match Envelope::of(email) {
            Ok(envelope) => envelope,
            Err(outcome) => return Ok(outcome),
        };
        if self.emails >= EMAILS_PER_CONNECTION {
            self.close();
        }
        let used_before = self.connection.is_some();
        let attempt = match self.attempt(&envelope) {
            Err(Miss::Lost(_)) if used_before => self.attempt(&envelope),
            attempt => attempt,
        };
        match attempt {
            Ok(outcome) => Ok(outcome),
            Err(Miss::Lost(text)) => Ok(Outcome::TryLater(text)),
            Err(Miss::NoConnection(text)) => Err(NoConnection(text)),
        }
    }

    /// Says good-bye and closes.
    pub fn close(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // The e-mails are sent whatever the relay answers to this. Given as a bare command:
            // `SmtpConnection::quit` would say it again where no answer comes, and wait again.
            let _ = connection.set_timeout(Some(GOOD_BYE.min(self.smtp.timeout)));
            let _ = connection.command(Quit);
        }
    }

    /// Closes without a word.
    pub fn forget(&mut self) {
        self.connection = None;
    }

    fn attempt(&mut self, envelope: &Envelope) -> Result<Outcome, Miss> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open().map_err(|error| Miss::NoConnection(self.said(&error)))?,
        };
        if envelope.is_international()
            && !connection.server_info().supports_feature(Extension::SmtpUtfEight)
        {
            self.connection = Some(connection);
            let text = "the relay takes no addresses outside ASCII (SMTPUTF8)";
            return Ok(Outcome::Refused(text.into()));
        }
        self.emails += 1;
        let Err((phase, error)) = transact(&mut connection, envelope) else {
            self.connection = Some(connection);
            return Ok(Outcome::Sent);
        };
        let said = self.said(&error);
        let outcome = verdict(phase, error.status().map(u16::from), said)?;
        // After a refusal the relay may still hold half a transaction. Where it does not answer,
        // the connection is dropped.
        if keeps_connection(&error, &outcome) && connection.command(Rset).is_ok() {
            self.connection = Some(connection);
        }
        Ok(outcome)
    }

    fn open(&mut self) -> Result<SmtpConnection, Error> {
        self.emails = 0;
        let smtp = self.smtp;
        let hello = ClientId::default();
        let at = (smtp.bare_host(), smtp.port);
        let implicit = self.tls.filter(|_| smtp.tls == Tls::Implicit);
        let mut connection =
            SmtpConnection::connect(at, Some(smtp.timeout), &hello, implicit, None)?;
        if let Some(parameters) = self.tls.filter(|_| smtp.tls == Tls::Starttls) {
            connection.starttls(parameters, &hello)?;
        }
        if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials)?;
        }
        Ok(connection)
    }

    /// Who said what, `smtp.example.com: 550 5.1.1 no such user`.
    fn said(&self, error: &Error) -> String {
        let text = match (error.status(), error.source()) {
            (Some(code), Some(text)) => format!("{code} {text}"),
            (Some(code), None) => code.to_string(),
            (None, _) => error.to_string(),
        };
        reply_text(&format!("{}: {text}", self.smtp.host))
    }
}

impl<'a> Envelope<'a> {
    /// Reads what the outbox holds; what cannot be read is not put before the relay.
    fn of(email: &'a Outgoing) -> Result<Self, Outcome> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|error| reply_text(&format!("{text}: {error}")))
        };
        // The sender is ours to put right; the e-mail itself is not at fault.
        let from = address(&email.from).map_err(Outcome::TryLater)?;
        let to = address(&email.to).map_err(Outcome::Refused)?;
        let content = std::str::from_utf8(&email.bytes)
            .map_err(|_| Outcome::Refused("the e-mail is not UTF-8".into()))?;
        Ok(Envelope { from, to, content })
    }

    fn is_international(&self) -> bool {
        !AsRef::<str>::as_ref(&self.from).is_ascii() || !AsRef::<str>::as_ref(&self.to).is_ascii()
    }

    fn mail_parameters(&self) -> Vec<MailParameter> {
        if !self.is_international() {
            return Vec::new();
        }
        // RFC 6531, 3.1: the address stands in the header as well, which is then not ASCII.
        vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]
    }
}

fn transact(connection: &mut SmtpConnection, envelope: &Envelope) -> Result<(), (Phase, Error)> {
    let mail = Mail::new(Some(envelope.from.clone()), envelope.mail_parameters());
    connection.command(mail).map_err(|error| (Phase::Mail, error))?;
    let rcpt = Rcpt::new(envelope.to.clone(), Vec::new());
    connection.command(rcpt).map_err(|error| (Phase::Rcpt, error))?;
    connection.command(Data).map_err(|error| (Phase::Data, error))?;
    let content = Content(envelope.content);
    connection.command(content).map_err(|error| (Phase::Content, error))?;
    Ok(())
}

/// What an answer (or none) at that point means for the e-mail.
fn verdict(phase: Phase, code: Option<u16>, said: String) -> Result<Outcome, Miss> {
    match (code, phase) {
        (None, Phase::Content) => {
            Ok(Outcome::TryLater(format!("no answer after the text, it may have arrived: {said}")))
        }
        // 421: the relay closes, which it may do before any command (RFC 5321, 3.8).
        (None, _) | (Some(421), Phase::Mail | Phase::Rcpt | Phase::Data) => Err(Miss::Lost(said)),
        // Authentication is asked for, or no longer counts (RFC 4954, 6): so for every e-mail.
        (Some(530 | 534 | 535 | 538), Phase::Mail | Phase::Rcpt | Phase::Data) => {
            Ok(Outcome::Down(said))
        }
        // MAIL names our own address. A relay that does not take it would refuse every e-mail of
        // the run for good, though nothing is wrong with any of them.
        (Some(_), Phase::Mail) => Ok(Outcome::TryLater(said)),
        (Some(500..), _) => Ok(Outcome::Refused(said)),
        (Some(_), _) => Ok(Outcome::TryLater(said)),
    }
}

/// Whether the connection may still be good after a failure: the relay answered, and neither
/// closes nor turns us away.
fn keeps_connection(error: &Error, outcome: &Outcome) -> bool {
    let answered = error.status().map(u16::from).is_some_and(|code| code != 421);
    answered && !matches!(outcome, Outcome::Down(_))
}

/// The e-mail's text with CRLF line ends, leading dots doubled (RFC 5321, 4.5.2), and the final
/// dot.
///
/// Given as one command and so written at once. `SmtpConnection::message` writes the dot by itself,
/// and that small second write waits for the first one's delayed ACK: 40 ms an e-mail.
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.strip_suffix('\n').unwrap_or(self.0);
        for line in text.split('\n') {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line.strip_suffix('\r').unwrap_or(line))?;
            f.write_str("\r\n")?;
        }
        f.write_str(".\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_email_ends_it_early() {
        for (text, sent) in [
            ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("..a\n.b", "...a\r\n..b\r\n.\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\n\r\n", "a\r\n\r\n.\r\n"),
        ] {
            assert_eq!(Content(text).to_string(), sent, "{text:?}");
        }
    }

    #[test]
    fn only_what_is_said_of_recipient_or_text_is_for_good() {
        let said = |phase, code| verdict(phase, code, String::new());
        for phase in [Phase::Rcpt, Phase::Data, Phase::Content] {
            assert!(matches!(said(phase, Some(554)), Ok(Outcome::Refused(_))), "{phase:?}");
            assert!(matches!(said(phase, Some(452)), Ok(Outcome::TryLater(_))), "{phase:?}");
        }
        assert!(matches!(said(Phase::Mail, Some(553)), Ok(Outcome::TryLater(_))));
        assert!(matches!(said(Phase::Mail, Some(530)), Ok(Outcome::Down(_))));
        assert!(matches!(said(Phase::Content, Some(421)), Ok(Outcome::TryLater(_))));
        assert!(matches!(said(Phase::Content, None), Ok(Outcome::TryLater(_))));
        assert!(said(Phase::Data, None).is_err() && said(Phase::Rcpt, Some(421)).is_err());
    }
}
