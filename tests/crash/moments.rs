//! The same walk for backups, for a restore of one in place, and for a restore to a moment that takes the database's place.
//! After each kill the rows up to the moment are there and no later ones, what was left lies in the trash, and no server of either is left over.
//! Taking back is provoked by ending the restored server before it takes the place.
//!
//! Each act is broken off where most can go wrong: when it is done and not yet noted.

use crate::{
    api::{PATIENCE, within},
    paddock::{Armed, Paddock},
    world::{Database, World, log_in},
};
use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// What Paddock begins by itself, copies of whole databases among it, comes to its end within this time.
const REST: Duration = Duration::from_secs(180);
const PLAN: &str = "[[plans]]\nname = \"postgresql-sandbox\"\ndisplay_name = \"walk\"\ndescription = \"For the walk.\"\n\
    memory_mib = 256\ndisk_mib = 4096\ncpu_milli = 1000\nnodes = 1\ndaily_backups = 1\nweekly_backups = 1\n\
    manual_backups = 20\npitr_days = 7\n";

#[tokio::test]
async fn a_kill_while_it_is_backed_up_or_restored_leaves_one_whole_database() {
    let mut paddock = Paddock::with(PLAN);
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let mut walk =
        Walk { database: world.create(&paddock, "restored").await, rows: 0, expected: BTreeSet::new() };
    let client = log_in(&walk.database.url).await.unwrap();
    client.batch_execute("CREATE TABLE kept (id bigint PRIMARY KEY)").await.unwrap();
    drop(client);
    world.no_periodic_backups(&paddock).await;
    walk.recoverable(&paddock).await;

    for (kind, path) in [("backup", "backups"), ("base_backup", "pitr/base_backups")] {
        let steps = walk.steps(&paddock, path, &json!({})).await;
        for step in steps {
            println!("{kind}.{step}");
            walk.kill_at(&mut paddock, &format!("{kind}.{step}:acted"), path, &json!({})).await;
            let ended = walk.ended(&paddock, &world, kind).await;
            assert_eq!(ended["status"], "succeeded", "{ended:#}");
            world.check(&paddock).await;
        }
    }
    walk.backups_are_whole(&paddock).await;
    walk.restore_backups(&mut paddock, &world).await;

    let moment = walk.moment().await;
    let steps = walk.steps(&paddock, "pitr/restore", &moment).await;
    walk.restored(&paddock, &mut world).await;
    assert!(steps.len() >= 11, "{steps:?}");
    for step in steps {
        println!("pitr_restore.{step}");
        let moment = walk.moment().await;
        walk.kill_at(&mut paddock, &format!("pitr_restore.{step}:acted"), "pitr/restore", &moment).await;
        let ended = walk.ended(&paddock, &world, "pitr_restore").await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        walk.restored(&paddock, &mut world).await;
    }
    for step in ["reopen", "discard"] {
        println!("pitr_restore.{step}");
        let moment = walk.moment().await;
        walk.take_back(&mut paddock, &format!("pitr_restore.{step}:acted"), &moment).await;
        let ended = walk.ended(&paddock, &world, "pitr_restore").await;
        assert_eq!(ended["status"], "failed", "{ended:#}");
        // Nothing was restored: what came after the moment is there still.
        walk.expected.insert(walk.rows);
        walk.compare().await;
        walk.quiet(&paddock).await;
        world.check(&paddock).await;
    }
    world.bystander_never_noticed().await;
}

/// A database, and what must be in it.
struct Walk {
    database: Database,
    rows: i64,
    expected: BTreeSet<i64>,
}

impl Walk {
    fn path(&self, rest: &str) -> String {
        format!("/api/databases/{}/{rest}", self.database.addon)
    }

    async fn insert(&mut self) {
        self.rows += 1;
        let client = log_in(&self.database.url).await.unwrap();
        client.execute("INSERT INTO kept VALUES ($1)", &[&self.rows]).await.unwrap();
    }

    /// A row that is acknowledged, a moment after it, and a row that must not come back with that moment.
    async fn moment(&mut self) -> Value {
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
    async fn compare(&self) {
        let client = log_in(&self.database.url).await.unwrap();
        let rows = client.query("SELECT id FROM kept", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<BTreeSet<i64>>(), self.expected);
    }

    /// The first base backup is there.
    async fn recoverable(&self, paddock: &Paddock) {
        let made = async || self.window(paddock).await["earliest_recoverable_at"].is_string();
        assert!(within(REST, made).await, "no base backup was made by itself");
        self.quiet(paddock).await;
    }

    async fn window(&self, paddock: &Paddock) -> Value {
        paddock.api.get(&self.path("pitr/recovery_window")).await["recovery_window"].take()
    }

    /// Asks for an act. One that leads to a moment is asked for when the moment can be had: after a boot it may take a
    /// while until it is known what the archive holds. No answer: it was lost with the process.
    async fn ask(&self, paddock: &Paddock, path: &str, body: &Value) -> Option<Value> {
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
    async fn quiet(&self, paddock: &Paddock) {
        let rests = async || {
            let live = paddock.api.get("/v1/operations?live=true").await;
            live["operations"].as_array().unwrap().is_empty()
        };
        assert!(within(REST, rests).await, "it does not come to rest");
    }

    /// One run without faults tells the steps.
    async fn steps(&self, paddock: &Paddock, path: &str, body: &Value) -> Vec<String> {
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

    async fn kill_at(&self, paddock: &mut Paddock, point: &str, path: &str, body: &Value) {
        let point = Armed::at(point.to_owned());
        paddock.stop();
        paddock.start(Some(&point)).await;
        // The answer may be lost with the process.
        let _ = self.ask(paddock, path, body).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
    }

    /// Killed once when the restored server stands there; that one is ended, so it cannot take the place; killed again
    /// on the way back.
    async fn take_back(&self, paddock: &mut Paddock, point: &str, body: &Value) {
        let early = "pitr_restore.look:committed";
        paddock.stop();
        paddock.start(Some(&Armed::at(early.into()))).await;
        let _ = self.ask(paddock, "pitr/restore", body).await;
        paddock.died_at(&Armed::at(early.into())).await;
        let beside: Vec<_> =
            paddock.servers().into_iter().filter(|server| self.is_beside(server.pid)).collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
        kill_process(Pid::from_raw(beside[0].pid).unwrap(), Signal::QUIT).unwrap();
        let point = Armed::at(point.to_owned());
        paddock.start(Some(&point)).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
    }

    /// A server that is being restored has no address.
    fn is_beside(&self, pid: i32) -> bool {
        let conf = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let conf = String::from_utf8_lossy(&conf).into_owned();
        let file = conf.split('\0').find_map(|word| word.strip_prefix("config_file="));
        // A trial's server may be gone meanwhile.
        let conf = file.and_then(|file| std::fs::read_to_string(file).ok());
        conf.is_some_and(|conf| conf.contains("recovery_target_time"))
    }

    /// The last operation of a kind, when it has ended.
    async fn ended(&self, paddock: &Paddock, world: &World, kind: &str) -> Value {
        let all = world.operations(paddock, &self.database).await;
        let last = all.iter().rfind(|one| one["kind"] == kind).expect("it was taken up");
        let ended = paddock.api.ended(last["id"].as_str().unwrap()).await;
        self.quiet(paddock).await;
        ended
    }

    /// The database as of the last moment, in the place of the one that was left.
    async fn restored(&mut self, paddock: &Paddock, world: &mut World) {
        self.compare().await;
        self.quiet(paddock).await;
        world.moved(paddock, &mut self.database);
        world.check(paddock).await;
    }

    /// A backup takes the place of what is there: what came after it is gone, whenever it was killed.
    async fn restore_backups(&mut self, paddock: &mut Paddock, world: &World) {
        self.insert().await;
        self.expected.insert(self.rows);
        let made = paddock.api.post(&self.path("backups"), &json!({})).await.expect("an answer");
        self.quiet(paddock).await;
        let path = format!("backups/{}/restore", made["database_backup"]["id"].as_str().unwrap());
        self.insert().await;
        let steps = self.steps(paddock, &path, &json!({})).await;
        self.compare().await;
        assert_eq!(steps, ["save", "load", "switch", "call_hook"]);
        for step in steps {
            self.insert().await;
            self.kill_at(paddock, &format!("restore_backup.{step}:acted"), &path, &json!({})).await;
            let ended = self.ended(paddock, world, "restore_backup").await;
            assert_eq!(ended["status"], "succeeded", "{ended:#}");
            self.compare().await;
            world.check(paddock).await;
        }
    }

    /// Each backup is done, and has an archive of the bytes that it tells.
    async fn backups_are_whole(&self, paddock: &Paddock) {
        let told = paddock.api.get(&self.path("backups")).await;
        let told = told["database_backups"].as_array().unwrap().clone();
        assert!(told.len() >= 2, "{told:?}");
        for one in &told {
            assert_eq!(one["status"], "done", "{one:#}");
            let path = self.path(&format!("backups/{}/archive", one["id"].as_str().unwrap()));
            let link = paddock.api.get(&path).await["download_url"].as_str().unwrap().to_owned();
            let bytes = reqwest::get(link).await.unwrap().bytes().await.unwrap();
            assert_eq!(Some(bytes.len() as u64), one["size"].as_u64(), "{one:#}");
        }
    }
}

fn time(told: &Value) -> Option<DateTime<Utc>> {
    told.as_str().map(|told| told.parse().unwrap())
}
