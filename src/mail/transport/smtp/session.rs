//! One connection to a relay, used for e-mail after e-mail.
//!
//! The SMTP commands are given one by one, so that it is known how far an e-mail had come when
//! something failed. Before the final dot nothing was sent; after it, without an answer, nobody
//! knows (RFC 5321, 4.5.3.2.6).

use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};

use super::super::answer::is_of_the_recipient;
use super::super::reply_text;
use super::connection::{self, Connection, Expected, Fault};
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
    cc: Vec<Address>,
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
    tls: Option<&'a connection::Tls>,
    connection: Option<Connection>,
    emails: u32,
}

impl<'a> Session<'a> {
    /// A session that has not connected yet.
    pub fn new(smtp: &'a Smtp, tls: Option<&'a connection::Tls>) -> Self {
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
            // The e-mails are sent whatever the relay answers to this.
            connection.set_timeout(GOOD_BYE.min(self.smtp.timeout));
            let _ = connection.command(Quit, Expected::Done);
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
        if envelope.is_international() && !connection.offers(Extension::SmtpUtfEight) {
            self.connection = Some(connection);
            let text = "the relay takes no addresses outside ASCII (SMTPUTF8)";
            return Ok(Outcome::Refused(text.into()));
        }
        self.emails += 1;
        let (phase, fault) = match transact(&mut connection, envelope) {
            Ok(refused) => {
                self.connection = Some(connection);
                let told = |(copy, fault)| reply_text(&format!("{copy}: {}", self.said(&fault)));
                return Ok(match refused.is_empty() {
                    true => Outcome::Sent,
                    false => Outcome::SentWithout(refused.into_iter().map(told).collect()),
                });
            }
            Err(failed) => failed,
        };
        let said = self.said(&fault);
        let outcome = verdict(phase, fault.code(), said)?;
        // After a refusal the relay may still hold half a transaction. Where it does not answer,
        // the connection is dropped.
        if keeps_connection(&fault, &outcome) && connection.command(Rset, Expected::Done).is_ok() {
            self.connection = Some(connection);
        }
        Ok(outcome)
    }

    fn open(&mut self) -> Result<Connection, Fault> {
        self.emails = 0;
        let smtp = self.smtp;
        let at = (smtp.bare_host(), smtp.port);
        let implicit = self.tls.filter(|_| smtp.tls == Tls::Implicit);
        let mut connection = Connection::open(at, smtp.timeout, implicit)?;
        if let Some(tls) = self.tls.filter(|_| smtp.tls == Tls::Starttls) {
            connection.starttls(tls)?;
        }
        if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
            connection.log_in(&Credentials::new(user.clone(), password.expose().to_owned()))?;
        }
        Ok(connection)
    }

    /// Who said what, `smtp.example.com: 550 5.1.1 no such user`.
    fn said(&self, fault: &Fault) -> String {
        reply_text(&format!("{}: {fault}", self.smtp.host))
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
        let cc = email.cc.iter().filter_map(|copy| copy.parse().ok()).collect();
        Ok(Envelope { from, to, cc, content })
    }

    fn is_international(&self) -> bool {
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        !ascii(&self.from) || !ascii(&self.to) || !self.cc.iter().all(ascii)
    }

    fn mail_parameters(&self) -> Vec<MailParameter> {
        if !self.is_international() {
            return Vec::new();
        }
        // RFC 6531, 3.1: the address stands in the header as well, which is then not ASCII.
        vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]
    }
}

/// Sends the e-mail, to whom the relay takes it for. Returns the copies that it does not take.
fn transact(
    connection: &mut Connection,
    envelope: &Envelope,
) -> Result<Vec<(Address, Fault)>, (Phase, Fault)> {
    let mail = Mail::new(Some(envelope.from.clone()), envelope.mail_parameters());
    connection.command(mail, Expected::Done).map_err(|fault| (Phase::Mail, fault))?;
    let rcpt = Rcpt::new(envelope.to.clone(), Vec::new());
    connection.command(rcpt, Expected::Done).map_err(|fault| (Phase::Rcpt, fault))?;
    let mut refused = Vec::new();
    for copy in &envelope.cc {
        match connection.command(Rcpt::new(copy.clone(), Vec::new()), Expected::Done) {
            Ok(()) => {}
            Err(fault) if fault.code().is_some_and(|code| code != 421) => {
                refused.push((copy.clone(), fault));
            }
            Err(fault) => return Err((Phase::Rcpt, fault)),
        }
    }
    connection.command(Data, Expected::GoOn).map_err(|fault| (Phase::Data, fault))?;
    let content = Content(envelope.content);
    connection.command(content, Expected::Done).map_err(|fault| (Phase::Content, fault))?;
    Ok(refused)
}

/// What an answer (or none) at that point means for the e-mail.
///
/// Only what is said of the recipient is for good. What a relay has against our address, our
/// account or our text it has against every e-mail of the run: SendGrid answers 550 to the text of
/// each where the sender is not verified.
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
        (Some(code @ 500..), Phase::Rcpt) if is_of_the_recipient(code, &said) => {
            Ok(Outcome::Refused(said))
        }
        // Many relays let in each recipient only at a second attempt.
        (Some(..500), Phase::Rcpt) => Ok(Outcome::TryLater(said)),
        (Some(_), _) => Ok(Outcome::NotFromUs(said)),
    }
}

/// Whether the connection may still be good after a failure: the relay answered, and neither
/// closes nor turns us away.
fn keeps_connection(fault: &Fault, outcome: &Outcome) -> bool {
    let answered = fault.code().is_some_and(|code| code != 421);
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
    fn only_what_is_said_of_the_recipient_is_for_good() {
        let said = |phase, code| verdict(phase, code, "x: 550 5.1.1 no such user".into());
        assert!(matches!(said(Phase::Rcpt, Some(550)), Ok(Outcome::Refused(_))));
        assert!(matches!(said(Phase::Rcpt, Some(452)), Ok(Outcome::TryLater(_))));
        for phase in [Phase::Mail, Phase::Data, Phase::Content] {
            for code in [452, 550, 554] {
                assert!(matches!(said(phase, Some(code)), Ok(Outcome::NotFromUs(_))), "{phase:?}");
            }
        }
        assert!(matches!(said(Phase::Mail, Some(530)), Ok(Outcome::Down(_))));
        assert!(matches!(said(Phase::Content, Some(421)), Ok(Outcome::NotFromUs(_))));
        assert!(matches!(said(Phase::Content, None), Ok(Outcome::TryLater(_))));
        assert!(said(Phase::Data, None).is_err() && said(Phase::Rcpt, Some(421)).is_err());
        let relaying = verdict(Phase::Rcpt, Some(554), "x: 554 5.7.1 Relay access denied".into());
        assert!(matches!(relaying, Ok(Outcome::NotFromUs(_))));
    }
}
