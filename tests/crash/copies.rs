//! The walk for copies: of a backup that is tried in a throw-away server, of one that becomes a database of its own, and of
//! a moment that stands beside the database and is moved. A kill in the middle of any of them leaves the database as it
//! is, and no server and no directory that nobody knows.

use crate::{
    paddock::{Armed, Paddock},
    walk::{PLAN, Walk},
    world::{World, directories, log_in},
};
use serde_json::json;

#[tokio::test]
async fn a_kill_while_a_copy_is_made_leaves_the_database_alone() {
    let mut paddock = Paddock::with(PLAN);
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let mut walk = Walk::begin(&paddock, &mut world).await;
    walk.insert().await;
    walk.expected.insert(walk.rows);
    let made = paddock.api.post(&walk.path("backups"), &json!({})).await.expect("an answer");
    let backup = made["database_backup"]["id"].as_str().unwrap();
    walk.quiet(&paddock).await;
    for at in ["before", "acted", "committed"] {
        println!("prove_backup.restore:{at}");
        walk.try_backup(&mut paddock, &world, backup, at).await;
    }
    for at in ["before", "acted", "committed"] {
        println!("provision.fill:{at}");
        walk.make_another(&mut paddock, &mut world, backup, at).await;
    }
    println!("pitr_restore beside, moved");
    walk.look_beside(&mut paddock, &world).await;
    world.bystander_never_noticed().await;
}

impl Walk {
    /// Whoever begins the trial, the keeper or a person: it is killed, and comes to its verdict afterwards.
    async fn try_backup(&self, paddock: &mut Paddock, world: &World, backup: &str, at: &str) {
        let point = Armed::at(format!("prove_backup.restore:{at}"));
        paddock.stop();
        paddock.start(Some(&point)).await;
        paddock.act("prove_backup", &[("backup", backup)]).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
        let ended = self.ended(paddock, world, "prove_backup").await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        let told = paddock.api.get(&self.path(&format!("backups/{backup}"))).await;
        assert_eq!(told["database_backup"]["proof"]["state"], "proven", "{told:#}");
        assert!(directories(&paddock.root.join("trials")).is_empty(), "a trial is left over");
        self.compare().await;
        world.check(paddock).await;
    }

    /// A database that begins with a backup has its rows, and no other is touched.
    async fn make_another(&self, paddock: &mut Paddock, world: &mut World, backup: &str, at: &str) {
        let point = Armed::at(format!("provision.fill:{at}"));
        paddock.stop();
        paddock.start(Some(&point)).await;
        let order = [("backup", backup), ("plan", "postgresql-sandbox")];
        paddock.act("restore_backup_beside", &order).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
        let other = world.adopt(paddock).await;
        let client = log_in(&other.url).await.unwrap();
        let rows = client.query("SELECT id FROM kept", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), [1]);
        drop(client);
        self.quiet(paddock).await;
        world.check(paddock).await;
        world.delete(paddock, &other).await;
        self.compare().await;
        world.check(paddock).await;
    }

    /// What stands beside the database is moved from moment to moment, killed at each step, and counted.
    async fn look_beside(&mut self, paddock: &mut Paddock, world: &World) {
        let moment = self.moment().await;
        let steps = self.steps(paddock, "pitr/beside", &moment).await;
        let until_look = steps.iter().position(|step| step == "look").expect("it is looked at");
        for step in &steps[..=until_look] {
            let moment = self.moment().await;
            // Of the last two rows one came after the moment.
            let rows = self.rows - 1;
            let point = format!("pitr_restore.{step}:acted");
            self.kill_at(paddock, &point, "pitr/beside", &moment).await;
            let ended = self.ended(paddock, world, "pitr_restore").await;
            assert_eq!(ended["status"], "succeeded", "{ended:#}");
            let standing = paddock.api.get(&self.path("pitr")).await["pitr"]["standing"].take();
            assert_eq!(
                (&standing["status"], &standing["moment"]),
                (&json!("ready"), &moment["restore_time"])
            );
            assert_eq!(standing["tables"], json!([{"table": "public.kept", "rows": rows}]), "{standing:#}");
        }
        // Nobody went back.
        self.expected = (1..=self.rows).collect();
        self.compare().await;
        paddock.api.delete(&self.path("pitr/beside")).await.expect("an answer");
        self.quiet(paddock).await;
        world.check(paddock).await;
    }
}
