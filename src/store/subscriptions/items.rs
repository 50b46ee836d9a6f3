//! The items of subscriptions: read as terms, and written so that they say what terms say.

use rusqlite::Row;

use crate::domain::plan::Interval;
use crate::domain::price::{Price, PriceMove};
use crate::domain::subscription::{Item, Items, Subscription, Terms};
use crate::domain::{Act, ItemId, PlanId, PriceId, Result, SubscriptionId};
use crate::store::Db;
use crate::store::plans::{NEXT_PRICE, PRICE, PriceColumns, basis, interval, price};

/// A row of an item.
pub(super) struct ItemRow {
    pub item: Item,
    pub interval: Interval,
    next: Next,
}

/// What becomes of an item with the next period.
enum Next {
    Stays,
    Changes(Box<(Item, Interval)>),
    Joins,
    Leaves,
}

/// What the columns of an item are called, as it is and as it is to be.
struct ItemColumns {
    plan_id: &'static str,
    code: &'static str,
    name: &'static str,
    moves: &'static str,
    price: &'static PriceColumns,
    basis: &'static str,
    quantity: &'static str,
}

const NOW: ItemColumns = ItemColumns {
    plan_id: "plan_id",
    code: "code",
    name: "name",
    moves: "moves",
    price: PRICE,
    basis: "tax_inclusive",
    quantity: "quantity",
};

const NEXT: ItemColumns = ItemColumns {
    plan_id: "next_plan_id",
    code: "next_code",
    name: "next_name",
    moves: "next_moves",
    price: NEXT_PRICE,
    basis: "next_tax_inclusive",
    quantity: "pending_quantity",
};

impl Db<'_> {
    /// An item, from a row of the query of subscriptions.
    pub(super) fn item_row(&self, row: &Row) -> rusqlite::Result<ItemRow> {
        let item = self.item(row, &NOW)?;
        let next = match row.get_ref("standing")?.as_str()? {
            "joins" => Next::Joins,
            "leaves" => Next::Leaves,
            _ => self.pending(row)?,
        };
        Ok(ItemRow { item, interval: interval(row, "interval", "interval_count")?, next })
    }

    /// What an item that stays changes to.
    fn pending(&self, row: &Row) -> rusqlite::Result<Next> {
        if row.get::<_, Option<i64>>(NEXT.quantity)?.is_none() {
            return Ok(Next::Stays);
        }
        let interval = interval(row, "next_interval", "next_interval_count")?;
        Ok(Next::Changes(Box::new((self.item(row, &NEXT)?, interval))))
    }

    fn item(&self, row: &Row, columns: &ItemColumns) -> rusqlite::Result<Item> {
        let price = price(row, columns.price)?;
        Ok(Item {
            id: ItemId(row.get("item_id")?),
            plan_id: PlanId(row.get(columns.plan_id)?),
            plan: row.get(columns.code)?,
            plan_name: row.get(columns.name)?,
            moves: self.moves_of(row, columns.moves, &price)?,
            price,
            basis: basis(row, columns.basis)?,
            quantity: row.get(columns.quantity)?,
        })
    }

    /// Few prices move: they are asked only where that column says so.
    fn moves_of(&self, row: &Row, column: &str, of: &Price) -> rusqlite::Result<Vec<PriceMove>> {
        match row.get(column)? {
            true => self.price_moves(of.id),
            false => Ok(Vec::new()),
        }
    }
}

/// A subscription with the terms that the rows of its items say. Where any item is to change, the
/// pending terms are of all of them.
pub(super) fn with_terms(subscription: Subscription, rows: Vec<ItemRow>) -> Subscription {
    let changes = rows.iter().any(|row| !matches!(row.next, Next::Stays));
    let pending = if changes { coming(&rows) } else { None };
    let interval = subscription.terms.interval;
    let current = rows.into_iter().filter(|row| !matches!(row.next, Next::Joins));
    match Items::of(current.map(|row| row.item)) {
        Some(items) => Subscription { terms: Terms { items, interval }, pending, ..subscription },
        None => Subscription { pending, ..subscription },
    }
}

fn coming(rows: &[ItemRow]) -> Option<Terms> {
    let coming = |row: &ItemRow| match &row.next {
        Next::Stays | Next::Joins => Some((row.item.clone(), row.interval)),
        Next::Changes(next) => Some((**next).clone()),
        Next::Leaves => None,
    };
    let coming: Vec<_> = rows.iter().filter_map(coming).collect();
    let interval = coming.first().map(|(_, interval)| *interval)?;
    let items = Items::of(coming.into_iter().map(|(item, _)| item))?;
    Some(Terms { items, interval })
}

/// What an item is made of when it is written.
#[derive(Debug, Clone, Copy)]
pub struct NewItem {
    pub plan: PlanId,
    pub price: PriceId,
    pub quantity: i64,
}

impl NewItem {
    /// As terms say.
    pub fn of(item: &Item) -> NewItem {
        NewItem { plan: item.plan_id, price: item.price.id, quantity: item.quantity }
    }
}

impl Db<'_> {
    /// Lets a subscription have those terms, and (`None`: nothing else) those with its next period. An
    /// item of them that is new is written; one that neither has is removed.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn set_terms(
        &self,
        act: &Act,
        id: SubscriptionId,
        terms: &Terms,
        pending: Option<&Terms>,
    ) -> Result<()> {
        let coming = pending.unwrap_or(terms);
        self.drop_items(act, id, |item| {
            terms.items.iter().chain(coming.items.iter()).any(|wanted| wanted.id == item)
        })?;
        for item in terms.items.iter() {
            match coming.items.same(item) {
                Some(next) if next == item => self.set_item(act, id, item, "current", None)?,
                Some(next) => self.set_item(act, id, item, "current", Some(next))?,
                None => self.set_item(act, id, item, "leaves", None)?,
            }
        }
        for item in coming.items.iter().filter(|item| terms.items.same(item).is_none()) {
            self.set_item(act, id, item, "joins", None)?;
        }
        self.conn
            .prepare_cached("UPDATE subscriptions SET updated_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Removes the items that are not kept. Their rows stay: lines may name them.
    fn drop_items(
        &self,
        act: &Act,
        id: SubscriptionId,
        keep: impl Fn(ItemId) -> bool,
    ) -> Result<()> {
        let mut live = self.conn.prepare_cached(
            "SELECT id FROM subscription_items
             WHERE subscription_id = ?1 AND standing <> 'removed'",
        )?;
        let live = live.query_map([id.0], |row| Ok(ItemId(row.get("id")?)))?;
        for item in live.collect::<rusqlite::Result<Vec<_>>>()? {
            if keep(item) {
                continue;
            }
            self.conn
                .prepare_cached(
                    "UPDATE subscription_items SET standing = 'removed', removed_at = ?2,
                       pending_plan_id = NULL, pending_price_id = NULL, pending_quantity = NULL,
                       updated_at = ?2
                     WHERE id = ?1",
                )?
                .execute((item.0, act.at()))?;
        }
        Ok(())
    }

    /// Lets an item stand so, and change to `next` with the next period.
    fn set_item(
        &self,
        act: &Act,
        id: SubscriptionId,
        item: &Item,
        standing: &str,
        next: Option<&Item>,
    ) -> Result<()> {
        let next = next.map(NewItem::of);
        let (plan, price) = (item.plan_id.0, item.price.id.0);
        let pending = (
            next.map(|next| next.plan.0),
            next.map(|next| next.price.0),
            next.map(|next| next.quantity),
        );
        if item.id == ItemId::NEW {
            self.conn
                .prepare_cached(
                    "INSERT INTO subscription_items (subscription_id, tenant_id, position, plan_id,
                       price_id, quantity, pending_plan_id, pending_price_id, pending_quantity,
                       standing, created_at, updated_at)
                     SELECT id, tenant_id,
                       (SELECT coalesce(max(position), 0) + 1 FROM subscription_items
                        WHERE subscription_id = ?1),
                       ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9
                     FROM subscriptions WHERE id = ?1",
                )?
                .execute((
                    id.0,
                    plan,
                    price,
                    item.quantity,
                    pending.0,
                    pending.1,
                    pending.2,
                    standing,
                    act.at(),
                ))?;
            return Ok(());
        }
        // The history has a row only where something changes.
        self.conn
            .prepare_cached(
                "UPDATE subscription_items SET plan_id = ?3, price_id = ?4, quantity = ?5,
                   pending_plan_id = ?6, pending_price_id = ?7, pending_quantity = ?8,
                   standing = ?9, updated_at = ?10
                 WHERE id = ?2 AND subscription_id = ?1
                   AND (plan_id <> ?3 OR price_id <> ?4 OR quantity <> ?5 OR standing <> ?9
                     OR pending_plan_id IS NOT ?6 OR pending_price_id IS NOT ?7
                     OR pending_quantity IS NOT ?8)",
            )?
            .execute((
                id.0,
                item.id.0,
                plan,
                price,
                item.quantity,
                pending.0,
                pending.1,
                pending.2,
                standing,
                act.at(),
            ))?;
        Ok(())
    }

    /// Writes items of a subscription behind those that it has.
    pub(super) fn insert_items(
        &self,
        act: &Act,
        id: SubscriptionId,
        items: &[NewItem],
    ) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO subscription_items (subscription_id, tenant_id, position, plan_id, price_id,
               quantity, created_at, updated_at)
             SELECT id, tenant_id,
               (SELECT coalesce(max(position), 0) + 1 FROM subscription_items
                WHERE subscription_id = ?1),
               ?2, ?3, ?4, ?5, ?5
             FROM subscriptions WHERE id = ?1",
        )?;
        for item in items {
            insert.execute((id.0, item.plan.0, item.price.0, item.quantity, act.at()))?;
        }
        Ok(())
    }

    /// Lets a subscription of which nothing was billed have those items, as if it had never had others.
    pub(super) fn correct_items(
        &self,
        act: &Act,
        id: SubscriptionId,
        items: &[NewItem],
    ) -> Result<()> {
        let mut live = self.conn.prepare_cached(
            "SELECT id FROM subscription_items
             WHERE subscription_id = ?1 AND standing <> 'removed' ORDER BY position",
        )?;
        let live = live.query_map([id.0], |row| Ok(ItemId(row.get("id")?)))?;
        let live = live.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut correct = self.conn.prepare_cached(
            "UPDATE subscription_items SET
               tenant_id = (SELECT tenant_id FROM subscriptions WHERE id = ?2), plan_id = ?3,
               price_id = ?4, quantity = ?5, pending_plan_id = NULL, pending_price_id = NULL,
               pending_quantity = NULL, standing = 'current', created_at = ?6, updated_at = ?6
             WHERE id = ?1",
        )?;
        for (there, item) in live.iter().zip(items) {
            let (plan, price) = (item.plan.0, item.price.0);
            correct.execute((there.0, id.0, plan, price, item.quantity, act.at()))?;
        }
        let kept = &live[..live.len().min(items.len())];
        self.drop_items(act, id, |item| kept.contains(&item))?;
        self.insert_items(act, id, &items[kept.len()..])?;
        // A correction is no change of what the customer had: its history is what was corrected.
        for sql in [
            "DELETE FROM subscription_states WHERE subscription_id = ?1",
            "INSERT INTO subscription_states (subscription_id, item_id, since, status, plan_id,
               price_id, quantity)
             SELECT s.id, i.id, s.created_at, s.status, i.plan_id, i.price_id, i.quantity
             FROM subscriptions s JOIN subscription_items i ON i.subscription_id = s.id
             WHERE s.id = ?1 AND i.standing <> 'removed' ORDER BY i.position",
        ] {
            self.conn.prepare_cached(sql)?.execute([id.0])?;
        }
        Ok(())
    }
}
