//! One request as CGI/1.1, answered before clap builds its tree.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::response::{Response, Status};
use super::{Answered, Call, Ground, TIME_LIMIT, answer, bare, deliver, given_up, log};

/// Whether the program was started by a web server for a request.
pub fn is_request() -> bool {
    let interface = std::env::var_os("GATEWAY_INTERFACE");
    interface.is_some_and(|i| i.as_bytes().starts_with(b"CGI/"))
}

/// Set for the process that a request leaves behind. No header of a request is called so.
const DELIVERS: &str = "BILLING_PORTAL_DELIVERS";

/// Answers the request of the environment on standard output. `args` are the words after the
/// program's name. Always an answer: where it fails, that is the answer.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let variable = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
    let call = read_args(args, variable("QUERY_STRING").as_deref().unwrap_or_default());
    if let (Ok(call), true) = (&call, std::env::var_os(DELIVERS).is_some()) {
        deliver_in_time(call);
        return ExitCode::SUCCESS;
    }
    let begun = give_up_in_time();
    let answered = match &call {
        Ok(call) => answer(call, Ground::Cgi, &variable, &mut std::io::stdin().lock()),
        Err(words) => {
            log(words);
            Answered::with(bare(Status::InternalServerError), false)
        }
    };
    if begun.swap(true, Ordering::SeqCst) {
        // The answer that the time was up is being written, and ends the program.
        std::thread::park();
    }
    if let (Ok(call), true) = (&call, answered.response.delivers) {
        // Where there can be no other process, the next run sends them.
        let _ = leave_behind(call);
    }
    write(&answered.response, answered.head);
    ExitCode::SUCCESS
}

/// Starts the process that sends the e-mails, which the answer does not wait for. A web server ends this
/// one as soon as it has its answer, as lighttpd does, or waits for its end.
fn leave_behind(call: &Call) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    let of_visitor = |name: &OsString| name.as_bytes().starts_with(b"HTTP_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| of_visitor(name)) {
        command.env_remove(name);
    }
    let named = [("BILLING_CONFIG", &call.config), ("BILLING_DB", &call.db)];
    command.envs(named.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))));
    command.envs(call.as_of.iter().map(|as_of| ("BILLING_AS_OF", as_of)));
    command.env(DELIVERS, "1").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(())
}

/// Sends what was queued. A relay that hangs keeps the process no longer than a request.
fn deliver_in_time(call: &Call) {
    std::thread::spawn(|| {
        std::thread::sleep(TIME_LIMIT);
        std::process::exit(0);
    });
    deliver(call);
}

/// Who went away meanwhile asked for nothing more.
fn write(response: &Response, head: bool) {
    let _ = response.write_cgi(&mut std::io::stdout().lock(), head);
}

/// Ends the program with an answer once its time is up. A transaction that is open then is taken
/// back by whoever opens the file next; a charge that was begun is asked about by the next run.
fn give_up_in_time() -> &'static AtomicBool {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    std::thread::spawn(|| {
        std::thread::sleep(TIME_LIMIT);
        if !BEGUN.swap(true, Ordering::SeqCst) {
            log("a request took too long and was given up");
            let variable = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
            write(&given_up(&variable), false);
            std::process::exit(0);
        }
    });
    &BEGUN
}

/// Reads what a wrapper script says: `billing --config /etc/billing/billing.toml portal`. A web
/// server may append the words of a query without `=` (RFC 3875, 4.4), and who asks for
/// `/?--db+/tmp/mine` would choose the database: those words are left out.
fn read_args(args: impl Iterator<Item = OsString>, query: &[u8]) -> Result<Call, &'static str> {
    let mut args: Vec<OsString> = args.collect();
    if !query.contains(&b'=') {
        let words: Vec<Vec<u8>> = query
            .split(|b| *b == b'+')
            .map(|word| percent_encoding::percent_decode(word).collect())
            .collect();
        let same = |arg: &OsString, word: &Vec<u8>| arg.as_bytes() == word.as_slice();
        let appended = args.len() >= words.len()
            && args[args.len() - words.len()..].iter().zip(&words).all(|(a, w)| same(a, w));
        if appended {
            args.truncate(args.len() - words.len());
        }
    }
    let mut call = Call::default();
    let mut args = args.into_iter();
    let of_environment = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    while let Some(arg) = args.next() {
        let bytes = arg.as_bytes();
        let (name, value) = match bytes.iter().position(|b| *b == b'=') {
            Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned())),
            None => (bytes, None),
        };
        let mut value = || value.clone().or_else(|| args.next()).ok_or(UNREADABLE);
        match name {
            b"portal" => {}
            b"--config" => call.config = Some(PathBuf::from(value()?)),
            b"--db" => call.db = Some(PathBuf::from(value()?)),
            b"--as-of" => call.as_of = Some(value()?.into_string().map_err(|_| UNREADABLE)?),
            _ => return Err(UNREADABLE),
        }
    }
    call.config = call.config.or_else(|| of_environment("BILLING_CONFIG").map(PathBuf::from));
    call.db = call.db.or_else(|| of_environment("BILLING_DB").map(PathBuf::from));
    call.as_of = match call.as_of {
        Some(text) => Some(text),
        None => of_environment("BILLING_AS_OF")
            .map(|text| text.into_string().map_err(|_| UNREADABLE))
            .transpose()?,
    };
    Ok(call)
}

const UNREADABLE: &str =
    "as a CGI program it is called as: billing [--config FILE] [--db FILE] [--as-of WHEN] portal";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], query: &str) -> Result<Call, &'static str> {
        read_args(args.iter().map(OsString::from), query.as_bytes())
    }

    #[test]
    fn a_wrapper_names_the_files() {
        let call = read(&["--config", "/etc/b.toml", "--db=/var/b.db", "portal"], "a=b").unwrap();
        assert_eq!(call.config, Some(PathBuf::from("/etc/b.toml")));
        assert_eq!(call.db, Some(PathBuf::from("/var/b.db")));
        assert!(read(&["tenant", "list"], "").is_err());
        assert!(read(&["--config"], "").is_err());
    }

    #[test]
    fn the_words_of_a_query_choose_no_file() {
        let call = read(&["portal", "--db", "/tmp/mine"], "--db+%2Ftmp/mine").unwrap();
        assert_eq!(call.db, None);
        let call = read(&["--db", "/tmp/mine"], "--db+/tmp/mine").unwrap();
        assert_eq!(call.db, None);
    }
}
