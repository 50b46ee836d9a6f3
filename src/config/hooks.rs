//! `[[hooks]]`: who is told of what happens.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::values::is_loopback;
use crate::domain::hook::Kinds;
use crate::domain::text;

/// One of `[[hooks]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Hook {
    pub name: String,
    pub target: Target,
    /// The events that it is told of.
    pub kinds: Kinds,
    /// How long a call of it may take.
    pub timeout: Duration,
}

/// Where a hook goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// A receiver, and the file of the secret that it tells us by.
    Url { url: String, secret_file: PathBuf },
    /// A program, and the variables that it gets besides PATH, HOME and LANG.
    Program { command: Vec<String>, pass_env: Vec<String> },
}

impl Target {
    /// The target as it may be shown: what follows `?` in an address may be a secret.
    pub fn shown(&self) -> String {
        match self {
            Target::Url { url, .. } => match url.split_once('?') {
                Some((place, _)) => format!("{place}?…"),
                None => url.clone(),
            },
            Target::Program { command, .. } => command.join(" "),
        }
    }
}

/// A hook as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    url: Option<String>,
    command: Option<Vec<String>>,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default = "fifteen")]
    timeout_seconds: u64,
    pass_env: Option<Vec<String>>,
}

fn fifteen() -> u64 {
    15
}

impl TryFrom<Written> for Hook {
    type Error = String;

    fn try_from(written: Written) -> Result<Hook, String> {
        let Written { name, url, command, secret_file, kinds, timeout_seconds, pass_env } = written;
        if text::slug("name", &name).is_err() {
            return Err(format!(
                "the name of a hook must be lower-case letters, digits and hyphens: {name}"
            ));
        }
        let of_hook = |why: String| format!("hook {name}: {why}");
        let target = match (url, command) {
            (Some(url), None) => {
                let url = check_url(&url).map_err(of_hook)?;
                if pass_env.is_some() {
                    return Err(of_hook("pass_env goes with command".to_owned()));
                }
                let secret_file = secret_file
                    .ok_or_else(|| of_hook("secret_file is missing, which url needs".to_owned()))?;
                Target::Url { url, secret_file }
            }
            (None, Some(command)) => {
                if secret_file.is_some() {
                    return Err(of_hook("secret_file goes with url".to_owned()));
                }
                if command.first().is_none_or(String::is_empty) {
                    return Err(of_hook("command names no program".to_owned()));
                }
                Target::Program { command, pass_env: pass_env.unwrap_or_default() }
            }
            (Some(_), Some(_)) => {
                return Err(of_hook("it has url or command, not both".to_owned()));
            }
            (None, None) => return Err(of_hook("it has neither url nor command".to_owned())),
        };
        let kinds = Kinds::parse(kinds).map_err(of_hook)?;
        if !(1..=60).contains(&timeout_seconds) {
            return Err(of_hook("timeout_seconds must lie between 1 and 60".to_owned()));
        }
        Ok(Hook { name, target, kinds, timeout: Duration::from_secs(timeout_seconds) })
    }
}

/// `https://`, or `http://` to this machine: who reads along in between would know of every customer.
/// Returns the address with its scheme in small letters.
fn check_url(url: &str) -> Result<String, String> {
    // Whoever writes a password there does not want to see it on a terminal.
    let bad = |why: &str| Err(format!("url {why}"));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return bad("holds a user or a password, which the secret stands for here");
    }
    let Some(host) = host(authority).filter(|_| ["https", "http"].contains(&scheme.as_str()))
    else {
        return bad("is no address such as https://app.example/hooks/billing");
    };
    if url.contains('#') || url.chars().any(|c| !c.is_ascii_graphic()) {
        return bad("holds a character that no address of a receiver has");
    }
    if scheme == "http" && !host.eq_ignore_ascii_case("localhost") && !is_loopback(authority) {
        return bad("would tell of customers in the clear: https is needed");
    }
    Ok(format!("{scheme}://{rest}"))
}

/// The host of `HOST[:PORT]`: a name, an IPv4 address or an IPv6 address in brackets.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            match after {
                "" => (address, None),
                _ => (address, Some(after.strip_prefix(':')?)),
            }
        }
        None => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            (is_host(host).then_some(host)?, port)
        }
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    };
    port.is_none_or(is_port).then_some(host)
}

/// A name of the DNS, or an IPv4 address.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(is_part)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    match last.bytes().all(|byte| byte.is_ascii_digit()) {
        true => host.parse::<Ipv4Addr>().is_ok(),
        false => name.split('.').all(is_label),
    }
}

/// Checks what joins several hooks.
///
/// # Errors
/// In words: two have one name.
pub(super) fn check(hooks: &[Hook]) -> Result<(), String> {
    for (at, hook) in hooks.iter().enumerate() {
        if hooks[..at].iter().any(|other| other.name == hook.name) {
            return Err(format!("two [[hooks]] have the name {}", hook.name));
        }
    }
    Ok(())
}

/// The files of their secrets, which are relative to the config file's folder.
pub(super) fn paths(hooks: &mut [Hook]) -> impl Iterator<Item = &mut PathBuf> {
    hooks.iter_mut().filter_map(|hook| match &mut hook.target {
        Target::Url { secret_file, .. } => Some(secret_file),
        Target::Program { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_called() {
        for url in [
            "https://app.example/hooks?x=1",
            "https://app.example.:8443",
            "https://[2001:db8::1]:8443/x",
            "https://192.0.2.1/",
            "http://localhost:9000/",
            "http://127.0.0.1:1/",
            "http://[::1]:9000/",
        ] {
            assert_eq!(check_url(url).as_deref(), Ok(url));
        }
        assert_eq!(check_url("HTTPS://App.example/X").as_deref(), Ok("https://App.example/X"));
        assert_eq!(check_url("Http://LOCALHOST/").as_deref(), Ok("http://LOCALHOST/"));
        for url in [
            "https://[::1/x",
            "https://[::1]x/",
            "https://[app.example]/",
            "https://a:b:c/x",
            "https://a:b/x",
            "https://a:+1/x",
            "https://a:/x",
            "https://a:0/x",
            "https://a:65536/x",
            "https://:443/x",
            "https://-/",
            "https://a..b/",
            "https://./",
            "https://999.1.1.1/",
            "https:///x",
            "ftp://a/",
            "app.example/x",
        ] {
            let refused = check_url(url).unwrap_err();
            assert!(refused.starts_with("url is no address"), "{url}: {refused}");
        }
        assert!(check_url("HTTP://app.example/").unwrap_err().contains("https is needed"));
        assert!(check_url("http://localhost.example/").is_err());
        assert!(check_url("https://a:b@c/").unwrap_err().contains("password"));
    }
}
