//! From where, and how, a database may be reached: the page that tells it, and the changes, each in a file of its own.

mod authority;
mod features;
mod networks;
mod switches;

use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    engine::NodeSpec,
    store::{self, addon::Addon},
};
use std::{net::IpAddr, time::Duration};
use types::{
    AddonId, NetworkId,
    reach::{NetworkView, ReachView, TcpSession},
};

pub(crate) use authority::CaTold;
pub use features::FeatureView;
pub use networks::NewNetwork;

/// A page waits so long for what is read from a server.
const PATIENCE: Duration = Duration::from_millis(1500);

impl ControlPlane {
    /// How a database may be reached, and who is connected in a way that a rule refuses.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reach(&self, actor: &Actor, addon: AddonId) -> Result<ReachView> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        let networks = store::network::list(&mut conn, row.database_id).await?;
        drop(conn);
        let (spec, engine) = (self.spec(&row)?, &self.inner.engine);
        let mut forced = spec.clone();
        forced.reach.force_tls = true;
        let (refused, cut, certificate) = tokio::join!(
            self.sessions_refused(&row, &spec),
            self.sessions_refused(&row, &forced),
            tokio::time::timeout(PATIENCE, engine.certificate_until(row.node())),
        );
        let plain = cut.map(|all| all.into_iter().filter(|session| !session.tls).collect());
        let listen = engine.listens_on();
        Ok(ReachView {
            host: engine.public_host(),
            port: row.listens_on(),
            database: row.resource_id.clone(),
            login: row.published_login().to_owned(),
            only_loopback: listen.iter().all(IpAddr::is_loopback),
            listens_on: listen.iter().map(ToString::to_string).collect(),
            house_networks: engine.house_networks(),
            force_tls_at: row.force_tls_at,
            everywhere_at: row.everywhere_at,
            networks: networks.into_iter().filter_map(view).collect(),
            certificate_until: certificate.ok().and_then(Result::ok).flatten(),
            ca_until: engine.ca_until(),
            plain,
            refused,
            now: self.now(),
        })
    }

    /// Ends the open sessions that would not be let in again. Answers how many.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Unavailable` when the server does not answer.
    pub async fn end_refused_sessions(&self, actor: &Actor, addon: AddonId) -> Result<u32> {
        let access = self.addon_access(actor, addon, Action::Operate).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        let ended = self.inner.engine.end_refused(&self.spec(&row)?, false).await?;
        let entry = audit::Entry::new("network.end_sessions").app(access.app.id).database(access.database_id);
        let detail = format!("{}: {ended}", access.resource_id);
        audit::record(&mut conn, self.now(), actor, entry.detail(detail)).await?;
        Ok(ended)
    }

    /// Open sessions that `spec` refuses; `None` when they could not be read in time.
    async fn sessions_refused(&self, row: &Addon, spec: &NodeSpec) -> Option<Vec<TcpSession>> {
        if row.wanted != "running" || row.deleted_at.is_some() {
            return None;
        }
        match tokio::time::timeout(PATIENCE, self.inner.engine.refused(spec)).await {
            Ok(Ok(sessions)) => Some(sessions),
            Ok(Err(error)) => {
                tracing::debug!(database = %row.database_id, %error, "Cannot look at the sessions of a database");
                None
            }
            Err(_) => None,
        }
    }
}

/// A row for people. What cannot be read stands in no rule either, see [`ControlPlane::spec`].
fn view(row: store::network::Network) -> Option<NetworkView> {
    Some(NetworkView {
        id: NetworkId::new(row.id),
        network: row.cidr.parse().ok()?,
        note: row.note,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

/// One wrong field, with the sentence of its rule.
fn field<T>(name: &str, checked: std::result::Result<T, String>) -> Result<T> {
    checked.map_err(|sentence| Error::invalid(name, sentence))
}
