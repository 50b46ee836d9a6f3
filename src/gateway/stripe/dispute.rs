//! How a dispute stands at Stripe ("The dispute object").

use serde_json::Value;

use super::answer;
use crate::domain::gateway_refund::DisputeStatus;

pub const DISPUTES: &str = "/v1/disputes";

/// How a dispute stands. An inquiry is one: the customer's bank asks, and takes the charge back unless
/// it is answered. One that was prevented was settled by a refund, which is told by itself.
///
/// # Errors
/// It stands in a way that is not known here.
pub fn dispute_status(dispute: &Value) -> Result<DisputeStatus, String> {
    match dispute["status"].as_str().unwrap_or_default() {
        "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review" => {
            Ok(DisputeStatus::Open)
        }
        "won" | "warning_closed" | "prevented" => Ok(DisputeStatus::Won),
        "lost" => Ok(DisputeStatus::Lost),
        other => {
            let id = answer::word(dispute, "id").unwrap_or_default();
            Err(format!("the dispute {id} is {other}, which is not known here"))
        }
    }
}

/// Whether the bank only asks, and has not taken the money.
pub fn is_inquiry(dispute: &Value) -> bool {
    dispute["status"].as_str().is_some_and(|status| status.starts_with("warning_"))
}
