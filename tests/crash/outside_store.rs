//! The real executable with a store that somebody else runs, as `PADDOCK_STORE_URL` names it: migrated, used, found again
//! in the next life, and none of its own beside it.

use crate::paddock::Paddock;
use testkit::TestStore;

#[tokio::test]
async fn a_store_outside_is_used_and_none_is_made() {
    let store = TestStore::new().await;
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'audit_event'";
    let migrated = async || sqlx::query_scalar::<_, i64>(tables).fetch_one(&store.pool).await.unwrap();
    assert_eq!(migrated().await, 0, "it begins empty");

    let mut paddock = Paddock::with_store(store.url());
    paddock.start(None).await;
    assert_eq!(migrated().await, 1);
    paddock.api.make_app("outside").await;
    let names = "SELECT name FROM app";
    let stored: Vec<String> = sqlx::query_scalar(names).fetch_all(&store.pool).await.unwrap();
    assert_eq!(stored, ["outside"], "it is this database that has the app");

    paddock.stop();
    paddock.start(None).await;
    let told = paddock.api.get("/v1/apps/outside").await;
    assert_eq!(told["app"]["name"], "outside", "the next life finds it: {told:#}");
    assert!(paddock.root.join("nodes").exists(), "the data directory is in use");
    assert!(!paddock.root.join("store").exists(), "and holds no store");
    assert!(paddock.servers().is_empty(), "nor does a server run there: {:?}", paddock.servers());
}
