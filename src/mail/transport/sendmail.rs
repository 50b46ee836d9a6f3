//! E-mails through the machine's own mailer, by the command line that every `sendmail` takes.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::domain::programs::ENVIRONMENT;

use super::answer::is_of_the_recipient;
use super::{Outcome, Outgoing, reply_text};

/// A code that says nothing by itself: a mailer's words alone tell whom it speaks of.
const ANY_REFUSAL: u16 = 500;

/// How long the program may take over one e-mail.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked whether it has ended: often at first, most take milliseconds.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// How much of the error output is kept.
const LONGEST_ERROR: u64 = 4096;

/// How long the error output may stay open after the program has ended: a mailer that goes on in
/// the background may have left it to a child.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Hands the e-mail to the program, without a shell.
///
/// The exit codes are those of sysexits.h: 67, and 65 where it speaks of the recipient, refuse the
/// e-mail; any other is worth a later attempt. A program that cannot be started is
/// [`Outcome::Down`].
///
/// Each copy is handed over by itself, after the e-mail: an exit code does not say which of several
/// recipients it is about.
pub fn hand_over(program: &Path, email: &Outgoing) -> Outcome {
    let outcome = hand_over_within(PATIENCE, program, email, &email.to);
    if outcome != Outcome::Sent {
        return outcome;
    }
    let mut refused = Vec::new();
    for copy in &email.cc {
        match hand_over_within(PATIENCE, program, email, copy) {
            Outcome::Sent | Outcome::SentWithout(_) => {}
            Outcome::Refused(said)
            | Outcome::NotFromUs(said)
            | Outcome::TryLater(said)
            | Outcome::Down(said) => refused.push(format!("{copy}: {said}")),
        }
    }
    if refused.is_empty() { Outcome::Sent } else { Outcome::SentWithout(refused) }
}

fn hand_over_within(patience: Duration, program: &Path, email: &Outgoing, to: &str) -> Outcome {
    let child = Command::new(program)
        .args(["-i", "-f", &email.from, "--", to])
        .env_clear()
        .envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let text = format!("cannot start {}: {error}", program.display());
            return Outcome::Down(reply_text(&text));
        }
    };
    feed(&mut child, line_feeds(&email.bytes));
    let said = listen(&mut child);
    let ended = wait(&mut child, patience);
    let said = said.recv_timeout(LAST_WORDS).unwrap_or_default();
    let said = reply_text(&String::from_utf8_lossy(&said));
    match ended {
        Ok(Some(status)) => verdict(status, &said),
        Ok(None) => Outcome::TryLater(format!("no end after {} s: {said}", patience.as_secs())),
        Err(error) => Outcome::TryLater(reply_text(&format!("cannot wait for it: {error}"))),
    }
}

fn verdict(status: ExitStatus, said: &str) -> Outcome {
    let text = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    match status.code() {
        Some(0) => Outcome::Sent,
        // EX_NOUSER. Not EX_NOHOST (68): a name server that does not answer looks the same to many
        // mailers, and says nothing of the recipient.
        Some(67) => Outcome::Refused(text),
        // EX_DATAERR: msmtp gives it for a recipient as for a sender that the relay does not take.
        Some(65) if is_of_the_recipient(ANY_REFUSAL, said) => Outcome::Refused(text),
        // EX_USAGE, EX_DATAERR, EX_NOPERM, EX_CONFIG: of how we call it, or of its own setting.
        Some(64 | 65 | 77 | 78) => Outcome::NotFromUs(text),
        _ => Outcome::TryLater(text),
    }
}

/// Writes the e-mail on a thread of its own, so that a program that does not read cannot hold us
/// up. One that ends without reading breaks the pipe; its exit code says what that means.
fn feed(child: &mut Child, bytes: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        thread::spawn(move || stdin.write_all(&bytes));
    }
}

/// The first of what the program writes to its error output, once it is closed. The rest is read
/// and dropped: a full pipe would stop the program.
fn listen(child: &mut Child) -> Receiver<Vec<u8>> {
    let (tell, said) = mpsc::channel();
    if let Some(mut stderr) = child.stderr.take() {
        thread::spawn(move || {
            let mut first = Vec::new();
            // What was read before an error is still worth showing, and nobody may be listening.
            let _ = stderr.by_ref().take(LONGEST_ERROR).read_to_end(&mut first);
            let _ = io::copy(&mut stderr, &mut io::sink());
            let _ = tell.send(first);
        });
    }
    said
}

/// How the program ended; `None` where it had to be killed. Naps are counted, no clock is read.
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let (mut waited, mut nap) = (Duration::ZERO, SHORTEST_NAP);
    while waited < patience {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(nap);
        waited += nap;
        nap = (nap * 2).min(LONGEST_NAP);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// A program reads lines as the system ends them; CRLF would reach some recipients doubled.
fn line_feeds(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (place, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(place + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::super::tests::email;
    use super::*;

    /// A program that runs the script, in a directory of its own.
    fn program(script: &str) -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("sendmail");
        fs::write(&path, format!("#!/bin/sh\ncd '{}'\n{script}\n", place.path().display()))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        (place, path)
    }

    /// Another test's child can hold the script open for writing for a moment after it forks
    /// ("Text file busy"); that is of the tests, not of the transport.
    fn hand_over(path: &Path, email: &Outgoing) -> Outcome {
        for _ in 0..50 {
            match super::hand_over(path, email) {
                Outcome::Down(text) if text.contains("busy") => {
                    thread::sleep(Duration::from_millis(10));
                }
                outcome => return outcome,
            }
        }
        panic!("the script stays busy");
    }

    #[test]
    fn the_email_arrives_with_plain_line_ends_and_its_envelope() {
        let (place, path) = program("printf '%s\\n' \"$@\" > arguments; cat > e-mail");
        assert_eq!(hand_over(&path, &email(1)), Outcome::Sent);
        let read = |name| fs::read_to_string(place.path().join(name)).unwrap();
        assert_eq!(read("arguments"), "-i\n-f\nbilling@example.com\n--\ntenant1@example.org\n");
        assert_eq!(read("e-mail"), "Subject: 1\n\n.first\nlast\n");
    }

    #[test]
    fn a_copy_that_is_refused_leaves_the_email_sent() {
        let (_place, path) = program("[ \"$5\" != gone@example.org ] || exit 67");
        let cc = vec!["a@example.org".into(), "gone@example.org".into(), "b@example.org".into()];
        let Outcome::SentWithout(copies) = hand_over(&path, &Outgoing { cc, ..email(1) }) else {
            panic!("not sent")
        };
        assert_eq!(copies, ["gone@example.org: exit status: 67"]);
    }

    #[test]
    fn the_program_learns_no_secret_of_ours() {
        let (place, path) = program("env > environment; cat > e-mail");
        assert_eq!(hand_over(&path, &email(1)), Outcome::Sent);
        let seen = fs::read_to_string(place.path().join("environment")).unwrap();
        // What a shell sets by itself.
        let of_the_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
        for name in seen.lines().filter_map(|line| Some(line.split_once('=')?.0)) {
            assert!(ENVIRONMENT.contains(&name) || of_the_shell.contains(&name), "{seen}");
        }
        assert!(seen.contains("PATH=") && std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    }

    #[test]
    fn the_exit_code_says_whether_another_try_is_worth_it() {
        for (code, said) in [(67, "unknown user"), (65, "550 5.1.1 unknown user")] {
            let (_place, path) = program(&format!("echo {said} >&2; exit {code}"));
            let Outcome::Refused(text) = hand_over(&path, &email(1)) else { panic!("{code}") };
            assert!(text.contains("unknown user") && text.contains(&code.to_string()), "{text}");
        }
        for code in [64, 65, 78] {
            let (_place, path) = program(&format!("echo sender not verified >&2; exit {code}"));
            assert!(matches!(hand_over(&path, &email(1)), Outcome::NotFromUs(_)), "{code}");
        }
        for code in [1, 68, 69, 75] {
            let (_place, path) = program(&format!("exit {code}"));
            assert!(matches!(hand_over(&path, &email(1)), Outcome::TryLater(_)), "{code}");
        }
    }

    #[test]
    fn a_program_that_does_not_read_breaks_nothing() {
        let (_place, path) = program("exec 0<&-; exit 75");
        let long = Outgoing { bytes: vec![b'x'; 1 << 20], ..email(1) };
        assert!(matches!(hand_over(&path, &long), Outcome::TryLater(_)));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let (_place, path) = program("exec sleep 30");
        // Started once before, so that the file is no longer busy.
        let outcome = loop {
            match hand_over_within(Duration::from_millis(40), &path, &email(1), "a@example.org") {
                Outcome::Down(text) if text.contains("busy") => continue,
                outcome => break outcome,
            }
        };
        assert!(matches!(outcome, Outcome::TryLater(_)), "{outcome:?}");
    }

    #[test]
    fn a_program_that_is_not_there_stops_the_run() {
        let nowhere = Path::new("/nonexistent/sendmail");
        assert!(matches!(hand_over(nowhere, &email(1)), Outcome::Down(_)));
    }
}
