//! The page of an operation, from its row and its events. Pure functions: nothing is asked of anybody here.

use super::{millis, status, title};
use crate::{
    Actor,
    ops::{self, About, Moment, Told},
};
use chrono::{DateTime, Utc};
use durable::{EventRow, OperationRow as Row, Status};
use serde_json::Value;
use types::{
    OperationId,
    operation::{LogLine, OperationView, StepState, StepView},
};

/// The log that a page shows at most.
const LOG_LINES: usize = 200;

fn text<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The page of an operation.
pub(super) fn view(row: &Row, events: &[EventRow], about: &About, now: DateTime<Utc>) -> OperationView {
    let told = ops::told(&row.kind);
    let at = moment(row);
    let ended = row.status.ended();
    let mut log: Vec<_> = events.iter().filter_map(|event| line(event, told.as_ref(), about)).collect();
    log.drain(..log.len().saturating_sub(LOG_LINES));
    let error = row.error.as_ref().map(|error| &error.0);
    // The first failure is why; a failure of taking back is told with it.
    let message = error.map(|error| match &error.cause {
        Some(cause) => format!("{} Taking back failed, too: {}", cause.message, error.message),
        None => error.message.clone(),
    });
    let cancellable = told.as_ref().is_some_and(|told| told.cancellable(&row.step));
    OperationView {
        id: OperationId::new(row.id),
        kind: row.kind.clone(),
        title: title(&row.kind, about),
        status: status(row.status),
        addon_id: None,
        database: about.database.clone(),
        app: about.app.clone(),
        actor: Actor::from_json(&row.actor).name().to_owned(),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        now,
        steps: told.as_ref().map(|told| steps(row, events, told, about, now)).unwrap_or_default(),
        log,
        error: message,
        error_log: error.map(|error| error.cause.as_deref().unwrap_or(error).log.clone()).unwrap_or_default(),
        safety: told.as_ref().map(|told| told.safety(at, about)).unwrap_or_default(),
        expected_ms: None,
        interruption: None,
        can_cancel: !ended && cancellable && row.unwinds_to.is_none() && row.cancel_requested_at.is_none(),
        can_retry: row.status == Status::Failed && row.needs_attention,
    }
}

fn moment(row: &Row) -> Moment<&str> {
    match row.status {
        Status::Succeeded => Moment::Succeeded,
        Status::Cancelled => Moment::Cancelled,
        Status::Failed if row.needs_attention => Moment::Stuck(&row.step),
        Status::Failed => Moment::Failed,
        Status::RollingBack => Moment::TakingBack,
        Status::Pending | Status::Running | Status::Waiting => Moment::At(&row.step),
    }
}

fn steps(row: &Row, events: &[EventRow], told: &Told, about: &About, now: DateTime<Utc>) -> Vec<StepView> {
    let unwinding = row.unwinds_to.is_some();
    let back = if unwinding { told.unwinding.as_slice() } else { &[] };
    let reached = told.forward.iter().position(|step| *step == row.step);
    // Where the road forward ended, when it did.
    let failed_at =
        row.error.as_ref().map(|error| error.0.cause.as_deref().map_or(&*error.0.step, |cause| &*cause.step));
    let show = |(index, key): (usize, &String), back: bool| {
        let mine = || events.iter().filter(|event| event.step == *key);
        let done = mine().any(|event| event.kind == "step_done");
        let current = *key == row.step;
        let state = match (row.status, back) {
            (Status::Succeeded, _) => StepState::Done,
            (Status::Failed, _) if current && row.needs_attention => StepState::Failed,
            (Status::Failed | Status::Cancelled, true) if done => StepState::Done,
            (Status::RollingBack, true) if current => StepState::Now,
            (_, true) => StepState::Todo,
            _ if unwinding && failed_at == Some(key.as_str()) => StepState::Failed,
            _ if unwinding && done => StepState::Done,
            _ if unwinding => StepState::Skipped,
            _ if current => {
                if row.status.ended() {
                    StepState::Failed
                } else {
                    StepState::Now
                }
            }
            _ if reached.is_some_and(|reached| index < reached) => StepState::Done,
            _ => StepState::Todo,
        };
        let spent: u64 =
            mine().filter_map(|event| event.data.get("elapsed_ms").and_then(Value::as_u64)).sum();
        let running = (state == StepState::Now && row.status != Status::Pending)
            .then(|| row.step_started_at.map(|from| millis(from, now)))
            .flatten();
        let told_last = mine().rev().find_map(|event| match event.kind.as_str() {
            "progress" => text(&event.data, "detail").map(str::to_owned),
            "retrying" => text(&event.data, "message").map(|message| format!("{message} Trying again.")),
            "failed" => text(&event.data, "message").map(str::to_owned),
            _ => None,
        });
        StepView {
            key: key.clone(),
            title: told.step_title(key, about),
            detail: told_last.unwrap_or_default(),
            state,
            elapsed_ms: match running {
                Some(running) => Some(spent + running),
                None => done.then_some(spent),
            },
        }
    };
    let forward = told.forward.iter().enumerate().filter(|(_, key)| told.needs(key, &row.params));
    let forward = forward.map(|step| show(step, false));
    let back = back.iter().enumerate().map(|step| show(step, true));
    forward.chain(back).collect()
}

/// An event as a line of the log; events that say nothing to people are none.
fn line(event: &EventRow, told: Option<&Told>, about: &About) -> Option<LogLine> {
    let data = &event.data;
    let say = |text: &str| Some(text.to_owned());
    let words = match event.kind.as_str() {
        "log" => text(data, "text").map(str::to_owned),
        "progress" => text(data, "detail").map(str::to_owned),
        "started" => told.map(|told| told.step_title(&event.step, about)),
        "retrying" => text(data, "message").map(|message| format!("{message} Trying again.")),
        "failed" => text(data, "message").map(str::to_owned),
        "unwinding" => say("taking back what was made"),
        "cancel_requested" => say("somebody asked to cancel"),
        "resumed" => say("going on"),
        "requested" | "step_done" => None,
        "finished" => match text(data, "status") {
            Some("succeeded") => say("done"),
            Some(status) => Some(status.replace('_', " ")),
            None => None,
        },
        _ => None,
    };
    Some(LogLine { seq: event.seq, at: event.at, step: event.step.clone(), text: words? })
}
