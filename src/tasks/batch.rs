//! What a task goes through, page by page: the one loop of a run, which writes each page in one
//! transaction, and of its dry run, which writes nothing.

use std::collections::BTreeMap;
use std::slice;

use crate::domain::{Refusal, Result, TenantId};
use crate::store::{Db, Store};

/// What a page comes to.
pub trait Sum: Default {
    /// Adds what another page or item came to.
    fn add(&mut self, other: Self);
}

/// Where nothing is counted.
impl Sum for () {
    fn add(&mut self, (): ()) {}
}

/// How the items are gone through.
pub enum Pass<'a> {
    /// A run: each page is written in one transaction.
    Run(&'a mut Store),
    /// A dry run, or a look ahead: all of it is read in one snapshot.
    DryRun(&'a Db<'a>),
}

impl Pass<'_> {
    /// Reads what the items do not say.
    ///
    /// # Errors
    /// Whatever `work` refuses.
    pub fn read<T>(&mut self, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        match self {
            Pass::Run(store) => store.read(work),
            Pass::DryRun(db) => work(db),
        }
    }

    /// Goes through the pages that `next` returns, until one is empty, as [`Pass::page`] does, and
    /// returns what all of them came to.
    ///
    /// # Errors
    /// A fault of the file, or what `failed` refuses.
    pub fn each_page<I, S: Sum>(
        &mut self,
        mut next: impl FnMut(&Db) -> Result<Vec<I>>,
        mut some: impl FnMut(&Db, &[I], &S) -> Result<S>,
        mut failed: impl FnMut(&Db, &I, &Refusal, &mut S) -> Result<()>,
    ) -> Result<S> {
        let mut sum = S::default();
        loop {
            let page = self.read(&mut next)?;
            if page.is_empty() {
                return Ok(sum);
            }
            self.page(&page, &mut sum, &mut some, &mut failed)?;
        }
    }

    /// Does one page. `some` is handed all items of a transaction at once, so that what they share
    /// is looked up once, and what everything before came to; it returns what these come to. Where
    /// one item fails, all of the transaction is rolled back and done again item by item, so that
    /// only the bad one is passed over, to `failed`: a savepoint round every item would double the
    /// cost of every run for it. A dry run has nothing to roll back, and goes item by item.
    ///
    /// # Errors
    /// A fault of the file, or what `failed` refuses.
    pub fn page<I, S: Sum>(
        &mut self,
        page: &[I],
        sum: &mut S,
        mut some: impl FnMut(&Db, &[I], &S) -> Result<S>,
        mut failed: impl FnMut(&Db, &I, &Refusal, &mut S) -> Result<()>,
    ) -> Result<()> {
        if let Pass::Run(store) = self {
            match store.write(|db| some(db, page, sum)) {
                Ok(done) => {
                    sum.add(done);
                    return Ok(());
                }
                Err(refusal) if refusal.is_of_the_item() => {}
                Err(fatal) => return Err(fatal),
            }
        }
        for item in page {
            let one = slice::from_ref(item);
            let done = match self {
                Pass::Run(store) => store.write(|db| some(db, one, sum)),
                Pass::DryRun(db) => some(db, one, sum),
            };
            match done {
                Ok(done) => sum.add(done),
                Err(refusal) if refusal.is_of_the_item() => {
                    self.read(|db| failed(db, item, &refusal, sum))?;
                }
                Err(fatal) => return Err(fatal),
            }
        }
        Ok(())
    }
}

/// The tenants that a run has met, a bit each: ids are given one after another, so that a million
/// of them take some hundred kilobytes.
#[derive(Debug, Default)]
pub struct Met(BTreeMap<i64, u64>);

impl Met {
    /// Notes a tenant; false where it was met before.
    pub fn insert(&mut self, tenant: TenantId) -> bool {
        let (word, bit) = (tenant.0.div_euclid(64), 1 << tenant.0.rem_euclid(64));
        let word = self.0.entry(word).or_default();
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_new_once() {
        let mut met = Met::default();
        for id in [1, 63, 64, 65, 0, 1 << 40, i64::MAX, 127, 128] {
            assert!(met.insert(TenantId(id)), "{id}");
            assert!(!met.insert(TenantId(id)), "{id}");
        }
        assert!(met.insert(TenantId(2)));
    }
}
