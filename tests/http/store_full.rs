//! The disk of Paddock's own store is full (F16): what would write is refused for now and changes nothing, what reads is
//! answered, and what was under way goes on when there is room.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::json;

/// Every write is answered as PostgreSQL answers it then.
const FULL: &str = r#"
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'could not extend file "base/16384/16385": No space left on device' USING ERRCODE = 'disk_full';
    END $$;
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON %I
                            FOR EACH STATEMENT EXECUTE FUNCTION full_disk()', name);
        END LOOP;
    END $$"#;
const ROOM: &str = "DROP FUNCTION full_disk() CASCADE";

#[tokio::test]
async fn a_full_store_refuses_writes_answers_reads_and_goes_on() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let order = json!({"addon": {"addon_provider_id": "postgresql", "plan_id": "postgresql-sandbox"}});
    let ordered = server.post(&ada, "/v1/apps/my-app/addons", order.clone()).await;
    assert_eq!(ordered.status, StatusCode::CREATED, "{}", ordered.text);
    sqlx::raw_sql(FULL).execute(&server.house.store.pool).await.unwrap();

    for (method, path, body) in [
        (Method::POST, "/v1/apps", json!({"app": {"name": "another"}})),
        (Method::POST, "/v1/apps/my-app/addons", order),
        (Method::POST, "/v1/apps/my-app/variables", json!({"variable": {"name": "A", "value": "b"}})),
    ] {
        let refused = server.api(&ada, method, path, body).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", refused.text);
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0, "{path}");
        assert!(refused.json()["error"].as_str().unwrap().contains("store"), "{}", refused.text);
    }
    let addons = server.get(&ada, "/v1/apps/my-app/addons").await;
    assert_eq!(addons.status, StatusCode::OK, "{}", addons.text);
    assert_eq!(addons.json()["addons"][0]["status"], "provisioning");
    assert!(server.house.worker().run_once().await.is_err(), "nothing can be noted, so nothing is done");

    sqlx::raw_sql(ROOM).execute(&server.house.store.pool).await.unwrap();
    server.house.settle().await;
    let addons = server.get(&ada, "/v1/apps/my-app/addons").await.json();
    assert_eq!(addons["addons"].as_array().unwrap().len(), 1, "the refused order left nothing: {addons:#}");
    assert_eq!(addons["addons"][0]["status"], "running");
    assert_eq!(testkit::broken(&server.house).await, [""; 0]);
}
