//! Operations live: server-sent events for the dashboard and for the HTTP API; and what every live stream shares.
//!
//! Each event is the whole operation, so a lost one costs nothing. Its id tells what was seen: a client that comes
//! back with it is not told the same again. Who follows is asked again at each look, so a stream ends soon after the
//! session or the token that opened it.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use control::{Actor, ControlPlane, Error};
use futures::stream::{self, Stream};
use sha2::{Digest, Sha256};
use std::{convert::Infallible, time::Duration};
use tokio::{sync::watch, time::timeout};
use types::{
    OperationId,
    operation::{OperationView, StepState},
};

/// A comment is sent after so much silence: proxies close what seems dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A look is taken at least so often, whatever the wake-ups say.
const LOOK: Duration = Duration::from_secs(5);

/// What proves who follows; asked again while the stream lives.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A browser session.
    Session {
        /// Of the id in the cookie.
        id_hash: [u8; 32],
        /// From where.
        ip: String,
    },
    /// A bearer token.
    Bearer {
        /// The token.
        jwt: String,
        /// From where.
        ip: String,
    },
}

impl Proof {
    /// Who follows, as the store says now.
    pub(super) async fn actor(&self, control: &ControlPlane) -> control::Result<Actor> {
        match self {
            Self::Session { id_hash, ip } => {
                control.actor_from_session(id_hash, ip).await?.ok_or(Error::Unauthenticated)
            }
            Self::Bearer { jwt, ip } => control.actor_from_jwt(jwt, ip).await,
        }
    }
}

struct Follow {
    control: ControlPlane,
    proof: Proof,
    operation: OperationId,
    changes: watch::Receiver<u64>,
    /// Id of the last event that the client has.
    seen: Option<String>,
    over: bool,
}

/// The stream of `operation`; 204 when the client has seen its end already.
///
/// # Errors
/// `Unauthenticated`; `NotFound` also for what belongs to somebody else.
pub async fn follow(
    control: ControlPlane,
    proof: Proof,
    operation: OperationId,
    headers: &HeaderMap,
) -> control::Result<Response> {
    let changes = control.operation_changes();
    let actor = proof.actor(&control).await?;
    let now = control.operation(&actor, operation).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    if now.status.ended() && seen.as_deref() == Some(&event_id(&now)) {
        // The one answer that makes a browser stop trying again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follow = Follow { control, proof, operation, changes, seen, over: false };
    let events = stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    });
    Ok(answer(events))
}

/// A stream of events as an answer.
pub(super) fn answer(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // nginx would collect events before it passes them on.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    response
}

impl Follow {
    /// The next event, or the end.
    async fn next(&mut self) -> Option<Event> {
        while !self.over {
            // Before the look: what changes while we look wakes us again.
            self.changes.borrow_and_update();
            let view = match self.look().await {
                Ok(view) => view,
                // The client asks again in a moment, and then learns why.
                Err(_) => return None,
            };
            self.over = view.status.ended();
            let id = event_id(&view);
            if self.seen.as_deref() != Some(&id) {
                let event = Event::default().event("operation").id(&id).json_data(&view).ok()?;
                self.seen = Some(id);
                return Some(event);
            }
            if self.over {
                return None;
            }
            if let Ok(Err(_)) = timeout(LOOK, self.changes.changed()).await {
                // Nobody tells of changes any more: this process is going down.
                return None;
            }
        }
        None
    }

    async fn look(&self) -> control::Result<OperationView> {
        let actor = self.proof.actor(&self.control).await?;
        self.control.operation(&actor, self.operation).await
    }
}

/// Place in the log, and a mark of everything else that can change. Running times change by themselves and are left
/// out: the page counts them.
fn event_id(view: &OperationView) -> String {
    let mut still = view.clone();
    still.now = still.created_at;
    for step in &mut still.steps {
        if step.state == StepState::Now {
            step.elapsed_ms = None;
        }
    }
    let seq = still.log.last().map_or(0, |line| line.seq);
    let mark = Sha256::digest(serde_json::to_vec(&still).unwrap_or_default());
    let hex: String = mark.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{seq}-{hex}")
}
