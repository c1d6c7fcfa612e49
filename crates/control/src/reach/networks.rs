//! Networks from which a database may be reached: opened, changed, closed, and closed by themselves when their time is
//! over.

use super::{field, view};
use crate::{Action, Actor, ControlPlane, Error, Result, store};
use chrono::{DateTime, Utc};
use types::{
    AddonId, NetworkId,
    network::Network,
    reach::{self, MOST_NETWORKS, NetworkView},
};
use uuid::Uuid;

/// A network as it was typed.
#[derive(Clone, Debug, Default)]
pub struct NewNetwork<'a> {
    /// `10.0.0.0/8`
    pub cidr: &'a str,
    /// Why; may be empty.
    pub note: &'a str,
    /// Closed again then.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ControlPlane {
    /// The networks of a database, oldest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn networks(&self, actor: &Actor, addon: AddonId) -> Result<Vec<NetworkView>> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let rows = store::network::list(&mut conn, access.database_id.uuid()).await?;
        Ok(rows.into_iter().filter_map(view).collect())
    }

    /// Opens a database to a network.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`; `Invalid` (`cidr`, `note`, `expires_at`): not a network, open already, or
    /// too many.
    pub async fn open_network(
        &self,
        actor: &Actor,
        addon: AddonId,
        new: NewNetwork<'_>,
    ) -> Result<NetworkView> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let (network, note, expires_at) = self.checked(&new)?;
        let mut change = self.change(actor, addon).await?;
        let (database, now) = (change.row.database_id, change.now);
        if change.row.networks.len() >= MOST_NETWORKS {
            let words = format!("A database can have {MOST_NETWORKS} networks. Close one first.");
            return Err(Error::invalid("cidr", words));
        }
        let row = store::network::Network {
            id: Uuid::now_v7(),
            cidr: network.to_string(),
            note,
            created_at: now,
            expires_at,
        };
        if !store::network::insert(change.conn(), database, &row).await? {
            return Err(Error::invalid("cidr", "This network is open already."));
        }
        self.apply(change, actor, "network.open", network.to_string()).await?;
        view(row).ok_or_else(|| Error::internal(anyhow::anyhow!("a network cannot be read back")))
    }

    /// Gives a network another range, note or end.
    ///
    /// # Errors
    /// As [`Self::open_network`].
    pub async fn change_network(
        &self,
        actor: &Actor,
        addon: AddonId,
        id: NetworkId,
        new: NewNetwork<'_>,
    ) -> Result<NetworkView> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let (network, note, expires_at) = self.checked(&new)?;
        let mut change = self.change(actor, addon).await?;
        let database = change.row.database_id;
        let all = store::network::list(change.conn(), database).await?;
        let old = all.iter().find(|row| row.id == id.uuid()).ok_or(Error::NotFound("network"))?;
        if all.iter().any(|row| row.id != old.id && row.cidr == network.to_string()) {
            return Err(Error::invalid("cidr", "This network is open already."));
        }
        let detail = format!("{} → {network}", old.cidr);
        let row = store::network::Network { cidr: network.to_string(), note, expires_at, ..old.clone() };
        store::network::update(change.conn(), &row).await?;
        self.apply(change, actor, "network.change", detail).await?;
        view(row).ok_or_else(|| Error::internal(anyhow::anyhow!("a network cannot be read back")))
    }

    /// Closes a network. Sessions from it stay until they are ended.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`.
    pub async fn close_network(&self, actor: &Actor, addon: AddonId, id: NetworkId) -> Result<()> {
        let mut change = self.change(actor, addon).await?;
        let database = change.row.database_id;
        let cidr = store::network::delete(change.conn(), database, id.uuid()).await?;
        let cidr = cidr.ok_or(Error::NotFound("network"))?;
        self.apply(change, actor, "network.close", cidr).await?;
        Ok(())
    }

    /// Closes the networks of a database whose time is over. Answers how many.
    pub(crate) async fn close_expired(&self, addon: AddonId) -> Result<u64> {
        let mut change = self.change(&Actor::System, addon).await?;
        let (database, now) = (change.row.database_id, change.now);
        let closed = store::network::delete_expired(change.conn(), database, now).await?;
        if closed.is_empty() {
            return Ok(0);
        }
        self.apply(change, &Actor::System, "network.expire", closed.join(", ")).await?;
        Ok(closed.len() as u64)
    }

    fn checked(&self, new: &NewNetwork<'_>) -> Result<(Network, String, Option<DateTime<Utc>>)> {
        let now = self.now();
        let expires_at = new.expires_at.map(|at| reach::expiry(at, now)).transpose();
        let checked = (reach::network(new.cidr), reach::note(new.note), expires_at);
        if let (Ok(network), Ok(note), Ok(expires_at)) = checked {
            return Ok((network, note, expires_at));
        }
        // All that is wrong, not the first of it.
        let wrong = [
            field("cidr", checked.0).err(),
            field("note", checked.1).err(),
            field("expires_at", checked.2).err(),
        ];
        let fields = wrong.into_iter().flatten().flat_map(|error| match error {
            Error::Invalid(fields) => fields,
            _ => Vec::new(),
        });
        Err(Error::Invalid(fields.collect()))
    }
}
