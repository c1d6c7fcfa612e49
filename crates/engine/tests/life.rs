//! The whole life of a database on real PostgreSQL, every installed major.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, EngineError, NodeSpec, NodeState};
use host::{Host, PASSWORD, verifier};
use std::{os::unix::fs::MetadataExt as _, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn from_the_pool_to_the_last_byte() {
    let host = Host::new().await;
    let patience = Duration::from_secs(20);
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        let engine = &host.engine;
        assert_eq!(engine.refill_pool(version, 1).await.unwrap(), 1);
        assert_eq!(engine.refill_pool(version, 1).await.unwrap(), 0);
        assert_eq!(engine.observe(spec.id).await.unwrap(), NodeState::Absent);

        assert_eq!(engine.place(&spec).await.unwrap(), "from the pool");
        assert_eq!(engine.place(&spec).await.unwrap(), "already in place");
        assert_eq!(engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
        for _again in 0..2 {
            engine.configure(&spec).await.unwrap();
            engine.start(&spec).await.unwrap();
            engine.create_database(&spec, &verifier()).await.unwrap();
        }
        let proof = engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
        assert_eq!((proof.tls.as_str(), proof.version), ("TLSv1.3", version));
        assert!(engine.verify_login(&spec, &"another".into()).await.is_err());
        host.until(&spec, |state| matches!(state, NodeState::Running { .. })).await;

        host.ask(&spec, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n").await.unwrap();
        let figures = engine.figures(&spec).await.unwrap();
        assert!(figures.max_connections >= spec.plan.connections(), "{figures:?}");
        assert!(figures.disk_bytes > figures.data_bytes && figures.data_bytes > 5_000_000, "{figures:?}");

        assert!(engine.trash(spec.id).await.is_err(), "a running server is not thrown away");
        engine.stop(spec.id, patience).await.unwrap();
        engine.stop(spec.id, patience).await.unwrap();
        assert_eq!(engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
        engine.start(&spec).await.unwrap();
        assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["1000"]);
        engine.stop(spec.id, patience).await.unwrap();

        for _again in 0..2 {
            engine.trash(spec.id).await.unwrap();
            assert_eq!(engine.observe(spec.id).await.unwrap(), NodeState::Trashed);
        }
        assert!(
            matches!(engine.place(&spec).await, Err(EngineError::Foreign(_))),
            "its data is in the trash"
        );
        assert!(host::is_absent(&engine.start(&spec).await));
        assert!(engine.found().await.unwrap()[0].trashed);
        for _again in 0..2 {
            engine.untrash(spec.id).await.unwrap();
        }
        engine.configure(&spec).await.unwrap();
        engine.start(&spec).await.unwrap();
        assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["1000"]);
        engine.stop(spec.id, patience).await.unwrap();
        engine.trash(spec.id).await.unwrap();
        for _again in 0..2 {
            engine.purge(spec.id).await.unwrap();
            assert_eq!(engine.observe(spec.id).await.unwrap(), NodeState::Absent);
        }
        assert!(host::is_absent(&engine.untrash(spec.id).await));
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_share_nothing() {
    let host = Host::new().await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    assert_eq!(host.engine.place(&a).await.unwrap(), "freshly initialised");
    host.engine.place(&b).await.unwrap();
    let identity = |spec| engine::Identity::expect(&host.dir(spec), spec.id).unwrap();
    let (ours, theirs) = (identity(&a), identity(&b));
    assert_ne!(ours.system_identifier, theirs.system_identifier);
    if let (Some(our), Some(their)) = (&ours.os_user, &theirs.os_user) {
        assert_ne!(our.uid, their.uid);
        let data = host.dir(&a).data();
        assert_eq!(std::fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
        for (user, may) in [(our, true), (their, false)] {
            let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid)];
            let path = data.join("PG_VERSION");
            let args = [&ids[0], &ids[1], "--clear-groups", "/bin/cat", path.to_str().unwrap()];
            assert_eq!(host::run("/usr/bin/setpriv", &args).status.success(), may, "{user:?}");
            let identity = host.dir(&a).identity();
            let args = [&ids[0], &ids[1], "--clear-groups", "/bin/cat", identity.to_str().unwrap()];
            assert!(!host::run("/usr/bin/setpriv", &args).status.success(), "the identity file is Paddock's");
        }
    }
    // Another's directory under our name is not touched.
    let c = host.spec("c_3").await;
    let mut identity = theirs.clone();
    identity.node = Some(c.id);
    identity.write(&host.dir(&a)).unwrap();
    for refused in [
        host.engine.trash(a.id).await,
        host.engine.purge(a.id).await,
        host.engine.stop(a.id, Duration::ZERO).await,
    ] {
        assert!(matches!(refused, Err(EngineError::Foreign(_))), "{refused:?}");
    }
    assert!(matches!(host.engine.start(&a).await, Err(EngineError::Foreign(_))));
    ours.write(&host.dir(&a)).unwrap();
    host.end().await;
}

/// Puts a new database in its place, and tells the number of its OS user.
#[cfg(test)]
async fn number_of_new(host: &Host, spec: &NodeSpec) -> u32 {
    host.engine.place(spec).await.unwrap();
    engine::Identity::expect(&host.dir(spec), spec.id).unwrap().os_user.unwrap().uid
}

/// Files in the trash belong to a number: whoever was given it could read them.
#[tokio::test(flavor = "multi_thread")]
async fn the_os_user_of_what_is_in_the_trash_is_given_to_nobody() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // Numbers of its own: no other test takes the first free one.
    let config = engine::EngineConfig { uids: 64790..=64799, ..host::config(&host::fresh_root()) };
    let host = Host::with(config).await;
    let (a, b, c) = (host.spec("a_1").await, host.spec("b_2").await, host.spec("c_3").await);
    let ours = number_of_new(&host, &a).await;
    host.engine.trash(a.id).await.unwrap();
    // The system forgets it; what is in the trash does not. (Another test may just hold the table of users.)
    let name = format!("paddock-{ours}");
    let remove = async || host::run("/usr/sbin/userdel", &[&name]).status.success().then_some(());
    host::eventually(host::PATIENT, remove).await.expect("the user is gone");
    assert_ne!(number_of_new(&host, &b).await, ours);
    host.engine.purge(a.id).await.unwrap();
    assert_eq!(number_of_new(&host, &c).await, ours, "nothing has it any more");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_gets_a_new_certificate_without_a_restart() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let pid = host.pid(&spec).await;
    let until = host.engine.certificate_until(spec.id).await.unwrap().unwrap();
    let days = (until - chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())).num_days();
    assert!((390..=397).contains(&days), "{days}");
    assert_eq!(host.engine.configure(&spec).await.unwrap(), "nothing to change");

    let config = engine::EngineConfig { public_host: "db.localhost".into(), ..host.config.clone() };
    let renamed = engine::LocalEngine::open(config).await.unwrap();
    assert_eq!(renamed.ca_certificate().await.unwrap(), host.engine.ca_certificate().await.unwrap());
    let certificate = host.dir(&spec).tls().join("server.crt");
    let before = std::fs::read(&certificate).unwrap();
    assert_eq!(renamed.configure(&spec).await.unwrap(), "settings written and in force");
    assert_ne!(std::fs::read(&certificate).unwrap(), before);
    assert_eq!(renamed.configure(&spec).await.unwrap(), "nothing to change");
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    assert_eq!(host.pid(&spec).await, pid);

    // A larger plan: written at once, in force after a restart, and people are told so.
    let larger = NodeSpec { plan: types::Plan::defaults().remove(1), ..spec.clone() };
    assert_eq!(host.engine.configure(&larger).await.unwrap(), "settings written; some wait for a restart");
    host.end().await;
}
