//! The audit log, for operators.

use super::{Api, bearer::Bearer, error::Result};
use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use types::audit::{AUDIT_PAGE, AuditFilter, AuditView};
use utoipa::{IntoParams, ToSchema};

/// A part of the log.
#[derive(Serialize, ToSchema)]
pub struct Audit {
    /// Newest first: see `types::audit`.
    #[schema(value_type = Vec<Object>)]
    audit: Vec<AuditView>,
    /// `before` of the part that follows; null: there is nothing older.
    older: Option<i64>,
}

/// Which records.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Actions that begin so: `database.`, `session.create`.
    #[serde(default)]
    action: String,
    /// Of this user name.
    #[serde(default)]
    user: String,
    /// Older than the record of this number.
    before: Option<i64>,
    /// At most so many, 1–1000; 50 where it is left out.
    limit: Option<u16>,
}

/// Who did what, to what, from where, and whether it was allowed; newest first. Operators only: 403 for others.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(Which), responses((status = 200, body = Audit)))]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Query(which): Query<Which>,
) -> Result<Json<Audit>> {
    let Which { action, user, before, limit } = which;
    let filter = AuditFilter { action, user, before, limit: limit.unwrap_or(AUDIT_PAGE) };
    let page = api.control.audit(&actor, &filter).await?;
    Ok(Json(Audit { audit: page.records, older: page.older }))
}
