//! Users together do not take the places that are kept for the platform, whatever its owner says about limits.

use crate::{
    host::{self, Host},
    kit::dump,
};
use control::engine::{Administer as _, Engine as _, NodeSpec, sessions::Sessions as _};
use tokio_postgres::Client;

const USERS: [&str; 3] = ["shop_4553", "analyst_1", "reader_1"];

/// As many sessions as the server gives to any of them.
async fn fill(host: &Host, spec: &NodeSpec) -> Vec<Client> {
    let mut open = Vec::new();
    for user in USERS {
        while let Ok(client) = host.connect_as(spec, user, "shop_4553").await {
            open.push(client);
            assert!(open.len() < 100, "{}: somebody stops them", spec.version);
        }
    }
    open
}

/// Everything that the platform wants to do at such a moment: look, act, and above all make a backup.
async fn the_platform_goes_on(host: &Host, spec: &NodeSpec) {
    let (engine, version) = (&host.engine, spec.version);
    assert_eq!(engine.users(spec).await.unwrap().len(), USERS.len(), "{version}");
    assert!(engine.sample(spec, false).await.unwrap().server.is_some(), "{version}");
    assert!(!engine.sessions(spec, true).await.unwrap().sessions.is_empty(), "{version}");
    if version.major < 16 {
        // Nothing keeps places within the database; whoever takes them all can be ended.
        return;
    }
    assert!(!engine.rights(spec, "reader_1").await.unwrap().is_empty(), "{version}: in the database, too");
    engine.mend_rights(spec).await.unwrap();
    assert!(engine.create_user(spec, "late_1", false, &host::verifier()).await.unwrap(), "{version}");
    engine.drop_user(spec, "late_1").await.unwrap();
    dump(host, spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_leave_the_platform_its_places_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        crate::with_users(&host, &spec).await;
        let most = usize::try_from(spec.plan.connections()).unwrap();
        // As it is, and after its owner has lifted the one limit that an owner can lift; before 16 there is only that limit.
        for &lifted in if version.major < 16 { &[false][..] } else { &[false, true] } {
            if lifted {
                host.ask(&spec, "ALTER DATABASE shop_4553 CONNECTION LIMIT -1").await.unwrap();
            }
            let open = fill(&host, &spec).await;
            assert!(
                open.len() >= most && open.len() <= most + 5,
                "{version}, {lifted}: {} sessions",
                open.len()
            );
            the_platform_goes_on(&host, &spec).await;
            host.engine.drop_user(&spec, "analyst_1").await.expect("acts, once the sessions end");
            host.engine.create_user(&spec, "analyst_1", false, &host::verifier()).await.unwrap();
            drop(open);
        }
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}
