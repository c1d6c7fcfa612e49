//! How an archive begins: looked at while it is made, and made again where the making was broken off.

use crate::{host, host::Host, yard::*};
use control::engine::{
    Engine as _, EngineError,
    pitr::{BackupKind, Pitr as _},
};
use std::fs;

/// Pages ask how archiving goes at any moment; what they cause to be sealed must not keep pgBackRest from making the rest.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_can_be_looked_at_while_it_is_made() {
    let host = Host::new().await;
    let mut spec = host::spec("a_1", majors(&host).await[0]);
    spec.archive = Some(database(&spec));
    host.up(&spec).await;
    let mut looks = 0;
    for _ in 0..5 {
        let secret = key();
        let enabling = host.engine.enable_archiving(&spec, &secret);
        tokio::pin!(enabling);
        let told = loop {
            tokio::select! {
                biased;
                told = &mut enabling => break told,
                seen = host.engine.archive_state(&spec) => { seen.unwrap(); looks += 1; }
            }
        };
        assert_eq!(told.unwrap(), "archiving is on");
        // The next one is made from nothing.
        let place = archive(&host, database(&spec));
        fs::remove_dir_all(place.join("repo")).unwrap();
        fs::remove_dir_all(place.join("keys")).unwrap();
    }
    assert!(looks >= 5, "{looks}");
    host.engine.purge(spec.id).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_was_half_made_is_made_again_and_one_that_holds_something_is_not() {
    let host = Host::new().await;
    let mut spec = host::spec("a_1", majors(&host).await[0]);
    spec.archive = Some(database(&spec));
    host.up(&spec).await;
    host.engine.enable_archiving(&spec, &key()).await.unwrap();
    let place = archive(&host, database(&spec));
    let break_off = || {
        fs::remove_dir_all(place.join("repo/backup")).unwrap();
        fs::remove_dir_all(place.join("keys")).unwrap();
    };
    break_off();
    host.engine.enable_archiving(&spec, &key()).await.unwrap();
    host.engine.base_backup(&spec, BackupKind::Full, &nobody).await.unwrap();
    let segments = files(&place.join("repo/archive"), "-").len();
    assert!(segments > 0);
    break_off();
    let refused = host.engine.enable_archiving(&spec, &key()).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::Other { .. }) && refused.to_string().contains("missing"),
        "{refused:?}"
    );
    assert_eq!(files(&place.join("repo/archive"), "-").len(), segments);
    host.engine.purge(spec.id).await.unwrap();
    host.end().await;
}
