//! The words of values that are refused.

use crate::domain::Currency;
use crate::domain::money::BadAmount;
use crate::domain::refusal::Why;
use crate::domain::text::printable_value;

const STANDING_ORDER: &str =
    "--allow-repeated-reference takes a standing order, whose payments bear the same one";

/// Code, message and hint of a value that is refused.
pub(super) fn bad_value(value: &str, why: &Why) -> (&'static str, String, Option<String>) {
    let value = &printable_value(value);
    let say = |code, message: String| (code, message, None);
    let with = |code, message: String, hint: &str| (code, message, Some(hint.to_owned()));
    match why {
        Why::Empty => say("missing_value", "must not be empty".into()),
        Why::LooksLikeId => {
            with("bad_name", format!("looks like an id: {value}"), "choose another name")
        }
        Why::TooLong { max } => say("too_long", format!("longer than {max} characters")),
        Why::ControlCharacter { code } => with(
            "control_character",
            // A secret is refused without its value.
            match value.as_str() {
                "" => format!("has the control character U+{code:04X}"),
                value => format!("has the control character U+{code:04X}: {value}"),
            },
            "names reach terminals and mail headers: letters, digits, punctuation and spaces only",
        ),
        Why::NotASlug => with(
            "bad_slug",
            format!("not a slug: {value}"),
            "lower-case letters, digits and hyphens, at most 63, starting with a letter or digit",
        ),
        Why::NotAPortalUrl => with(
            "bad_base_url",
            format!("no address of a portal: {value}"),
            "one such as https://billing.example.com; plain http only to a loopback address",
        ),
        Why::NotAnEmailAddress => with(
            "bad_email",
            format!("not an e-mail address: {value}"),
            "one address such as awa@example.sn",
        ),
        Why::NotACountry => with(
            "bad_country",
            format!("not a country: {value}"),
            "two capital letters of ISO 3166, such as SN",
        ),
        Why::NotADate => with("bad_date", format!("not a date: {value}"), "write 2026-03-01"),
        Why::Amount(BadAmount::NotAnAmount) => with(
            "bad_amount",
            format!("not an amount: {value}"),
            "digits with a point before the decimals, such as 15000 or 49.90",
        ),
        Why::NotAPercentage => with(
            "bad_percentage",
            format!("not a percentage from 0 to 100: {value}"),
            "write 18 or 5.5",
        ),
        Why::NotAValue => with(
            "bad_value",
            format!("not a value: {value}"),
            "a decimal number up to 1000000000000, with at most 9 decimals",
        ),
        Why::NotADiscount => with(
            "bad_percentage",
            format!("not a discount in percent: {value}"),
            "above 0, at most 100, with at most 2 decimals, such as 30 or 12.5",
        ),
        Why::NotACouponCode => with(
            "bad_code",
            format!("not a coupon code: {value}"),
            "2 to 50 letters and digits, with - _ . between, such as WELCOME-2026",
        ),
        Why::CardNumber => with(
            "card_number",
            "a card number, which may not be stored here".to_owned(),
            "give the card to the gateway, and its token to billing",
        ),
        Why::NotAPage => with(
            "bad_url",
            format!("no address to which a customer may be sent: {value}"),
            "it begins with https://, or with http:// on this machine",
        ),
        Why::NotAnInstant => with(
            "bad_instant",
            format!("neither a date nor an RFC 3339 instant: {value}"),
            "write 2026-03-01 or 2026-03-01T09:00:00Z",
        ),
        Why::NotMetadata => with(
            "bad_metadata",
            format!("not KEY=VALUE: {value}"),
            "a key of letters, digits, - _ . given once, and a text; at most 20 of them, such as source=newsletter",
        ),
        Why::ItemsApart => with(
            "items_apart",
            format!("these do not go on one invoice: {value}"),
            "each plan once, all of one interval and currency, with tax or all without; the first is the plan of the row",
        ),
        Why::FirstItem => with(
            "first_item",
            format!("does not begin with the plan and quantity of the row: {value}"),
            "write all items, that of the plan first, as pro:1;seats:5",
        ),
        Why::NotALine => with(
            "bad_line",
            format!("not DESCRIPTION:QUANTITY:UNIT_PRICE: {value}"),
            "write \"Support: on site:1.5:80.00\"",
        ),
        Why::NotAQuantity => with(
            "bad_quantity",
            format!("not a quantity: {value}"),
            "above 0, with at most 4 decimals, such as 3 or 1.5",
        ),
        Why::TooManyPriceDecimals { most } => with(
            "too_many_decimals",
            format!("more than {most} decimals: {value}"),
            "prices are never rounded",
        ),
        Why::NotACount { least, most } => with(
            "bad_count",
            format!("not a whole number from {least} to {most}: {value}"),
            "write digits alone",
        ),
        Why::Amount(BadAmount::Negative) => {
            say("negative_amount", format!("must not be negative: {value}"))
        }
        Why::Zero => say("zero_amount", "must be more than nothing".into()),
        Why::Amount(BadAmount::TooLarge) => {
            say("amount_too_large", format!("larger than can be billed: {value}"))
        }
        Why::Amount(BadAmount::TooManyDecimals { currency }) => too_many_decimals(value, *currency),
        Why::Amount(BadAmount::TooManyUnitDecimals) => with(
            "too_many_decimals",
            format!("more than 12 decimals: {value}"),
            "the price of a unit may have 12, whatever its currency has",
        ),
        Why::NotATier => with(
            "bad_tier",
            format!("not UP_TO:UNIT or UP_TO:UNIT:FLAT: {value}"),
            "up to which unit, and what each costs, as 10:5.00; or also a fee for the tier, as 10:5.00:20; the last goes up to inf",
        ),
        Why::TierOrder { before } => with(
            "tiers_out_of_order",
            format!("up to {value} is not above the tier before, which goes up to {before}"),
            "tiers rise, and only the last one goes up to inf",
        ),
        Why::TiersEnd => with(
            "tiers_without_end",
            format!("the last one goes up to {value}, and nothing says what more than that costs"),
            "let the last one go up to inf, as --tier inf:4.00",
        ),
        Why::UnknownCurrency => with(
            "unknown_currency",
            format!("not a currency of ISO 4217: {value}"),
            "three capital letters, such as XOF or EUR",
        ),
        Why::WithdrawnCurrency { instead } => with(
            "withdrawn_currency",
            format!("the currency was withdrawn: {value}"),
            &format!("use {instead}"),
        ),
        Why::NotOneOf { words } => say("bad_value", format!("not one of {words}: {value}")),
        Why::UnknownTenant => with(
            "unknown_tenant",
            format!("there is no tenant {value}"),
            "billing tenant list shows them all; import the tenants first",
        ),
        Why::UnknownPlan => say("unknown_plan", format!("no plan has the code {value}")),
        Why::UnknownInvoice => with(
            "unknown_invoice",
            format!("there is no invoice {value}"),
            "billing invoice list shows them all; import the invoices first",
        ),
        Why::Before { field } => say("bad_order", format!("lies before {field}: {value}")),
        Why::NotAfter { field } => say("bad_order", format!("does not lie after {field}: {value}")),
        Why::BelowUsed { used } => {
            say("below_used", format!("below the {used} that are used: {value}"))
        }
        Why::UsesElsewhere => say(
            "uses_elsewhere",
            format!(
                "{value}: uses cannot be imported; lower max_uses to what remains, and leave this empty"
            ),
        ),
        Why::AfterNow => say("date_in_the_future", format!("lies ahead: {value}")),
        Why::After { last } => say("date_too_late", format!("lies after {last}: {value}")),
        Why::AfterToday => say("date_in_the_future", format!("lies after today: {value}")),
        Why::Differs { fields } => with(
            "differs",
            format!("{value} is there already with another {fields}"),
            "--update takes the file's values",
        ),
        Why::DiffersForGood { fields } => say(
            "differs",
            format!("{value} is there already with another {fields}, and is never rewritten"),
        ),
        Why::AboveInvoice { left } => say(
            "credit_note_above_invoice",
            format!("{value} is above the {left} that are left of the invoice"),
        ),
        Why::AbovePaid { most } => say(
            "refund_above_paid",
            format!("{value} is above the {most} that were paid of it and have not gone back"),
        ),
        Why::OtherSplit { here, due } => with(
            "credit_note_split",
            format!("not {value} but {here}, as {due} are due on the invoice"),
            "what is due goes first: import the payments of the invoice before its credit notes where they paid it",
        ),
        Why::NotCreditable { status } => say("not_creditable", format!("the invoice is {status}")),
        Why::NeededWith { field } => say("missing_value", format!("is needed with {field}")),
        Why::NotAllowedWith { field } => {
            say("not_allowed", format!("cannot stand with {field}: {value}"))
        }
        Why::AboveDue { due } => with(
            "above_due",
            format!("{value} is more than the {due} that are due"),
            "--allow-overpayment keeps the surplus as the tenant's credit",
        ),
        Why::NotPayable { status } => say("not_payable", format!("the invoice is {status}")),
        Why::ReferenceTaken { transaction, of } => with(
            "reference_taken",
            format!("{transaction} of the same {of} bears the reference {value}"),
            STANDING_ORDER,
        ),
        Why::ReferenceRepeated { of } => with(
            "reference_taken",
            format!("an earlier row of the same {of} bears the reference {value}"),
            STANDING_ORDER,
        ),
        Why::CannotChange { what } => say("cannot_change", format!("{value}: {what}")),
        Why::BadCsv(message) => say("bad_csv", message.clone()),
    }
}

fn too_many_decimals(value: &str, currency: Currency) -> (&'static str, String, Option<String>) {
    let message = format!("more decimals than {currency} has: {value}");
    let hint = match currency.decimals() {
        0 => format!("{currency} has none; amounts are never rounded"),
        n => format!("{currency} has {n}; amounts are never rounded"),
    };
    ("too_many_decimals", message, Some(hint))
}
