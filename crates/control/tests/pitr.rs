//! Moments: archives are switched on and kept, a moment is restored beside, moved, put in place or discarded, and whatever
//! fails leaves the database as it was.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{
    Activity, Actor, Error,
    engine::{
        EngineError,
        pitr::{BackupKind, Gap, Recovery, TableCount},
    },
    pitr::{
        ToMoment,
        keeper::{Keeper, Kept},
    },
};
use testkit::{Fault, House, Method, broken};
use types::{AddonId, DatabaseId, NodeId, operation::OperationStatus as Status, pitr::RestoreStatus};

const LARGE: &str = "postgresql-starter-1024";

struct Yard {
    house: House,
    ada: Actor,
    addon: AddonId,
    database: DatabaseId,
    keeper: Keeper,
}

impl Yard {
    /// A database on a plan with moments, with an archive and a base backup.
    async fn new() -> Self {
        let house = House::new().await;
        let ada = house.person("ada", false).await;
        let addon = house.ready(&ada, "shop").await.addon.id;
        let database = house.plane.database_id(&ada, addon).await.unwrap();
        let mut keeper = Keeper::new(house.plane.clone());
        assert_eq!(keeper.round().await.unwrap(), Kept { enabled: 1, begun: 1, gone: 0 });
        house.settle().await;
        Self { house, ada, addon, database, keeper }
    }

    async fn node(&self) -> NodeId {
        self.house.plane.node_id(&self.ada, self.addon).await.unwrap()
    }

    /// A moment a minute ago is asked for.
    async fn ask(&self, switch: bool) -> control::Result<types::view::Accepted> {
        self.house.clock.advance(TimeDelta::seconds(120));
        let moment = self.house.plane.now() - TimeDelta::seconds(60);
        let to = ToMoment { moment, timeline: None, switch };
        self.house.plane.restore_to_moment(&self.ada, self.addon, to, Some("shop"), None).await
    }

    async fn name(&self) -> String {
        self.house.plane.addon(&self.ada, self.addon).await.unwrap().resource_id
    }

    async fn whole(&self) {
        assert_eq!(broken(&self.house).await, [""; 0]);
    }
}

#[tokio::test]
async fn base_backups_come_by_themselves() {
    let mut yard = Yard::new().await;
    let archive = yard.house.engine.archive(yard.database).unwrap();
    assert_eq!(archive.backups.len(), 1);
    assert_eq!(archive.writer, Some(yard.node().await));
    let spec = yard.house.engine.node(yard.node().await).unwrap().spec;
    assert_eq!(spec.archive, None, "the fake is told when it is configured");
    for (hours, begun, kind) in
        [(1, 0, BackupKind::Full), (24, 1, BackupKind::Diff), (7 * 24, 1, BackupKind::Full)]
    {
        yard.house.clock.advance(TimeDelta::hours(hours));
        assert_eq!(yard.keeper.round().await.unwrap().begun, begun, "after {hours} hours");
        yard.house.settle().await;
        assert_eq!(yard.house.engine.archive(yard.database).unwrap().backups.last().unwrap().kind, kind);
    }
    let view = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap();
    assert_eq!(view.bases.len(), 3, "the oldest moments of the window need the first");
    assert_eq!((view.to, view.unavailable), (Some(view.now), None));
    yard.whole().await;
}

/// What a moment should not be chosen across, and what it may be chosen by.
#[tokio::test]
async fn the_ribbon_has_base_backups_restarts_and_changes_of_plan() {
    let mut yard = Yard::new().await;
    let plane = yard.house.plane.clone();
    let mut accepted = Vec::new();
    yard.house.clock.advance(TimeDelta::minutes(10));
    accepted.push(plane.restart_database(&yard.ada, yard.addon, None).await.unwrap());
    yard.house.settle().await;
    yard.house.clock.advance(TimeDelta::minutes(10));
    accepted.push(plane.change_plan(&yard.ada, yard.addon, LARGE, "", None).await.unwrap());
    yard.house.settle().await;
    for accepted in &accepted {
        assert_eq!(yard.house.finish(accepted.operation).await, Status::Succeeded);
    }
    yard.house.clock.advance(TimeDelta::minutes(10));
    yard.keeper.round().await.unwrap();
    let view = plane.pitr(&yard.ada, yard.addon).await.unwrap();
    let marks: Vec<_> = view.marks.iter().map(|mark| (mark.kind.as_str(), mark.words.as_str())).collect();
    let told =
        [("base", "Base backup, full"), ("restart", "Restarted on request"), ("restart", "Plan changed")];
    assert_eq!(marks, told);
    assert_eq!(view.marks[2].at - view.marks[1].at, TimeDelta::minutes(10));
}

/// F14, F31: an archive that nothing reaches, and a hole in it, are told once each, and so is the end of it.
#[tokio::test]
async fn what_is_wrong_with_an_archive_is_told_once() {
    let mut yard = Yard::new().await;
    let (engine, database) = (yard.house.engine.clone(), yard.database);
    let kinds = async || {
        let rows = sqlx::query_scalar::<_, String>(
            "SELECT kind FROM database_event WHERE kind LIKE 'archive_%' ORDER BY seq",
        );
        rows.fetch_all(&yard.house.store.pool).await.unwrap()
    };
    let now = yard.house.plane.now();
    engine.archives(database, |archive| {
        archive.state.waiting = 3;
        archive.state.waiting_since = Some(now);
    });
    let mut round = async |minutes| {
        yard.house.clock.advance(TimeDelta::minutes(minutes));
        yard.keeper.round().await.unwrap();
        yard.house.settle().await;
    };
    round(4).await;
    assert_eq!(kinds().await, [""; 0], "four minutes are nothing");
    round(2).await;
    round(2).await;
    assert_eq!(kinds().await, ["archive_stalled"]);
    engine.archives(database, |archive| {
        archive.state.waiting = 0;
        archive.state.waiting_since = None;
        archive.gaps.push(Gap {
            timeline: 1,
            from: Some(now),
            to: None,
            first: String::new(),
            last: String::new(),
        });
    });
    round(2).await;
    round(2).await;
    assert_eq!(kinds().await, ["archive_stalled", "archive_flows", "archive_gap"]);
}

#[tokio::test]
async fn without_the_tool_or_the_plan_nothing_is_promised() {
    let mut yard = Yard::new().await;
    yard.house.engine.lacks_pitr(true);
    assert_eq!(yard.keeper.round().await.unwrap(), Kept::default());
    let view = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap();
    assert!(view.unavailable.is_some_and(|words| words.contains("pgBackRest")));
}

#[tokio::test]
async fn a_moment_stands_beside_and_is_looked_at_moved_and_discarded() {
    let yard = Yard::new().await;
    let before = yard.node().await;
    let asked = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
    let view = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap();
    let standing = view.standing.unwrap();
    assert_eq!(standing.status, RestoreStatus::Ready);
    assert_eq!((yard.node().await, view.points.len()), (before, 0), "the database is the same");
    yard.whole().await;

    let node = NodeId::new(standing.id.uuid());
    yard.house.engine.restores(node, |restore| {
        restore.tables = vec![TableCount { schema: "public".into(), table: "t".into(), rows: Some(3) }];
    });
    let moved = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(moved.operation).await, Status::Succeeded);
    let again = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing.unwrap();
    assert_eq!(again.id, standing.id, "it was moved, not made again");
    assert!(again.moment > standing.moment);
    yard.whole().await;

    yard.house.plane.discard_restore(&yard.ada, yard.addon).await.unwrap();
    assert_eq!(yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing, None);
    let twice = yard.house.plane.discard_restore(&yard.ada, yard.addon).await.unwrap_err();
    assert!(matches!(twice, Error::Conflict { .. }));
    yard.whole().await;
}

#[tokio::test]
async fn it_takes_the_place_and_an_earlier_moment_still_works() {
    let mut yard = Yard::new().await;
    let first = yard.node().await;
    let asked = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
    let refused =
        yard.house.plane.switch_to_restore(&yard.ada, yard.addon, "nonsense", None).await.unwrap_err();
    assert_eq!(refused.problem().fields[0].field, "name");
    let name = yard.name().await;
    let switch = yard.house.plane.switch_to_restore(&yard.ada, yard.addon, &name, None).await.unwrap();
    assert_eq!(yard.house.finish(switch.operation).await, Status::Succeeded);
    let second = yard.node().await;
    assert_ne!(first, second);
    assert!(yard.house.engine.node(first).unwrap().trashed, "what was left waits in the trash");
    assert_eq!(yard.house.engine.archive(yard.database).unwrap().writer, Some(second));
    yard.whole().await;

    // What was left can be had, and so can a moment before.
    yard.house.clock.advance(TimeDelta::minutes(5));
    yard.keeper.round().await.unwrap();
    yard.house.settle().await;
    let view = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap();
    let point = view.points[0].clone();
    let to = ToMoment { moment: point.moment, timeline: Some(point.timeline), switch: true };
    let back =
        yard.house.plane.restore_to_moment(&yard.ada, yard.addon, to, Some(&name), None).await.unwrap();
    assert_eq!(yard.house.finish(back.operation).await, Status::Succeeded);
    assert_ne!(yard.node().await, second);
    yard.whole().await;

    // Three days later their directories are gone, and a week later with them.
    yard.house.clock.advance(TimeDelta::hours(73));
    assert_eq!(yard.keeper.round().await.unwrap().gone, 2);
    yard.house.settle().await;
    assert!(yard.house.engine.node(first).is_none());
    yard.whole().await;
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_at_its_field() {
    let yard = Yard::new().await;
    yard.house.clock.advance(TimeDelta::hours(1));
    let now = yard.house.plane.now();
    for moment in [now + TimeDelta::seconds(1), now - TimeDelta::hours(2)] {
        let to = ToMoment { moment, timeline: None, switch: false };
        let refused =
            yard.house.plane.restore_to_moment(&yard.ada, yard.addon, to, None, None).await.unwrap_err();
        assert_eq!(refused.problem().fields[0].field, "restore_time");
    }
    yard.house.engine.archives(yard.database, |archive| {
        archive.gaps.push(Gap {
            timeline: 1,
            first: String::new(),
            last: String::new(),
            from: Some(now - TimeDelta::minutes(30)),
            to: Some(now - TimeDelta::minutes(20)),
        });
    });
    let refused = yard.ask(false).await.unwrap_err();
    assert!(refused.problem().fields[0].message.contains("gap"), "{refused:?}");
    yard.whole().await;
}

#[tokio::test]
async fn a_restore_that_cannot_go_on_leaves_the_database_as_it_was() {
    for method in [
        Method::RestoreBeside,
        Method::Recovery,
        Method::Peek,
        Method::Configure,
        Method::EndRefused,
        Method::Stop,
        Method::FinishRestore,
    ] {
        let yard = Yard::new().await;
        let before = yard.node().await;
        let broke = || EngineError::Other {
            message: "the fault of a test".into(),
            source: anyhow::anyhow!("x"),
            retry: false,
        };
        yard.house.clock.advance(TimeDelta::minutes(2));
        let to = ToMoment { moment: yard.house.plane.now(), timeline: None, switch: true };
        let asked = yard.house.plane.restore_to_moment(&yard.ada, yard.addon, to, None, None).await.unwrap();
        let fired = yard.house.engine.inject(Fault::before(method, broke));
        let ended = yard.house.finish(asked.operation).await;
        assert!(fired.times() > 0, "{method:?}");
        assert_eq!((ended, yard.node().await), (Status::Failed, before), "{method:?}");
        assert_eq!(yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing, None, "{method:?}");
        let archive = yard.house.engine.archive(yard.database).unwrap();
        assert_eq!(archive.writer, Some(before), "{method:?}: its archive is its own again");
        yard.whole().await;
    }
}

/// Before anybody is locked out it is looked at once more: what is only busy is waited for, what is gone is not.
#[tokio::test]
async fn what_does_not_answer_before_the_switch_is_asked_again() {
    for (stopped, expected) in [(false, Status::Succeeded), (true, Status::Failed)] {
        let yard = Yard::new().await;
        let before = yard.node().await;
        let fired = yard.house.engine.inject(Fault::hang_before(Method::Peek));
        yard.house.clock.advance(TimeDelta::minutes(2));
        let to = ToMoment { moment: yard.house.plane.now(), timeline: None, switch: true };
        let asked = yard.house.plane.restore_to_moment(&yard.ada, yard.addon, to, None, None).await.unwrap();
        yard.house.work_until_it_hangs(&fired).await;
        assert_eq!(fired.times(), 1);
        yard.house.leases_end();
        let standing = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing.unwrap();
        let becomes = |state: Recovery| {
            yard.house.engine.restores(NodeId::new(standing.id.uuid()), |restore| restore.state = state);
        };
        becomes(if stopped { Recovery::Stopped } else { Recovery::Replaying(None) });
        let closed = yard.house.engine.calls(Method::EndRefused);
        let worker = yard.house.worker();
        while worker.run_once().await.unwrap() {}
        if !stopped {
            assert_eq!(yard.house.status(asked.operation).await, Status::Waiting);
            becomes(Recovery::Reached(None));
        }
        assert_eq!(yard.house.engine.calls(Method::EndRefused), closed, "nobody is locked out meanwhile");
        assert_eq!(yard.house.finish(asked.operation).await, expected);
        assert_eq!(yard.node().await == before, stopped, "the node that runs it");
        yard.whole().await;
    }
}

#[tokio::test]
async fn one_that_ends_early_or_stops_is_told_or_taken_up() {
    let yard = Yard::new().await;
    let fired = yard.house.engine.inject(Fault::hang_before(Method::Recovery));
    let asked = yard.ask(false).await.unwrap();
    yard.house.work_until_it_hangs(&fired).await;
    yard.house.leases_end();
    let node =
        NodeId::new(yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing.unwrap().id.uuid());
    yard.house.engine.restores(node, |restore| restore.state = Recovery::Ended("the log ends before".into()));
    assert_eq!(yard.house.finish(asked.operation).await, Status::Failed);
    let told = yard.house.plane.operation(&yard.ada, asked.operation).await.unwrap();
    assert_eq!(told.error.as_deref(), Some("The log ends before."));
    yard.whole().await;
}

#[tokio::test]
async fn a_deleted_database_leaves_nothing_beside_it_and_a_purged_one_no_archive() {
    let mut yard = Yard::new().await;
    let asked = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
    yard.house.plane.delete_addon_api(&yard.ada, yard.addon).await.unwrap();
    yard.house.settle().await;
    yard.house.clock.advance(TimeDelta::minutes(11));
    assert_eq!(yard.keeper.round().await.unwrap().gone, 1);
    yard.whole().await;
    assert!(yard.house.engine.archive(yard.database).is_some(), "it can be brought back");
    yard.house.clock.advance(TimeDelta::days(30));
    yard.house.plane.sweep().await.unwrap();
    assert_eq!(yard.keeper.round().await.unwrap().gone, 1);
    assert!(yard.house.engine.archive(yard.database).is_none());
    yard.whole().await;
}

#[tokio::test]
async fn what_cannot_be_removed_yet_is_no_reason_to_copy_again() {
    let yard = Yard::new().await;
    yard.house.clock.advance(TimeDelta::hours(1));
    let fired = yard.house.engine.inject(
        Fault::before(Method::Expire, || EngineError::Other {
            message: "the fault of a test".into(),
            source: anyhow::anyhow!("x"),
            retry: true,
        })
        .always(),
    );
    let copies = yard.house.engine.calls(Method::BaseBackup);
    let made = yard.house.plane.make_base_backup(&yard.ada, yard.addon, None).await.unwrap();
    assert_eq!(yard.house.finish(made).await, Status::Succeeded);
    assert_eq!((fired.times(), yard.house.engine.calls(Method::BaseBackup) - copies), (1, 1));
}

#[tokio::test]
async fn a_move_that_is_refused_leaves_what_stands_there() {
    let yard = Yard::new().await;
    let asked = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
    let stood = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing.unwrap();
    let fired = yard.house.engine.inject(Fault::before(Method::RestoreBeside, || EngineError::Other {
        message: "this moment cannot be had".into(),
        source: anyhow::anyhow!("x"),
        retry: false,
    }));
    let moved = yard.ask(false).await.unwrap();
    assert_eq!(yard.house.finish(moved.operation).await, Status::Failed);
    assert_eq!(fired.times(), 1);
    let stands = yard.house.plane.pitr(&yard.ada, yard.addon).await.unwrap().standing.unwrap();
    assert_eq!((stands.id, stands.moment, stands.status), (stood.id, stood.moment, RestoreStatus::Ready));
    yard.whole().await;
}

#[tokio::test]
async fn a_database_that_dies_beside_a_restore_is_started_again() {
    let yard = Yard::new().await;
    let asked = yard.ask(false).await.unwrap();
    let fired = yard.house.engine.inject(Fault::hang_before(Method::RestoreBeside));
    yard.house.work_until_it_hangs(&fired).await;
    let node = yard.node().await;
    yard.house.engine.crash(node);
    let mut supervisor = control::supervisor::Supervisor::new(yard.house.plane.clone());
    supervisor.round().await.unwrap();
    assert!(yard.house.engine.node(node).unwrap().running.is_some(), "nobody waits for the restore");
    yard.house.leases_end();
    assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
    yard.whole().await;
}

#[tokio::test]
async fn what_an_earlier_restore_of_a_dump_left_is_told_as_it_is_in_the_new_server() {
    for left in [false, true] {
        let yard = Yard::new().await;
        let node = yard.node().await;
        yard.house.engine.holds(node, |data| {
            data.incoming = Some(data.contents.clone());
            data.replaced = left.then(|| data.contents.clone());
        });
        yard.house.clock.advance(TimeDelta::minutes(2));
        let to = ToMoment { moment: yard.house.plane.now(), timeline: None, switch: true };
        let asked = yard.house.plane.restore_to_moment(&yard.ada, yard.addon, to, None, None).await.unwrap();
        assert_eq!(yard.house.finish(asked.operation).await, Status::Succeeded);
        let data = yard.house.engine.data(yard.node().await);
        assert_eq!((data.incoming.is_some(), data.replaced.is_some()), (false, left));
        assert_eq!(yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap().replaced, left);
    }
}

/// What was copied before the disk began to fail may be the last that is whole.
#[tokio::test]
async fn a_base_backup_that_finds_damaged_pages_lets_no_older_one_go() {
    let yard = Yard::new().await;
    let engine = &yard.house.engine;
    let copy = async |days: i64| {
        yard.house.clock.advance(TimeDelta::days(days));
        let made = yard.house.plane.make_base_backup(&yard.ada, yard.addon, None).await.unwrap();
        assert_eq!(yard.house.finish(made).await, Status::Succeeded);
        engine.archive(yard.database).unwrap().backups
    };
    let first = copy(8).await.remove(0);
    let expired = engine.calls(Method::Expire);
    engine.archives(yard.database, |archive| archive.damaged = true);
    let backups = copy(8).await;
    assert_eq!((backups.len(), backups[2].damaged), (3, true));
    assert_eq!(engine.calls(Method::Expire), expired);
    let told = yard.house.plane.activity(&yard.ada, Activity::Addon(yard.addon), 50).await.unwrap();
    let told: Vec<_> = told.iter().filter(|event| event.title == "Damaged pages found").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].detail.contains("Earlier base backups are kept"), "{told:?}");
    // The first one's time was over: it goes with the next that is whole.
    assert_eq!(backups[0].label, first.label);
    engine.archives(yard.database, |archive| archive.damaged = false);
    let backups = copy(1).await;
    assert_eq!(backups.len(), 3);
    assert!(backups.iter().all(|one| one.label != first.label), "{backups:#?}");
    yard.whole().await;
}
