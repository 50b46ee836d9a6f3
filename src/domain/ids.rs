//! Ids as newtypes, so that a tenant's id is never handed in where an invoice's is asked for.

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident => $prefix:literal),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// What stands before the number where the id is shown, `txn_` in `txn_7`.
            pub const PREFIX: &'static str = $prefix;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// Takes `txn_7` and the bare `7`.
            fn from_str(text: &str) -> Result<Self, String> {
                text.strip_prefix($prefix)
                    .unwrap_or(text)
                    .parse::<i64>()
                    .ok()
                    .filter(|n| *n > 0)
                    .map($name)
                    .ok_or_else(|| format!("an id looks like {}7", $prefix))
            }
        }
    )+};
}

ids! {
    /// A tenant's row; people name a tenant by its slug.
    TenantId => "ten_",
    /// An invoice's row; people name an invoice by its number.
    InvoiceId => "inv_",
    /// A plan's row; people name a plan by its code.
    PlanId => "plan_",
    /// A price's row; people name it by its plan and currency.
    PriceId => "price_",
    /// A meter's row; people name a meter by its code.
    MeterId => "mtr_",
    SubscriptionId => "sub_",
    /// An item of a subscription.
    ItemId => "item_",
    /// What is to be billed with an invoice to come.
    PendingItemId => "pit_",
    PaymentMethodId => "pm_",
    /// A coupon's row; people name a coupon by its code.
    CouponId => "cpn_",
    /// One redemption of a coupon: one use.
    RedemptionId => "red_",
    /// An invoice that a redemption discounted.
    UsageId => "use_",
    TransactionId => "txn_",
    /// A document that was made.
    DocumentId => "doc_",
    /// A row of the ledger.
    EntryId => "ent_",
    /// What a customer has in credit from one source.
    CreditId => "crd_",
    /// A credit note's row; people name it by its number.
    CreditNoteId => "cn_",
    /// What of a credit pays an invoice.
    CreditUseId => "cru_",
    /// A page of the gateway's on which a customer pays, or adds a payment method.
    CheckoutId => "cko_",
    /// One attempt of a charge.
    AttemptId => "att_",
    EmailId => "eml_",
    EventId => "evt_",
    /// A key of the API.
    ApiKeyId => "key_",
    RunId => "run_",
}

impl ItemId {
    /// That of an item which is not written yet.
    pub const NEW: ItemId = ItemId(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_accepted_with_and_without_its_prefix() {
        assert_eq!("txn_7".parse(), Ok(TransactionId(7)));
        assert_eq!("7".parse(), Ok(TransactionId(7)));
        assert!("eml_7".parse::<TransactionId>().is_err());
        assert!("txn_0".parse::<TransactionId>().is_err());
        assert_eq!(TransactionId(7).to_string(), "txn_7");
    }
}
