//! A database's page: one sentence about its health, the checks that it stands on, and figures read just now.
//!
//! A figure is shown only when it was read from the server or its files; what could not be read is said so. The
//! password leaves the store in one method, which the audit log remembers.

use crate::{
    Action, Actor, ControlPlane, Error, Result,
    activity::Activity,
    addon::{Seen, open_password},
    audit,
    connection::{Address, SslMode},
    database::health::{Facts, checks, sentence},
    engine::NodeState,
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use types::{
    AddonId, DatabaseId, NodeId,
    view::{ConnectionView, DatabaseView, FeaturesView},
};

mod backup_check;
mod disk_guard;
mod health;

/// Reading figures asks the server itself: a busy one may be slow, and the page does not wait longer.
const FIGURES_PATIENCE: Duration = Duration::from_millis(1500);

impl ControlPlane {
    /// A database's overview.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn database(&self, actor: &Actor, addon: AddonId) -> Result<DatabaseView> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        drop(conn);
        let engine = &self.inner.engine;
        let (id, node) = (DatabaseId::new(row.database_id), row.node());
        let spec = self.spec(&row)?;
        let backups = async {
            let backups = self.backups(actor, addon).await?;
            let exposure = self.exposure(&row, &backups).await?;
            Ok::<_, Error>((backups, exposure))
        };
        let (state, figures, certificate, versions, activity, sparks, backups) = tokio::join!(
            self.look(node),
            tokio::time::timeout(FIGURES_PATIENCE, engine.figures(&spec)),
            tokio::time::timeout(FIGURES_PATIENCE, engine.certificate_until(node)),
            tokio::time::timeout(FIGURES_PATIENCE, self.versions()),
            self.activity(actor, Activity::Addon(addon), 20),
            self.sparks(row.database_id),
            backups,
        );
        let (backups, exposure) = backups?;
        let running_since = match state {
            Some(NodeState::Running { since, .. }) => Some(since),
            _ => None,
        };
        let mut figures = running_since.and_then(|_| figures.ok()?.ok());
        if let (Some(figures), Some(since)) = (&mut figures, running_since) {
            self.lift_peaks(row.database_id, since, figures).await;
        }
        let facts = Facts {
            now: self.now(),
            certificate_until: certificate.ok().and_then(Result::ok).flatten(),
            figures,
            versions: versions.ok().and_then(Result::ok).unwrap_or_default(),
            state,
            version: spec.version,
            disk_limit: u64::from(spec.plan.disk_mib) << 20,
            backups,
        };
        let address = format!("{}:{}", engine.public_host(), row.listens_on());
        let seen = Seen::of(facts.state.as_ref());
        let (read_only, writes_until) = (row.read_only, row.writes_until);
        let features = FeaturesView {
            force_tls: row.force_tls_at.is_some(),
            everywhere: row.everywhere_at.is_some(),
            slow_query_ms: row.slow_query_ms.and_then(|ms| u32::try_from(ms).ok()),
            statements: row.statements,
        };
        let addon = self.addon_view(row, seen)?;
        let checks = checks(&facts, addon.database_status);
        let (sentence, tone) = sentence(&facts, &checks, addon.database_status, addon.purge_at);
        Ok(DatabaseView {
            id,
            addon,
            sentence,
            tone: tone.into(),
            checks,
            newer_minor: facts.newer_minor(),
            figures: facts.figures,
            sparks,
            read_only,
            writes_until,
            features,
            exposure,
            node: engine.host_name(),
            address,
            running_since,
            certificate_until: facts.certificate_until,
            activity: activity?,
            now: facts.now,
        })
    }

    /// The database that an add-on runs.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn database_id(&self, actor: &Actor, addon: AddonId) -> Result<DatabaseId> {
        Ok(self.addon_access(actor, addon, Action::View).await?.database_id)
    }

    /// The server that runs an add-on's database.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn node_id(&self, actor: &Actor, addon: AddonId) -> Result<NodeId> {
        Ok(self.addon_access(actor, addon, Action::View).await?.node)
    }

    /// How to reach a database, without its password.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn connection(&self, actor: &Actor, addon: AddonId) -> Result<ConnectionView> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        Ok(self.connection_view(&row))
    }

    /// How to reach a database, with its password. The audit log remembers who looked.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn reveal(&self, actor: &Actor, addon: AddonId) -> Result<ConnectionView> {
        let (row, password) = self.password_for(actor, addon).await?;
        let password = Some(password.expose_secret().to_owned());
        Ok(ConnectionView { password, ..self.connection_view(&row) })
    }

    /// The connection string with the password in it. The audit log remembers who looked.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn connection_url(&self, actor: &Actor, addon: AddonId, mode: SslMode) -> Result<SecretString> {
        let (row, password) = self.password_for(actor, addon).await?;
        let host = self.inner.engine.public_host();
        let address = Address {
            host: &host,
            port: row.listens_on(),
            database: &row.resource_id,
            username: row.published_login(),
            password: Some(&password),
        };
        Ok(address.url(mode))
    }

    /// PEM of the CA that signs the servers' certificates. No secret.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ca_certificate(&self) -> Result<String> {
        Ok(self.inner.engine.ca_certificate().await?)
    }

    async fn password_for(&self, actor: &Actor, addon: AddonId) -> Result<(Addon, SecretString)> {
        let access = self.addon_access(actor, addon, Action::RevealPassword).await?;
        let mut tx = self.store().begin().await?;
        let row = self.live_row(&mut tx, addon).await?;
        let sealed = store::database::sealed_password(&mut tx, row.database_id).await?.unwrap_or_default();
        let password = open_password(&self.inner.key, row.database_id, &sealed)?;
        let entry =
            audit::Entry::new("database.reveal_password").app(access.app.id).database(access.database_id);
        audit::record(&mut tx, self.now(), actor, entry.detail(access.resource_id)).await?;
        tx.commit().await?;
        Ok((row, password))
    }

    pub(crate) async fn live_row(&self, conn: &mut sqlx::PgConnection, addon: AddonId) -> Result<Addon> {
        let filter = Filter { addon: Some(addon.uuid()), ..Filter::default() };
        store::addon::list(conn, &filter).await?.pop().ok_or(Error::NotFound("addon"))
    }

    fn connection_view(&self, row: &Addon) -> ConnectionView {
        ConnectionView {
            host: self.inner.engine.public_host(),
            port: row.listens_on(),
            database: row.resource_id.clone(),
            username: row.published_login().to_owned(),
            password: None,
        }
    }
}
