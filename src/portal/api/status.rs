//! With which status a failure is answered: one table for every code.

use crate::failure::{Failure, exit};
use crate::portal::response::Status;

/// What was sent is wrong, whatever is in the books.
const BAD_REQUEST: &[&str] = &[
    "bad_amount",
    "bad_base_url",
    "bad_code",
    "bad_count",
    "bad_country",
    "bad_csv",
    "bad_date",
    "bad_delimiter",
    "bad_email",
    "bad_fields",
    "bad_header",
    "bad_instant",
    "bad_json",
    "bad_line",
    "bad_lines",
    "bad_metadata",
    "bad_name",
    "bad_number_format",
    "bad_order",
    "bad_percentage",
    "bad_quantity",
    "bad_request",
    "bad_rows",
    "bad_slug",
    "bad_tier",
    "bad_time",
    "bad_url",
    "bad_value",
    "card_number",
    "cleared_and_set",
    "control_character",
    "currency_not_in_standard",
    "missing_value",
    "negative_amount",
    "not_allowed",
    "nothing_to_edit",
    "too_long",
    "too_many_decimals",
    "unknown_currency",
    "usage",
    "usage_rejected",
    "withdrawn_currency",
    "zero_amount",
    "tiers_out_of_order",
    "tiers_without_end",
    "reference_repeated",
];

const UNAUTHORIZED: &[&str] = &["unauthorized"];

const FORBIDDEN: &[&str] = &["forbidden"];

/// What is named is not there.
const NOT_FOUND: &[&str] = &[
    "no_item",
    "no_such_line",
    "not_found",
    "unknown_invoice",
    "unknown_meter",
    "unknown_plan",
    "unknown_subscription",
    "unknown_tenant",
];

const METHOD_NOT_ALLOWED: &[&str] = &["method_not_allowed"];

const TOO_LARGE: &[&str] = &["too_large"];

const UNSUPPORTED: &[&str] = &["unsupported_media_type"];

const TOO_MANY: &[&str] = &["too_many_links", "too_many_requests"];

/// It may go well in a moment, or once the operator has set it right.
const UNAVAILABLE: &[&str] = &[
    "as_of_in_the_future",
    "bad_asset",
    "bad_config",
    "bad_mail",
    "bad_template",
    "busy",
    "clock_impossible",
    "clock_jumped",
    "config_missing",
    "constraint",
    "damaged_database",
    "denied",
    "disk_full",
    "document_lost",
    "file",
    "foreign_database",
    "gateway_silent",
    "glyph_missing",
    "io",
    "locked",
    "newer_database",
    "no_database",
    "no_randomness",
    "not_a_database",
    "older_database",
    "read_only",
    "storage",
    "unavailable",
    "unsound_copy",
    "untrusted_config",
    "transport_down",
    "no_sender",
];

/// A mistake of ours.
const INTERNAL: &[&str] = &["done_not_printed", "internal", "output"];

/// A rule says no, as things stand.
const CONFLICT: &[&str] = &[
    "above_due",
    "above_pending_item",
    "after_end",
    "already_canceled",
    "already_disputed",
    "already_exists",
    "already_paid",
    "already_resent",
    "already_reversed",
    "already_sent",
    "already_suspended",
    "already_unapplied",
    "already_voided",
    "ambiguous_tenant",
    "amount_changed",
    "amount_too_large",
    "api_key_revoked",
    "before_start",
    "below_minimum",
    "below_used",
    "billed_elsewhere",
    "canceled",
    "cannot_change",
    "charge_pending",
    "checkout_refused",
    "checkout_unsupported",
    "coupon_used",
    "credit_in_use",
    "credit_note_above_invoice",
    "credit_note_split",
    "credit_too_small",
    "credited_before_issue",
    "currency_mismatch",
    "currency_needs_rate",
    "date_in_the_future",
    "date_in_the_past",
    "date_too_late",
    "differs",
    "due_before_issue",
    "einvoice_incomplete",
    "ends",
    "expired",
    "external_id_taken",
    "first_item",
    "has_coupon",
    "has_credit_notes",
    "id_conflict",
    "idempotency_key_reused",
    "in_future",
    "in_progress",
    "inactive",
    "interval_mismatch",
    "invoice_void",
    "item_exists",
    "items_apart",
    "last_item",
    "link_over",
    "max_uses_per_customer_reached",
    "max_uses_reached",
    "meter_archived",
    "no_coupon",
    "no_credit",
    "no_gateway",
    "no_next_invoice",
    "no_next_period",
    "no_payment_method",
    "no_period",
    "no_portal",
    "no_price",
    "no_usage_period",
    "not_canceled",
    "not_closed",
    "not_confirmed",
    "not_creditable",
    "not_disputed",
    "not_empty",
    "not_existing_customer",
    "not_first_payment",
    "not_metered",
    "not_new_customer",
    "not_of_tenant",
    "not_on_trial",
    "not_open",
    "not_pausable",
    "not_payable",
    "not_pending",
    "not_refundable",
    "not_resolvable",
    "not_reversible",
    "not_suspended",
    "not_yet_valid",
    "nothing_discountable",
    "nothing_pending",
    "nothing_to_change",
    "nothing_to_credit",
    "other_gateway",
    "other_portal",
    "out_is_a_terminal",
    "partly_paid",
    "paused",
    "payment_method_removed",
    "period_not_billed",
    "plan_archived",
    "plan_not_applicable",
    "price_exists",
    "reference_taken",
    "refund_above_paid",
    "refund_by_hand",
    "refunded_too_much",
    "refunds_unsupported",
    "same_price",
    "still_queued",
    "suspended",
    "tax_basis_mismatch",
    "tenant_closed",
    "tenant_suspended",
    "too_late",
    "trial_ends",
    "uses_elsewhere",
    "vat_id_missing",
    "which_item",
    "which_price",
    "would_overwrite",
    "refused",
    "confirmation_over",
    "email_unchanged",
    "hook_failed",
    "hook_stopped",
    "not_next",
    "not_told_yet",
    "total_changed",
    // Of items of a run, which no request asks for.
    "nothing_left",
    "emails_waiting",
    "email_waiting",
    "cc_refused",
    "email_failed",
    "outcome_unknown",
    "paid_twice",
    "not_asked_yet",
    "mass_email",
    "mass_suspension",
    "warning_not_delivered",
    "backlog",
    "changes_unknown",
    "refund_of_reversed",
    "refund_failed",
    "pending_too_long",
    "not_sent",
    "written_meanwhile",
];

const TABLE: &[(&[&str], Status)] = &[
    (BAD_REQUEST, Status::BadRequest),
    (UNAUTHORIZED, Status::Unauthorized),
    (FORBIDDEN, Status::Forbidden),
    (NOT_FOUND, Status::NotFound),
    (METHOD_NOT_ALLOWED, Status::MethodNotAllowed),
    (TOO_LARGE, Status::PayloadTooLarge),
    (UNSUPPORTED, Status::UnsupportedMediaType),
    (TOO_MANY, Status::TooManyRequests),
    (UNAVAILABLE, Status::ServiceUnavailable),
    (INTERNAL, Status::InternalServerError),
    (CONFLICT, Status::Conflict),
];

/// The status of a code; `None` of one that stands in no list, which `tests/tidy.rs` finds.
pub fn of_code(code: &str) -> Option<Status> {
    TABLE.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, status)| *status)
}

/// The status of a failure.
pub fn of(failure: &Failure) -> Status {
    of_code(failure.code).unwrap_or(match failure.exit {
        exit::USAGE => Status::BadRequest,
        exit::TRY_LATER => Status::ServiceUnavailable,
        _ => Status::Conflict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_status() {
        for (at, (codes, _)) in TABLE.iter().enumerate() {
            for code in *codes {
                let others = TABLE[at + 1..].iter().any(|(others, _)| others.contains(code));
                let times = codes.iter().filter(|other| *other == code).count();
                assert!(!others && times == 1, "{code}");
            }
        }
    }
}
