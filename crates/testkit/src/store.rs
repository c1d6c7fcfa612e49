//! A database of its own for each test, on the PostgreSQL server that `DATABASE_URL` names; dropped afterwards.
//!
//! Leftovers of tests that were killed are dropped by later ones, an hour after.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const PREFIX: &str = "paddock_test_";
const LEFT_OVER_SECS: u64 = 3600;

/// A throw-away database.
pub struct TestStore {
    /// Connections to it.
    pub pool: PgPool,
    admin: PgConnectOptions,
    name: String,
}

impl TestStore {
    /// Makes an empty one.
    ///
    /// # Panics
    /// Without a PostgreSQL server at `DATABASE_URL` whose role may create databases.
    #[expect(clippy::expect_used, reason = "a test without its store says so and ends")]
    pub async fn new() -> Self {
        let url = std::env::var("DATABASE_URL").expect(
            "tests with a store need DATABASE_URL: a PostgreSQL server where databases may be created",
        );
        let admin: PgConnectOptions = url.parse().expect("DATABASE_URL is a URL");
        let admin = admin.disable_statement_logging();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = format!("{PREFIX}{now}_{}", Uuid::new_v4().simple());
        let mut conn = PgConnection::connect_with(&admin).await.expect("the test server answers");
        drop_leftovers(&mut conn, now).await;
        execute(&mut conn, format!("CREATE DATABASE {name}")).await.expect("the role may create databases");
        conn.close().await.ok();
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(admin.clone().database(&name))
            .await
            .expect("a new database can be connected to");
        Self { pool, admin, name }
    }

    /// Where it is, for a process of its own.
    #[must_use]
    pub fn url(&self) -> String {
        self.admin.clone().database(&self.name).to_url_lossy().to_string()
    }
}

async fn execute(conn: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    // Names are made above, of letters, digits and underscores.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map(drop)
}

async fn drop_leftovers(conn: &mut PgConnection, now: u64) {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)")
            .bind(PREFIX)
            .fetch_all(&mut *conn)
            .await
            .unwrap_or_default();
    for name in names {
        let made = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()?.parse::<u64>().ok());
        if made.is_some_and(|made| made + LEFT_OVER_SECS < now) {
            execute(conn, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.ok();
        }
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // A runtime of its own: the test's may be ending, and cannot be waited for from here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut conn = PgConnection::connect_with(&admin).await?;
                execute(&mut conn, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
                Ok::<(), anyhow::Error>(())
            })
        });
        // A database that stays is dropped by a later test.
        dropping.join().ok();
    }
}
