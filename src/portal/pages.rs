//! The pages that customers see.

use super::Visit;
use super::response::{Response, Status};

/// Answers a request for a page.
pub fn answer(_visit: &Visit) -> Response {
    super::bare(Status::NotFound)
}
