//! E-mails as files: what a machine without mail delivers by, and what a test reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, fchown, lchown};
use std::path::Path;

use super::{Outcome, Outgoing, reply_text};

/// Longest file name made here. File systems take 255 bytes, and the name while it is written is
/// six longer.
const LONGEST_NAME: usize = 200;

/// Writes the e-mail under its Message-ID, so that a second attempt writes the same file again. It is
/// there whole or not at all, and nobody else may read it.
///
/// `owner`, user and group, is to have it where that is not who writes.
///
/// What goes wrong goes wrong for every e-mail (the directory, the disk), so it is
/// [`Outcome::Down`].
pub fn write(directory: &Path, owner: Option<(u32, u32)>, email: &Outgoing) -> Outcome {
    match try_write(directory, owner, email) {
        Ok(()) => Outcome::Sent,
        Err(error) => {
            Outcome::Down(reply_text(&format!("cannot write to {}: {error}", directory.display())))
        }
    }
}

fn try_write(directory: &Path, owner: Option<(u32, u32)>, email: &Outgoing) -> io::Result<()> {
    make(directory, owner)?;
    let name = file_name(&email.message_id);
    let unfinished = directory.join(format!(".{name}.part"));
    // Left over from a run that was killed; made anew so that its mode is ours.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    if let Some((user, group)) = owner {
        fchown(&file, Some(user), Some(group)).ok();
    }
    file.write_all(&email.bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(format!("{name}.eml")))?;
    // The rename itself is on the disk only once the directory is.
    File::open(directory)?.sync_all()
}

/// Makes the folder, and those above it, where they are not there.
fn make(directory: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let missing: Vec<_> = directory
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if let Some((user, group)) = owner {
        missing.iter().for_each(|made| lchown(made, Some(user), Some(group)).unwrap_or_default());
    }
    Ok(())
}

/// The Message-ID with all that a file name should not have written as `=2F`: two ids never share
/// a name, and none leaves the directory.
fn file_name(message_id: &str) -> String {
    let mut name = String::with_capacity(message_id.len());
    for byte in message_id.bytes() {
        let first = name.is_empty();
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'_' => name.push(char::from(byte)),
            b'.' | b'-' if !first => name.push(char::from(byte)),
            other => name.push_str(&format!("={other:02X}")),
        }
    }
    name.truncate(LONGEST_NAME);
    name
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::tests::{Memory, email};
    use super::super::{Transport, deliver};
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_email_tried_twice_is_one_file_that_only_its_owner_reads() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("mail/out");
        let transport = Transport::File { directory: directory.clone(), owner: None };
        for _ in 0..2 {
            let mut outbox = Memory::with(1);
            deliver(&transport, &mut outbox).unwrap();
            assert_eq!(*outbox.outcome(1), Outcome::Sent);
        }
        assert_eq!(names(&directory), ["eml-1.0f3c@billing.example.eml"]);
        let path = directory.join("eml-1.0f3c@billing.example.eml");
        assert_eq!(fs::read(&path).unwrap(), email(1).bytes);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&directory)), (0o600, 0o700));
    }

    #[test]
    fn a_directory_that_cannot_be_made_stops_the_run() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("mail"), "a file").unwrap();
        let mut outbox = Memory::with(2);
        let transport = Transport::File { directory: place.path().join("mail"), owner: None };
        deliver(&transport, &mut outbox).unwrap();
        assert!(matches!(outbox.outcome(1), Outcome::Down(_)));
        assert_eq!(outbox.waiting.len(), 1);
    }

    #[test]
    fn no_message_id_leads_out_of_the_directory() {
        assert_eq!(file_name("../../etc/x@y"), "=2E.=2F..=2Fetc=2Fx@y");
        assert_eq!(file_name("a b\0é@c"), "a=20b=00=C3=A9@c");
        assert!(file_name(&"x".repeat(400)).len() <= LONGEST_NAME);
    }
}
