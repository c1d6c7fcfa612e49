//! Who asks: the bearer token of a request, or the name and password of the two calls that hand out tokens.
//!
//! Only the header counts: never a cookie, never the address. What a token is good for is decided by the core.

use super::{Api, error::ApiError};
use crate::web::address::ClientIp;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use control::Actor;
use secrecy::SecretString;

/// Who asks, by a valid bearer token.
pub struct Bearer(pub Actor);

impl FromRequestParts<Api> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        match Credentials::read(&parts.headers)? {
            Credentials::Bearer(token) => Ok(Self(api.control.actor_from_jwt(&token, &ip(parts)).await?)),
            Credentials::Basic { .. } => Err(ApiError::unauthenticated()),
        }
    }
}

/// What the `Authorization` header holds.
pub enum Credentials {
    /// `Bearer …`
    Bearer(String),
    /// `Basic …`
    Basic {
        /// Empty when a token stands for the password.
        user: String,
        /// A password or a token.
        password: SecretString,
    },
}

impl Credentials {
    /// Reads the one header that counts.
    pub fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (all.next(), all.next()) else { return Err(ApiError::unauthenticated()) };
        let text = one.to_str().map_err(|_| ApiError::unauthenticated())?;
        let (scheme, rest) = text.split_once(' ').ok_or_else(ApiError::unauthenticated)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Self::Bearer(rest.trim().to_owned()));
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded =
                BASE64_STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
            let (user, password) = pair.ok_or_else(ApiError::unauthenticated)?;
            return Ok(Self::Basic { user: user.into(), password: password.into() });
        }
        Err(ApiError::unauthenticated())
    }
}

impl FromRequestParts<Api> for Credentials {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, ApiError> {
        Self::read(&parts.headers)
    }
}

/// The client's address, as text for the core.
pub struct Ip(pub String);

impl FromRequestParts<Api> for Ip {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, ApiError> {
        Ok(Self(ip(parts)))
    }
}

fn ip(parts: &Parts) -> String {
    parts.extensions.get::<ClientIp>().map(|ip| ip.0.to_string()).unwrap_or_default()
}

/// A client's own key for a request that must not be done twice.
pub struct IdempotencyKey(pub Option<String>);

impl FromRequestParts<Api> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, ApiError> {
        let mut all = parts.headers.get_all("idempotency-key").iter();
        let (first, second) = (all.next(), all.next());
        let Some(key) = first else { return Ok(Self(None)) };
        let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 255 && second.is_none());
        match key {
            Some(key) => Ok(Self(Some(key.into()))),
            None => {
                let text = "An Idempotency-Key is one header with 1 to 255 printable ASCII characters.";
                Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", text))
            }
        }
    }
}
