//! A house with a database, and what is done with its backups again and again.

use control::{
    Actor,
    backup::{
        keeper::{Keeper, Kept},
        vault::Place,
    },
};
use testkit::House;
use types::{AddonId, BackupId, DatabaseId, NodeId, backup::BackupView};

/// A house with a database that holds something.
pub struct Yard {
    pub house: House,
    pub ada: Actor,
    pub addon: AddonId,
    pub database: DatabaseId,
    pub name: String,
}

impl Yard {
    /// Its server: the first.
    pub fn node(&self) -> NodeId {
        NodeId::new(self.database.uuid())
    }

    pub async fn new() -> Self {
        let house = House::new().await;
        let ada = house.person("ada", false).await;
        let addon = house.ready(&ada, "my-app").await.addon;
        let database = house.plane.database(&ada, addon.id).await.unwrap().id;
        house.engine.holds(NodeId::new(database.uuid()), |data| {
            data.contents.rows = [("public.a".to_owned(), 3), ("public.b".to_owned(), 4)].into();
            data.padding = 100_000;
        });
        Self { house, ada, addon: addon.id, database, name: addon.resource_id }
    }

    pub async fn back_up(&self) -> BackupView {
        let asked = self.house.plane.back_up(&self.ada, self.addon, None).await.unwrap();
        self.house.settle().await;
        self.backup(asked.id).await
    }

    pub async fn backup(&self, id: BackupId) -> BackupView {
        self.house.plane.backup(&self.ada, id).await.unwrap()
    }

    pub async fn all(&self) -> Vec<BackupView> {
        self.house.plane.backups(&self.ada, self.addon).await.unwrap().backups
    }

    pub async fn round(&self) -> Kept {
        let kept = Keeper::new(self.house.plane.clone()).round().await.unwrap();
        self.house.settle().await;
        kept
    }

    pub fn place(&self, backup: BackupId) -> Place {
        Place { database: self.database, backup }
    }

    pub fn rows(&self, table: &str) -> Option<u64> {
        self.house.engine.data(self.node()).contents.rows.get(table).copied()
    }
}
