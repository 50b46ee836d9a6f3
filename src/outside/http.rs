//! Servers over HTTP: one request, one answer, nothing repeated by itself, and no redirect followed: it
//! would send what is asked, or a secret, to where nobody said.

use std::time::Duration;

use ureq::{Agent, Proxy};

const USER_AGENT: &str = concat!("billing/", env!("CARGO_PKG_VERSION"));

/// Requests of one run follow each other within moments. A connection that has rested longer may
/// just be closed by the other side, and would leave open what became of a request.
const IDLE: Duration = Duration::from_secs(5);

/// Who calls what lies below `url`, over so many connections at once at most. The timeout is from the
/// first look for the host to the last byte of the answer.
pub fn agent(url: &str, timeout: Duration, connections: usize) -> Agent {
    let tls = url.starts_with("https:");
    // What is on this machine is not reached through the environment's proxy, which would read along.
    let proxy = if tls { environments_proxy(|name| std::env::var(name).ok()) } else { None };
    let config = Agent::config_builder()
        .proxy(proxy)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .https_only(tls)
        .user_agent(USER_AGENT)
        .max_idle_age(IDLE)
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections);
    config.build().new_agent()
}

/// Why there is no answer, in words: `who` is the one that was called, `place` where it is said to be.
pub fn no_answer(error: &ureq::Error, who: &str, place: &str, timeout: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer from {who} within {timeout:?}"),
        ureq::Error::HostNotFound => format!("{place} is not found"),
        ureq::Error::Io(error) => format!("the connection to {who} broke: {error}"),
        other => format!("no answer from {who}: {other}"),
    }
}

/// The proxy through which the environment says that https leaves. `HTTP_PROXY` has no say: where a web
/// server starts the program, whoever sends a header `Proxy` has set it.
fn environments_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<Proxy> {
    let names = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"];
    let said = names.iter().filter_map(|name| variable(name));
    // The library looks at these first, and knows for which hosts there is none.
    let is_said = said.map(|url| Proxy::new(&url)).any(|proxy| proxy.is_ok());
    if is_said { Proxy::try_from_env() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_no_proxy() {
        for name in ["HTTP_PROXY", "http_proxy"] {
            let said =
                |asked: &str| (asked == name).then(|| "http://elsewhere.example:1".to_owned());
            assert!(environments_proxy(said).is_none(), "{name}");
        }
    }
}
