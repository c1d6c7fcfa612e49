//! Search by name over apps and databases: what fits, the nearest first. A pure function of what somebody may see.

use crate::view::{AddonView, AppRow};
use serde::{Deserialize, Serialize};

/// At most so many are told.
pub const MOST: usize = 50;

/// Something that fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// An app, by its name.
    App(String),
    /// A database.
    Database(Box<AddonView>),
}

impl Found {
    /// The name that it is found by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::App(name) => name,
            Self::Database(addon) => &addon.resource_id,
        }
    }
}

/// What fits `text` by its name, in small letters or large, or by its id: whole names first, then beginnings. Nothing fits
/// nothing.
#[must_use]
pub fn find(apps: Vec<AppRow>, text: &str) -> Vec<Found> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Vec::new();
    }
    let rank = |name: &str, id: String| match name.to_lowercase() {
        name if name == wanted || id == wanted => Some(0),
        name if name.starts_with(&wanted) => Some(1),
        name if name.contains(&wanted) => Some(2),
        _ => None,
    };
    let mut found = Vec::new();
    for app in apps {
        found.extend(rank(&app.name, app.id.to_string()).map(|rank| (rank, Found::App(app.name))));
        for addon in app.addons {
            let rank = rank(&addon.resource_id, addon.id.to_string());
            found.extend(rank.map(|rank| (rank, Found::Database(Box::new(addon)))));
        }
    }
    found.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.name().cmp(b.name())));
    found.truncate(MOST);
    found.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppId;
    use uuid::Uuid;

    fn names(text: &str) -> Vec<String> {
        let app = |n: u128, name: &str| AppRow {
            id: AppId::new(Uuid::from_u128(n)),
            name: name.into(),
            addons: Vec::new(),
            backups: Vec::new(),
            last_event: None,
        };
        let apps = vec![app(1, "old-shop"), app(2, "shop"), app(3, "Shop-test"), app(4, "blog")];
        find(apps, text).iter().map(|found| found.name().to_owned()).collect()
    }

    #[test]
    fn the_nearest_comes_first() {
        assert_eq!(names(" SHOP "), ["shop", "Shop-test", "old-shop"]);
        assert_eq!(names(&AppId::new(Uuid::from_u128(4)).to_string()), ["blog"]);
        assert_eq!(names("%"), [""; 0], "no pattern");
        assert_eq!(names("  "), [""; 0]);
    }
}
