//! The rows of coupons. Their rules are in `domain/coupon.rs`, their words in `commands/coupon.rs`.

use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::coupon::{
    Coupon, Discount, DiscountType, Duration, Offer, OnPlan, UsedSoFar, fold,
};
use crate::domain::{Act, CouponId, Money, PlanId, Refusal, Result, TenantId};

/// Which coupons are listed.
#[derive(Debug, Clone, Default)]
pub struct CouponFilter {
    /// Only those that can be redeemed at this instant: active, valid, not used up.
    pub redeemable_at: Option<String>,
    pub limit: Option<u32>,
}

impl Db<'_> {
    /// The coupon with that code, whatever its case.
    ///
    /// # Errors
    /// None has it.
    pub fn coupon(&self, code: &str) -> Result<Coupon> {
        match self.find_coupon(code)? {
            Some(coupon) => Ok(coupon),
            None => Err(Refusal::NotFound {
                noun: "coupon",
                name: code.to_owned(),
                near: self.near_code(&fold(code))?,
            }),
        }
    }

    /// The coupon with that code, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_coupon(&self, code: &str) -> Result<Option<Coupon>> {
        let mut statement =
            self.conn.prepare_cached("SELECT * FROM coupons WHERE code_folded = ?1")?;
        let found = statement.query_row([fold(code)], coupon).optional()?;
        found.map(|coupon| self.with_plans(coupon)).transpose()
    }

    /// The coupon in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn coupon_in(&self, id: CouponId) -> Result<Coupon> {
        let mut statement = self.conn.prepare_cached("SELECT * FROM coupons WHERE id = ?1")?;
        self.with_plans(statement.query_row([id.0], coupon)?)
    }

    /// The code most like one that does not exist, among those that start alike.
    fn near_code(&self, folded: &str) -> Result<Option<String>> {
        let first: String = folded.chars().take(1).collect();
        let mut statement = self.conn.prepare_cached(
            // A single-use code is a secret of whoever got it, and no hint.
            "SELECT code, code_folded FROM coupons
             WHERE code_folded >= ?1 AND code_folded < ?1 || char(1114111) AND max_uses <> 1
             LIMIT 1000",
        )?;
        let mut rows = statement.query([first])?;
        let mut best = None;
        while let Some(row) = rows.next()? {
            let candidate: String = row.get("code_folded")?;
            let likeness = strsim::jaro_winkler(folded, &candidate);
            if likeness > 0.8 && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
                best = Some((likeness, row.get("code")?));
            }
        }
        Ok(best.map(|(_, code)| code))
    }

    fn with_plans(&self, mut coupon: Coupon) -> Result<Coupon> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, p.code,
                    (SELECT currency FROM prices WHERE plan_id = p.id AND meter_id IS NULL
                       AND archived_at IS NULL ORDER BY id LIMIT 1) AS currency
             FROM coupon_plans c JOIN plans p ON p.id = c.plan_id
             WHERE c.coupon_id = ?1 ORDER BY p.code",
        )?;
        let plans = statement.query_map([coupon.id.0], |row| {
            Ok(OnPlan {
                id: PlanId(row.get("id")?),
                code: row.get("code")?,
                currency: columns::word(row, "currency")?,
            })
        })?;
        coupon.offer.plans = plans.collect::<rusqlite::Result<_>>()?;
        Ok(coupon)
    }

    /// Hands each coupon that the filter lets through to `each`, in the order in which they were
    /// made.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_coupon(
        &self,
        filter: &CouponFilter,
        mut each: impl FnMut(Coupon) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(columns::newest_last!(
            filter.limit,
            concat,
            ["SELECT * FROM coupons
                 WHERE ?1 IS NULL OR (is_active = 1 AND ?1 BETWEEN valid_from AND valid_to
                   AND (max_uses = 0 OR current_uses < max_uses))"],
            "id",
            "id",
            "id",
            "?2"
        ))?;
        let limit = columns::limit(filter.limit);
        let mut rows = statement.query((&filter.redeemable_at, limit))?;
        while let Some(row) = rows.next()? {
            each(self.with_plans(coupon(row)?)?)?;
        }
        Ok(())
    }

    /// Hands the code of each coupon from the first to the last of these rows to `each`.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_code(
        &self,
        (first, last): (CouponId, CouponId),
        mut each: impl FnMut(String) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT code FROM coupons WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let mut rows = statement.query((first.0, last.0))?;
        while let Some(row) = rows.next()? {
            each(row.get("code")?)?;
        }
        Ok(())
    }

    /// The coupons that were used most, most first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn top_coupons(&self, count: u32) -> Result<Vec<Coupon>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM coupons WHERE current_uses > 0
             ORDER BY current_uses DESC, code_folded LIMIT ?1",
        )?;
        let found = statement.query_map([count], coupon)?;
        found.map(|coupon| self.with_plans(coupon?)).collect()
    }

    /// Adds a coupon; `None` where the code is taken.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn insert_coupon(
        &self,
        act: &Act,
        code: &str,
        offer: &Offer,
        created_at: Option<&str>,
    ) -> Result<Option<CouponId>> {
        let (percent, amount) = discount_columns(&offer.discount);
        let inserted = self.insert_unless_there(
            "INSERT INTO coupons (code, code_folded, name, description, discount_type, percent,
               amount_minor, currency, valid_from, valid_to, max_uses, max_uses_per_customer,
               customer_eligibility, minimum_minor, first_payment_only, duration,
               duration_periods, is_active, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20)
             ON CONFLICT (code_folded) DO NOTHING",
            rusqlite::params![
                code,
                fold(code),
                offer.name,
                offer.description,
                offer.discount.kind().word(),
                percent,
                amount,
                offer.currency.map(|currency| currency.code()),
                offer.valid_from,
                offer.valid_to,
                offer.max_uses,
                offer.max_uses_per_customer,
                offer.eligibility.word(),
                offer.minimum.map(Money::minor),
                offer.first_payment_only,
                duration_word(offer.duration),
                duration_periods(offer.duration),
                offer.is_active,
                created_at.unwrap_or(&act.at()),
                act.at(),
            ],
        )?;
        let Some(id) = inserted.map(CouponId) else { return Ok(None) };
        self.insert_coupon_plans(id, &offer.plans)?;
        Ok(Some(id))
    }

    fn insert_coupon_plans(&self, id: CouponId, plans: &[OnPlan]) -> Result<()> {
        if plans.is_empty() {
            return Ok(());
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO coupon_plans (coupon_id, plan_id) VALUES (?1, ?2)
             ON CONFLICT DO NOTHING",
        )?;
        for plan in plans {
            insert.execute((id.0, plan.id.0))?;
        }
        Ok(())
    }

    /// Gives a coupon another offer.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn update_coupon(&self, act: &Act, id: CouponId, offer: &Offer) -> Result<()> {
        let (percent, amount) = discount_columns(&offer.discount);
        self.conn
            .prepare_cached(
                "UPDATE coupons SET name = ?2, description = ?3, discount_type = ?4, percent = ?5,
                   amount_minor = ?6, currency = ?7, valid_from = ?8, valid_to = ?9,
                   max_uses = ?10, max_uses_per_customer = ?11, customer_eligibility = ?12,
                   minimum_minor = ?13, first_payment_only = ?14, duration = ?15,
                   duration_periods = ?16, is_active = ?17, updated_at = ?18
                 WHERE id = ?1",
            )?
            .execute(rusqlite::params![
                id.0,
                offer.name,
                offer.description,
                offer.discount.kind().word(),
                percent,
                amount,
                offer.currency.map(|currency| currency.code()),
                offer.valid_from,
                offer.valid_to,
                offer.max_uses,
                offer.max_uses_per_customer,
                offer.eligibility.word(),
                offer.minimum.map(Money::minor),
                offer.first_payment_only,
                duration_word(offer.duration),
                duration_periods(offer.duration),
                offer.is_active,
                act.at(),
            ])?;
        self.conn
            .prepare_cached("DELETE FROM coupon_plans WHERE coupon_id = ?1")?
            .execute([id.0])?;
        self.insert_coupon_plans(id, &offer.plans)
    }

    /// Deletes a coupon that was never used, with the count of who checked it.
    ///
    /// # Errors
    /// It was used.
    pub fn delete_coupon(&self, id: CouponId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM coupons WHERE id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Notes that a customer checked a coupon today: once a day.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_check(&self, act: &Act, coupon: CouponId, tenant: TenantId) -> Result<()> {
        self.conn
            .prepare_cached(
                // Unless the coupon was deleted meanwhile.
                "INSERT INTO coupon_checks (coupon_id, tenant_id, checked_on)
                 SELECT id, ?2, ?3 FROM coupons WHERE id = ?1
                 ON CONFLICT DO NOTHING",
            )?
            .execute((coupon.0, tenant.0, act.today.to_string()))?;
        Ok(())
    }

    /// Whether it is noted that a customer checked a coupon today.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn is_checked(&self, act: &Act, coupon: CouponId, tenant: TenantId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM coupon_checks
               WHERE coupon_id = ?1 AND tenant_id = ?2 AND checked_on = ?3)",
        )?;
        let values = (coupon.0, tenant.0, act.today.to_string());
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    /// How often a coupon was used, for what may still change of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn used_so_far(&self, coupon: CouponId) -> Result<UsedSoFar> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*), coalesce(sum(uses), 0), coalesce(max(uses), 0), coalesce(sum(ever), 0)
             FROM (SELECT count(*) AS ever, count(*) - count(returned_at) AS uses
                   FROM redemptions WHERE coupon_id = ?1 GROUP BY tenant_id)",
        )?;
        Ok(statement.query_row([coupon.0], |row| {
            Ok(UsedSoFar {
                ever: row.get(3)?,
                uses: row.get(1)?,
                most_by_one_customer: row.get(2)?,
            })
        })?)
    }

    /// Whether a coupon was ever redeemed, also where the use was returned.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn was_redeemed(&self, coupon: CouponId) -> Result<bool> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM redemptions WHERE coupon_id = ?1)")?;
        Ok(statement.query_row([coupon.0], |row| row.get(0))?)
    }
}

fn discount_columns(discount: &Discount) -> (Option<String>, Option<i64>) {
    match discount {
        Discount::Percent(_) => (Some(discount.value()), None),
        Discount::Amount(amount) => (None, Some(amount.minor())),
    }
}

fn duration_word(duration: Duration) -> &'static str {
    match duration {
        Duration::Once => "once",
        Duration::Forever => "forever",
        Duration::Periods(_) => "repeating",
    }
}

fn duration_periods(duration: Duration) -> Option<i64> {
    match duration {
        Duration::Periods(count) => Some(count),
        _ => None,
    }
}

/// The discount of a row that has a coupon's columns, under these names.
pub(super) fn discount(
    row: &Row,
    kind: &str,
    percent: &str,
    amount: &str,
    currency: &str,
) -> rusqlite::Result<Discount> {
    Ok(match columns::word(row, kind)? {
        DiscountType::Percentage => Discount::Percent(columns::word(row, percent)?),
        DiscountType::FixedAmount => {
            Discount::Amount(columns::money(row, amount, columns::word(row, currency)?)?)
        }
    })
}

/// A coupon, but for its plans.
pub(super) fn coupon(row: &Row) -> rusqlite::Result<Coupon> {
    let currency = columns::word_or_null(row, "currency")?;
    let minimum: Option<i64> = row.get("minimum_minor")?;
    let duration = match row.get_ref("duration")?.as_str()? {
        "once" => Duration::Once,
        "forever" => Duration::Forever,
        _ => Duration::Periods(row.get("duration_periods")?),
    };
    Ok(Coupon {
        id: CouponId(row.get("id")?),
        code: row.get("code")?,
        offer: Offer {
            name: row.get("name")?,
            description: row.get("description")?,
            discount: discount(row, "discount_type", "percent", "amount_minor", "currency")?,
            currency,
            valid_from: row.get("valid_from")?,
            valid_to: row.get("valid_to")?,
            max_uses: row.get("max_uses")?,
            max_uses_per_customer: row.get("max_uses_per_customer")?,
            plans: Vec::new(),
            eligibility: columns::word(row, "customer_eligibility")?,
            minimum: minimum.zip(currency).map(|(minor, c)| Money::from_minor(minor, c)),
            first_payment_only: row.get("first_payment_only")?,
            duration,
            is_active: row.get("is_active")?,
        },
        current_uses: row.get("current_uses")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// The plans that a coupon is limited to, from a list of their ids.
pub(super) fn plan_ids(row: &Row, column: &str) -> rusqlite::Result<Vec<PlanId>> {
    let Some(ids) = row.get_ref(column)?.as_str_or_null()? else { return Ok(Vec::new()) };
    Ok(ids.split(',').filter_map(|id| id.parse().ok()).map(PlanId).collect())
}
