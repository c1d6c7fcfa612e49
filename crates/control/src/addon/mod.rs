//! Add-ons: what people order, and the database that each runs.
//!
//! The status that people see is derived here from three things: what is wanted (the store), what runs (the
//! operation log) and what was seen just now (the engine). None of it is stored. Requests for changes are in the
//! files beside this one; the changes themselves are in `ops/`.

pub(crate) mod accept;
mod change_plan;
mod delete;
mod list;
pub(crate) mod looks;
mod password;
mod power;
pub(crate) mod provision;
mod restore;
mod ways_back;

pub(crate) use password::{
    made_up_password, next_password_purpose, open_next_password, open_password, seal_password,
};
pub use provision::NewAddon;

use crate::{
    Actor, ControlPlane, Error, Result,
    engine::{NodeSpec, NodeState, Reach},
    store::addon::Addon,
};
use futures::FutureExt as _;
use std::{sync::Arc, time::Duration};
use types::{
    AddonId, AppId, DatabaseId, NodeId, OperationId, PgVersion,
    status::{AddonStatus, DatabaseStatus},
    view::AddonView,
};
use uuid::Uuid;

/// A look at a database is local and takes a few milliseconds. A page does not wait longer than this for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What an operation on a database was asked for with. The same shape for every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Subject {
    /// The add-on that it changes.
    pub(crate) addon: AddonId,
    /// The database that it runs.
    pub(crate) database: DatabaseId,
    /// Its app, for the hook and the variables.
    pub(crate) app: AppId,
}

impl Subject {
    /// As the operation log names what is changed.
    pub(crate) fn name(&self) -> String {
        subject(self.database)
    }
}

/// As the operation log names a database.
pub(crate) fn subject(database: DatabaseId) -> String {
    format!("database:{}", database.uuid())
}

/// Whose rows a list shows.
pub(crate) trait ByViewer {
    /// `None`: everybody's.
    fn viewer(&self) -> Result<Option<Uuid>>;
}

impl ByViewer for Actor {
    fn viewer(&self) -> Result<Option<Uuid>> {
        if self.is_operator() { Ok(None) } else { Ok(Some(self.account()?.uuid())) }
    }
}

impl Addon {
    /// What an operation on it is about.
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            addon: AddonId::new(self.id),
            database: DatabaseId::new(self.database_id),
            app: AppId::new(self.app_id),
        }
    }

    /// The version that its data needs.
    ///
    /// # Errors
    /// The store holds something else than a version: a fault.
    pub(crate) fn pg_version(&self) -> Result<PgVersion> {
        self.version.parse().map_err(Error::internal)
    }

    /// An operation changes it. One that only works beside it lets it run as always: it is supervised and kept.
    pub(crate) fn is_disturbed(&self) -> bool {
        let beside = self.operation_kind.as_deref() == Some(crate::ops::pitr_restore::KIND)
            && self.operation_step.as_deref().is_some_and(crate::ops::pitr_restore::is_beside);
        self.operation_kind.is_some() && !beside
    }

    /// The server that runs it.
    pub(crate) const fn node(&self) -> NodeId {
        NodeId::new(self.node_id)
    }

    /// The login of its protected user, the one in the published URL.
    pub(crate) fn published_login(&self) -> &str {
        self.login.as_deref().unwrap_or(&self.resource_id)
    }

    /// Where it listens.
    pub(crate) fn listens_on(&self) -> u16 {
        // The column is filled from a u16.
        u16::try_from(self.port).unwrap_or_default()
    }

    /// What the two statuses are, from what is wanted, what changes it and what was seen.
    pub(crate) fn status(&self, seen: Seen) -> (AddonStatus, DatabaseStatus) {
        use {AddonStatus as A, DatabaseStatus as D};
        match self.operation_kind.as_deref().filter(|_| self.is_disturbed()) {
            Some("provision") => return (A::Provisioning, D::Creating),
            Some(_) => return (A::Provisioning, D::Updating),
            None => {}
        }
        match (self.deleted_at, self.wanted.as_str(), seen) {
            (Some(_), ..) | (_, "deleted", _) => (A::Suspended, D::Deleted),
            (None, "stopped", _) => (A::Suspended, D::Stopped),
            (None, _, Seen::Running) => (A::Running, D::Running),
            (None, ..) => (A::Suspended, D::Down),
        }
    }
}

/// What a look at a database told, in the words that a status needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It answered.
    Running,
    /// It did not.
    NotRunning,
    /// The engine itself did not answer in time, or failed.
    Unknown,
}

impl Seen {
    pub(crate) fn of(state: Option<&NodeState>) -> Self {
        match state {
            Some(NodeState::Running { .. }) => Self::Running,
            Some(_) => Self::NotRunning,
            None => Self::Unknown,
        }
    }
}

impl ControlPlane {
    /// What the engine shall run for this add-on.
    pub(crate) fn spec(&self, addon: &Addon) -> Result<NodeSpec> {
        let plan = self.plan_shown(&addon.plan);
        Ok(NodeSpec {
            id: addon.node(),
            name: addon.resource_id.clone(),
            version: addon.pg_version()?,
            port: addon.listens_on(),
            login: addon.published_login().to_owned(),
            reach: Reach {
                force_tls: addon.force_tls_at.is_some(),
                everywhere: addon.everywhere_at.is_some(),
                networks: addon.networks.iter().filter_map(|cidr| cidr.parse().ok()).collect(),
                closed: false,
            },
            statements: addon.statements,
            slow_query_ms: addon.slow_query_ms.and_then(|ms| u32::try_from(ms).ok()),
            read_only: addon.read_only && addon.writes_until.is_none_or(|until| until <= self.now()),
            archive: (addon.archives && plan.pitr_days > 0).then(|| DatabaseId::new(addon.database_id)),
            plan,
        })
    }

    /// Looks at a node, not longer than a page waits. `None`: the engine did not answer.
    pub(crate) async fn look(&self, node: NodeId) -> Option<NodeState> {
        let engine = Arc::clone(&self.inner.engine);
        let look = async move {
            let seen = engine.observe(node).await;
            seen.inspect_err(|error| tracing::warn!(%node, %error, "The engine could not look at a database"))
                .ok()
        };
        let looked = tokio::time::timeout(PATIENCE, self.inner.looks.join(node, || look.boxed())).await;
        looked.unwrap_or_else(|_| {
            tracing::warn!(%node, "The engine took too long to look at a database");
            None
        })
    }

    /// Rows as people see them; all databases are looked at at the same time.
    pub(crate) async fn addon_views(&self, addons: Vec<Addon>) -> Vec<AddonView> {
        let views = addons.into_iter().map(|addon| async move {
            // Only what is expected to run is worth a look.
            let look = addon.operation.is_none() && addon.deleted_at.is_none() && addon.wanted == "running";
            let seen = if look { Seen::of(self.look(addon.node()).await.as_ref()) } else { Seen::Unknown };
            self.addon_view(addon, seen)
        });
        let views = futures::future::join_all(views).await;
        views
            .into_iter()
            .filter_map(|view| view.inspect_err(|error| tracing::error!(%error, "A row is left out")).ok())
            .collect()
    }

    /// A row as people see it.
    pub(crate) fn addon_view(&self, addon: Addon, seen: Seen) -> Result<AddonView> {
        let (status, database_status) = addon.status(seen);
        Ok(AddonView {
            id: AddonId::new(addon.id),
            app_id: AppId::new(addon.app_id),
            version: addon.pg_version()?,
            plan: self.plan_shown(&addon.plan),
            status,
            database_status,
            operation: addon.operation.map(OperationId::new),
            app: addon.app,
            resource_id: addon.resource_id,
            provisioned_at: addon.provisioned_at,
            created_at: addon.created_at,
            updated_at: addon.updated_at,
            deleted_at: addon.deleted_at,
            purge_at: addon.purge_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn addon() -> Addon {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        Addon {
            id: Uuid::nil(),
            app_id: Uuid::nil(),
            app: "my-app".into(),
            plan: "postgresql-starter-512".into(),
            resource_id: "my_app_4553".into(),
            created_at: at,
            provisioned_at: Some(at),
            updated_at: at,
            deleted_at: None,
            purge_at: None,
            purged_at: None,
            database_id: Uuid::nil(),
            node_id: Uuid::nil(),
            archives: false,
            version: "17.11".into(),
            port: 31000,
            wanted: "running".into(),
            ready: true,
            disk_level: 0,
            read_only: false,
            writes_until: None,
            login: None,
            force_tls_at: None,
            everywhere_at: None,
            networks: Vec::new(),
            statements: false,
            slow_query_ms: None,
            operation: None,
            operation_kind: None,
            operation_step: None,
        }
    }

    #[test]
    fn statuses_follow_from_wish_work_and_look() {
        use {AddonStatus as A, DatabaseStatus as D, Seen::*};
        let at = Some(DateTime::<Utc>::UNIX_EPOCH);
        let with = |change: fn(&mut Addon)| {
            let mut addon = addon();
            change(&mut addon);
            addon
        };
        fn beside(addon: &mut Addon, step: &str) {
            (addon.operation_kind, addon.operation_step) = (Some("pitr_restore".into()), Some(step.into()));
        }
        let table = [
            (with(|_| {}), Running, (A::Running, D::Running)),
            (with(|_| {}), NotRunning, (A::Suspended, D::Down)),
            (with(|_| {}), Unknown, (A::Suspended, D::Down)),
            (with(|a| a.operation_kind = Some("provision".into())), Unknown, (A::Provisioning, D::Creating)),
            (with(|a| a.operation_kind = Some("restart".into())), Running, (A::Provisioning, D::Updating)),
            (with(|a| beside(a, "copy")), Running, (A::Running, D::Running)),
            (with(|a| beside(a, "close")), Running, (A::Provisioning, D::Updating)),
            (with(|a| a.wanted = "stopped".into()), NotRunning, (A::Suspended, D::Stopped)),
            (
                Addon { deleted_at: at, wanted: "deleted".into(), ..addon() },
                NotRunning,
                (A::Suspended, D::Deleted),
            ),
        ];
        for (addon, seen, expected) in table {
            assert_eq!(addon.status(seen), expected, "{addon:?} {seen:?}");
        }
    }
}
