//! Everything that a test of the core needs, in one value: store, clock, fake engine, control plane, people.

use crate::{FakeEngine, FakeVault, Fired, TestClock, TestStore};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use control::{
    Actor, Config, ControlPlane, MasterKey, NewAddon, Via,
    backup::vault::Vault,
    engine::Engine,
    hook::{Answer, Caller},
};
use durable::{Worker, WorkerConfig};
use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use types::{AddonId, OperationId, TokenId, UserId, operation::OperationStatus, view::Accepted};
use uuid::Uuid;

/// A call of a webhook.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Where to.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

/// Takes webhooks in place of HTTP.
#[derive(Debug, Default)]
pub struct Postman {
    posted: Mutex<Vec<Posted>>,
    refusals: Mutex<u32>,
}

impl Postman {
    /// The calls until now.
    #[must_use]
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next calls are not taken.
    pub fn refuse(&self, calls: u32) {
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner) = calls;
    }
}

#[async_trait]
impl Caller for Postman {
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer {
        let posted = Posted { url: url.into(), headers: headers.into(), body };
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).push(posted);
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if *refusals > 0 {
            *refusals -= 1;
            return Answer { taken: false, text: "503 Service Unavailable".into() };
        }
        Answer { taken: true, text: "200 OK".into() }
    }
}

/// A control plane on a store of its own, with everything around it in the test's hands.
pub struct House {
    /// Its store.
    pub store: TestStore,
    /// Its engine.
    pub engine: Arc<FakeEngine>,
    /// Its archives.
    pub vault: Arc<FakeVault>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// Takes its webhooks.
    pub postman: Arc<Postman>,
    /// The control plane.
    pub plane: ControlPlane,
}

impl House {
    /// One with the default settings and a thousand ports.
    pub async fn new() -> Self {
        // Nobody waits for clients to change over here; the test that does says so.
        let config = Config { password_overlap: TimeDelta::zero(), ..Config::default() };
        Self::with(config, 31000..=31999).await
    }

    /// One with these settings and ports.
    ///
    /// # Panics
    /// When the control plane does not start.
    #[expect(clippy::expect_used, reason = "a test without its control plane says so and ends")]
    pub async fn with(config: Config, ports: RangeInclusive<u16>) -> Self {
        let store = TestStore::new().await;
        let clock = Arc::new(TestClock::default());
        let engine = Arc::new(FakeEngine::new(Arc::clone(&clock), ports));
        let key = MasterKey::from_bytes([7; 32]);
        let vault = Arc::new(FakeVault::new());
        let rooms = (engine.clone() as Arc<dyn Engine>, vault.clone() as Arc<dyn Vault>);
        let plane = ControlPlane::start(config, store.pool.clone(), rooms, clock.clone(), key)
            .await
            .expect("the control plane starts");
        let postman = Arc::new(Postman::default());
        plane.call_hooks_with(postman.clone());
        Self { store, engine, vault, clock, postman, plane }
    }

    /// The engine and the vault, for another control plane beside this one.
    #[must_use]
    pub fn rooms(&self) -> (Arc<dyn Engine>, Arc<dyn Vault>) {
        (self.engine.clone(), self.vault.clone())
    }

    /// A person with an account, signed in.
    ///
    /// # Panics
    /// When the name is taken.
    pub async fn person(&self, username: &str, is_operator: bool) -> Actor {
        person(&self.store, &self.plane, username, is_operator).await
    }

    /// The same person with a token that is good for one database only.
    ///
    /// # Panics
    /// For the platform.
    #[must_use]
    pub fn token_for(actor: &Actor, addon: AddonId) -> Actor {
        match actor.clone() {
            Actor::User { id, username, is_operator, ip, .. } => {
                Actor::User { id, username, is_operator, ip, via: Via::Database(addon) }
            }
            Actor::System => panic!("the platform has no tokens"),
        }
    }

    /// Orders a database of the second plan.
    ///
    /// # Panics
    /// When the order is refused.
    #[expect(clippy::expect_used, reason = "a fixture that cannot be made ends the test")]
    pub async fn order(&self, actor: &Actor, app: &str) -> Accepted {
        self.plane.provision(actor, app, starter(), None).await.expect("an order is taken")
    }

    /// An app with a database that is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    #[expect(clippy::expect_used, reason = "a fixture that cannot be made ends the test")]
    pub async fn ready(&self, actor: &Actor, app: &str) -> Accepted {
        self.plane.create_app(actor, app).await.expect("an app can be made");
        let accepted = self.order(actor, app).await;
        assert_eq!(
            self.finish(accepted.operation).await,
            OperationStatus::Succeeded,
            "the order is carried out"
        );
        accepted
    }

    /// A new worker; what an earlier one held is free when its lease has run out.
    #[must_use]
    pub fn worker(&self) -> Worker {
        // The clock of leases is the test's, so nothing needs renewing while a test runs.
        let config =
            WorkerConfig { renew: Duration::from_secs(3600), jitter: || 0.0, ..WorkerConfig::default() };
        self.plane.worker(config)
    }

    /// Works until nothing is left to do, turning the clock to whatever is due next.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn settle(&self) {
        assert!(self.work(600).await, "operations do not end");
    }

    /// Works so many rounds, turning the clock after each to whatever is due next. True: nothing is left to do.
    ///
    /// # Panics
    /// When the store does not answer.
    #[expect(clippy::expect_used, reason = "a store that fails ends the test")]
    pub async fn work(&self, rounds: usize) -> bool {
        let worker = self.worker();
        for _ in 0..rounds {
            while worker.run_once().await.expect("the store answers") {}
            match self.due().await {
                Some(due) => self.clock.advance_to(due),
                None => return true,
            }
        }
        false
    }

    /// Works until the worker hangs in the call where this fault fires, and kills it there.
    ///
    /// # Panics
    /// When the fault does not fire.
    pub async fn work_until_it_hangs(&self, fault: &Fired) {
        let worker = self.worker();
        let working = async {
            loop {
                match worker.run_once().await {
                    Ok(true) => {}
                    other => panic!("it did not hang: {other:?}"),
                }
            }
        };
        let hanging = async {
            while fault.times() == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let either = async {
            tokio::select! { () = working => {}, () = hanging => {} }
        };
        let hung = tokio::time::timeout(Duration::from_secs(30), either).await;
        assert!(hung.is_ok(), "it did not hang");
    }

    /// [`Self::settle`], and how this operation ended.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn finish(&self, operation: OperationId) -> OperationStatus {
        self.settle().await;
        self.status(operation).await
    }

    /// Where an operation is.
    ///
    /// # Panics
    /// When it is not there.
    #[expect(clippy::expect_used, reason = "a store that fails ends the test")]
    pub async fn status(&self, operation: OperationId) -> OperationStatus {
        self.plane.operation(&Actor::System, operation).await.expect("the operation is there").status
    }

    /// Turns the clock past every lease: whoever held one is dead.
    pub fn leases_end(&self) {
        self.clock.advance(TimeDelta::minutes(2));
    }

    /// When the next step of anything live is due.
    #[expect(clippy::expect_used, reason = "a store that fails ends the test")]
    async fn due(&self) -> Option<DateTime<Utc>> {
        sqlx::query_scalar(
            "SELECT min(greatest(run_at, lease_until + interval '1 millisecond')) FROM operation
             WHERE status IN ('pending', 'running', 'waiting', 'rolling_back')",
        )
        .fetch_one(&self.store.pool)
        .await
        .expect("the store answers")
    }
}

/// A person with an account in this store, signed in.
///
/// # Panics
/// When the name is taken.
#[expect(clippy::expect_used, reason = "a fixture that cannot be made ends the test")]
pub async fn person(store: &TestStore, plane: &ControlPlane, username: &str, is_operator: bool) -> Actor {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO app_user (id, email, username, password_hash, is_operator, created_at, password_changed_at)
         VALUES ($1, $2, $3, 'none', $4, $5, $5)",
    )
    .bind(id)
    .bind(format!("{username}@example.org"))
    .bind(username)
    .bind(is_operator)
    .bind(plane.now())
    .execute(&store.pool)
    .await
    .expect("a person can be added");
    Actor::User {
        id: UserId::new(id),
        username: username.into(),
        is_operator,
        via: Via::Token(TokenId::new(Uuid::now_v7())),
        ip: "192.0.2.1".into(),
    }
}

/// An order for the second plan in the default version.
fn starter() -> NewAddon {
    NewAddon { plan: "postgresql-starter-512".into(), version: None }
}
