//! Acts on sessions. A process number alone may be another session's by now, so a client may send the moment of connecting
//! with it, as it was listed.

use super::{Ask, Done, Failed, Told};
use crate::api::error::ApiError;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use types::query::{SessionFilter, SessionState, Signalled};

/// The params of acts on a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    pid: i32,
    #[serde(default)]
    backend_start: Option<String>,
}

/// A session as it is addressed.
#[derive(Clone, Copy)]
struct Addressed {
    pid: i32,
    /// When it connected; without it, whoever has this process now is meant.
    started: Option<DateTime<Utc>>,
}

impl Addressed {
    fn of(params: &Value) -> Told<Self> {
        let asked = Process::deserialize(params)
            .map_err(|_| ApiError::invalid("pid", "Name the process by its number: {\"pid\": 4711}."));
        let Process { pid, backend_start } = asked.map_err(Failed::Refused)?;
        let moment = |text: String| {
            let read = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
            read.map_err(|_| {
                let words = "Say when it connected as pg-list-queries told it: 2026-11-28T20:46:38.123456Z.";
                Failed::Refused(ApiError::invalid("backend_start", words))
            })
        };
        Ok(Self { pid, started: backend_start.map(moment).transpose()? })
    }

    fn started_us(self) -> Option<i64> {
        self.started.map(|at| at.timestamp_micros())
    }

    fn done(self, signalled: Signalled) -> Told {
        let pid = self.pid;
        let said = match (signalled, self.started) {
            (Signalled::Sent, _) => return Ok(Done::nothing()),
            (Signalled::Idle, _) => format!("Process {pid} runs no query."),
            (Signalled::Gone, None) => {
                format!("There is no query of this database in process {pid} any more.")
            }
            (Signalled::Gone, Some(_)) => format!(
                "The session of process {pid} that was listed ended; if the number is in use, it is another session's. \
                 Nothing was done."
            ),
        };
        Err(Failed::Said(said))
    }
}

impl Ask {
    pub(super) async fn list_queries(self) -> Told {
        let filter = SessionFilter { idle: true, ..SessionFilter::default() };
        let view = self.control.queries(&self.actor, self.addon, &filter).await?;
        if !view.running {
            return Err(Failed::Said("The server does not answer.".into()));
        }
        let left_out = Some(view.left_out);
        let told = view.sessions.into_iter().map(|one| {
            let started = one.connected();
            json!({
                "pid": one.pid, "username": one.user, "state": one.state.word(), "query": one.query,
                "query_start": one.query_start,
                "backend_start": started.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
                // Nanoseconds; what does not run has none.
                "query_duration": if one.state == SessionState::Idle { 0 } else { one.duration_us * 1_000 },
            })
        });
        Ok(Done { left_out, ..Done::told(told.collect()) })
    }

    pub(super) async fn cancel_query(self) -> Told {
        let whom = Addressed::of(&self.params)?;
        let asked = self.control.cancel_query(&self.actor, self.addon, whom.pid, whom.started_us());
        whom.done(asked.await?)
    }

    pub(super) async fn terminate_query(self) -> Told {
        let whom = Addressed::of(&self.params)?;
        let asked = self.control.terminate_query(&self.actor, self.addon, whom.pid, whom.started_us());
        whom.done(asked.await?)
    }

    /// Of those that a rule would not let in again. Answers how many.
    pub(super) async fn end_refused_sessions(self) -> Told {
        let ended = self.control.end_refused_sessions(&self.actor, self.addon).await?;
        Ok(Done::told(json!({"ended": ended})))
    }
}
