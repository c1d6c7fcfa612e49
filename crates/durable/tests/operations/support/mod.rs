//! What the tests of the operation log share: a throw-away store, a clock to turn by hand, and a procedure that
//! builds a house in a small world, failing where a test tells it to.
//!
//! `PADDOCK_TEST_STORE` (else `DATABASE_URL`) names a server where a database may be created.

mod house;
mod store;

pub use house::{Act, House, Plan, Step, World};
pub use store::Store;

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use durable::{Clock, Worker, WorkerConfig};
use std::sync::{Arc, Mutex};

/// A clock that stands still until it is turned.
pub struct TestClock(Mutex<DateTime<Utc>>);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap())))
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// No chance in tests: pauses are as long as they can be, polls far apart.
pub fn config() -> WorkerConfig {
    WorkerConfig { jitter: || 0.0, poll: std::time::Duration::from_secs(3600), ..WorkerConfig::default() }
}

/// A site: store, clock, world, and workers that come and go.
pub struct Site {
    pub store: Store,
    pub clock: Arc<TestClock>,
    pub world: Arc<World>,
    pub plan: Plan,
}

impl Site {
    pub async fn new() -> Self {
        let clock = TestClock::new();
        Self { store: Store::new().await, clock, world: World::new(), plan: Plan::default() }
    }

    pub fn worker(&self) -> Worker {
        self.worker_with(config())
    }

    pub fn worker_with(&self, config: WorkerConfig) -> Worker {
        let house = House { world: Arc::clone(&self.world), plan: self.plan, clock: Arc::clone(&self.clock) };
        let clock: Arc<dyn Clock> = self.clock.clone();
        Worker::new(self.store.pool.clone(), clock, vec![durable::typed(house)], config)
    }

    /// Asks for a house.
    pub async fn ask(&self, subject: &str) -> uuid::Uuid {
        self.store.ask(self.clock.now(), subject).await
    }

    /// Lets a fresh worker run every step, as if each had its own process, and time pass in between, until the
    /// operation has ended.
    pub async fn finish(&self, id: uuid::Uuid) -> durable::OperationRow {
        for _ in 0..200 {
            let row = self.store.load(id).await;
            if row.status.ended() {
                return row;
            }
            if !self.worker().run_once().await.unwrap() {
                self.clock.advance(Duration::seconds(10));
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
        panic!("the operation does not end: {:#?}", self.store.load(id).await);
    }
}
