//! The part of the port that concerns users of a database, their rights and its extensions.
//!
//! Names were checked by the core and are quoted by the engine. Passwords arrive as SCRAM verifiers only. Every call
//! looks first and may be repeated.

use super::{EngineError, NodeSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use types::{extension::Extension, rights::ObjectRights};

/// A user as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSeen {
    /// Its name.
    pub name: String,
    /// It may only read.
    pub read_only: bool,
    /// `scram-sha-256`, `md5`, or `none` where it has no password.
    pub password_encryption: String,
    /// Its open connections.
    pub connections: u32,
    /// When one of them last did something, or the last one ended as far as the log goes back.
    pub last_activity: Option<DateTime<Utc>>,
}

/// Users, rights, extensions.
#[async_trait]
pub trait Administer: Send + Sync + 'static {
    /// Everybody who may log in, the protected user first, the rest by name. The platform's own roles are left out.
    async fn users(&self, spec: &NodeSpec) -> Result<Vec<UserSeen>, EngineError>;
    /// Makes a user that may do what the owner may, or read only. `false`: there is one of this name already.
    async fn create_user(
        &self,
        spec: &NodeSpec,
        name: &str,
        read_only: bool,
        verifier: &SecretString,
    ) -> Result<bool, EngineError>;
    /// Gives a user another password. `false`: there is no such user.
    async fn set_user_password(
        &self,
        spec: &NodeSpec,
        name: &str,
        verifier: &SecretString,
    ) -> Result<bool, EngineError>;
    /// What a user owns, for people: "table public.orders". At most `most` of them, and how many there are.
    async fn owned_by(
        &self,
        spec: &NodeSpec,
        name: &str,
        most: usize,
    ) -> Result<(Vec<String>, u64), EngineError>;
    /// Ends the user's sessions, gives what it owns to the owner, removes it. Absent is fine.
    async fn drop_user(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError>;

    /// Makes `spec.login` the protected user's login with this verifier, beside the one that there was.
    async fn open_login(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<(), EngineError>;
    /// Closes every other login of the protected user; sessions that it still has are ended, the idle ones only unless
    /// `all`. Answers how many are left.
    async fn close_other_logins(&self, spec: &NodeSpec, all: bool) -> Result<u32, EngineError>;

    /// What a user may do with each object of its database, as PostgreSQL answers it (`has_*_privilege`).
    async fn rights(&self, spec: &NodeSpec, name: &str) -> Result<Vec<ObjectRights>, EngineError>;
    /// Gives users the rights that they should have and lost: on what others made, or where somebody took them away.
    async fn mend_rights(&self, spec: &NodeSpec) -> Result<(), EngineError>;

    /// What is there to make, and what is made.
    async fn extensions(&self, spec: &NodeSpec) -> Result<Vec<Extension>, EngineError>;
    /// Makes an extension of those that need no superuser. Answers its version.
    async fn create_extension(&self, spec: &NodeSpec, name: &str) -> Result<String, EngineError>;
    /// Drops an extension that nothing depends on.
    async fn drop_extension(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError>;
}
