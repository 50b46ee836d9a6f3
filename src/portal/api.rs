//! The API: JSON for the product and for customers' own programs.

use super::Visit;
use super::response::{Response, Status};

/// Answers a request below `/api`.
pub fn answer(_visit: &Visit) -> Response {
    super::bare(Status::NotFound)
}
