//! Programs of the operator's: where one is, and what it is given of our environment.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::Access;

use crate::domain::programs::ENVIRONMENT;
use crate::domain::text;

/// The command as it is started. The working directory stays that of billing: so a line of the
/// config behaves as the same line typed beside `billing`, or written into the same crontab.
///
/// # Errors
/// In words: the program is not there, or cannot be run.
pub fn prepared(command: &[String], pass_env: &[String]) -> Result<Command, String> {
    let mut prepared = Command::new(locate(command)?);
    prepared.args(command.iter().skip(1)).env_clear();
    let names = ENVIRONMENT.into_iter().chain(pass_env.iter().map(String::as_str));
    // Where a web server started us, its visitors have said what begins with HTTP_.
    let is_visitors =
        |name: &str| name.starts_with("HTTP_") && std::env::var_os("GATEWAY_INTERFACE").is_some();
    let names = names.filter(|name| !is_visitors(name));
    prepared.envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))));
    Ok(prepared)
}

/// Where the program is. A relative path would be another program in another directory, and
/// cron's is seldom the one that the operator tried it in.
///
/// # Errors
/// In words: it is not there, or cannot be run.
pub fn locate(command: &[String]) -> Result<PathBuf, String> {
    let name = match command.first() {
        Some(name) if !name.is_empty() => name,
        _ => return Err("names no program".to_owned()),
    };
    let (path, shown) = (Path::new(name), text::printable_value(name));
    if path.is_absolute() {
        return match runs(path) {
            Ok(()) => Ok(path.to_owned()),
            Err(error) => Err(format!("cannot run {shown}: {}", plain(&error))),
        };
    }
    if name.contains('/') {
        return Err(format!("{shown} is neither an absolute path nor a name that is in PATH"));
    }
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&places)
        // An empty or relative entry would be the working directory again.
        .filter(|place| place.is_absolute())
        .map(|place| place.join(name));
    found.find(|path| runs(path).is_ok()).ok_or_else(|| format!("{shown} is not in PATH"))
}

/// Whether names of variables are names alone: whoever writes NAME=value writes a secret.
pub fn are_names(pass_env: &[String]) -> bool {
    !pass_env.iter().any(|name| name.is_empty() || name.contains(['=', '\0']))
}

/// What the system said, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Whether there is a file that may be run.
fn runs(path: &Path) -> io::Result<()> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok(rustix::fs::access(path, Access::EXEC_OK)?)
}
