//! What an edit changed: the old and the new value of each field.

use super::data::{Datum, Field, Group, Object, Parts};

/// The fields that an edit changed, with their old and new values.
#[derive(Debug, Clone)]
pub struct Changes {
    changed: Changed,
    fields: Vec<Change>,
}

#[derive(Debug, Clone)]
struct Change {
    name: &'static str,
    /// As JSON, both.
    before: String,
    after: String,
}

/// What stands in the field `changed`, which is older than `before` and `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is not there.
    Nothing,
    /// The names of the fields.
    Names,
    /// Each field with its old and new value.
    FromTo,
}

impl Changes {
    /// Every field that was something else before than it is after.
    pub fn between<G: Group>(before: &G, after: &G, changed: Changed) -> Changes {
        let (before, after) = (before.values().into_iter(), after.values());
        let both = before.zip(after);
        let fields = both.map(|((name, before), (_, after))| Change { name, before, after });
        let fields = fields.filter(|change| change.before != change.after).collect();
        Changes { changed, fields }
    }

    /// Those of the fields alone, in that order: others follow from them.
    pub fn only(mut self, names: &[&str]) -> Changes {
        let place = |change: &Change| names.iter().position(|name| *name == change.name);
        self.fields.retain(|change| place(change).is_some());
        self.fields.sort_by_key(place);
        self
    }

    /// Those fields of an import, whose values are JSON already.
    pub fn of_import(fields: impl IntoIterator<Item = (&'static str, String, String)>) -> Changes {
        let fields = fields.into_iter();
        let fields = fields.map(|(name, before, after)| Change { name, before, after }).collect();
        Changes { changed: Changed::Names, fields }
    }

    /// The names of the fields.
    pub fn names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|change| change.name).collect()
    }

    fn put_changed(&self, object: &mut Object) {
        match self.changed {
            Changed::Nothing => {}
            Changed::Names => self.names().put("changed", object),
            Changed::FromTo => {
                let mut values = Object::new();
                for Change { name, before, after } in &self.fields {
                    let mut both = Object::new();
                    both.field("from").push_str(before);
                    both.field("to").push_str(after);
                    values.field(name).push_str(&both.end());
                }
                object.field("changed").push_str(&values.end());
            }
        }
    }
}

const FIELDS: &[Field] = &[
    Field {
        name: "changed",
        means: "Which fields were changed: by an import a list of their names, by `coupon edit` an \
                object in which each has `from` and `to`.",
        is: || "list or object; not always there".to_owned(),
        parts: None,
    },
    Field {
        name: "before",
        means: "What each of them was.",
        is: || "object".to_owned(),
        parts: None,
    },
    Field {
        name: "after",
        means: "What each of them is now.",
        is: || "object".to_owned(),
        parts: None,
    },
];

impl Datum for Changes {
    const PARTS: Option<Parts> = Some(Parts { title: "What changed.", fields: FIELDS });

    fn put(&self, _: &str, object: &mut Object) {
        self.put_changed(object);
        let (mut before, mut after) = (Object::new(), Object::new());
        for change in &self.fields {
            before.field(change.name).push_str(&change.before);
            after.field(change.name).push_str(&change.after);
        }
        object.field("before").push_str(&before.end());
        object.field("after").push_str(&after.end());
    }
}
