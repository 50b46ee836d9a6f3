//! A connection to a relay: commands out, answers in, one after the other.
//!
//! lettre's own connection goes on with what it read before STARTTLS, so that answers which
//! somebody slipped in in the clear are taken for those of the relay. Here nothing may be left over
//! when a command goes out: an answer that stands there before its command was given is nobody's.

use std::fmt::{self, Display};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 100_000;

/// How often a relay may ask on while a password is given.
const MOST_CHALLENGES: usize = 10;

/// Why a command did not do what it was given for.
#[derive(Debug)]
pub enum Fault {
    /// The relay said no.
    Refused { code: u16, text: String },
    /// No answer, or none to what was said: the connection is of no use any more.
    Broken(String),
}

impl Fault {
    /// The code of the relay's answer, if it answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Fault::Refused { code, .. } => Some(*code),
            Fault::Broken(_) => None,
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Refused { code, text } => write!(f, "{code} {text}"),
            Fault::Broken(why) => f.write_str(why),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Broken(error.to_string())
    }
}

/// The answer that a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// 2xx: done.
    Done,
    /// 3xx: go on. Of DATA alone, and of a password.
    GoOn,
}

/// What an encrypted connection is made with.
#[derive(Debug, Clone)]
pub struct Tls {
    pub config: Arc<ClientConfig>,
    /// The host whose certificate is asked for.
    pub host: ServerName<'static>,
}

enum Stream {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// In the midst of a change that failed.
    Gone,
}

/// A connection on which the relay has said what it can do.
pub struct Connection {
    stream: Stream,
    /// What was read beyond the last answer.
    unread: Vec<u8>,
    server: ServerInfo,
}

impl Connection {
    /// Connects, hears the greeting and says hello; with `tls`, encrypted from the first byte.
    ///
    /// # Errors
    /// The relay cannot be reached, or turns us away.
    pub fn open(
        (host, port): (&str, u16),
        timeout: Duration,
        tls: Option<&Tls>,
    ) -> Result<Connection, Fault> {
        let stream = connect(host, port, timeout).map_err(broken)?;
        let stream = match tls {
            Some(tls) => encrypted(stream, tls)?,
            None => Stream::Plain(stream),
        };
        let mut connection =
            Connection { stream, unread: Vec::new(), server: ServerInfo::default() };
        as_expected(connection.answer()?, Expected::Done)?;
        connection.hello()?;
        Ok(connection)
    }

    /// Goes on encrypted.
    ///
    /// # Errors
    /// The relay does not offer it, more than its answer came in the clear, or its certificate is
    /// not that of the host.
    pub fn starttls(&mut self, tls: &Tls) -> Result<(), Fault> {
        if !self.offers(Extension::StartTls) {
            return Err(Fault::Broken("the relay does not offer STARTTLS".into()));
        }
        self.command(Starttls, Expected::Done)?;
        self.nothing_unread()?;
        if let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) {
            self.stream = encrypted(stream, tls)?;
        }
        self.hello()
    }

    /// Gives user and password.
    ///
    /// # Errors
    /// The relay does not take them, or none of the ways in which they can be given.
    pub fn log_in(&mut self, credentials: &Credentials) -> Result<(), Fault> {
        let Some(mechanism) = self.server.get_auth_mechanism(DEFAULT_MECHANISMS) else {
            let why = "the relay takes no password in a way known here (PLAIN, LOGIN)";
            return Err(Fault::Broken(why.into()));
        };
        let mut answer = self.ask(Auth::new(mechanism, credentials.clone(), None)?)?;
        for _ in 0..MOST_CHALLENGES {
            if !answer.has_code(334) {
                return as_expected(answer, Expected::Done);
            }
            let next = Auth::new_from_response(mechanism, credentials.clone(), &answer)?;
            answer = self.ask(next)?;
        }
        Err(Fault::Broken("the relay asks for the password without end".into()))
    }

    /// Whether the relay has said that it can do so.
    pub fn offers(&self, extension: Extension) -> bool {
        self.server.supports_feature(extension)
    }

    /// Gives a command and waits for its answer.
    ///
    /// # Errors
    /// The relay says no, says something else than is expected, or nothing.
    pub fn command(&mut self, command: impl Display, expected: Expected) -> Result<(), Fault> {
        as_expected(self.ask(command)?, expected)
    }

    /// How long each answer may take from now on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        let stream = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => stream.get_ref(),
            Stream::Gone => return,
        };
        // Where it cannot be set, the one from before holds.
        let _ = stream.set_read_timeout(Some(timeout));
        let _ = stream.set_write_timeout(Some(timeout));
    }

    fn hello(&mut self) -> Result<(), Fault> {
        let answer = self.ask(Ehlo::new(ClientId::default()))?;
        self.server = match answer.code().severity {
            Severity::PositiveCompletion => ServerInfo::from_response(&answer)?,
            _ => return as_expected(answer, Expected::Done),
        };
        Ok(())
    }

    fn ask(&mut self, command: impl Display) -> Result<Response, Fault> {
        self.nothing_unread()?;
        self.stream.write_all(command.to_string().as_bytes()).map_err(broken)?;
        self.stream.flush().map_err(broken)?;
        self.answer()
    }

    fn nothing_unread(&self) -> Result<(), Fault> {
        match self.unread.is_empty() {
            true => Ok(()),
            false => Err(Fault::Broken("the relay answered before it was asked".into())),
        }
    }

    /// Reads the lines of an answer; what came after them stays unread.
    fn answer(&mut self) -> Result<Response, Fault> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(end) = end_of_answer(&self.unread) {
                let rest = self.unread.split_off(end);
                let lines = std::mem::replace(&mut self.unread, rest);
                return Ok(String::from_utf8_lossy(&lines).parse()?);
            }
            if self.unread.len() > LONGEST_ANSWER {
                return Err(Fault::Broken("the relay's answer does not end".into()));
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Fault::Broken("the relay closed the connection".into())),
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

/// The first of the host's addresses that takes a connection.
fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn encrypted(mut stream: TcpStream, tls: &Tls) -> Result<Stream, Fault> {
    let not_trusted = |why: String| Fault::Broken(format!("no encrypted connection: {why}"));
    let mut client = ClientConnection::new(Arc::clone(&tls.config), tls.host.clone())
        .map_err(|error| not_trusted(error.to_string()))?;
    while client.is_handshaking() {
        client.complete_io(&mut stream).map_err(|error| not_trusted(error.to_string()))?;
    }
    Ok(Stream::Encrypted(Box::new(StreamOwned::new(client, stream))))
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Encrypted(stream) => stream.read(buffer),
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Encrypted(stream) => stream.write(bytes),
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Encrypted(stream) => stream.flush(),
            Stream::Gone => Ok(()),
        }
    }
}

fn broken(error: io::Error) -> Fault {
    Fault::Broken(match error.kind() {
        // A read that ran into its time limit says so in one of two ways.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "the relay did not answer".into(),
        _ => error.to_string(),
    })
}

/// Where the first answer ends, if it is all there: after the line whose code is not followed by
/// a hyphen (RFC 5321, 4.2.1).
fn end_of_answer(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[start..start + length];
        start += length + 1;
        if line.get(3) != Some(&b'-') {
            return Some(start);
        }
    }
    None
}

/// A 250 in answer to DATA is no leave to send the text, and a 354 to anything else leaves the
/// relay waiting for one.
fn as_expected(answer: Response, expected: Expected) -> Result<(), Fault> {
    let code = u16::from(answer.code());
    let text = answer.message().collect::<Vec<_>>().join(" ");
    match (answer.code().severity, expected) {
        (Severity::PositiveCompletion, Expected::Done)
        | (Severity::PositiveIntermediate, Expected::GoOn) => Ok(()),
        (Severity::PositiveCompletion | Severity::PositiveIntermediate, _) => {
            Err(Fault::Broken(format!("the relay answered something else: {code} {text}")))
        }
        _ => Err(Fault::Refused { code, text }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_the_line_that_has_no_hyphen() {
        for (bytes, end) in [
            ("250 ok\r\n", Some(8)),
            ("250\r\n", Some(5)),
            ("250-a\r\n250 b\r\n", Some(14)),
            ("220 go\r\n250 injected\r\n", Some(8)),
            ("250-a\r\n250 b", None),
            ("250-a\r\n", None),
            ("", None),
        ] {
            assert_eq!(end_of_answer(bytes.as_bytes()), end, "{bytes:?}");
        }
    }
}
