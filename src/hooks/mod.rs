//! Who is told of what happens: a receiver over HTTP, as [Standard Webhooks] 1.0 have it, or a program of
//! the operator's. What is told, in which order and how often again, is the caller's.
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

mod endpoint;
mod listener;
mod refusal;
mod signature;

use crate::config::{Config, Hook, Target};
use crate::domain::Refusal;

pub use endpoint::{Answer, Endpoint};
pub use listener::{Listener, Message, Untold};
pub use refusal::HookRefused;
pub use signature::Keys;

/// One of the two.
#[derive(Debug)]
pub enum Receiver {
    Endpoint(Endpoint),
    Listener(Listener),
}

/// Why a hook cannot be called at all.
#[derive(Debug)]
pub enum Unready {
    /// The file of its secrets cannot be used.
    Secret(Refusal),
    /// In words.
    Setting(String),
}

impl Receiver {
    /// The receiver of a hook. Nobody is called yet.
    ///
    /// # Errors
    /// Its secrets cannot be read, or are none.
    pub fn of(config: &Config, hook: &Hook) -> Result<Receiver, Unready> {
        match &hook.target {
            Target::Url { url, .. } => {
                let secrets = config.hook_secrets(hook).map_err(Unready::Secret)?;
                let keys = Keys::parse(&secrets).map_err(Unready::Setting)?;
                Ok(Receiver::Endpoint(Endpoint::new(url, keys, hook.timeout)))
            }
            Target::Program { command, pass_env } => Ok(Receiver::Listener(Listener {
                command: command.clone(),
                pass_env: pass_env.clone(),
                timeout: hook.timeout,
            })),
        }
    }
}
