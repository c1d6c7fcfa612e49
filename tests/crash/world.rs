//! What the walk believes to exist, and its comparison with the API, the disk and the process table.
//!
//! It refuses orphans on either side: a directory, a server or a port that the API does not know, and a database of
//! the API's that nobody can log in to.

use crate::{
    api::{PATIENCE, within},
    paddock::{Paddock, Server},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use tokio_postgres::{Client, NoTls};

const BESIDE: &str = "beside";

/// A database that can be used.
#[derive(Clone, Debug)]
pub struct Database {
    pub addon: String,
    /// The name of its directory: its own id until another server takes its place.
    id: String,
    pub url: String,
}

/// Everything there should be.
pub struct World {
    live: Vec<Database>,
    deleting: Vec<Database>,
    trash: BTreeSet<String>,
    bystander: Database,
    /// Open from the first life to the last.
    connection: Client,
    started: String,
}

impl World {
    /// The app whose databases are made and deleted.
    pub const APP: &str = "walked";

    /// An empty app to walk in, and a database beside it that is used all the while.
    pub async fn new(paddock: &Paddock) -> Self {
        paddock.api.make_app(Self::APP).await;
        paddock.api.make_app(BESIDE).await;
        let bystander = create(paddock, BESIDE, "bystander").await;
        let connection = log_in(&bystander.url).await.unwrap();
        let started = started(&connection).await;
        let (live, deleting, trash) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { live, deleting, trash, bystander, connection, started }
    }

    /// Orders a database, or asks again for one ordered with this key, and waits until it can be used.
    pub async fn create(&mut self, paddock: &Paddock, key: &str) -> Database {
        let database = create(paddock, Self::APP, key).await;
        self.live.push(database.clone());
        database
    }

    /// Takes in a database that was ordered in another way: the one that the walk does not know yet.
    pub async fn adopt(&mut self, paddock: &Paddock) -> Database {
        let told = paddock.api.get(&format!("/v1/apps/{}/addons", Self::APP)).await;
        let known = |addon: &&Value| self.live.iter().all(|live| addon["id"] != *live.addon);
        let new: Vec<_> = told["addons"].as_array().unwrap().iter().filter(known).cloned().collect();
        assert_eq!(new.len(), 1, "{new:#?}");
        let operations = operations(paddock, new[0]["id"].as_str().unwrap()).await;
        let order = operations.iter().find(|one| one["kind"] == "provision").expect("it was ordered");
        let ended = paddock.api.ended(order["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        let database = made(paddock, Self::APP, &new[0]).await;
        self.live.push(database.clone());
        database
    }

    /// Deletes a database the quiet way.
    pub async fn delete(&mut self, paddock: &Paddock, database: &Database) {
        let at = self.live.iter().position(|live| live.addon == database.addon).unwrap();
        self.deleting.push(self.live.remove(at));
        let path = format!("/v1/apps/{}/addons/{}", Self::APP, database.addon);
        paddock.api.delete(&path).await.expect("an answer");
        self.deleted(paddock, &database.addon).await;
    }

    /// Nothing backs up a database that exists now but who asks for it: the walk may last beyond the hour of the plan.
    pub async fn no_periodic_backups(&self, paddock: &Paddock) {
        let off = json!({"database": {"periodic_backups_enabled": false}});
        for database in self.live.iter().chain([&self.bystander]) {
            let path = format!("/api/databases/{}", database.addon);
            let told = paddock.api.patch(&path, &off).await.expect("an answer");
            assert_eq!(told["database"]["periodic_backups_enabled"], false, "{told:#}");
        }
    }

    /// Chooses a database whose deletion will be broken off.
    pub fn begin_delete(&mut self) -> String {
        let database = self.live.pop().expect("made before");
        let addon = database.addon.clone();
        self.deleting.push(database);
        addon
    }

    /// Waits for the deletion's end.
    pub async fn deleted(&mut self, paddock: &Paddock, addon: &str) {
        let at = self.deleting.iter().position(|database| database.addon == addon).unwrap();
        let database = self.deleting.remove(at);
        let last = self.operations(paddock, &database).await.pop().unwrap();
        assert_eq!(last["kind"], "delete");
        let ended = paddock.api.ended(last["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        assert!(log_in(&database.url).await.is_err(), "a deleted database lets people in");
        assert!(self.trash.insert(database.id));
    }

    /// Another server runs a database from now on; the one that it left lies in the trash.
    pub fn moved(&mut self, paddock: &Paddock, database: &mut Database) {
        let known = self.live.iter().chain([&self.bystander]).map(|database| &database.id);
        let known: BTreeSet<_> = known.cloned().collect();
        let mut new: Vec<_> = directories(&paddock.root.join("nodes")).difference(&known).cloned().collect();
        assert_eq!(new.len(), 1, "one new server: {new:?}");
        let left = std::mem::replace(&mut database.id, new.remove(0));
        assert!(self.trash.insert(left));
        let live = self.live.iter_mut().find(|live| live.addon == database.addon).expect("it lives");
        *live = database.clone();
    }

    /// The operations of a database, oldest first.
    pub async fn operations(&self, paddock: &Paddock, database: &Database) -> Vec<Value> {
        operations(paddock, &database.addon).await
    }

    /// Compares everything with everything.
    pub async fn check(&self, paddock: &Paddock) {
        let mut ports = BTreeMap::new();
        let home = |addon: &str| {
            let all = self.live.iter().chain([&self.bystander]);
            all.into_iter().find(|database| database.addon == addon).expect("compared just now").id.clone()
        };
        for (app, believed) in [(Self::APP, &*self.live), (BESIDE, std::slice::from_ref(&self.bystander))] {
            let told = addons(paddock, app).await;
            let addons: BTreeSet<_> = told.iter().map(|addon| addon["id"].as_str().unwrap()).collect();
            assert_eq!(addons, believed.iter().map(|database| &*database.addon).collect());
            for addon in &told {
                assert!(is_at_rest(addon), "{addon:#}");
                let addon = addon["id"].as_str().unwrap();
                let shown = paddock.api.get(&format!("/api/databases/{addon}")).await;
                let node = &shown["database"]["instances"][0];
                ports.insert(home(addon), node["port"].as_u64());
            }
            for database in believed {
                log_in(&database.url).await.expect("a published URL lets people in");
            }
        }
        assert_eq!(ports.values().collect::<BTreeSet<_>>().len(), ports.len(), "a port is shared: {ports:?}");
        let live: BTreeSet<_> = ports.keys().cloned().collect();
        assert_eq!(directories(&paddock.root.join("nodes")), live, "directories of databases");
        assert_eq!(directories(&paddock.root.join("trash")), self.trash, "directories in the trash");
        assert_eq!(directories(&paddock.root.join("pool")), BTreeSet::new(), "half-made clusters");

        // A list and no set: a second server of one database is seen.
        let found = paddock.servers();
        let mut servers: Vec<_> = found.iter().map(|server| (whose(paddock, server), server.port)).collect();
        // A backup may be tried at any time, in a server of its own; what a kill leaves of it goes before the next.
        servers.retain(|(whose, _)| whose != "store" && whose != "trials");
        servers.sort();
        let told = ports.into_iter();
        let told: Vec<_> =
            told.map(|(id, port)| (id, port.and_then(|port| u16::try_from(port).ok()))).collect();
        assert_eq!(servers, told, "servers and the ports that they were given");
    }

    /// The same connection still answers, from the same server.
    pub async fn bystander_never_noticed(&self) {
        assert_eq!(started(&self.connection).await, self.started);
    }
}

async fn operations(paddock: &Paddock, addon: &str) -> Vec<Value> {
    let rows = paddock.api.get(&format!("/v1/operations?addon={addon}")).await;
    let mut operations = Vec::new();
    for row in rows["operations"].as_array().unwrap().iter().rev() {
        let path = format!("/v1/operations/{}", row["id"].as_str().unwrap());
        operations.push(paddock.api.get(&path).await["operation"].take());
    }
    operations
}

/// An app's add-ons, when all of them run and nothing changes them, or as they are when that does not come. Nobody
/// waits long for a look at a server, and one that was late is told as suspended.
async fn addons(paddock: &Paddock, app: &str) -> Vec<Value> {
    let mut told = Vec::new();
    let at_rest = async || {
        let answer = paddock.api.get(&format!("/v1/apps/{app}/addons")).await;
        told.clone_from(answer["addons"].as_array().unwrap());
        told.iter().all(is_at_rest)
    };
    within(PATIENCE, at_rest).await;
    told
}

fn is_at_rest(addon: &Value) -> bool {
    addon["status"] == "running" && addon["operation_id"].is_null()
}

async fn create(paddock: &Paddock, app: &str, key: &str) -> Database {
    let ordered = paddock.api.order(app, key).await.expect("an answer");
    let ended = paddock.api.ended(ordered["operation_id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    made(paddock, app, &ordered["addon"]).await
}

/// A database that the API tells of, when it can be used.
async fn made(paddock: &Paddock, app: &str, told: &Value) -> Database {
    let addon = told["id"].as_str().unwrap().to_owned();
    let name = told["resource_id"].as_str().unwrap();
    let variables = paddock.api.get(&format!("/v1/apps/{app}/variables?aliases=false")).await;
    let values = variables["variables"].as_array().unwrap().iter().filter_map(|v| v["value"].as_str());
    let mut urls = values.filter(|value| value.contains(&format!("/{name}?")));
    let url = urls.next().expect("a published URL").to_owned();
    let shown = paddock.api.get(&format!("/api/databases/{addon}")).await;
    let id = directory(&shown["database"]["instances"][0]);
    Database { addon, id, url }
}

/// Logs in with a published URL and asks something.
#[expect(clippy::disallowed_methods, reason = "the connection lives beside the test, and ends with it")]
pub async fn log_in(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.query_one("SELECT 1", &[]).await?;
    Ok(client)
}

async fn started(connection: &Client) -> String {
    let row = connection.query_one("SELECT pg_postmaster_start_time()::text", &[]).await.unwrap();
    row.get(0)
}

/// Name of the directory of a node that the API tells of: its id without the kind.
fn directory(node: &Value) -> String {
    node["id"].as_str().and_then(|id| id.strip_prefix("db-")).expect("a database's id").to_owned()
}

pub fn directories(below: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(below).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The database whose directory a server runs in, or `store`, or `trials`.
fn whose(paddock: &Paddock, server: &Server) -> String {
    let below = server.data.strip_prefix(&paddock.root).unwrap();
    let mut parts = below.iter().map(|part| part.to_str().unwrap());
    match (parts.next(), parts.next()) {
        (Some("nodes"), Some(id)) => id.to_owned(),
        (Some(beside @ ("store" | "trials")), _) => beside.to_owned(),
        _ => format!("{server:?}"),
    }
}
