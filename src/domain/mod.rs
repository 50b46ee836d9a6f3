//! The pure rules: nothing here reads a clock, a file or a database. What a rule needs is handed
//! in, and what it returns says what to do and why.

pub mod accounting;
pub mod act;
pub mod api_key;
pub mod calendar;
pub mod charge;
pub mod checkout;
pub mod countries;
pub mod coupon;
pub mod credit;
pub mod credit_note;
pub mod document;
pub mod dunning;
pub mod email;
pub mod event;
pub mod gateway_refund;
pub mod hook;
pub mod ids;
pub mod invoice;
pub mod invoice_link;
pub mod items;
pub mod labels;
pub mod ledger;
pub mod legal;
pub mod money;
pub mod on_account;
pub mod party;
pub mod payment_method;
pub mod pending_item;
pub mod period;
pub mod plan;
pub mod price;
pub mod pricing;
pub mod programs;
pub mod proration;
pub mod recurrence;
pub mod refund;
pub mod refusal;
pub mod reject;
pub mod revenue;
pub mod schedule;
pub mod stage;
pub mod subscription;
pub mod takeover;
pub mod tax;
pub mod template;
pub mod tenant;
pub mod text;
pub mod transaction;
pub mod trial;
pub mod typed_lines;
pub mod upcoming;
pub mod usage;
pub mod verdict;
pub mod wording;

pub use act::Act;
pub use ids::*;
pub use money::{Currency, Money};
pub use refusal::{Refusal, Result};

/// A type that is named by one of a few words.
pub trait Words: std::str::FromStr<Err = String> + Clone + Send + Sync + 'static {
    /// All of them, in order.
    fn all() -> Vec<&'static str>;
}

/// Declares an enum whose variants have one word each, used in the database, in JSON and on the
/// command line alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The variant's word.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant that the word names, if any does.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl $crate::domain::Words for $name {
            fn all() -> Vec<&'static str> {
                Self::ALL.iter().map(|variant| variant.word()).collect()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> std::result::Result<Self, String> {
                Self::from_word(word).ok_or_else(|| {
                    let all: Vec<_> = Self::ALL.iter().map(|v| v.word()).collect();
                    format!("not one of {}", all.join(", "))
                })
            }
        }
    };
}
pub(crate) use words;
