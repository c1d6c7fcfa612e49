//! The same walk for backups, for a restore of one in place, and for a restore to a moment that takes the database's place.
//! After each kill the rows up to the moment are there and no later ones, what was left lies in the trash, and no server of either is left over.
//! Taking back is provoked by ending the restored server before it takes the place.
//!
//! Each act is broken off where most can go wrong: when it is done and not yet noted.

use crate::{
    paddock::{Armed, Paddock},
    walk::{PLAN, Walk},
    world::World,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

#[tokio::test]
async fn a_kill_while_it_is_backed_up_or_restored_leaves_one_whole_database() {
    let mut paddock = Paddock::with(PLAN);
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let mut walk = Walk::begin(&paddock, &mut world).await;

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

impl Walk {
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
