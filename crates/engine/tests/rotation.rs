//! The published password changes while clients work: the whole way, from the core's operation to a real server. A client
//! that reads the published URL when it connects loses no request.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;

use chrono::TimeDelta;
use control::{Actor, Config, ControlPlane, MasterKey, NewAddon, engine::Engine as _};
use durable::{SystemClock, Worker, WorkerConfig};
use host::Host;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use testkit::{FakeVault, TestStore};
use tokio_postgres::Client;
use types::{OperationId, operation::OperationStatus};

const APP: &str = "my-app";

/// An app, and the only thing that its programs know: where its URL is published.
struct App {
    plane: ControlPlane,
    owner: Actor,
    ca: String,
}

impl App {
    async fn url(&self) -> String {
        let all = self.plane.variables(&self.owner, APP, true).await.unwrap();
        all.into_iter().find(|one| one.name == "DATABASE_URL").unwrap().value
    }

    /// Connects as the URL says that is published now.
    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        connect(&self.url().await, &self.ca).await
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own connection")]
async fn connect(url: &str, ca: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, host::tls(ca)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// What a client went through.
#[derive(Debug, Default)]
struct Seen {
    requests: u32,
    connections: u32,
    logins: BTreeSet<String>,
    failed: Vec<String>,
}

impl Seen {
    /// One request: a row is written, and the client learns as whom.
    async fn request(&mut self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let row = client.query_one("INSERT INTO request DEFAULT VALUES RETURNING session_user::text", &[]);
        self.logins.insert(row.await?.get(0));
        Ok(())
    }

    /// Connects anew for a request; what fails now has failed.
    async fn anew(&mut self, app: &App) -> Option<Client> {
        self.connections += 1;
        let done = async {
            let client = app.connect().await?;
            self.request(&client).await?;
            Ok(client)
        };
        let done: Result<Client, tokio_postgres::Error> = done.await;
        done.map_err(|error| self.failed.push(format!("{error:?}"))).ok()
    }
}

/// A pool's client: it keeps its connection, and connects anew for a request that the connection does not bear any more.
async fn keeps(app: &App, stop: &AtomicBool) -> Seen {
    let (mut seen, mut open) = (Seen::default(), None);
    while !stop.load(Ordering::SeqCst) {
        seen.requests += 1;
        let borne = match &open {
            Some(client) => seen.request(client).await.is_ok(),
            None => false,
        };
        if !borne {
            open = seen.anew(app).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    seen
}

/// A script's client: a connection for every request.
async fn comes_and_goes(app: &App, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::SeqCst) {
        seen.requests += 1;
        seen.anew(app).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    seen
}

/// Works until an operation has succeeded, by the clock on the wall.
async fn finish(plane: &ControlPlane, worker: &Worker, operation: OperationId) {
    let work = async {
        while plane.operation(&Actor::System, operation).await.unwrap().status != OperationStatus::Succeeded {
            while worker.run_once().await.unwrap() {}
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(180), work).await;
    assert!(done.is_ok(), "{:?}", plane.operation(&Actor::System, operation).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_the_published_password_changes() {
    let host = Host::new().await;
    let store = TestStore::new().await;
    // Nobody is told here, so the old login stays five times as long. A client that has read the URL connects in that
    // time, also on a busy machine.
    let config = Config { password_overlap: TimeDelta::seconds(2), ..Config::default() };
    let rooms = (Arc::new(host.engine.clone()) as _, Arc::new(FakeVault::new()) as _);
    let clock = Arc::new(SystemClock);
    let plane = ControlPlane::start(config, store.pool.clone(), rooms, clock, MasterKey::from_bytes([7; 32]))
        .await
        .unwrap();
    let owner = testkit::person(&store, &plane, "ada", false).await;
    let worker = plane.worker(WorkerConfig::default());
    plane.create_app(&owner, APP).await.unwrap();
    let new = NewAddon { plan: "postgresql-starter-512".into(), version: None };
    let ordered = plane.provision(&owner, APP, new, None).await.unwrap();
    finish(&plane, &worker, ordered.operation).await;

    let ca = host.engine.ca_certificate().await.unwrap();
    let app = App { plane: plane.clone(), owner: owner.clone(), ca };
    let before = app.url().await;
    let client = connect(&before, &app.ca).await.unwrap();
    // Commits wait for no disk: a client that is mostly idle is cut soon, a busy one only after half a minute.
    client.batch_execute("CREATE UNLOGGED TABLE request (id bigserial PRIMARY KEY)").await.unwrap();
    drop(client);

    let (addon, name) = (ordered.addon.id, ordered.addon.resource_id);
    let stop = AtomicBool::new(false);
    let rotate = async {
        let set = plane.change_database_password(&owner, addon, &name, None, None).await.unwrap();
        finish(&plane, &worker, set.operation.unwrap()).await;
        assert!(connect(&before, &app.ca).await.is_err(), "the old password is worth nothing");
        stop.store(true, Ordering::SeqCst);
    };
    let (kept, scripted, ()) = tokio::join!(keeps(&app, &stop), comes_and_goes(&app, &stop), rotate);

    let both = BTreeSet::from([name.clone(), format!("{name}_b")]);
    for seen in [&kept, &scripted] {
        assert_eq!(seen.failed, Vec::<String>::new());
        assert_eq!(seen.logins, both, "it worked before and after the changes");
    }
    assert!(kept.connections >= 2, "its connection was ended: {kept:?}");
    let client = app.connect().await.unwrap();
    let rows: i64 = client.query_one("SELECT count(*) FROM request", &[]).await.unwrap().get(0);
    assert!(rows >= i64::from(kept.requests + scripted.requests), "each request was carried out");
    drop(client);
    host.end().await;
}
