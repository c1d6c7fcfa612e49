//! A client that writes one row after the other and remembers which were acknowledged.
//!
//! A row that PostgreSQL has acknowledged must be there for ever, whatever happened to the server meanwhile. A row
//! whose answer got lost may be there or not; one that was never sent may not.

use crate::world::log_in;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

#[derive(Default)]
struct Seen {
    sent: i64,
    acknowledged: BTreeSet<i64>,
    connections: u32,
}

/// The client; it writes until it is stopped.
pub struct Load {
    url: String,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<()>,
}

impl Load {
    #[expect(clippy::disallowed_methods, reason = "the client works beside the test, and is stopped by it")]
    pub async fn start(url: &str) -> Self {
        let client = log_in(url).await.unwrap();
        client.batch_execute("CREATE TABLE load (id bigint PRIMARY KEY)").await.unwrap();
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let writer = tokio::spawn(write(url.to_owned(), Arc::clone(&seen), Arc::clone(&stop)));
        Self { url: url.to_owned(), seen, stop, writer }
    }

    /// How many were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.seen.lock().unwrap().acknowledged.len()
    }

    /// Every acknowledged row is there, and none that was not sent.
    pub async fn check(&self) {
        // Rows acknowledged after this moment are not compared.
        let acknowledged = self.seen.lock().unwrap().acknowledged.clone();
        let client = log_in(&self.url).await.unwrap();
        let rows = client.query("SELECT id FROM load", &[]).await.unwrap();
        let there: BTreeSet<i64> = rows.iter().map(|row| row.get(0)).collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged rows are lost: {lost:?}");
        let sent = self.seen.lock().unwrap().sent;
        assert!(there.iter().all(|id| *id <= sent), "rows that nobody sent");
    }

    /// Lets it end, checks a last time, and answers rows and connections.
    pub async fn finish(mut self) -> (usize, u32) {
        self.stop.store(true, Ordering::SeqCst);
        (&mut self.writer).await.unwrap();
        self.check().await;
        let seen = self.seen.lock().unwrap();
        (seen.acknowledged.len(), seen.connections)
    }
}

async fn write(url: String, seen: Arc<Mutex<Seen>>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let Ok(client) = log_in(&url).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        seen.lock().unwrap().connections += 1;
        while !stop.load(Ordering::SeqCst) {
            let id = {
                let mut seen = seen.lock().unwrap();
                seen.sent += 1;
                seen.sent
            };
            // Its answer may be lost with the connection: then nobody says that it is there.
            if client.execute("INSERT INTO load VALUES ($1)", &[&id]).await.is_err() {
                break;
            }
            seen.lock().unwrap().acknowledged.insert(id);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
