//! The data of an event: the fields of each kind, and how they are written. Written straight to
//! text: a nightly run writes an event an invoice.

use super::values::{Value, quote};

/// A kind of event, as docs/events.md tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What it is called in the database, in lists and in hooks.
    pub word: &'static str,
    /// When it happens.
    pub when: &'static str,
    pub data: &'static [Field],
}

/// A field of an event's data.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub means: &'static str,
    /// What its value is.
    pub is: fn() -> String,
    /// The fields that stand in its place, where it is several.
    pub parts: Option<Parts>,
}

/// Fields that belong together, and may be told by several kinds.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub title: &'static str,
    pub fields: &'static [Field],
}

/// What a field of an event's data holds: a value, or several with names of their own.
pub trait Datum {
    /// The several.
    const PARTS: Option<Parts> = None;

    /// What it is, in words, where it is one.
    fn is() -> String {
        String::new()
    }

    /// Writes it into an object under that name, or each of its parts under the part's name.
    fn put(&self, name: &str, object: &mut Object);
}

impl<T: Value> Datum for T {
    fn is() -> String {
        T::is()
    }

    fn put(&self, name: &str, object: &mut Object) {
        self.write(object.field(name));
    }
}

/// A JSON object that is being written.
#[derive(Debug)]
pub struct Object {
    json: String,
}

impl Object {
    /// An object without a field.
    pub fn new() -> Object {
        let mut json = String::with_capacity(256);
        json.push('{');
        Object { json }
    }

    /// Begins a field; its value is written to what is returned.
    pub fn field(&mut self, name: &str) -> &mut String {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        // `as` is a word of Rust, and the name of a field all the same.
        quote(name.strip_prefix("r#").unwrap_or(name), &mut self.json);
        self.json.push(':');
        &mut self.json
    }

    /// The object as JSON.
    pub fn end(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// A field that is there only where it has something to say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extra<T>(pub Option<T>);

impl<T: Value> Datum for Extra<T> {
    fn is() -> String {
        format!("{}; not always there", T::is())
    }

    fn put(&self, name: &str, object: &mut Object) {
        if let Some(value) = &self.0 {
            value.write(object.field(name));
        }
    }
}

impl<T> From<Option<T>> for Extra<T> {
    fn from(value: Option<T>) -> Extra<T> {
        Extra(value)
    }
}

/// A field that is there, and true, or not there at all.
impl From<bool> for Extra<bool> {
    fn from(holds: bool) -> Extra<bool> {
        Extra(Some(true).filter(|_| holds))
    }
}

/// Who made a change: both may be told by the same kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Command,
    Import,
}

/// The field `imported`.
impl From<By> for Extra<bool> {
    fn from(by: By) -> Extra<bool> {
        Extra::from(by == By::Import)
    }
}

/// Several values that belong together.
pub trait Group {
    const TITLE: &'static str;
    const FIELDS: &'static [Field];

    /// Writes each of them as a field.
    fn put_all(&self, object: &mut Object);

    /// Each of them as JSON, by its name.
    fn values(&self) -> Vec<(&'static str, String)>;
}

/// The values of a group as fields of the object that it is put into.
#[derive(Debug, Clone)]
pub struct Flat<G>(pub G);

impl<G: Group> Datum for Flat<G> {
    const PARTS: Option<Parts> = Some(Parts { title: G::TITLE, fields: G::FIELDS });

    fn put(&self, _: &str, object: &mut Object) {
        self.0.put_all(object);
    }
}

/// The values of a group as an object of their own.
#[derive(Debug, Clone)]
pub struct Nested<G>(pub G);

impl<G: Group> Value for Nested<G> {
    fn is() -> String {
        let names: Vec<_> = G::FIELDS.iter().map(|field| format!("`{}`", field.name)).collect();
        match names.len() {
            ..=8 => format!("object of {}", names.join(", ")),
            _ => format!("object: {}", G::TITLE.trim().trim_end_matches('.').to_lowercase()),
        }
    }

    fn write(&self, json: &mut String) {
        let mut object = Object::new();
        self.0.put_all(&mut object);
        json.push_str(&object.end());
    }
}

/// Declares a struct of values that belong together.
macro_rules! group {
    (
        $(#[doc = $says:literal])+
        $name:ident<'a> { $($(#[doc = $means:literal])+ $field:ident: $type:ty,)+ }
    ) => {
        $(#[doc = $says])+
        #[derive(Debug, Clone)]
        pub struct $name<'a> { $($(#[doc = $means])+ pub $field: $type),+ }

        impl<'a> $crate::domain::event::data::Group for $name<'a> {
            const TITLE: &'static str = concat!($($says),+);

            const FIELDS: &'static [$crate::domain::event::data::Field] =
                &[$($crate::domain::event::data::field!($field: $type, $($means)+)),+];

            fn put_all(&self, object: &mut $crate::domain::event::data::Object) {
                use $crate::domain::event::data::Datum as _;
                $(self.$field.put(stringify!($field), object);)+
            }

            fn values(&self) -> Vec<(&'static str, String)> {
                use $crate::domain::event::values::Value as _;
                let mut values = Vec::new();
                $({
                    let mut json = String::new();
                    self.$field.write(&mut json);
                    values.push((stringify!($field), json));
                })+
                values
            }
        }
    };
}
pub(super) use group;

/// A field as docs/events.md tells of it.
macro_rules! field {
    ($name:ident: $type:ty, $($means:literal)+) => {
        $crate::domain::event::data::Field {
            name: stringify!($name),
            means: concat!($($means),+),
            is: <$type as $crate::domain::event::data::Datum>::is,
            parts: <$type as $crate::domain::event::data::Datum>::PARTS,
        }
    };
}
pub(super) use field;

/// Declares the kinds of events of a noun: a variant each, with its word, when it happens, and the
/// fields of its data with their meaning.
macro_rules! kinds {
    (
        $(#[doc = $says:literal])+
        $name:ident<$life:lifetime> {$(
            $(#[doc = $when:literal])+
            $kind:ident = $word:literal
            $({ $($(#[doc = $means:literal])+ $field:ident: $type:ty,)+ })?
        ),+ $(,)?}
    ) => {
        $(#[doc = $says])+
        #[derive(Debug, Clone)]
        pub enum $name<$life> {$(
            $(#[doc = $when])+
            $kind $({ $($(#[doc = $means])+ $field: $type),+ })?
        ),+}

        impl<$life> $name<$life> {
            /// Every kind, in order.
            pub const KINDS: &'static [$crate::domain::event::data::Kind] = &[$(
                $crate::domain::event::data::Kind {
                    word: $word,
                    when: concat!($($when),+),
                    data: &[$($($crate::domain::event::data::field!($field: $type, $($means)+)),+)?],
                }
            ),+];

            /// The word of its kind.
            pub const fn word(&self) -> &'static str {
                match self { $($name::$kind { .. } => $word),+ }
            }

            pub(super) fn put_all(&self, object: &mut $crate::domain::event::data::Object) {
                use $crate::domain::event::data::Datum as _;
                match self {$(
                    $name::$kind $({ $($field),+ })? => { $($($field.put(stringify!($field), object);)+)? }
                ),+}
            }
        }

        impl<$life> From<$name<$life>> for $crate::domain::event::Event<$life> {
            fn from(event: $name<$life>) -> Self {
                $crate::domain::event::Event::$name(event)
            }
        }
    };
}
pub(super) use kinds;
