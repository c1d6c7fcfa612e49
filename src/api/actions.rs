//! `POST /api/databases/{database}/action`: small acts by name, as public clients send them.
//!
//! An act that cannot be done is answered with 200 and `{"ok":0,"error":…}`, as those clients expect. Who may not see the
//! database gets the usual refusal, and so does a body of another shape.

use super::{
    Api,
    bearer::Bearer,
    body::Body,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
};
use control::{Actor, ControlPlane};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{
    AddonId, ProblemKind,
    query::{SessionFilter, SessionState, Signalled},
    statement::{Counting, StatementOrder, StatementRange},
};
use utoipa::ToSchema;

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `pg-list-queries`, `pg-cancel-query`, …
    action_name: String,
    /// What the act needs; null or absent where it needs nothing.
    #[serde(default)]
    params: Value,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// 1: it was done.
    ok: u8,
    /// What it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Who asks, of what, with what.
struct Ask {
    control: ControlPlane,
    actor: Actor,
    addon: AddonId,
    params: Value,
}

/// The params of acts on a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    pid: i32,
}

/// Does one of: `list-extensions`, `create-extension`, `drop-extension`, `pg-list-queries`, `pg-cancel-query`, `pg-terminate-query`, `pg-stat-statements-enable`,
/// `pg-stat-statements-reset`, `pg-stat-statements-list`.
#[utoipa::path(
    post, path = "/api/databases/{database}/action", tag = "databases", request_body = Asked,
    responses((status = 200, body = Done))
)]
pub async fn act(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Body(asked): Body<Asked>,
) -> Result<Json<Done>> {
    let addon = api.addon_id(&actor, &database).await?;
    // Whose database it is comes before what shall be done with it.
    api.control.database_id(&actor, addon).await?;
    let Asked { action_name, params } = asked;
    let ask = Ask { control: api.control, actor, addon, params };
    let result = match action_name.as_str() {
        "list-extensions" => ask.list_extensions().await,
        "create-extension" => ask.create_extension().await,
        "drop-extension" => ask.drop_extension().await,
        "pg-list-queries" => ask.list_queries().await,
        "pg-cancel-query" => ask.cancel_query().await,
        "pg-terminate-query" => ask.terminate_query().await,
        "pg-stat-statements-enable" => ask.count_statements().await,
        "pg-stat-statements-reset" => ask.reset_statements().await,
        "pg-stat-statements-list" => ask.list_statements().await,
        _ => return Err(ApiError::invalid("action_name", "There is no such action.")),
    };
    match result {
        Ok(result) => Ok(Json(Done { ok: 1, result: Some(result), error: None })),
        Err(Failed::Refused(error)) => Err(error),
        Err(Failed::Said(error)) => Ok(Json(Done { ok: 0, result: None, error: Some(error) })),
    }
}

/// What an act comes to.
type Told<T> = std::result::Result<T, Failed>;

/// Why an act was not done.
enum Failed {
    /// It may not be asked.
    Refused(ApiError),
    /// It could not be done.
    Said(String),
}

impl From<control::Error> for Failed {
    fn from(error: control::Error) -> Self {
        let problem = error.problem();
        match problem.kind {
            ProblemKind::Conflict | ProblemKind::Unavailable => Self::Said(problem.message),
            _ => Self::Refused(problem.into()),
        }
    }
}

impl Ask {
    fn pid(&self) -> Told<i32> {
        let read: std::result::Result<Process, _> = serde_json::from_value(self.params.clone());
        let wrong =
            |_| Failed::Refused(ApiError::invalid("pid", "Name the process by its number: {\"pid\": 4711}."));
        read.map(|process| process.pid).map_err(wrong)
    }

    async fn list_queries(self) -> Told<Value> {
        let filter = SessionFilter { idle: true, ..SessionFilter::default() };
        let view = self.control.queries(&self.actor, self.addon, &filter).await?;
        if !view.running {
            return Err(Failed::Said("The server does not answer.".into()));
        }
        let told = view.sessions.into_iter().map(|one| {
            json!({
                "pid": one.pid, "username": one.user, "state": one.state.word(), "query": one.query,
                "query_start": one.query_start,
                // Nanoseconds; what does not run has none.
                "query_duration": if one.state == SessionState::Idle { 0 } else { one.duration_us * 1_000 },
            })
        });
        Ok(told.collect())
    }

    fn name(&self) -> Told<String> {
        let name = self.params.get("name").and_then(Value::as_str).map(str::to_owned);
        let wrong = || ApiError::invalid("name", "Name the extension: {\"name\": \"hstore\"}.");
        name.ok_or_else(|| Failed::Refused(wrong()))
    }

    async fn list_extensions(self) -> Told<Value> {
        let all = self.control.extensions(&self.actor, self.addon).await?;
        let made = all.into_iter().filter_map(|one| Some((one.name, one.version?)));
        Ok(made.map(|(name, version)| json!({"name": name, "version": format!("v{version}")})).collect())
    }

    async fn create_extension(self) -> Told<Value> {
        let name = self.name()?;
        let version = self.control.create_extension(&self.actor, self.addon, &name).await?;
        Ok(json!({"name": name, "version": format!("v{version}")}))
    }

    async fn drop_extension(self) -> Told<Value> {
        let name = self.name()?;
        self.control.drop_extension(&self.actor, self.addon, &name).await?;
        Ok(Value::Null)
    }

    async fn cancel_query(self) -> Told<Value> {
        let pid = self.pid()?;
        signalled(pid, self.control.cancel_query(&self.actor, self.addon, pid, None).await?)
    }

    async fn terminate_query(self) -> Told<Value> {
        let pid = self.pid()?;
        signalled(pid, self.control.terminate_query(&self.actor, self.addon, pid, None).await?)
    }

    async fn count_statements(self) -> Told<Value> {
        self.control.count_statements(&self.actor, self.addon, true).await?;
        Ok(Value::Null)
    }

    async fn reset_statements(self) -> Told<Value> {
        self.control.reset_statements(&self.actor, self.addon).await?;
        Ok(Value::Null)
    }

    async fn list_statements(self) -> Told<Value> {
        let (range, order) = (StatementRange::Reset, StatementOrder::Time);
        let view = self.control.statements(&self.actor, self.addon, range, order).await?;
        match view.counting {
            Counting::On => {}
            Counting::Off => return Err(Failed::Said("Statements of this database are not counted.".into())),
            Counting::NeedsRestart => {
                return Err(Failed::Said("Counting begins with the next restart.".into()));
            }
            Counting::NotRunning => return Err(Failed::Said("The server does not answer.".into())),
        }
        let told = view.statements.into_iter().map(|one| {
            let (mean, spread) = (one.mean_ms(), one.spread.unwrap_or_default());
            json!({
                "user_id": one.counters.user_id, "query": one.query, "calls": one.counters.calls,
                "rows": one.counters.rows, "total_time": one.counters.total_ms, "min_time": spread.min_ms,
                "max_time": spread.max_ms, "mean_time": mean, "std_dev": spread.deviation_ms,
            })
        });
        Ok(told.collect())
    }
}

fn signalled(pid: i32, signalled: Signalled) -> Told<Value> {
    match signalled {
        Signalled::Sent => Ok(Value::Null),
        Signalled::Idle => Err(Failed::Said(format!("Process {pid} runs no query."))),
        Signalled::Gone => {
            Err(Failed::Said(format!("There is no query of this database in process {pid} any more.")))
        }
    }
}
