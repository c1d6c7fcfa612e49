//! The switches in the words of public clients: features, in the order in which they were enabled.

use crate::{Action, Actor, ControlPlane, Error, Result};
use chrono::{DateTime, Utc};
use types::{AddonId, reach::Feature};

/// A feature that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureView {
    /// Which one.
    pub feature: Feature,
    /// Since.
    pub since: DateTime<Utc>,
}

impl ControlPlane {
    /// The features that are on, in the order in which they were enabled.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn features(&self, actor: &Actor, addon: AddonId) -> Result<Vec<FeatureView>> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        let all = [(Feature::ForceSsl, row.force_tls_at), (Feature::PubliclyAvailable, row.everywhere_at)];
        let mut on: Vec<_> = all
            .into_iter()
            .filter_map(|(feature, since)| Some(FeatureView { feature, since: since? }))
            .collect();
        on.sort_by_key(|one| one.since);
        Ok(on)
    }

    /// Turns a feature on or off.
    ///
    /// # Errors
    /// Those of the switch; `Invalid` (`feature`) for a name that is none.
    pub async fn set_feature(&self, actor: &Actor, addon: AddonId, name: &str, on: bool) -> Result<Feature> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let feature = Feature::named(name)
            .ok_or_else(|| Error::invalid("feature", "The features are force-ssl and publicly-available."))?;
        match feature {
            Feature::ForceSsl => drop(self.force_tls(actor, addon, on).await?),
            Feature::PubliclyAvailable => self.reach_everywhere(actor, addon, on).await?,
        }
        Ok(feature)
    }
}
