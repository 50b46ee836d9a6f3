//! Letters: what they say ([`letters`], [`wording`]), the bytes they are sent as ([`compose`]), and
//! how they leave ([`transport`]).
//!
//! Nothing here reads a clock or the database: the facts of a letter, its date and its Message-ID
//! are handed in, so the same letter is always the same bytes.

pub mod letters;
mod message;
mod refusal;
pub mod transport;
pub use crate::domain::wording;

pub use letters::{Letters, Rendered, sample};
pub use message::{Headers, bare_address, compose, text_of};
pub use refusal::Undeliverable;
pub use transport::{Outbox, Outcome, Outgoing, Secret, Smtp, Tls, Transport, deliver};
