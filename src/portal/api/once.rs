//! `Idempotency-Key`: who asks again under the same key gets the same answer, and nothing is done twice.
//!
//! The request is written down before it is carried out, and its answer after it. One that died in between
//! is carried out again: a verb that makes something is given a key of its own then, under which it makes it
//! once, and every other one finds what it did done.

use ring::digest::{SHA256, digest};

use super::{Ask, Outcome, Problem};
use crate::failure::api;
use crate::portal::response::{Response, Status};
use crate::store::{ApiAnswer, ApiRequest, Begun};

/// The longest key.
const MOST: usize = 255;

/// The statuses that are answered by what carries a request out, and kept.
const KEPT: &[Status] = &[
    Status::Ok,
    Status::Created,
    Status::BadRequest,
    Status::Forbidden,
    Status::NotFound,
    Status::Conflict,
];

/// Carries a request out under a key, unless it was before.
pub(super) fn run(mut ask: Ask, idempotency_key: &str) -> Outcome {
    if !(1..=MOST).contains(&idempotency_key.len()) {
        let why = "an Idempotency-Key has 1 to 255 characters";
        return Err(api::bad_request(why).into());
    }
    // A link that signs in is made anew: kept, it would open the customer's pages to whoever reads the file.
    if ask.route.answers_secret() {
        return (ask.route.does)(&ask);
    }
    let request = ApiRequest {
        api_key: ask.key.id,
        idempotency_key: idempotency_key.to_owned(),
        asks: asks(&ask),
        now: ask.visit.clock.machine_now(),
    };
    let mut store = ask.context().writer()?;
    match store.write(|db| db.begin_api_request(&request))? {
        Begun::Now { first_at } => {
            let of_request = format!("{}\0{idempotency_key}\0{first_at}", ask.key.id);
            ask.once =
                Some(format!("api-{}", hex(digest(&SHA256, of_request.as_bytes()).as_ref())));
        }
        Begun::Answered(answer) => return Ok(again(answer)),
        Begun::AtWork => return Err(Problem::from(api::in_progress()).with("Retry-After", "1")),
        Begun::Another => return Err(api::key_reused().into()),
    }
    let response = (ask.route.does)(&ask).unwrap_or_else(Problem::response);
    let answer = KEPT
        .contains(&response.status)
        .then(|| ApiAnswer { status: response.status.code(), body: response.body.clone() });
    // What was done is done, whether this can be written or not: who asks again within the day finds it so.
    let kept = store.write(|db| db.end_api_request(&request, answer.as_ref()));
    if let Err(refusal) = kept {
        crate::portal::log(&crate::failure::Failure::from(&refusal).render(false));
    }
    Ok(response)
}

/// What tells two requests apart.
fn asks(ask: &Ask) -> Vec<u8> {
    let request = &ask.visit.request;
    let mut asks = format!("{} {}\0", request.method.word(), request.path.join("\0")).into_bytes();
    asks.extend(&request.body);
    asks
}

fn again(answer: ApiAnswer) -> Response {
    let status = KEPT.iter().find(|status| status.code() == answer.status);
    let status = status.copied().unwrap_or(Status::Ok);
    Response::new(status, "application/json", answer.body).with("Idempotent-Replayed", "true")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
