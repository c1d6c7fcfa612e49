//! PostgreSQL versions: what is installed on the host, what is offered, and which one an order means.
//!
//! A minor with known holes is offered only where a major has nothing newer, and is never the default while
//! something safe is there.

use crate::{ControlPlane, Error, Result, engine::InstalledVersion};
use types::{PgVersion, view::VersionView};

impl ControlPlane {
    /// What is installed, newest first.
    ///
    /// # Errors
    /// `Unavailable`: the host could not be read.
    pub async fn versions(&self) -> Result<Vec<VersionView>> {
        Ok(offers(&self.inner.engine.versions().await?))
    }

    /// The version that an order means: the newest safe one, or what was asked for.
    ///
    /// # Errors
    /// `Invalid` on field `version`; `Unavailable` when no PostgreSQL is installed.
    pub(crate) async fn version_for(&self, asked: Option<&str>) -> Result<PgVersion> {
        let offers = self.versions().await?;
        choose(&offers, asked)
    }
}

fn offers(installed: &[InstalledVersion]) -> Vec<VersionView> {
    let newest = |one: &InstalledVersion| {
        !installed.iter().any(|other| other.version.major == one.version.major && other.version > one.version)
    };
    let safe = installed.iter().filter(|one| !one.below_floor).map(|one| one.version).max();
    let default = safe.or_else(|| installed.iter().map(|one| one.version).max());
    let mut offers: Vec<_> = installed
        .iter()
        .map(|one| VersionView {
            version: one.version,
            default: Some(one.version) == default,
            below_floor: one.below_floor,
            offered: !one.below_floor || newest(one),
        })
        .collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.version));
    offers
}

fn choose(offers: &[VersionView], asked: Option<&str>) -> Result<PgVersion> {
    let refuse = |message: String| Err(Error::invalid("version", message));
    let Some(asked) = asked.filter(|text| !text.is_empty()) else {
        let default = offers.iter().find(|offer| offer.default);
        return default.map(|offer| offer.version).ok_or_else(|| Error::Unavailable {
            message: "No PostgreSQL is installed on this host. The operator can install one.".into(),
            source: None,
        });
    };
    let Ok((major, minor)) = PgVersion::parse_request(asked) else {
        return refuse(format!("“{}” is not a version; write 17 or 17.11.", asked.escape_debug()));
    };
    let fits =
        |offer: &&VersionView| offer.version.major == major && minor.is_none_or(|m| m == offer.version.minor);
    // Newest first, so that `17` means the newest 17.
    let found =
        offers.iter().filter(fits).max_by_key(|offer| (offer.offered, !offer.below_floor, offer.version));
    match found {
        Some(offer) if offer.offered => Ok(offer.version),
        Some(offer) => refuse(format!(
            "PostgreSQL {} has known holes and is not offered. Choose {}.",
            offer.version,
            names(offers)
        )),
        None => {
            refuse(format!("PostgreSQL {} is not installed on this host. Choose {}.", asked, names(offers)))
        }
    }
}

fn names(offers: &[VersionView]) -> String {
    let names: Vec<_> =
        offers.iter().filter(|offer| offer.offered).map(|offer| offer.version.to_string()).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed() -> Vec<InstalledVersion> {
        [("18.6", false), ("17.11", false), ("17.9", true), ("15.18", true)]
            .map(|(version, below_floor)| InstalledVersion { version: version.parse().unwrap(), below_floor })
            .into()
    }

    #[test]
    fn the_newest_safe_one_is_the_default() {
        let offers = offers(&installed());
        let told: Vec<_> = offers.iter().map(|o| (o.version.to_string(), o.default, o.offered)).collect();
        let expected =
            [("18.6", true, true), ("17.11", false, true), ("17.9", false, false), ("15.18", false, true)];
        assert_eq!(told, expected.map(|(version, default, offered)| (version.to_owned(), default, offered)));
        assert_eq!(choose(&offers, None).unwrap(), PgVersion::new(18, 6));
        assert_eq!(choose(&offers, Some("")).unwrap(), PgVersion::new(18, 6));
    }

    #[test]
    fn an_order_may_be_short_or_long() {
        let offers = offers(&installed());
        for (asked, version) in [("17", "17.11"), ("17.11", "17.11"), ("17.11.0-1", "17.11"), ("15", "15.18")]
        {
            assert_eq!(choose(&offers, Some(asked)).unwrap().to_string(), version, "{asked}");
        }
    }

    #[test]
    fn what_is_not_there_or_not_safe_is_refused() {
        let offers = offers(&installed());
        for asked in ["16", "17.10", "17.9", "seventeen", "17.11.3", "../17"] {
            let problem = choose(&offers, Some(asked)).unwrap_err().problem();
            assert!(problem.field("version").is_some(), "{asked}: {problem:?}");
        }
        assert!(matches!(choose(&[], None), Err(Error::Unavailable { .. })));
    }
}
