//! Short-lived bearer tokens (JWT): what clients of the HTTP API get in exchange for an API token.
//!
//! One algorithm, HS256, pinned: a token that names another (or none) is refused before its signature is looked at.
//! A valid signature is not enough: the API token or session behind it, and the person, must still be in the store.

use crate::error::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use types::{AddonId, SessionId, TokenId, UserId};

const ISSUER: &str = "paddock";

/// What a bearer token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    /// Whose it is.
    pub(crate) sub: UserId,
    /// The API token behind it; it ends with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jti: Option<TokenId>,
    /// Or the browser session behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<SessionId>,
    /// What it opens.
    pub(crate) scope: Scope,
    /// The only add-on that it opens, for scope `addon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) addon: Option<AddonId>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
}

/// What a bearer token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// All that the person may do.
    Account,
    /// One add-on.
    Addon,
}

/// What stands behind a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    Token(TokenId),
    Session(SessionId),
}

impl Claims {
    pub(crate) fn new(
        user: UserId,
        behind: Behind,
        addon: Option<AddonId>,
        now: DateTime<Utc>,
        lives: TimeDelta,
    ) -> Self {
        Self {
            iss: ISSUER.into(),
            sub: user,
            jti: if let Behind::Token(id) = behind { Some(id) } else { None },
            sid: if let Behind::Session(id) = behind { Some(id) } else { None },
            scope: if addon.is_some() { Scope::Addon } else { Scope::Account },
            addon,
            iat: now.timestamp(),
            exp: (now + lives).timestamp(),
        }
    }

    /// What stands behind it: exactly one thing.
    pub(crate) fn behind(&self) -> Result<Behind> {
        match (self.jti, self.sid) {
            (Some(id), None) => Ok(Behind::Token(id)),
            (None, Some(id)) => Ok(Behind::Session(id)),
            _ => Err(Error::Unauthenticated),
        }
    }
}

/// Signs and verifies with the installation's own key.
pub(crate) struct Signer {
    sign: EncodingKey,
    verify: DecodingKey,
    rules: Validation,
}

impl Signer {
    pub(crate) fn new(key: &SecretSlice<u8>) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library asks the system's time; `verify` asks our clock instead.
        rules.validate_exp = false;
        let key = key.expose_secret();
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key), rules }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(Error::internal)
    }

    /// The claims, if the signature is ours and the token has not expired.
    pub(crate) fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.verify, &self.rules);
        let claims = data.map_err(|_| Error::Unauthenticated)?.claims;
        let whole = (claims.scope == Scope::Addon) == claims.addon.is_some();
        if claims.exp <= now.timestamp() || !whole {
            return Err(Error::Unauthenticated);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
    use uuid::Uuid;

    fn signer(key: u8) -> Signer {
        Signer::new(&SecretSlice::from(vec![key; 32]))
    }

    fn claims(now: DateTime<Utc>) -> Claims {
        let token = Behind::Token(TokenId::new(Uuid::from_u128(2)));
        Claims::new(UserId::new(Uuid::from_u128(1)), token, None, now, TimeDelta::hours(1))
    }

    #[test]
    fn lives_an_hour_by_our_clock() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let token = signer(1).sign(&claims(now)).unwrap();
        assert_eq!(signer(1).verify(&token, now + TimeDelta::minutes(59)).unwrap(), claims(now));
        assert!(matches!(signer(1).verify(&token, now + TimeDelta::hours(1)), Err(Error::Unauthenticated)));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let token = signer(1).sign(&claims(now)).unwrap();
        let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let part = |json: &str| BASE64.encode(json);
        let other_user = part(
            r#"{"iss":"paddock","sub":"us-00000000-0000-0000-0000-000000000009","scope":"account","iat":0,"exp":9999999999}"#,
        );
        let head = part(r#"{"alg":"HS256","typ":"JWT"}"#);
        let hs512 = jsonwebtoken::encode(
            &Header::new(Algorithm::HS512),
            &claims(now),
            &EncodingKey::from_secret(&[1; 32]),
        );
        let forged = [
            signer(2).sign(&claims(now)).unwrap(),
            format!("{}.{payload}.", part(r#"{"alg":"none","typ":"JWT"}"#)),
            format!("{}.{payload}.{signature}", part(r#"{"alg":"none","typ":"JWT"}"#)),
            format!("{}.{payload}.{signature}", part(r#"{"alg":"RS256","typ":"JWT"}"#)),
            format!("{head}.{other_user}.{signature}"),
            format!("{head}.{payload}."),
            hs512.unwrap(),
            String::new(),
            "a.b.c".into(),
        ];
        for token in forged {
            assert!(matches!(signer(1).verify(&token, now), Err(Error::Unauthenticated)), "{token}");
        }
    }

    #[test]
    fn a_scope_without_its_addon_is_refused() {
        let now = DateTime::UNIX_EPOCH;
        let odd = Claims { scope: Scope::Addon, ..claims(now) };
        assert!(signer(1).verify(&signer(1).sign(&odd).unwrap(), now).is_err());
    }
}
