//! The kinds of operations, each with what it needs before it can be asked for.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

use control::{
    Actor,
    pitr::{ToMoment, keeper::Keeper},
};
use testkit::{House, Method};
use types::{AddonId, OperationId};

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Provision,
    Delete,
    Restore,
    Start,
    Stop,
    Restart,
    ChangePlan,
    ChangePassword,
    Backup,
    ProveBackup,
    RestoreBackup,
    BaseBackup,
    PitrRestore,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Provision,
        Self::Delete,
        Self::Restore,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::ChangePlan,
        Self::ChangePassword,
        Self::Backup,
        Self::ProveBackup,
        Self::RestoreBackup,
        Self::BaseBackup,
        Self::PitrRestore,
    ];

    /// The calls of the engine on its road forward.
    pub fn calls(self) -> &'static [Method] {
        use Method::*;
        match self {
            Self::Provision => &[Place, Configure, Start, CreateDatabase, VerifyLogin],
            Self::Delete => &[Stop, Trash],
            Self::Restore => &[Untrash, Configure, Start, VerifyLogin],
            Self::Start => &[Configure, Start, VerifyLogin],
            Self::Stop => &[Stop],
            Self::Restart => &[Stop, Configure, Start, VerifyLogin],
            Self::ChangePassword => &[OpenLogin, VerifyLogin, CloseOtherLogins],
            Self::Backup => &[Dump],
            Self::ProveBackup => &[Versions, TryDump],
            // That a lost reply to `Swap` is seen is in backups.rs: it is looked for before it is asked for again.
            Self::RestoreBackup => &[Dump, LoadBeside, Seconds],
            // That what stays too long makes nothing fail is in pitr.rs.
            Self::BaseBackup => &[BaseBackup],
            Self::PitrRestore => &[
                RestoreBeside,
                Recovery,
                Peek,
                Observe,
                ArchiveNow,
                Configure,
                EndRefused,
                ArchiveState,
                Stop,
                FinishRestore,
                Start,
                OpenLogin,
                CloseOtherLogins,
                Limit,
                VerifyLogin,
                Trash,
            ],
            Self::ChangePlan => {
                &[DiskBytes, Configure, Pending, Checkpoint, Observe, Stop, Start, Limit, VerifyLogin]
            }
        }
    }

    /// Makes what it needs, in an app of its own.
    pub async fn prepare(self, house: &House, owner: &Actor, app: &str) -> Option<AddonId> {
        if self == Self::Provision {
            house.plane.create_app(owner, app).await.unwrap();
            return None;
        }
        let addon = house.ready(owner, app).await.addon.id;
        match self {
            Self::Restore => {
                house.plane.delete_addon_api(owner, addon).await.unwrap();
                house.settle().await;
            }
            Self::Start => {
                house.plane.stop_database(owner, addon, None).await.unwrap();
                house.settle().await;
            }
            Self::BaseBackup | Self::PitrRestore => {
                let mut keeper = Keeper::new(house.plane.clone());
                keeper.round().await.unwrap();
                house.settle().await;
                house.plane.make_base_backup(owner, addon, None).await.unwrap();
                house.settle().await;
            }
            Self::ProveBackup | Self::RestoreBackup => {
                house.plane.back_up(owner, addon, None).await.unwrap();
                house.settle().await;
            }
            _ => {}
        }
        Some(addon)
    }

    /// Asks for it.
    pub async fn ask(self, house: &House, owner: &Actor, app: &str, addon: Option<AddonId>) -> OperationId {
        let plane = &house.plane;
        let addon = || addon.expect("it was prepared");
        if self == Self::ChangePassword {
            let name = plane.addon(owner, addon()).await.unwrap().resource_id;
            let set = plane.change_database_password(owner, addon(), &name, None, None).await.unwrap();
            return set.operation.expect("the protected user's is an operation");
        }
        match self {
            Self::BaseBackup => return plane.make_base_backup(owner, addon(), None).await.unwrap(),
            Self::PitrRestore => {
                let to = ToMoment { moment: plane.now(), timeline: None, switch: true };
                return plane.restore_to_moment(owner, addon(), to, None, None).await.unwrap().operation;
            }
            Self::Backup => return plane.back_up(owner, addon(), None).await.unwrap().operation,
            Self::ProveBackup | Self::RestoreBackup => {
                let backup =
                    plane.backups(owner, addon()).await.unwrap().backups.pop().expect("it was made").id;
                if self == Self::ProveBackup {
                    return plane.prove_backup(owner, backup).await.unwrap();
                }
                let name = plane.addon(owner, addon()).await.unwrap().resource_id;
                return plane.restore_backup(owner, addon(), backup, &name, None).await.unwrap().operation;
            }
            _ => {}
        }
        match self {
            Self::Provision => return house.order(owner, app).await.operation,
            Self::Delete => plane.delete_addon_api(owner, addon()).await,
            Self::Restore => plane.restore_addon(owner, addon()).await,
            Self::Start => plane.start_database(owner, addon(), None).await,
            Self::Stop => plane.stop_database(owner, addon(), None).await,
            Self::Restart => plane.restart_database(owner, addon(), None).await,
            Self::ChangePlan => plane.change_plan_api(owner, addon(), "postgresql-starter-1024", None).await,
            Self::ChangePassword
            | Self::Backup
            | Self::ProveBackup
            | Self::RestoreBackup
            | Self::BaseBackup
            | Self::PitrRestore => {
                unreachable!("answered above")
            }
        }
        .unwrap()
        .operation
    }
}
