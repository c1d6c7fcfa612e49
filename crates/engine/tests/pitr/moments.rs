//! Moments: exactly the rows that were acknowledged, on every line of history, and nothing that is not there.

use crate::host::Host;
use crate::yard::*;
use chrono::TimeDelta;
use control::engine::{
    Engine as _, NodeSpec, NodeState,
    pitr::{BackupKind, Pitr as _, Recovery, Target},
};
use std::{fs, time::Duration};
use uuid::Uuid;
/// So many moments of each major are asked for: a hundred together.
const TARGETS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_gives_exactly_the_rows_that_were_acknowledged_on_18() {
    exactly_the_acknowledged(18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_gives_exactly_the_rows_that_were_acknowledged_on_17() {
    exactly_the_acknowledged(17).await;
}

async fn exactly_the_acknowledged(major: u16) {
    let host = Host::new().await;
    let version = majors(&host).await.into_iter().find(|version| version.major == major).unwrap();
    let source = archived(&host, version).await;
    let moments = insert(&host, &source, 1, 40).await;
    host.engine.archive_now(&source).await.unwrap();
    let restored = beside(&source);
    // Sweeps of ever later moments: going on is a matter of the log, going back copies. The ends are among them.
    let mut seed = Uuid::new_v4().as_u128();
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 64 & 0xffff).unwrap() % 40
    };
    let mut at: Vec<usize> = (0..TARGETS - 2).map(|_| random()).chain([0, 39]).collect();
    at.chunks_mut(TARGETS / 2).for_each(<[usize]>::sort_unstable);
    for (turn, n) in at.into_iter().enumerate() {
        let target = to(moments[n]);
        if turn == 0 {
            host.engine.restore_beside(&restored, database(&source), &key(), &target).await.unwrap();
        } else {
            host.engine.move_target(&restored, &target).await.unwrap();
        }
        reached(&host, &restored).await;
        assert_eq!(rows(&host, &restored).await, n as u64 + 1, "{version}, turn {turn}, seed {seed}");
    }
    // F33: exactly at a commit it is there, and just before it is not.
    let Recovery::Reached(Some(commit)) = host.engine.recovery(&restored).await.unwrap() else {
        panic!("it stands at no commit")
    };
    let with = rows(&host, &restored).await;
    for (moment, expected) in [(commit - TimeDelta::microseconds(1), with - 1), (commit, with)] {
        host.engine.move_target(&restored, &to(moment)).await.unwrap();
        reached(&host, &restored).await;
        assert_eq!(rows(&host, &restored).await, expected, "{moment}");
    }
    let conf = fs::read_to_string(host.dir(&restored).conf().join("postgresql.conf")).unwrap();
    assert!(
        conf.contains("listen_addresses = ''"),
        "nobody but Paddock reaches it until it is finished: {conf}"
    );
    assert_eq!(host.ask(&source, "SELECT count(*) FROM t").await.unwrap(), ["40"], "the source lives");
    host.engine.discard_restore(&restored).await.unwrap();
    assert_eq!(host.engine.observe(restored.id).await.unwrap(), NodeState::Absent);
    host.engine.purge(source.id).await.unwrap();
    host.end().await;
}

/// What arrived just now belongs to the source's user until somebody looks at the archive. Who moves on is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_arrived_just_now_can_be_moved_to() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let restored = beside(&source);
    for from in [1, 11, 21] {
        let moments = insert(&host, &source, from, from + 9).await;
        host.engine.archive_now(&source).await.unwrap();
        let target = to(moments[4]);
        if from == 21 {
            host.engine.move_target(&restored, &target).await.unwrap();
        } else {
            host.engine.restore_beside(&restored, database(&source), &key(), &target).await.unwrap();
        }
        reached(&host, &restored).await;
        assert_eq!(rows(&host, &restored).await, u64::try_from(from).unwrap() + 4);
    }
    host.engine.discard_restore(&restored).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_moment_still_works_after_a_restore_took_the_place() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let moments = insert(&host, &source, 1, 20).await;
    host.engine.archive_now(&source).await.unwrap();
    let taker = NodeSpec { archive: Some(database(&source)), ..beside(&source) };
    host.engine.restore_beside(&taker, database(&source), &key(), &to(moments[9])).await.unwrap();
    reached(&host, &taker).await;
    assert_eq!(rows(&host, &taker).await, 10);
    host.engine.stop(source.id, Duration::from_secs(10)).await.unwrap();
    host.engine.finish_restore(&taker).await.unwrap();
    assert_eq!(host.engine.recovery(&taker).await.unwrap(), Recovery::Done);
    assert_eq!(host.engine.finish_restore(&taker).await.unwrap(), "it is a database already");
    assert!(host.engine.discard_restore(&taker).await.is_err(), "it is a database: discard is refused");
    let later = insert(&host, &taker, 101, 105).await;
    host.engine.archive_now(&taker).await.unwrap();

    let known = host.engine.timelines(database(&source)).await.unwrap();
    assert_eq!(known.timelines.iter().map(|line| line.id).collect::<Vec<_>>(), [1, 2]);
    assert!(known.timelines[1].parent.is_some() && known.gaps.is_empty(), "{known:#?}");
    let again = beside(&source);
    for (target, expected) in [
        // On the new line, also before it began; on the one that was left.
        (to(later[2]), 13),
        (to(moments[4]), 5),
        (Target { moment: moments[17], timeline: Some(1) }, 18),
    ] {
        host.engine.restore_beside(&again, database(&source), &key(), &target).await.unwrap();
        reached(&host, &again).await;
        assert_eq!(rows(&host, &again).await, expected, "{target:?}");
    }
    host.engine.base_backup(&taker, BackupKind::Incr, &nobody).await.unwrap();
    host.engine.discard_restore(&again).await.unwrap();
    host.end().await;
}

/// Recovery pauses where the log says that the plan grew: that is not the moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_of_a_larger_plan_is_reached_by_the_smaller_one() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let mut large = source.clone();
    large.plan.memory_mib *= 2;
    let change_to = async |spec: &NodeSpec| {
        host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
        host.engine.configure(spec).await.unwrap();
        host.engine.start(spec).await.unwrap();
    };
    change_to(&large).await;
    let moments = insert(&host, &large, 1, 5).await;
    change_to(&source).await;
    insert(&host, &source, 6, 7).await;
    host.engine.archive_now(&source).await.unwrap();
    let restored = beside(&source);
    host.engine.restore_beside(&restored, database(&source), &key(), &to(moments[2])).await.unwrap();
    reached(&host, &restored).await;
    assert_eq!(rows(&host, &restored).await, 3);
    let logs = fs::read_dir(host.dir(&restored).log()).unwrap().flatten();
    let said: String = logs.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect();
    assert!(said.contains("insufficient parameter settings"), "it never paused on the way: {said}");
    host.engine.discard_restore(&restored).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_archive_is_refused_with_what_is() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let restored = beside(&source);
    let refused = async |moment| {
        let error =
            host.engine.restore_beside(&restored, database(&source), &key(), &to(moment)).await.unwrap_err();
        assert!(
            matches!(host.engine.observe(restored.id).await.unwrap(), NodeState::Absent),
            "nothing was made"
        );
        error.to_string()
    };
    let mut last = Vec::new();
    for n in 0..4 {
        last.push(insert(&host, &source, n * 5 + 1, n * 5 + 5).await[4]);
        host.engine.archive_now(&source).await.unwrap();
    }
    let known = host.engine.timelines(database(&source)).await.unwrap();
    let (from, until) = known.window().unwrap();
    assert!(from < last[0] && last[3] <= until && known.gaps.is_empty(), "{known:#?}");
    let early = refused(from - TimeDelta::seconds(2)).await;
    let day = from.format("%Y-%m-%d %H:%M:%S").to_string();
    assert!(early.contains("before the oldest base backup") && early.contains(&day), "{early}");
    let late = refused(until + TimeDelta::minutes(1)).await;
    assert!(late.contains("not in the archive yet") && late.contains(&day), "{late}");

    // A wrong key opens nothing, and spoils nothing.
    assert!(host.engine.enable_archiving(&source, &"another".into()).await.is_err());
    let wrong =
        host.engine.restore_beside(&restored, database(&source), &"another".into(), &to(last[0])).await;
    assert!(wrong.is_err());
    host.engine.discard_restore(&restored).await.unwrap();

    // The segment that ended the second round is lost.
    let segments = files(&archive(&host, database(&source)).join("repo/archive"), "-");
    let lost = segments.iter().rev().nth(2).unwrap();
    fs::remove_file(lost).unwrap();
    let known = host.engine.timelines(database(&source)).await.unwrap();
    assert_eq!(known.gaps.len(), 1, "{known:#?}");
    assert_eq!(known.gaps[0].first, segment_of(lost));
    let gap = refused(last[3]).await;
    assert!(gap.contains("behind a gap") && gap.contains(&segment_of(lost)), "{gap}");
    host.engine.restore_beside(&restored, database(&source), &key(), &to(last[0])).await.unwrap();
    reached(&host, &restored).await;
    assert_eq!(rows(&host, &restored).await, 5);
    host.engine.discard_restore(&restored).await.unwrap();
    host.end().await;
}
