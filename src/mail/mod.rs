//! E-mails: what they say ([`e-mails`], [`wording`]), the bytes they are sent as ([`compose`]), and
//! how they leave ([`transport`]).
//!
//! Nothing here reads a clock or the database: the facts of an e-mail, its date and its Message-ID
//! are handed in, so the same e-mail is always the same bytes.

mod message;
mod refusal;
pub mod render;
pub mod transport;
pub use crate::domain::wording;

pub use message::{Attachment, Headers, attach, bare_address, compose, text_of};
pub use refusal::Undeliverable;
pub use render::{Example, ExamplePortal, Rendered, Renderer, sample};
pub use transport::{Outbox, Outcome, Outgoing, Secret, Smtp, Tls, Transport, deliver};
