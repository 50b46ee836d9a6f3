//! Pages of items, each written in one transaction.

use std::slice;

use crate::domain::{Refusal, Result};
use crate::store::{Db, Store};

/// What a page comes to.
pub trait Sum: Default {
    /// Adds what another page or item came to.
    fn add(&mut self, other: Self);
}

/// Writes a page in one transaction. `some` is handed all items of a transaction at once, so that
/// what they share is looked up once, and what the transactions before came to; it returns what
/// these came to. Where one item fails, all of
/// it is rolled back and done again item by item, so that only the bad one is passed over, to
/// `failed`: a savepoint round every item would double the cost of every run for it.
///
/// # Errors
/// A fault of the file, or what `failed` refuses.
pub fn write<I, S: Sum>(
    store: &mut Store,
    page: &[I],
    some: impl Fn(&Db, &[I], &S) -> Result<S>,
    mut failed: impl FnMut(&mut Store, &I, &Refusal, &mut S) -> Result<()>,
) -> Result<S> {
    match store.write(|db| some(db, page, &S::default())) {
        Err(refusal) if refusal.is_of_the_item() => {}
        other => return other,
    }
    let mut sum = S::default();
    for item in page {
        match store.write(|db| some(db, slice::from_ref(item), &sum)) {
            Ok(done) => sum.add(done),
            Err(refusal) if refusal.is_of_the_item() => failed(store, item, &refusal, &mut sum)?,
            Err(fatal) => return Err(fatal),
        }
    }
    Ok(sum)
}
