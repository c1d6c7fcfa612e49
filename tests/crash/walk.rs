//! A database that is backed up, restored and looked at while Paddock is killed: what is in it, and how an act is broken off.

use crate::{
    api::{PATIENCE, within},
    paddock::{Armed, Paddock},
    world::{Database, World, log_in},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// What Paddock begins by itself, copies of whole databases among it, comes to its end within this time.
pub const REST: Duration = Duration::from_secs(180);
/// Small, with everything that is walked.
pub const PLAN: &str = "[[plans]]\nname = \"postgresql-sandbox\"\ndisplay_name = \"walk\"\ndescription = \"For the walk.\"\n\
    memory_mib = 256\ndisk_mib = 4096\ncpu_milli = 1000\nnodes = 1\ndaily_backups = 1\nweekly_backups = 1\n\
    manual_backups = 20\npitr_days = 7\n[backups]\nmake_way_minutes = 0\n";

/// A database, and what must be in it.
pub struct Walk {
    pub database: Database,
    pub rows: i64,
    pub expected: BTreeSet<i64>,
}

impl Walk {
    /// A database with an empty table, of which every moment can be had from now on. Nothing is backed up by itself.
    pub async fn begin(paddock: &Paddock, world: &mut World) -> Self {
        let it = Self { database: world.create(paddock, "walked").await, rows: 0, expected: BTreeSet::new() };
        let client = log_in(&it.database.url).await.unwrap();
        client.batch_execute("CREATE TABLE kept (id bigint PRIMARY KEY)").await.unwrap();
        drop(client);
        world.no_periodic_backups(paddock).await;
        it.recoverable(paddock).await;
        it
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/api/databases/{}/{rest}", self.database.addon)
    }

    pub async fn insert(&mut self) {
        self.rows += 1;
        let client = log_in(&self.database.url).await.unwrap();
        client.execute("INSERT INTO kept VALUES ($1)", &[&self.rows]).await.unwrap();
    }

    /// A row that is acknowledged, a moment after it, and a row that must not come back with that moment.
    pub async fn moment(&mut self) -> Value {
        self.insert().await;
        self.expected.insert(self.rows);
        // The next whole second by the server's clock, when it is over.
        let ask = "WITH next AS MATERIALIZED (SELECT date_trunc('second', clock_timestamp()) + interval '1 s' AS at)
                   SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                          pg_sleep(extract(epoch FROM at - clock_timestamp())::float8 + 0.05)::text
                   FROM next";
        let client = log_in(&self.database.url).await.unwrap();
        let moment: String = client.query_one(ask, &[]).await.unwrap().get(0);
        drop(client);
        self.insert().await;
        json!({"restore_time": moment})
    }

    /// Exactly these rows.
    pub async fn compare(&self) {
        let client = log_in(&self.database.url).await.unwrap();
        let rows = client.query("SELECT id FROM kept", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<BTreeSet<i64>>(), self.expected);
    }

    /// The first base backup is there.
    pub async fn recoverable(&self, paddock: &Paddock) {
        let made = async || self.window(paddock).await["earliest_recoverable_at"].is_string();
        assert!(within(REST, made).await, "no base backup was made by itself");
        self.quiet(paddock).await;
    }

    pub async fn window(&self, paddock: &Paddock) -> Value {
        paddock.api.get(&self.path("pitr/recovery_window")).await["recovery_window"].take()
    }

    /// Asks for an act. One that leads to a moment is asked for when the moment can be had: after a boot it may take a
    /// while until it is known what the archive holds. No answer: it was lost with the process.
    pub async fn ask(&self, paddock: &Paddock, path: &str, body: &Value) -> Option<Value> {
        if let Some(moment) = time(&body["restore_time"]) {
            let reaches = async || {
                time(&self.window(paddock).await["latest_recoverable_at"])
                    .is_some_and(|latest| latest >= moment)
            };
            assert!(within(PATIENCE, reaches).await, "{moment} cannot be had");
        }
        paddock.api.post(&self.path(path), body).await
    }

    /// Nothing is under way.
    pub async fn quiet(&self, paddock: &Paddock) {
        let rests = async || {
            let live = paddock.api.get("/v1/operations?live=true").await;
            live["operations"].as_array().unwrap().is_empty()
        };
        assert!(within(REST, rests).await, "it does not come to rest");
    }

    /// One run without faults tells the steps.
    pub async fn steps(&self, paddock: &Paddock, path: &str, body: &Value) -> Vec<String> {
        let begun = self.ask(paddock, path, body).await.expect("an answer");
        let told = [&begun["operation_id"], &begun["database_backup"]["operation_id"], &begun["id"]];
        let id = told.into_iter().find_map(Value::as_str);
        let ended = paddock.api.ended(id.expect("an operation")).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        let steps = ended["steps"].as_array().unwrap().iter();
        let steps = steps.map(|step| step["key"].as_str().unwrap().to_owned()).collect();
        self.quiet(paddock).await;
        steps
    }

    pub async fn kill_at(&self, paddock: &mut Paddock, point: &str, path: &str, body: &Value) {
        let point = Armed::at(point.to_owned());
        paddock.stop();
        paddock.start(Some(&point)).await;
        // The answer may be lost with the process.
        let _ = self.ask(paddock, path, body).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
    }

    /// The last operation of a kind, when it has ended.
    pub async fn ended(&self, paddock: &Paddock, world: &World, kind: &str) -> Value {
        let all = world.operations(paddock, &self.database).await;
        let last = all.iter().rfind(|one| one["kind"] == kind).expect("it was taken up");
        let ended = paddock.api.ended(last["id"].as_str().unwrap()).await;
        self.quiet(paddock).await;
        ended
    }
}

fn time(told: &Value) -> Option<DateTime<Utc>> {
    told.as_str().map(|told| told.parse().unwrap())
}
