//! Two switches: connections without TLS are refused, and every address may connect. The second needs the first.

use crate::{Actor, ControlPlane, Error, Result, change::Change, engine::NodeSpec, store};
use types::AddonId;

impl ControlPlane {
    /// Refuses connections without TLS from now on, or not any more. Those that are open and plain are ended; answers
    /// how many. Asked for what is so already, it changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`; `Invalid` (`force_tls`) while the database is reachable from everywhere.
    pub async fn force_tls(&self, actor: &Actor, addon: AddonId, on: bool) -> Result<u32> {
        let mut change = self.change(actor, addon).await?;
        let running = is_running(&change);
        if change.row.force_tls_at.is_some() == on {
            // Whoever asked before may have been cut off before the sessions were ended.
            let spec = self.spec(&change.row)?;
            return Ok(if on && running { self.end_plain(&spec).await } else { 0 });
        }
        if !on && change.row.everywhere_at.is_some() {
            let words =
                "While the database is reachable from everywhere, TLS stays forced. Switch that off first.";
            return Err(Error::invalid("force_tls", words));
        }
        let (database, at) = (change.row.database_id, on.then_some(change.now));
        store::network::force_tls(change.conn(), database, at).await?;
        let action = if on { "network.force_tls" } else { "network.allow_plain" };
        let spec = self.apply(change, actor, action, String::new()).await?;
        Ok(if on && running { self.end_plain(&spec).await } else { 0 })
    }

    /// Ends what is open without TLS, and nothing else; answers how many.
    async fn end_plain(&self, spec: &NodeSpec) -> u32 {
        match self.inner.engine.end_refused(spec, true).await {
            Ok(ended) => ended,
            // It holds for every new connection already; who is left is shown on the page, with a button.
            Err(error) => {
                tracing::warn!(database = %spec.id, %error, "Sessions without TLS could not be ended");
                0
            }
        }
    }

    /// Lets every address connect from now on, or not any more. Open sessions stay. Asked for what is so already, it
    /// changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`; `Invalid` (`everywhere`) while TLS is not forced.
    pub async fn reach_everywhere(&self, actor: &Actor, addon: AddonId, on: bool) -> Result<()> {
        let mut change = self.change(actor, addon).await?;
        if change.row.everywhere_at.is_some() == on {
            return Ok(());
        }
        if on && change.row.force_tls_at.is_none() {
            let words = "Force TLS first: from everywhere, passwords and data must not travel in the clear.";
            return Err(Error::invalid("everywhere", words));
        }
        let (database, at) = (change.row.database_id, on.then_some(change.now));
        store::network::everywhere(change.conn(), database, at).await?;
        let action = if on { "network.everywhere" } else { "network.not_everywhere" };
        self.apply(change, actor, action, String::new()).await?;
        Ok(())
    }
}

fn is_running(change: &Change) -> bool {
    change.row.wanted == "running"
}
