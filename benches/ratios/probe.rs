//! What a client feels: one connection that writes a row every few milliseconds and connects again when it is cut.
//!
//! The longest time between two acknowledged rows is the interruption. The same probe runs against both sides.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

const PACE: Duration = Duration::from_millis(5);

/// A client at work.
pub struct Probe {
    gap: Arc<Mutex<Duration>>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Probe {
    /// Makes its table and begins.
    pub async fn start(url: &str) -> Self {
        let client = connect(url).await.expect("the server answers");
        client.batch_execute("CREATE TABLE IF NOT EXISTS probe (at timestamptz)").await.unwrap();
        let (gap, stop) = (Arc::<Mutex<Duration>>::default(), Arc::<AtomicBool>::default());
        let task = tokio::spawn(write(url.to_owned(), Arc::clone(&gap), Arc::clone(&stop)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        *gap.lock().unwrap() = Duration::ZERO;
        Self { gap, stop, task }
    }

    /// Ends it and answers the longest time between two acknowledged rows, seconds.
    pub async fn longest_gap(self) -> f64 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
        self.gap.lock().unwrap().as_secs_f64()
    }
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn write(url: String, gap: Arc<Mutex<Duration>>, stop: Arc<AtomicBool>) {
    let mut last = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let Ok(client) = connect(&url).await else {
            tokio::time::sleep(PACE).await;
            continue;
        };
        while !stop.load(Ordering::SeqCst)
            && client.execute("INSERT INTO probe VALUES (clock_timestamp())", &[]).await.is_ok()
        {
            let now = Instant::now();
            {
                let mut gap = gap.lock().unwrap();
                *gap = gap.max(now - last);
            }
            last = now;
            tokio::time::sleep(PACE).await;
        }
    }
}
