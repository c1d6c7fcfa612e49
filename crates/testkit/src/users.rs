//! The fake's users and extensions: names in memory, with the same refusals as the real ones.

use crate::{FakeEngine, Method, Node, engine::State, port::refused};
use async_trait::async_trait;
use control::engine::{Administer, EngineError, NodeSpec, UserSeen};
use secrecy::{ExposeSecret, SecretString};
use types::{extension::Extension, rights::ObjectRights};

impl State {
    fn serving(&mut self, spec: &NodeSpec) -> Result<&mut Node, EngineError> {
        let node = self.live(spec.id)?;
        if node.running.is_none() { Err(refused("it does not run")) } else { Ok(node) }
    }
}

/// What the fake server has.
const EXTENSIONS: [(&str, bool); 3] = [("hstore", true), ("plpgsql", true), ("file_fdw", false)];

#[async_trait]
impl Administer for FakeEngine {
    async fn users(&self, spec: &NodeSpec) -> Result<Vec<UserSeen>, EngineError> {
        self.call(Method::Users, |state| {
            let node = state.serving(spec)?;
            let user = |(name, (read_only, _)): (&String, &(bool, String))| UserSeen {
                name: name.clone(),
                read_only: *read_only,
                password_encryption: "scram-sha-256".into(),
                connections: 0,
                last_activity: None,
            };
            // The protected user's other login is no user.
            let logins = [spec.name.clone(), format!("{}_b", spec.name)];
            let listed =
                |(name, _): &(&String, &(bool, String))| **name == spec.login || !logins.contains(name);
            let mut users: Vec<_> = node.users.iter().filter(listed).map(user).collect();
            users.sort_by_key(|user| (user.name != spec.login, user.name.clone()));
            Ok(users)
        })
        .await
    }

    async fn create_user(
        &self,
        spec: &NodeSpec,
        name: &str,
        read_only: bool,
        verifier: &SecretString,
    ) -> Result<bool, EngineError> {
        self.call(Method::CreateUser, |state| {
            let users = &mut state.serving(spec)?.users;
            let new = !users.contains_key(name);
            if new {
                users.insert(name.into(), (read_only, verifier.expose_secret().to_owned()));
            }
            Ok(new)
        })
        .await
    }

    async fn set_user_password(
        &self,
        spec: &NodeSpec,
        name: &str,
        verifier: &SecretString,
    ) -> Result<bool, EngineError> {
        self.call(Method::SetUserPassword, |state| {
            let user = state.serving(spec)?.users.get_mut(name);
            Ok(user.map(|user| user.1 = verifier.expose_secret().to_owned()).is_some())
        })
        .await
    }

    async fn owned_by(
        &self,
        spec: &NodeSpec,
        _name: &str,
        _most: usize,
    ) -> Result<(Vec<String>, u64), EngineError> {
        self.call(Method::OwnedBy, |state| {
            state.serving(spec)?;
            Ok((vec!["table orders".into()], 1))
        })
        .await
    }

    async fn drop_user(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError> {
        self.call(Method::DropUser, |state| {
            state.serving(spec)?.users.remove(name);
            Ok(())
        })
        .await
    }

    async fn open_login(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<(), EngineError> {
        self.call(Method::OpenLogin, |state| {
            let users = &mut state.serving(spec)?.users;
            users.insert(spec.login.clone(), (false, verifier.expose_secret().to_owned()));
            Ok(())
        })
        .await
    }

    async fn close_other_logins(&self, spec: &NodeSpec, _all: bool) -> Result<u32, EngineError> {
        self.call(Method::CloseOtherLogins, |state| {
            let logins = [spec.name.clone(), format!("{}_b", spec.name)];
            let users = &mut state.serving(spec)?.users;
            users.retain(|name, _| *name == spec.login || !logins.contains(name));
            Ok(0)
        })
        .await
    }

    async fn rights(&self, spec: &NodeSpec, _name: &str) -> Result<Vec<ObjectRights>, EngineError> {
        self.call(Method::Rights, |state| state.serving(spec).map(|_| Vec::new())).await
    }

    async fn mend_rights(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        self.call(Method::MendRights, |state| state.serving(spec).map(|_| ())).await
    }

    async fn extensions(&self, spec: &NodeSpec) -> Result<Vec<Extension>, EngineError> {
        self.call(Method::Extensions, |state| {
            let made = &state.serving(spec)?.extensions;
            let one = |(name, offered): (&str, bool)| Extension {
                name: name.into(),
                comment: String::new(),
                default_version: "1.0".into(),
                version: (name == "plpgsql" || made.contains(name)).then(|| "1.0".into()),
                schema: None,
                offered,
                needs_restart: false,
                built_in: name == "plpgsql",
                dependents: Vec::new(),
            };
            Ok(EXTENSIONS.map(one).into())
        })
        .await
    }

    async fn create_extension(&self, spec: &NodeSpec, name: &str) -> Result<String, EngineError> {
        self.call(Method::CreateExtension, |state| {
            state.serving(spec)?.extensions.insert(name.into());
            Ok("1.0".into())
        })
        .await
    }

    async fn drop_extension(&self, spec: &NodeSpec, name: &str) -> Result<(), EngineError> {
        self.call(Method::DropExtension, |state| {
            state.serving(spec)?.extensions.remove(name);
            Ok(())
        })
        .await
    }
}
