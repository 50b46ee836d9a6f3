//! `--idempotency-key` of every `create`: asked again with the same key and the same arguments, it
//! makes nothing more.

use super::Context;
use crate::books::Book;
use crate::domain::{Result, text};
use crate::store::Store;

/// The flag.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Once {
    /// Makes it once: given again with the same arguments, what was made is shown
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// What was made, by its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Now(i64),
    /// By a command before, with the same key.
    Before(i64),
}

impl Made {
    /// Its row.
    pub fn id(self) -> i64 {
        match self {
            Made::Now(id) | Made::Before(id) => id,
        }
    }
}

impl Once {
    /// Makes something in one transaction, unless it was made before under the same key. `create`
    /// returns its row. `read` is what the command was given besides its arguments.
    ///
    /// # Errors
    /// What `create` refuses, or the key was used with other arguments.
    pub fn create(
        &self,
        ctx: &Context,
        store: &mut Store,
        read: &str,
        create: impl FnOnce(&Book) -> Result<i64>,
    ) -> Result<Made> {
        let key = self.idempotency_key.as_deref();
        let key = key.map(|key| text::line("idempotency_key", key, 200)).transpose()?;
        let arguments = format!("{}\0{read}", ctx.typed);
        let made = ctx.write(store, |book| {
            let Some(key) = &key else { return create(book).map(Made::Now) };
            if let Some(id) = book.db.made_under(key, &arguments)? {
                return Ok(Made::Before(id));
            }
            let id = create(book)?;
            book.db.remember_key(book.act, key, &arguments, id)?;
            Ok(Made::Now(id))
        })?;
        if let Made::Before(_) = made {
            ctx.note("note: made before under that key; nothing was changed");
        }
        Ok(made)
    }
}
