//! E-mails through an SMTP relay, over a few connections at a time.

mod connection;
mod session;
#[cfg(test)]
mod tests;

use std::fs;
use std::net::IpAddr;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SendError, Sender};
use std::thread::{self, Scope};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::answer::Watch;
use super::{Outbox, Outcome, Outgoing};
use crate::domain::{EmailId, Refusal, Result};
use crate::mail::Undeliverable;
use session::{NoConnection, Session};

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Begun in plain text, encrypted before anything is said; refused where the relay does not
    /// offer it. Port 587.
    Starttls,
    /// Encrypted from the first byte. Port 465.
    Implicit,
    /// Plain text, to this machine only.
    None,
}

/// A password, which no log and no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the password in.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A relay, and how it is talked to.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// The most connections at a time, and so the most e-mails in flight; 0 counts as 1.
    pub connections: usize,
    /// How long each step may take: connecting, and each answer.
    pub timeout: Duration,
    /// Certificates in PEM that are trusted besides the public ones.
    pub ca_file: Option<PathBuf>,
}

/// What a worker reports of an e-mail.
struct Report {
    worker: usize,
    email: Outgoing,
    end: std::result::Result<Outcome, NoConnection>,
}

impl Smtp {
    /// Checks that neither e-mails nor a password would cross a network in plain text, and that
    /// user and password come together.
    ///
    /// # Errors
    /// [`Undeliverable::Transport`] saying which of them it is.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: &str| {
            Err(Refusal::from(Undeliverable::Transport { message: message.to_owned() }))
        };
        if self.user.is_some() != self.password.is_some() {
            return refuse("an SMTP user needs a password, and a password a user");
        }
        match self.tls {
            Tls::None if self.user.is_some() => {
                refuse("a password is never sent without TLS: use starttls or implicit")
            }
            Tls::None if !is_loopback(self.bare_host()) => refuse(
                "mail is sent without TLS only to this machine (localhost): use starttls or \
                 implicit",
            ),
            _ => Ok(()),
        }
    }

    /// Sends over up to `connections` connections; see [`super::deliver`].
    pub(super) fn deliver(&self, outbox: &mut dyn Outbox) -> Result<()> {
        self.check()?;
        let tls = self.encryption()?;
        let mut watch = Watch::default();
        thread::scope(|scope| {
            let mut crew = Crew::new(scope, self, tls.as_ref());
            let mut first_error = None;
            let mut feeding = true;
            loop {
                // What has come back is written down before another e-mail goes out: a crash in
                // between would send it twice.
                let report = if feeding && crew.has_room() {
                    crew.reports.try_recv().ok()
                } else if crew.in_flight > 0 {
                    crew.reports.recv().ok()
                } else {
                    break;
                };
                let step = match report {
                    // Each is told, also after one that could not be written down.
                    Some(report) => {
                        let mut step = Ok(());
                        for (id, outcome) in crew.take_back(report) {
                            let outcome = watch.judge(outcome);
                            feeding &= !matches!(outcome, Outcome::Down(_));
                            step = step.and(outbox.done(id, outcome));
                        }
                        step
                    }
                    None => outbox.next().map(|email| match email {
                        Some(email) => crew.hand_out(email),
                        None => feeding = false,
                    }),
                };
                if let Err(error) = step {
                    feeding = false;
                    first_error.get_or_insert(error);
                }
            }
            first_error.map_or(Ok(()), Err)
        })
    }

    /// What the connections are encrypted with; `None` without TLS.
    fn encryption(&self) -> Result<Option<connection::Tls>> {
        if self.tls == Tls::None {
            return Ok(None);
        }
        let refuse = |message: String| Refusal::from(Undeliverable::Transport { message });
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = &self.ca_file {
            let pem = fs::read(path).map_err(|error| Refusal::file(path, "read", &error))?;
            let no_certificate =
                |why: String| refuse(format!("no certificate in {}: {why}", path.display()));
            let mut found = 0;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| no_certificate(error.to_string()))?;
                roots.add(certificate).map_err(|error| no_certificate(error.to_string()))?;
                found += 1;
            }
            if found == 0 {
                return Err(no_certificate("the file holds none".into()));
            }
        }
        let host = ServerName::try_from(self.bare_host().to_owned())
            .map_err(|error| refuse(format!("no host name: {}: {error}", self.host)))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refuse(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(connection::Tls { config: Arc::new(config), host }))
    }

    /// The host without the brackets that an IPv6 address may be written in.
    fn bare_host(&self) -> &str {
        let inner = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.unwrap_or(&self.host)
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The workers, each with a connection of its own. They are taken on as e-mails come, so that one
/// e-mail opens one connection.
///
/// A relay may take fewer connections from us than we would open. A worker that cannot open one is
/// let go, and its e-mail waits for another; only when the last is let go is the way down.
struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    smtp: &'env Smtp,
    tls: Option<&'scope connection::Tls>,
    desks: Vec<Sender<Outgoing>>,
    /// Workers without an e-mail; the one whose connection was used last goes first.
    idle: Vec<usize>,
    let_go: usize,
    /// E-mails of workers that were let go, until another has a hand free.
    waiting: Vec<Outgoing>,
    /// E-mails without an outcome: those with a worker, and those that wait.
    in_flight: usize,
    reports: Receiver<Report>,
    report: Sender<Report>,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    fn new(
        scope: &'scope Scope<'scope, 'env>,
        smtp: &'env Smtp,
        tls: Option<&'scope connection::Tls>,
    ) -> Self {
        let (report, reports) = mpsc::channel();
        Crew {
            scope,
            smtp,
            tls,
            desks: Vec::new(),
            idle: Vec::new(),
            let_go: 0,
            waiting: Vec::new(),
            in_flight: 0,
            reports,
            report,
        }
    }

    fn has_room(&self) -> bool {
        self.in_flight + self.let_go < self.smtp.connections.max(1)
    }

    fn hand_out(&mut self, email: Outgoing) {
        self.in_flight += 1;
        let worker = self.idle.pop().unwrap_or_else(|| self.take_on());
        self.give(worker, email);
    }

    fn give(&mut self, worker: usize, email: Outgoing) {
        if let Err(SendError(email)) = self.desks[worker].send(email) {
            // The worker is gone, which its loop does not allow; the e-mail still gets its outcome.
            let end = Ok(Outcome::TryLater("the connection's thread ended".into()));
            // We hold the receiver: it cannot fail.
            let _ = self.report.send(Report { worker, email, end });
        }
    }

    /// Takes a report in. Returns the e-mails that have their outcome by it: one, none where it
    /// goes to another worker, all that are left where there is no other.
    fn take_back(&mut self, report: Report) -> Vec<(EmailId, Outcome)> {
        let ended = match report.end {
            Ok(outcome) => {
                self.idle.push(report.worker);
                vec![(report.email.id, outcome)]
            }
            Err(NoConnection(said)) => {
                self.let_go += 1;
                self.waiting.push(report.email);
                if self.let_go < self.desks.len() {
                    Vec::new()
                } else {
                    let down = |email: Outgoing| (email.id, Outcome::Down(said.clone()));
                    self.waiting.drain(..).map(down).collect()
                }
            }
        };
        self.in_flight -= ended.len();
        while !self.waiting.is_empty()
            && let Some(worker) = self.idle.pop()
        {
            let email = self.waiting.remove(0);
            self.give(worker, email);
        }
        ended
    }

    fn take_on(&mut self) -> usize {
        let worker = self.desks.len();
        let (desk, emails) = mpsc::channel::<Outgoing>();
        self.desks.push(desk);
        let report = self.report.clone();
        let (smtp, tls) = (self.smtp, self.tls);
        self.scope.spawn(move || {
            let mut session = Session::new(smtp, tls);
            for email in emails {
                let end = send_surely(&mut session, &email);
                if report.send(Report { worker, email, end }).is_err() {
                    break;
                }
            }
            session.close();
        });
        worker
    }
}

/// Sends, and reports even where sending panics: an e-mail without a report would be waited for
/// without end.
fn send_surely(
    session: &mut Session,
    email: &Outgoing,
) -> std::result::Result<Outcome, NoConnection> {
    panic::catch_unwind(AssertUnwindSafe(|| session.send(email))).unwrap_or_else(|_| {
        session.forget();
        Ok(Outcome::TryLater("internal error while sending; the e-mail may have arrived".into()))
    })
}
