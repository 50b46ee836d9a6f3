//! Coupons for the tests of races and crashes.

use super::Shop;

/// How often a coupon is used, from every side from which it can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// What the coupon says itself.
    pub current: i64,
    /// Redemptions that were not returned, and those there ever were.
    pub redemptions: i64,
    pub ever: i64,
    /// Usages that were not returned.
    pub usages: i64,
    /// Invoices, not void, that bear the coupon and a discount.
    pub discounted: i64,
}

impl Uses {
    /// Never used.
    pub const NONE: Uses = Uses { current: 0, redemptions: 0, ever: 0, usages: 0, discounted: 0 };

    /// Used for so many invoices, each on its own.
    pub const fn invoices(n: i64) -> Uses {
        Uses { current: n, redemptions: n, ever: n, usages: n, discounted: n }
    }

    /// Redeemed for one subscription, so many of whose invoices it discounts.
    pub const fn subscription(invoices: i64) -> Uses {
        Uses { usages: invoices, discounted: invoices, ..Uses::invoices(1) }
    }

    /// Redeemed so often, and every use returned.
    pub const fn returned(n: i64) -> Uses {
        Uses { ever: n, ..Uses::NONE }
    }
}

impl Shop {
    /// A coupon for the year 2026.
    pub fn coupon(&self, code: &str, more: &[&str]) {
        let args = ["coupon", "create", code, "--name", code, "--until", "2026-12-31"];
        self.ok(&[&args[..], &["--as-of", "2026-01-01"], more].concat());
    }

    /// How often a coupon is used.
    pub fn uses(&self, code: &str) -> Uses {
        let sql = self.sql();
        let count = |query: &str| -> i64 {
            sql.query_row(query, [code], |row| row.get(0)).expect("a number")
        };
        let of_coupon = "coupon_id = (SELECT id FROM coupons WHERE code = ?1)";
        let in_table = |table: &str, but: &str| {
            count(&format!("SELECT count(*) FROM {table} WHERE {of_coupon} {but}"))
        };
        Uses {
            current: count("SELECT current_uses FROM coupons WHERE code = ?1"),
            redemptions: in_table("redemptions", "AND returned_at IS NULL"),
            ever: in_table("redemptions", ""),
            usages: in_table("coupon_usages", "AND returned_at IS NULL"),
            discounted: in_table("invoices", "AND status <> 'void' AND discount_minor > 0"),
        }
    }
}
