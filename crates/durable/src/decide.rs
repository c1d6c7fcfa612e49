//! What follows the end of a step: a pure function from what is known to what the row shall say.
//!
//! It reads no clock, no store and no chance; `run.rs` writes down what it says.

use crate::backoff::{RETRIES, backoff};
use crate::lease::Claim;
use crate::{Failure, Next, OnFailure, Status};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// How a run of a step ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Well.
    Next(Next),
    /// Not well; `again` when the step thinks that another try may help.
    Failed { message: String, log: Vec<String>, again: bool },
    /// The deadline passed.
    Late,
}

/// What is written: the new values of the row, and events.
#[derive(Debug)]
pub(crate) struct Change {
    pub status: Status,
    pub step: String,
    pub attempt: i32,
    pub pause: Duration,
    pub unwinds_to: Option<Status>,
    pub error: Option<Failure>,
    pub needs_attention: bool,
    /// The time limit begins anew.
    pub restart_deadline: bool,
    /// The next run is the first of its step.
    pub begins_step: bool,
    pub events: Vec<(&'static str, Value)>,
}

/// What follows when a step ended.
pub(crate) fn after_step(
    claim: &Claim,
    ending: Ending,
    on_failure: impl FnOnce() -> OnFailure,
    now: DateTime<Utc>,
    jitter: f64,
) -> Change {
    match ending {
        Ending::Next(next) => after_success(claim, next, now),
        Ending::Failed { message, again: true, log } if claim.attempt < RETRIES => {
            retrying(claim, message, log, jitter)
        }
        Ending::Failed { message, log, again } => match on_failure() {
            OnFailure::Forward => {
                let hopeless = !again;
                let mut change = retrying(claim, message, log, jitter);
                change.needs_attention |= hopeless;
                change
            }
            on_failure => give_up(claim, message, log, on_failure),
        },
        Ending::Late => {
            let message = format!("It took longer than its limit of {}.", in_words(claim.time_limit_s));
            match on_failure() {
                OnFailure::Forward => Change {
                    needs_attention: true,
                    restart_deadline: true,
                    events: vec![(
                        "retrying",
                        json!({ "message": message, "attempt": claim.attempt, "after_ms": 0 }),
                    )],
                    ..unchanged(claim)
                },
                on_failure => give_up(claim, message, vec![], on_failure),
            }
        }
    }
}

/// What follows when somebody cancelled before a step, with the step where the unwinding begins.
pub(crate) fn cancel(claim: &Claim, to: String) -> Change {
    unwind(claim, to, Status::Cancelled)
}

fn unchanged(claim: &Claim) -> Change {
    Change {
        status: claim.status,
        step: claim.step.clone(),
        attempt: claim.attempt,
        pause: Duration::ZERO,
        unwinds_to: claim.unwinds_to,
        error: claim.error.as_ref().map(|error| error.0.clone()),
        needs_attention: claim.needs_attention,
        restart_deadline: false,
        begins_step: false,
        events: vec![],
    }
}

/// The status of an operation that goes on: unwinding stays unwinding.
fn live(claim: &Claim, status: Status) -> Status {
    if claim.unwinds_to.is_some() { Status::RollingBack } else { status }
}

fn after_success(claim: &Claim, next: Next, now: DateTime<Utc>) -> Change {
    let elapsed_ms = (now - claim.step_started_at).num_milliseconds().max(0);
    let step_done = ("step_done", json!({ "elapsed_ms": elapsed_ms }));
    match next {
        Next::Go(step) => Change {
            status: live(claim, Status::Running),
            step,
            attempt: 0,
            begins_step: true,
            events: vec![step_done],
            ..unchanged(claim)
        },
        Next::Again { after, why } => Change {
            status: live(claim, Status::Waiting),
            attempt: 0,
            pause: after,
            events: if why.is_empty() { vec![] } else { vec![("progress", json!({ "detail": why }))] },
            ..unchanged(claim)
        },
        Next::Done => {
            let status = claim.unwinds_to.unwrap_or(Status::Succeeded);
            Change {
                status,
                attempt: 0,
                needs_attention: false,
                events: vec![step_done, ("finished", json!({ "status": status.as_str() }))],
                ..unchanged(claim)
            }
        }
    }
}

fn retrying(claim: &Claim, message: String, log: Vec<String>, jitter: f64) -> Change {
    let attempt = claim.attempt.saturating_add(1);
    let pause = backoff(attempt, jitter);
    let data =
        json!({ "message": message, "log": log, "attempt": attempt, "after_ms": pause.as_millis() as u64 });
    Change {
        status: live(claim, Status::Waiting),
        attempt,
        pause,
        events: vec![("retrying", data)],
        ..unchanged(claim)
    }
}

fn give_up(claim: &Claim, message: String, log: Vec<String>, on_failure: OnFailure) -> Change {
    let failed = ("failed", json!({ "message": message, "log": log }));
    let cause = claim.error.as_ref().map(|error| Box::new(error.0.clone()));
    let error = Some(Failure { message, log, step: claim.step.clone(), cause });
    match on_failure {
        OnFailure::Unwind(to) if claim.unwinds_to.is_none() => {
            let mut change = unwind(claim, to, Status::Failed);
            change.error = error;
            change.events.insert(0, failed);
            change
        }
        // Nobody unwinds an unwinding: what is left over needs a person.
        _ => Change {
            status: Status::Failed,
            error,
            needs_attention: true,
            events: vec![failed, ("finished", json!({ "status": Status::Failed.as_str() }))],
            ..unchanged(claim)
        },
    }
}

fn unwind(claim: &Claim, to: String, unwinds_to: Status) -> Change {
    let events = vec![("unwinding", json!({ "to": to }))];
    Change {
        status: Status::RollingBack,
        step: to,
        attempt: 0,
        unwinds_to: Some(unwinds_to),
        restart_deadline: true,
        begins_step: true,
        events,
        ..unchanged(claim)
    }
}

/// A time limit for people: whole hours, minutes or seconds.
fn in_words(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s >= 3600 && s % 3600 == 0 => (s / 3600, "hour"),
        s if s >= 60 && s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}
