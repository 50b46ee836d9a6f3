//! Single codes of an offer, made by the hundred.

use super::Book;
use crate::domain::coupon::{self, Offer};
use crate::domain::{CouponId, Result};
use crate::store::Random;

impl Book<'_> {
    /// Makes so many single codes of one offer, in the caller's transaction; returns the first and the
    /// last of their rows, which follow one another. `progress` is told how many are made.
    ///
    /// # Errors
    /// No randomness to be had, or a rule of the schema says no.
    pub fn generate_coupons(
        &self,
        prefix: &str,
        count: u32,
        offer: &Offer,
        mut progress: impl FnMut(u64),
    ) -> Result<Option<(CouponId, CouponId)>> {
        let mut random = Random::default();
        let mut ids: Option<(CouponId, CouponId)> = None;
        for made in 0..count {
            let id = loop {
                let code = coupon::generate(prefix, || random.byte())?;
                // One that is there already is drawn anew.
                if let Some(id) = self.db.insert_coupon(self.act, &code, offer, None)? {
                    break id;
                }
            };
            ids = Some((ids.map_or(id, |(first, _)| first), id));
            if made % 1000 == 0 {
                progress(u64::from(made));
            }
        }
        Ok(ids)
    }
}
