//! The port's part about users, rights and extensions, on this host.

use super::LocalEngine;
use crate::{
    error::retry,
    roles::Names,
    sql::{SUPERUSER, Session},
    users::{self, House},
};
use async_trait::async_trait;
use control::engine::{Administer, EngineError, NodeSpec, UserSeen};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use types::{extension::Extension, rights::ObjectRights};

impl LocalEngine {
    /// The house of a running server, with everything that its administration needs.
    async fn house<'a>(&self, spec: &'a NodeSpec) -> Result<House<'a>, EngineError> {
        let (dir, server) = self.running(spec.id)?;
        let start = (server.seen.pid, server.seen.started);
        let done = {
            let mut all = self.inner.complete.lock().unwrap_or_else(PoisonError::into_inner);
            let known = all.entry(spec.id).or_default();
            if known.0 != start {
                *known = (start, Arc::default());
            }
            Arc::clone(&known.1)
        };
        // One at a time for a server: two at once would stand in each other's way.
        let work = async || {
            let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(10));
            users::complete(&session, &Names::of(&spec.name)?).await?;
            users::share(&House::new(&dir, spec)?).await
        };
        done.get_or_try_init(work).await?;
        House::new(&dir, spec)
    }
}

#[async_trait]
impl Administer for LocalEngine {
    async fn users(&self, spec: &NodeSpec) -> Result<Vec<UserSeen>, EngineError> {
        let house = self.house(spec).await?;
        let (dir, _) = self.find(spec.id)?;
        let seen = tokio::task::spawn_blocking(move || users::seen_in_log(&dir)).await;
        users::list(&house, seen.map_err(|error| retry("could not read the log", error))?).await
    }

    async fn create_user(
        &self,
        spec: &NodeSpec,
        name: &str,
        read_only: bool,
        verifier: &SecretString,
    ) -> Result<bool, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        users::create(&self.house(spec).await?, name, read_only, verifier.expose_secret()).await
    }

    async fn set_user_password(
        &self,
        spec: &NodeSpec,
        name: &str,
        verifier: &SecretString,
    ) -> Result<bool, EngineError> {
        users::set_password(&self.house(spec).await?, name, verifier.expose_secret()).await
    }

    async fn owned_by(
        &self,
        spec: &NodeSpec,
        name: &str,
        most: usize,
    ) -> Result<(Vec<String>, u64), EngineError> {
        users::owned(&self.house(spec).await?, name, most).await
    }

    async fn drop_user(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        users::drop(&self.house(spec).await?, name).await
    }

    async fn open_login(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        users::open(&self.house(spec).await?, verifier.expose_secret()).await
    }

    async fn close_other_logins(&self, spec: &NodeSpec, all: bool) -> Result<u32, EngineError> {
        users::close_others(&self.house(spec).await?, all).await
    }

    async fn rights(&self, spec: &NodeSpec, name: &str) -> Result<Vec<ObjectRights>, EngineError> {
        users::rights(&self.house(spec).await?, name).await
    }

    async fn mend_rights(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        users::mend(&self.house(spec).await?).await
    }

    async fn extensions(&self, spec: &NodeSpec) -> Result<Vec<Extension>, EngineError> {
        users::extensions(&self.house(spec).await?).await
    }

    async fn create_extension(&self, spec: &NodeSpec, name: &str) -> Result<String, EngineError> {
        users::create_extension(&self.house(spec).await?, name).await
    }

    async fn drop_extension(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError> {
        users::drop_extension(&self.house(spec).await?, name).await
    }
}
