//! The last step of most operations: telling the app, through its restart hook, that its database changed.
//!
//! A hook never makes an operation fail: what became of the call is recorded and told. A webhook is called up to
//! three times; a local command once, since running it again may not be harmless. After a kill between the call and
//! its record the call is repeated with the same id.

use super::work::{Notes, Target};
use crate::{
    ControlPlane,
    hook::Answer,
    store::{self, hook::Delivery},
};
use chrono::{DateTime, Utc};
use durable::{Cx, StepError, typed::Next};
use serde_json::json;
use std::time::Duration;
use types::OperationId;
use uuid::Uuid;

const MOST_CALLS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Calls what is set. `event` is what happened: `database.created`.
pub(super) async fn run<S>(
    plane: &ControlPlane,
    target: &Target,
    event: &'static str,
    cx: &mut Cx,
) -> Result<Next<S>, StepError> {
    let mut conn = plane.store().acquire().await?;
    let hook = store::hook::find(&mut conn, target.row.app_id).await?.unwrap_or_default();
    let webhook_due =
        hook.url.is_some() && !store::hook::was_taken(&mut conn, cx.operation_id, "webhook").await?;
    let command = hook.command.clone().filter(|argv| !argv.is_empty());
    drop(conn);
    let mut notes: Notes = cx.memo()?;
    let mut calls = Vec::new();

    if webhook_due && notes.calls < MOST_CALLS {
        let begun = cx.now();
        let body = body(target, event, cx, begun);
        let answer =
            plane.call_webhook(target.subject.app, &hook, OperationId::new(cx.operation_id), body).await;
        let answer = answer.map_err(super::work::fault)?;
        notes.calls += 1;
        cx.set_memo(&notes)?;
        if !answer.taken && notes.calls < MOST_CALLS {
            let why = format!("the webhook was not taken ({}); calling again", answer.text);
            record(target, "webhook", begun, &answer, cx).await?;
            return Ok(Next::Again { after: PAUSE, why });
        }
        calls.push(("webhook", begun, answer));
    }
    if let Some(argv) = command {
        let begun = cx.now();
        let ran = plane.inner.engine.run_hook(&argv, &environment(target, event, cx), COMMAND_LIMIT).await;
        let (taken, text) = ran.unwrap_or_else(|error| (false, error.to_string()));
        calls.push(("command", begun, Answer { taken, text }));
    }
    let mut told = Vec::new();
    for (what, begun, answer) in &calls {
        record(target, what, *begun, answer, cx).await?;
        told.push(tell(what, answer));
    }
    if told.is_empty() && hook.url.is_none() {
        told.push("no hook is set".into());
    }
    cx.detail(told.join("; ")).await?;
    Ok(Next::Done)
}

fn tell(what: &str, answer: &Answer) -> String {
    let outcome = if answer.taken { "taken" } else { "not taken" };
    format!("{what} {outcome}: {}", answer.text)
}

fn body(target: &Target, event: &str, cx: &Cx, at: DateTime<Utc>) -> String {
    json!({
        "type": event,
        "timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "data": {
            "app": target.row.app,
            "addon_id": target.subject.addon,
            "database": target.row.resource_id,
            "operation_id": OperationId::new(cx.operation_id),
        },
    })
    .to_string()
}

fn environment(target: &Target, event: &str, cx: &Cx) -> Vec<(String, String)> {
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("PADDOCK_EVENT", event.to_owned()),
        ("PADDOCK_APP", target.row.app.clone()),
        ("PADDOCK_ADDON", target.subject.addon.to_string()),
        ("PADDOCK_DATABASE", target.row.resource_id.clone()),
        ("PADDOCK_OPERATION", OperationId::new(cx.operation_id).to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

async fn record(
    target: &Target,
    kind: &str,
    begun: DateTime<Utc>,
    answer: &Answer,
    cx: &mut Cx,
) -> Result<(), StepError> {
    let took = (cx.now() - begun).num_milliseconds();
    let delivery = Delivery {
        operation_id: cx.operation_id,
        kind: kind.into(),
        at: begun,
        duration_ms: i32::try_from(took).unwrap_or(i32::MAX),
        ok: answer.taken,
        result: crate::audit::plain(&answer.text, 200),
    };
    let (id, app) = (Uuid::now_v7(), target.row.app_id);
    Ok(store::hook::record(cx.tx().await?, id, app, &delivery).await?)
}
