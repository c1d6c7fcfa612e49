//! The person behind the token.

use super::{Api, bearer::Bearer, error::Result};
use axum::{Json, extract::State};
use serde::Serialize;
use std::collections::BTreeMap;
use types::view::UserView;
use utoipa::ToSchema;

/// A person.
#[derive(Serialize, ToSchema)]
pub struct User {
    id: String,
    username: String,
    /// The user name again: Paddock knows no other.
    fullname: String,
    email: String,
    /// Always empty. In particular no `admin`: the public client would start a dialogue.
    flags: BTreeMap<String, bool>,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneUser {
    user: User,
}

/// Who this is.
#[utoipa::path(get, path = "/v1/users/self", tag = "accounts", responses((status = 200, body = OneUser)))]
pub async fn me(State(api): State<Api>, Bearer(actor): Bearer) -> Result<Json<OneUser>> {
    let UserView { id, username, email, is_operator: _ } = api.control.me(&actor).await?;
    let user =
        User { id: id.to_string(), fullname: username.clone(), username, email, flags: BTreeMap::new() };
    Ok(Json(OneUser { user }))
}
