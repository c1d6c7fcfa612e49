//! API tokens and the short-lived bearer tokens that they are exchanged for.
//!
//! The secret of an API token is in the answer that made it and nowhere else.

use super::{
    Api,
    bearer::{Bearer, Credentials, Ip},
    body::Body,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use control::{Actor, Via};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use types::{
    TokenId,
    view::{TokenView, UserView},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// An API token.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// Names it for "revoke".
    id: String,
    /// Given by its owner.
    name: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last used.
    last_used_at: Option<DateTime<Utc>>,
    /// The secret; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<TokenView> for Token {
    fn from(view: TokenView) -> Self {
        let TokenView { id, name, created_at, last_used_at } = view;
        Self { id: id.to_string(), name, created_at, last_used_at, token: None }
    }
}

/// Several tokens.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    tokens: Vec<Token>,
}

/// One token.
#[derive(Serialize, ToSchema)]
pub struct OneToken {
    token: Token,
}

/// A bearer token.
#[derive(Serialize, ToSchema)]
pub struct Exchanged {
    /// A JWT that is good for an hour.
    token: String,
}

/// What to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    token: NewTokenFields,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenFields {
    /// For people: "CI", "laptop".
    name: String,
}

/// The account's API tokens.
#[utoipa::path(get, path = "/v1/tokens", tag = "accounts", responses((status = 200, body = Tokens)))]
pub async fn list(State(api): State<Api>, Bearer(actor): Bearer) -> Result<Json<Tokens>> {
    let tokens = api.control.tokens(&actor).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Token::from).collect() }))
}

/// Makes an API token, by user name and password or by a bearer token.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "accounts", security(("basic" = []), ("bearer" = [])),
    request_body = NewToken, responses((status = 201, body = OneToken))
)]
pub async fn create(
    State(api): State<Api>,
    credentials: Credentials,
    Ip(ip): Ip,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<OneToken>)> {
    let name = &new.token.name;
    let (view, secret) = match credentials {
        Credentials::Bearer(jwt) => {
            let actor = api.control.actor_from_jwt(&jwt, &ip).await?;
            api.control.create_token(&actor, name).await?
        }
        Credentials::Basic { user, password } => {
            let user = api.control.sign_in(&user, &password, &ip).await?;
            api.control.create_token(&by_password(user, ip), name).await?
        }
    };
    let token = Token { token: Some(secret.expose_secret().to_owned()), ..view.into() };
    Ok((StatusCode::CREATED, Json(OneToken { token })))
}

/// Somebody who has just shown their password: good for this one request, so no session stands behind it. The nil
/// token is the one that is being made.
fn by_password(user: UserView, ip: String) -> Actor {
    let via = Via::Token(TokenId::new(Uuid::nil()));
    Actor::User { id: user.id, username: user.username, is_operator: user.is_operator, via, ip }
}

/// Gives a bearer token for an API token (Basic, empty user, the token as password).
#[utoipa::path(
    post, path = "/v1/tokens/exchange", tag = "accounts", security(("basic" = [])),
    responses((status = 200, body = Exchanged))
)]
pub async fn exchange(
    State(api): State<Api>,
    credentials: Credentials,
    Ip(ip): Ip,
) -> Result<Json<Exchanged>> {
    match credentials {
        Credentials::Basic { user, password } if user.is_empty() => {
            let token = api.control.exchange_token(password.expose_secret(), &ip).await?;
            Ok(Json(Exchanged { token }))
        }
        _ => Err(ApiError::unauthenticated()),
    }
}

/// Revokes an API token, and every bearer token that came of it.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "accounts", responses((status = 204)))]
pub async fn revoke(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(token): Path<String>,
) -> Result<StatusCode> {
    let token = token.parse().map_err(|_| ApiError::not_found("token"))?;
    api.control.revoke_token(&actor, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
