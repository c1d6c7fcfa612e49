//! Wake-ups: one PostgreSQL listener per process, many sleepers. A wake-up carries no data: read the truth again.
//!
//! It may come once too often and, while the connection is lost, not at all: every sleeper polls too.

use crate::background;
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use tokio::sync::watch;

const CHANNEL: &str = "paddock_operation";

/// Tells that something in the operation log changed.
#[derive(Clone, Debug)]
pub struct Wake {
    ticks: watch::Receiver<u64>,
}

impl Wake {
    /// Starts to listen, with one connection of the pool. Lasts as long as the process.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let (tick, ticks) = watch::channel(0);
        background::spawn("wake", async move {
            while !tick.is_closed() {
                if let Err(error) = listen(&pool, &tick).await {
                    tracing::warn!(%error, "Not listening for wake-ups; polling meanwhile");
                }
                if pool.is_closed() {
                    break;
                }
                let jitter: f64 = rand::random();
                tokio::time::sleep(Duration::from_secs_f64(0.5 + jitter)).await;
            }
        });
        Self { ticks }
    }

    /// A counter that grows at each wake-up.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.ticks.clone()
    }
}

async fn listen(pool: &PgPool, tick: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // After a new connection too: something may have been said while nobody listened.
        tick.send_modify(|n| *n += 1);
        listener.try_recv().await?;
    }
}
