//! `POST /api/databases/{database}/action`: small acts by name, as public clients send them.
//!
//! An act that cannot be done is answered with 200 and `{"ok":0,"error":…}`, as those clients expect. Who may not see the
//! database gets the usual refusal, and so does a body of another shape.

mod acts;
mod sessions;

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
use serde_json::Value;
use types::{AddonId, ProblemKind};
use utoipa::ToSchema;

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `pg-list-queries`, `pg-cancel-query`, …
    action_name: String,
    /// What the act needs; null or absent where it needs nothing. `pg-cancel-query` and `pg-terminate-query`: `pid`, and
    /// `backend_start` as `pg-list-queries` told it, so that no other session with this number is meant; alone, the pid
    /// means whoever has it now. `create-extension`, `drop-extension`, `mend-rights`: `name`.
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
    /// Of `pg-list-queries`: how many sessions more there are. At most 500 are in `result`, the longest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Done {
    /// It was done, and told this.
    fn told(result: Value) -> Self {
        Self { ok: 1, result: Some(result), left_out: None, error: None }
    }

    /// It was done, and there is nothing to tell.
    fn nothing() -> Self {
        Self::told(Value::Null)
    }
}

/// Who asks, of what, with what.
struct Ask {
    control: ControlPlane,
    actor: Actor,
    addon: AddonId,
    params: Value,
}

/// Does one of: `list-extensions`, `create-extension`, `drop-extension`, `pg-list-queries`, `pg-cancel-query`,
/// `pg-terminate-query`, `pg-stat-statements-enable`, `pg-stat-statements-disable`, `pg-stat-statements-reset`,
/// `pg-stat-statements-list`, `end-refused-sessions`, `mend-rights`.
///
/// `pg-list-queries` lists at most 500 sessions; `left_out` says how many more there are.
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
        "pg-stat-statements-enable" => ask.count_statements(true).await,
        "pg-stat-statements-disable" => ask.count_statements(false).await,
        "pg-stat-statements-reset" => ask.reset_statements().await,
        "pg-stat-statements-list" => ask.list_statements().await,
        "end-refused-sessions" => ask.end_refused_sessions().await,
        "mend-rights" => ask.mend_rights().await,
        _ => return Err(ApiError::invalid("action_name", "There is no such action.")),
    };
    match result {
        Ok(done) => Ok(Json(done)),
        Err(Failed::Refused(error)) => Err(error),
        Err(Failed::Said(error)) => {
            Ok(Json(Done { ok: 0, result: None, left_out: None, error: Some(error) }))
        }
    }
}

/// What an act comes to.
type Told<T = Done> = std::result::Result<T, Failed>;

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
