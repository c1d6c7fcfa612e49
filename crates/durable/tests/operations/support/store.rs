//! A database of its own for each test, dropped afterwards even when the test panics.

use chrono::{DateTime, Utc};
use durable::{Enqueued, NewOperation, OperationRow};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use uuid::Uuid;

pub struct Store {
    pub pool: PgPool,
    name: String,
    server: PgConnectOptions,
}

impl Store {
    pub async fn new() -> Self {
        let url = std::env::var("PADDOCK_TEST_STORE")
            .or_else(|_| std::env::var("DATABASE_URL"))
            .expect("PADDOCK_TEST_STORE names a PostgreSQL server for tests");
        let server: PgConnectOptions = url.parse::<PgConnectOptions>().unwrap().database("postgres");
        let name = format!("durable_test_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect_with(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        admin.close().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(40).connect_lazy_with(server.clone().database(&name));
        sqlx::migrate!("../../migrations").run(&pool).await.unwrap();
        // What steps write in the transaction of their end.
        pool.execute("CREATE TABLE effect (operation_id uuid NOT NULL, step text NOT NULL)").await.unwrap();
        Self { pool, name, server }
    }

    pub fn house(subject: &str) -> NewOperation {
        NewOperation {
            id: Uuid::now_v7(),
            kind: "house",
            subject: subject.to_owned(),
            params: json!({ "floors": 2 }),
            actor: json!({ "user": "ada" }),
            first_step: "dig".to_owned(),
            deadline: chrono::Duration::minutes(30),
            idempotency: None,
        }
    }

    pub async fn ask(&self, now: DateTime<Utc>, subject: &str) -> Uuid {
        let mut tx = self.pool.begin().await.unwrap();
        let enqueued = durable::enqueue(&mut tx, now, Self::house(subject)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(enqueued, Enqueued::New(_)));
        enqueued.id()
    }

    pub async fn load(&self, id: Uuid) -> OperationRow {
        durable::load(&self.pool, id).await.unwrap().unwrap()
    }

    /// The operation's history: "dig started", "dig step_done", …
    pub async fn history(&self, id: Uuid) -> Vec<String> {
        let events = durable::events(&self.pool, id, 0, 1000).await.unwrap();
        events.iter().map(|e| format!("{} {}", e.step, e.kind)).collect()
    }

    /// The data of events of a kind.
    pub async fn told(&self, id: Uuid, kind: &str) -> Vec<serde_json::Value> {
        let events = durable::events(&self.pool, id, 0, 1000).await.unwrap();
        events.into_iter().filter(|e| e.kind == kind).map(|e| e.data).collect()
    }

    /// The committed writes of the steps, in order of their labels.
    pub async fn effects(&self, id: Uuid) -> Vec<String> {
        sqlx::query_scalar("SELECT step FROM effect WHERE operation_id = $1 ORDER BY step")
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread with a runtime of its own: the test's runtime may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = PgConnection::connect_with(&server).await?;
                admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await
            })
        });
        if !matches!(dropped.join(), Ok(Ok(_))) {
            eprintln!("the database {} was left behind", self.name);
        }
    }
}
