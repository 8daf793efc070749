//! `POST /v1/jobs`: the door for jobs of those who do not speak Kafka. Accepted means: durably in the log.
//! Not here: what is a job (`ops`), the log.

use crate::model::Shard;
use crate::ops::{AppendFault, Appended, BodyFault, Declared, JOBS_MAX, NewJob, read_jobs};
use crate::web::Limits;
use crate::web::answer::{answer, later, refusal};
use crate::web::body::{NoBody, pass_over, read};
use crate::web::budget::Budget;
use crate::web::listen::Faces;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use tokio::time::timeout;

const HARMLESS: &str =
    "some of the jobs may be in the log; send all of them again: what is there twice is applied once";

#[derive(Clone)]
pub(super) struct Door {
    pub faces: Arc<Faces>,
    pub budget: Budget,
    pub limits: Limits,
}

pub(super) async fn post(State(door): State<Door>, request: Request) -> Response {
    let declared = declared(request.headers());
    let body = request.into_body();
    let Some(_room) = door.budget.room(&body) else {
        pass_over(body, &door.limits).await;
        return saturated("too many bytes of jobs are in work");
    };
    let jobs = match read(body, &door.limits).await {
        Ok(body) => tokio::task::spawn_blocking(move || read_jobs(&body, declared)).await,
        Err(no_body) => return refuse_body(no_body, &door.limits),
    };
    match jobs {
        Ok(Ok(jobs)) => append(&door, jobs).await,
        Ok(Err(fault)) => refuse_jobs(fault),
        Err(error) => {
            tracing::error!(%error, "checking posted jobs failed: this is a fault of the program, report it");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "checking the jobs failed", "nothing was appended; report this")
        }
    }
}

async fn append(door: &Door, jobs: Vec<NewJob>) -> Response {
    match timeout(door.limits.log_deadline, door.faces.log.append(jobs)).await {
        Ok(Ok(places)) => {
            let places: Vec<Place> = places.into_iter().map(Place::from).collect();
            answer(StatusCode::ACCEPTED, &json!({ "appended": places }))
        }
        Ok(Err(AppendFault::Saturated)) => saturated("the log takes no more for now"),
        Ok(Err(AppendFault::Unavailable { what })) => later(StatusCode::SERVICE_UNAVAILABLE, &what, HARMLESS, 5),
        Ok(Err(AppendFault::Refused { what })) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &what, HARMLESS),
        Err(_too_late) => {
            let what = format!("the log did not answer within {:?}", door.limits.log_deadline);
            later(StatusCode::SERVICE_UNAVAILABLE, &what, HARMLESS, 5)
        }
    }
}

/// Where one of the jobs lies, in the order in which they were sent.
#[derive(Serialize)]
struct Place {
    shard: u32,
    offset: u64,
}

impl From<Appended> for Place {
    fn from(appended: Appended) -> Self {
        let Shard(shard) = appended.shard;
        Self { shard, offset: appended.offset.0 }
    }
}

fn saturated(what: &str) -> Response {
    later(StatusCode::TOO_MANY_REQUESTS, what, "nothing was appended; send again after Retry-After seconds", 1)
}

fn refuse_body(no_body: NoBody, limits: &Limits) -> Response {
    match no_body {
        NoBody::TooLarge => {
            let what = format!("the body has more than {} bytes", limits.body_bytes);
            refusal(StatusCode::PAYLOAD_TOO_LARGE, &what, "nothing was appended; send the jobs in several requests")
        }
        NoBody::TooSlow => {
            let what = format!("the body was not there within {:?}", limits.body_deadline);
            refusal(StatusCode::REQUEST_TIMEOUT, &what, "nothing was appended; send fewer jobs at once")
        }
        NoBody::Broken => refusal(StatusCode::BAD_REQUEST, "the body broke off", "nothing was appended; send it again"),
    }
}

fn refuse_jobs(fault: BodyFault) -> Response {
    match fault {
        BodyFault::TooMany => {
            let what = format!("there are more than {JOBS_MAX} jobs");
            refusal(StatusCode::PAYLOAD_TOO_LARGE, &what, "nothing was appended; send them in several requests")
        }
        BodyFault::Lines(faults) => {
            let what = match faults.total {
                1 => "one line is no job; nothing was appended".to_owned(),
                more => format!("{more} lines are no jobs; nothing was appended"),
            };
            let body = json!({
                "error": what,
                "hint": "mend each line and send all of them again",
                "faults_total": faults.total,
                "faults": faults.faults,
            });
            answer(StatusCode::BAD_REQUEST, &body)
        }
    }
}

fn declared(headers: &HeaderMap) -> Declared {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Declared::Lines
        }
        "application/json" => Declared::Json,
        _ => Declared::Nothing,
    }
}
