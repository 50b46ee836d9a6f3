//! What a customer reads when something was refused.

use serde_json::json;

use super::says;
use super::{Answer, Desk};
use crate::domain::Refusal;
use crate::failure::{Failure, exit};
use crate::portal::response::{Response, Status};
use crate::portal::{bare, log};

/// Why a page is not what was asked for.
#[derive(Debug)]
pub enum Trouble {
    Status(Status),
    /// An address that answers other methods.
    NotAllowed(&'static str),
    /// A rule said no, the file did, or something is not there.
    Failure(Box<Failure>),
    /// The same with the page to go back to.
    Refused(Box<Failure>, String),
    /// A field of a form whose value cannot be: its label, and the page to go back to.
    Field(&'static str, &'static str),
    /// What customers may not do here, as `[portal] allow` says.
    NotHere,
    /// A link that is none, or holds no more.
    BadLink,
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Trouble {
        Trouble::Status(status)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Trouble::Failure(Box::new(Failure::from(&refusal)))
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Trouble {
        Trouble::Failure(Box::new(Failure::of(&error)))
    }
}

impl From<Box<Failure>> for Trouble {
    fn from(failure: Box<Failure>) -> Trouble {
        Trouble::Failure(failure)
    }
}

/// With which status a failure is answered.
fn status_of(failure: &Failure) -> Status {
    match failure.code {
        "not_found" | "not_of_tenant" => Status::NotFound,
        "busy" | "locked" | "gateway_silent" => Status::ServiceUnavailable,
        "not_allowed" => Status::Forbidden,
        "too_many_requests" | "too_many_links" => Status::TooManyRequests,
        "bad_value" | "bad_lines" | "missing_value" | "usage" => Status::BadRequest,
        _ if failure.exit == exit::TRY_LATER => Status::ServiceUnavailable,
        _ if says::is_ours(failure.code) => Status::InternalServerError,
        _ => Status::Conflict,
    }
}

impl Trouble {
    /// What is not there, or not theirs.
    pub fn missing() -> Trouble {
        Trouble::Status(Status::NotFound)
    }

    /// The same with the page to go back to.
    pub fn back_to(failure: Box<Failure>, path: String) -> Trouble {
        Trouble::Refused(failure, path)
    }

    /// The page that says it. Where even that fails, a line without one.
    pub fn page(self, desk: &Desk) -> Response {
        let (status, code, back) = match &self {
            Trouble::Status(status) => (*status, None, None),
            Trouble::NotAllowed(_) => (Status::MethodNotAllowed, None, None),
            Trouble::Field(_, path) => (Status::BadRequest, None, Some(*path)),
            Trouble::NotHere => (Status::Forbidden, Some("not_allowed_here"), None),
            Trouble::BadLink => (Status::Forbidden, Some("bad_link"), None),
            Trouble::Failure(failure) => (status_of(failure), Some(failure.code), None),
            Trouble::Refused(failure, path) => {
                (status_of(failure), Some(failure.code), Some(path.as_str()))
            }
        };
        if let Trouble::Failure(failure) | Trouble::Refused(failure, _) = &self
            && matches!(status, Status::InternalServerError | Status::ServiceUnavailable)
        {
            // The code alone: a message may name what a customer typed.
            log(&format!("a request failed: {}", failure.code));
        }
        let field = match &self {
            Trouble::Field(label, _) => Some(*label),
            _ => None,
        };
        let response = said(desk, status, code, (field, back)).unwrap_or_else(|_| bare(status));
        match self {
            Trouble::NotAllowed(allow) => response.with("Allow", allow),
            // A code is looked at again within the hour.
            _ if status == Status::TooManyRequests => response.with("Retry-After", "3600"),
            _ if status == Status::ServiceUnavailable => response.with("Retry-After", "5"),
            _ => response,
        }
    }
}

fn said(
    desk: &Desk,
    status: Status,
    code: Option<&str>,
    (field, back): (Option<&str>, Option<&str>),
) -> Answer {
    let (title, words) = says::trouble(status, code, desk.locale);
    let form = code == Some("bad_link") && desk.customer.is_none();
    // What is not there and what is not theirs are the same page, whatever was asked for.
    let home = desk.customer.is_some().then_some("/");
    let back = back.or(home).filter(|_| !form);
    desk.page(
        status,
        "portal/trouble.html",
        json!({
            "title": title, "words": words, "field": field, "back": back, "form": form, "place": "",
            "notice": null, "notice_is_bad": false,
        }),
    )
}
