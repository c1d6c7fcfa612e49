//! What refuses to start, and says why.

use crate::support::{Fixture, KEY, clock, config, engine, vault};
use control::{ControlPlane, MasterKey, StartError};
use sqlx::PgPool;

async fn start(pool: &PgPool, key: [u8; 32]) -> Result<ControlPlane, StartError> {
    ControlPlane::start(config(), pool.clone(), (engine(), vault()), clock(), MasterKey::from_bytes(key))
        .await
}

#[sqlx::test(migrations = false)]
async fn a_second_start_finds_everything_as_it_was(pool: PgPool) {
    Fixture::new(pool.clone()).await.first().await;
    let again = start(&pool, KEY).await.unwrap();
    assert!(!again.setup_needed().await.unwrap());
}

#[sqlx::test(migrations = false)]
async fn two_first_starts_at_once_agree(pool: PgPool) {
    let starts = [start(&pool, KEY), start(&pool, KEY), start(&pool, KEY)];
    for started in futures::future::join_all(starts).await {
        started.unwrap();
    }
}

#[sqlx::test(migrations = false)]
async fn a_wrong_master_key_does_not_start(pool: PgPool) {
    start(&pool, KEY).await.unwrap();
    let error = start(&pool, [8; 32]).await.err().unwrap();
    assert!(matches!(error, StartError::WrongKey));
    assert!(error.to_string().contains("Start with the key file"), "{error}");
    start(&pool, KEY).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn a_newer_schema_does_not_start(pool: PgPool) {
    start(&pool, KEY).await.unwrap();
    let known = control::MIGRATOR.iter().map(|m| m.version).max().unwrap();
    sqlx::query(
        r#"
        INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES ($1, 'from the future', true, '', 0)
        "#,
    )
    .bind(known + 4)
    .execute(&pool)
    .await
    .unwrap();
    let error = start(&pool, KEY).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the store's schema (version {}) is newer than this Paddock knows ({known}): start the newer Paddock",
            known + 4
        )
    );
}

#[sqlx::test(migrations = false)]
async fn a_change_that_was_cut_off_does_not_start(pool: PgPool) {
    start(&pool, KEY).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET success = false WHERE version = 2")
        .execute(&pool)
        .await
        .unwrap();
    let error = start(&pool, KEY).await.err().unwrap();
    assert!(matches!(error, StartError::HalfMigrated { version: 2 }), "{error}");
}

#[sqlx::test(migrations = false)]
async fn an_impossible_cost_does_not_start(pool: PgPool) {
    let cost = control::crypto::password::Cost { memory_kib: 0, passes: 0 };
    let config = control::Config { password_cost: cost, ..config() };
    let started =
        ControlPlane::start(config, pool, (engine(), vault()), clock(), MasterKey::from_bytes(KEY)).await;
    assert!(matches!(started.err().unwrap(), StartError::PasswordCost(_)));
}
