//! A stolen dump of the store: does anything in it open anything?

use crate::support::{Fixture, PASSWORD, token_of};
use control::Actor;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use types::audit::AuditFilter;

#[sqlx::test(migrations = false)]
async fn the_store_holds_no_secret_in_clear(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let setup = f.control.setup_token().await.unwrap().unwrap();
    let dump_before_setup = dump(&pool).await;
    let ada =
        f.control.create_first_account(setup.expose_secret(), crate::support::account("ada")).await.unwrap();
    let cookie = "Zm9vYmFyYmF6cXV4cXV1eA";
    let here = f.session(&ada, cookie).await;
    f.app("my-app", ada.id).await;
    let (_, token) = f.control.create_token(&here, "ci").await.unwrap();
    let jwt = f.control.exchange_token(token.expose_secret(), "").await.unwrap();
    let (_, link) = f.control.invite(&here, "my-app", "eve@example.org").await.unwrap();
    f.control.sign_in("ada", &PASSWORD.into(), "").await.unwrap();
    f.control.sign_in(PASSWORD, &PASSWORD.into(), "").await.unwrap_err();
    f.control.audit(&Actor::System, &AuditFilter::newest(10)).await.unwrap();

    let dump = dump_before_setup + &dump(&pool).await;
    assert!(dump.contains("ada@example.org"), "the dump is one");
    for secret in [setup.expose_secret(), PASSWORD, cookie, token.expose_secret(), &jwt, token_of(&link)] {
        assert!(!dump.contains(secret), "in clear: {secret}");
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        assert!(!dump.contains(&hex), "in clear, as bytes: {secret}");
    }
}

/// Every row of every table as text.
async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT to_jsonb(t)::text FROM {table} t")))
                .fetch_all(pool)
                .await
                .unwrap();
        dump.push_str(&rows.join("\n"));
    }
    dump
}
