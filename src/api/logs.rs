//! Logs as public clients fetch them: a link that works for some minutes without a token, and the files that are kept.
//!
//! A line is `<date> <time> <zone> <zone's name> [<server>] text`; what a record has beyond its first line is indented.

use super::{
    Api,
    bearer::Bearer,
    body::Body as JsonBody,
    error::{ApiError, Result},
};
use crate::web::logs::file;
use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use types::log::LogRecord;
use utoipa::{IntoParams, ToSchema};

/// So many lines where a client names no number.
const LINES: usize = 100;
/// The most.
const MOST: usize = 10_000;

/// Where the log can be fetched.
#[derive(Serialize, ToSchema)]
pub struct Link {
    url: String,
}

/// The files of a log.
#[derive(Serialize, ToSchema)]
pub struct Archives {
    /// Always empty: all are told at once.
    next_cursor: String,
    has_more: bool,
    archives: Vec<Archive>,
}

/// A file of a log.
#[derive(Serialize, ToSchema)]
pub struct Archive {
    url: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// Bytes on disk.
    size: u64,
}

/// What a link is asked for.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// From the link.
    token: Option<String>,
    /// So many lines.
    n: Option<usize>,
}

/// A link to the log of a database, good for ten minutes.
#[utoipa::path(
    get, path = "/api/databases/{database}/logs", tag = "databases", responses((status = 200, body = Link))
)]
pub async fn link(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Link>> {
    let addon = api.addon_id(&actor, &database).await?;
    let token = api.control.log_link(&actor, addon, None).await?;
    Ok(Json(Link { url: format!("{}/api/logs?token={token}", api.public_url) }))
}

/// The files that are kept of a database's log, newest first, each with a link that is good for ten minutes.
#[utoipa::path(
    get, path = "/api/databases/{database}/logs_archives", tag = "databases",
    responses((status = 200, body = Archives))
)]
pub async fn archives(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Archives>> {
    let addon = api.addon_id(&actor, &database).await?;
    let mut archives = Vec::new();
    for file in api.control.log_files(&actor, addon).await? {
        let token = api.control.log_link(&actor, addon, Some(file.name)).await?;
        let url = format!("{}/api/logs?token={token}", api.public_url);
        archives.push(Archive { url, from: file.from, to: file.to, size: file.bytes });
    }
    Ok(Json(Archives { next_cursor: String::new(), has_more: false, archives }))
}

/// The log that a link opens, as text. The link is the proof.
#[utoipa::path(
    get, path = "/api/logs", tag = "databases", security(()), params(Wanted),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub async fn read(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Response> {
    let token = wanted.token.ok_or_else(ApiError::unauthenticated)?;
    let link = api.control.open_log_link(&token)?;
    if link.file.is_some() {
        return Ok(file(api.control.clone(), link));
    }
    let records = api.control.log_by_link(&link, wanted.n.unwrap_or(LINES).min(MOST)).await?;
    if records.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let text: String = records.iter().map(line).collect();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// A record as public clients read it.
fn line(record: &LogRecord) -> String {
    let at = record.at.unwrap_or_default().format("%Y-%m-%d %H:%M:%S%.3f +0000 UTC");
    let who = if record.who.is_empty() { String::new() } else { format!("{} ", record.who) };
    let text = record.text.replace('\n', "\n\t");
    format!("{at} [postgresql] {who}{}: {text}\n", record.severity)
}

/// From which duration on statements are logged.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowQueries {
    /// 100, 500, 1000 or 5000 milliseconds; null: none are.
    threshold_ms: Option<i64>,
}

/// Log statements that take long with their plans, or none.
#[utoipa::path(
    put, path = "/api/databases/{database}/slow_queries", tag = "databases", request_body = SlowQueries,
    responses((status = 200, body = SlowQueries))
)]
pub async fn slow_queries(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    JsonBody(body): JsonBody<SlowQueries>,
) -> Result<Json<SlowQueries>> {
    let addon = api.addon_id(&actor, &database).await?;
    api.control.log_slow_queries(&actor, addon, body.threshold_ms).await?;
    Ok(Json(body))
}
