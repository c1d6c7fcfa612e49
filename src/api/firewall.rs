//! Networks from which a database may be reached, as firewall rules of the public contract. There are no managed ranges:
//! that list is empty.

use super::{
    Api,
    bearer::Bearer,
    body::Body,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use control::{Actor, NewNetwork};
use serde::{Deserialize, Serialize};
use types::{AddonId, NetworkId, reach::NetworkView};
use utoipa::ToSchema;

/// The one kind of rule here.
const CUSTOM: &str = "custom_range";

/// A rule.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    id: String,
    /// `custom_range`
    #[serde(rename = "type")]
    kind: &'static str,
    /// `10.0.0.0/8`
    cidr: String,
    label: String,
    range_id: &'static str,
    database_id: String,
    /// Closed by itself then; left out where it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

impl Rule {
    fn of(database: AddonId, network: &NetworkView) -> Self {
        Self {
            id: network.id.to_string(),
            kind: CUSTOM,
            cidr: network.network.to_string(),
            label: network.note.clone(),
            range_id: "",
            database_id: database.to_string(),
            expires_at: network.expires_at,
        }
    }
}

/// All rules of a database.
#[derive(Serialize, ToSchema)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneRule {
    rule: Rule,
}

/// A rule as clients write it: bare, or under `firewall_rule`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    /// The same, one level down.
    firewall_rule: Option<BareRule>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `10.0.0.0/8`
    cidr: Option<String>,
    label: Option<String>,
    range_id: Option<String>,
    /// Closed by itself then.
    expires_at: Option<DateTime<Utc>>,
    #[expect(dead_code, reason = "clients send whole rules back")]
    id: Option<String>,
    #[expect(dead_code, reason = "clients send whole rules back")]
    database_id: Option<String>,
}

/// A rule.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BareRule {
    /// `custom_range`
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `10.0.0.0/8`
    cidr: Option<String>,
    label: Option<String>,
    range_id: Option<String>,
    /// Closed by itself then.
    expires_at: Option<DateTime<Utc>>,
    #[expect(dead_code, reason = "clients send whole rules back")]
    id: Option<String>,
    #[expect(dead_code, reason = "clients send whole rules back")]
    database_id: Option<String>,
}

/// What counts of it.
struct Wanted {
    cidr: Option<String>,
    label: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

impl WrittenRule {
    fn wanted(self) -> Result<Wanted> {
        let (kind, range, wanted) = match self.firewall_rule {
            Some(BareRule { kind, cidr, label, range_id, expires_at, .. }) => {
                (kind, range_id, Wanted { cidr, label, expires_at })
            }
            None => {
                let Self { kind, cidr, label, range_id, expires_at, .. } = self;
                (kind, range_id, Wanted { cidr, label, expires_at })
            }
        };
        if kind.is_some_and(|kind| kind != CUSTOM) {
            return Err(ApiError::invalid("type", "The one type here is custom_range."));
        }
        if range.is_some_and(|range| !range.is_empty()) {
            return Err(ApiError::invalid("range_id", "There are no managed ranges here."));
        }
        Ok(wanted)
    }
}

/// The rules of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/firewall_rules", tag = "databases",
    responses((status = 200, body = Rules))
)]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Rules>> {
    let addon = api.addon_id(&actor, &database).await?;
    let networks = api.control.networks(&actor, addon).await?;
    Ok(Json(Rules { rules: networks.iter().map(|network| Rule::of(addon, network)).collect() }))
}

/// Open a database to a network.
#[utoipa::path(
    post, path = "/api/databases/{database}/firewall_rules", tag = "databases", request_body = WrittenRule,
    responses((status = 201, body = OneRule))
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Body(body): Body<WrittenRule>,
) -> Result<(StatusCode, Json<OneRule>)> {
    let addon = api.addon_id(&actor, &database).await?;
    let Wanted { cidr, label, expires_at } = body.wanted()?;
    let (cidr, note) = (cidr.unwrap_or_default(), label.unwrap_or_default());
    let new = NewNetwork { cidr: &cidr, note: &note, expires_at };
    let network = api.control.open_network(&actor, addon, new).await.map_err(at_the_label)?;
    Ok((StatusCode::CREATED, Json(OneRule { rule: Rule::of(addon, &network) })))
}

/// Give a network another range, label or end. What is left out stays.
#[utoipa::path(
    patch, path = "/api/databases/{database}/firewall_rules/{rule}", tag = "databases", request_body = WrittenRule,
    responses((status = 200, body = OneRule))
)]
pub async fn change(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, rule)): Path<(String, String)>,
    Body(body): Body<WrittenRule>,
) -> Result<Json<OneRule>> {
    let addon = api.addon_id(&actor, &database).await?;
    let old = find(&api, &actor, addon, &rule).await?;
    let Wanted { cidr, label, expires_at } = body.wanted()?;
    let (cidr, note) = (cidr.unwrap_or_else(|| old.network.to_string()), label.unwrap_or(old.note));
    let new = NewNetwork { cidr: &cidr, note: &note, expires_at: expires_at.or(old.expires_at) };
    let network = api.control.change_network(&actor, addon, old.id, new).await.map_err(at_the_label)?;
    Ok(Json(OneRule { rule: Rule::of(addon, &network) }))
}

/// Close a network.
#[utoipa::path(
    delete, path = "/api/databases/{database}/firewall_rules/{rule}", tag = "databases",
    responses((status = 204))
)]
pub async fn delete(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, rule)): Path<(String, String)>,
) -> Result<StatusCode> {
    let addon = api.addon_id(&actor, &database).await?;
    let old = find(&api, &actor, addon, &rule).await?;
    api.control.close_network(&actor, addon, old.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Managed ranges.
#[derive(Serialize, ToSchema)]
pub struct Ranges {
    ranges: Vec<Range>,
}

/// A managed range.
#[derive(Serialize, ToSchema)]
pub struct Range {
    id: String,
    name: String,
}

/// Managed ranges: none.
#[utoipa::path(
    get, path = "/api/firewall/managed_ranges", tag = "databases", responses((status = 200, body = Ranges))
)]
pub async fn managed_ranges(Bearer(_anybody): Bearer) -> Json<Ranges> {
    Json(Ranges { ranges: Vec::new() })
}

async fn find(api: &Api, actor: &Actor, addon: AddonId, rule: &str) -> Result<NetworkView> {
    let networks = api.control.networks(actor, addon).await?;
    let id: Option<NetworkId> = rule.parse().ok();
    let found = networks.into_iter().find(|network| Some(network.id) == id);
    found.ok_or_else(|| ApiError::not_found("firewall_rule"))
}

/// A note is a label there.
fn at_the_label(error: control::Error) -> ApiError {
    ApiError::from(error).field("note", "label")
}
