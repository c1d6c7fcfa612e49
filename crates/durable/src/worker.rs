//! The worker: looks for due operations and runs their steps, several at a time.
//!
//! Any number of workers, in one process or many, share a store by leases. With room for more, a worker keeps an operation
//! from step to step; it knows nothing between two of them that is not in the row.

use crate::lease::{self, Claim};
use crate::run::{run_and_die, run_claimed};
use crate::{Clock, Procedure};
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How a worker works. Times are those of the process, not of the [`Clock`], except the lease's end.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// How long a step is left to a worker that is not heard of.
    pub lease: Duration,
    /// How often a worker is heard of.
    pub renew: Duration,
    /// Steps at the same time. Each takes up to three connections of the pool.
    pub concurrency: usize,
    /// How often it looks without being woken, on average.
    pub poll: Duration,
    /// How long running steps may take to end when the process is asked to stop; then they are dropped and their
    /// leases given back.
    pub grace: Duration,
    /// Chance: a number in 0..1.
    pub jitter: fn() -> f64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            renew: Duration::from_secs(20),
            concurrency: 4,
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(5),
            jitter: rand::random,
        }
    }
}

pub(crate) struct Shared {
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
    pub procedures: HashMap<&'static str, Arc<dyn Procedure>>,
    pub kinds: Vec<String>,
    pub config: WorkerConfig,
}

impl Shared {
    /// How long a lease lasts that is taken now.
    pub(crate) fn lease(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.config.lease).unwrap_or(chrono::Duration::MAX)
    }
}

/// Runs operations. Cheap to clone; clones share nothing but their settings.
#[derive(Clone)]
pub struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    /// A worker for these kinds. Operations of other kinds are left to workers that know them.
    #[must_use]
    pub fn new(
        pool: PgPool,
        clock: Arc<dyn Clock>,
        procedures: Vec<Arc<dyn Procedure>>,
        config: WorkerConfig,
    ) -> Self {
        let procedures: HashMap<_, _> = procedures.into_iter().map(|p| (p.kind(), p)).collect();
        let kinds = procedures.keys().map(|kind| (*kind).to_owned()).collect();
        Self { shared: Arc::new(Shared { pool, clock, procedures, kinds, config }) }
    }

    /// Runs one step of one due operation; false when nothing is due. For tests that go step by step.
    pub async fn run_once(&self) -> Result<bool, sqlx::Error> {
        match self.claim().await? {
            Some(claim) => run_claimed(&self.shared, &claim, &Keep::default()).await.map(|_| true),
            None => Ok(false),
        }
    }

    /// Runs one step of one due operation and does not write down its end, as a worker that is killed just then.
    /// The lease stays until it runs out. For tests that every step bears being run twice.
    pub async fn run_once_and_die(&self) -> Result<bool, sqlx::Error> {
        match self.claim().await? {
            Some(claim) => run_and_die(&self.shared, &claim).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Works until `shutdown` says true or its sender is gone. `wake` comes from [`Wake`](crate::Wake).
    pub async fn run(&self, mut wake: watch::Receiver<u64>, mut shutdown: watch::Receiver<bool>) {
        let mut steps = Steps { keep: Keep::until(shutdown.clone()), ..Steps::default() };
        let mut listening = true;
        while !*shutdown.borrow() {
            // Before looking: a wake-up that comes while looking is then seen below.
            wake.mark_unchanged();
            let full = self.fill(&mut steps).await;
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { break },
                _ended = steps.next(), if !steps.running.is_empty() => {}
                woken = wake.changed(), if listening && !full => listening = woken.is_ok(),
                () = tokio::time::sleep(self.poll()), if !full => {}
            }
        }
        self.stop(steps).await;
    }

    /// Starts steps while there are due ones and room for them; true when there is no room left.
    async fn fill(&self, steps: &mut Steps) -> bool {
        let full = self.start_due(steps).await;
        // Others may be due: then each step is a new choice of who has waited longest.
        steps.keep.room.store(!full, Ordering::Relaxed);
        full
    }

    async fn start_due(&self, steps: &mut Steps) -> bool {
        while steps.running.len() < self.shared.config.concurrency {
            match self.claim().await {
                Ok(Some(claim)) => steps.start(Arc::clone(&self.shared), claim),
                Ok(None) => return false,
                Err(error) => {
                    tracing::warn!(%error, "Could not look for due operations");
                    return false;
                }
            }
        }
        true
    }

    async fn claim(&self) -> Result<Option<Claim>, sqlx::Error> {
        let Shared { pool, clock, kinds, .. } = &*self.shared;
        lease::claim(pool, clock.now(), self.shared.lease(), kinds).await
    }

    /// Jittered, so that several workers do not look at the same moment.
    fn poll(&self) -> Duration {
        let config = &self.shared.config;
        config.poll.mul_f64(0.75 + 0.5 * (config.jitter)())
    }

    async fn stop(&self, mut steps: Steps) {
        let all = async { while steps.next().await {} };
        if tokio::time::timeout(self.shared.config.grace, all).await.is_ok() {
            return;
        }
        steps.running.shutdown().await;
        let held: Vec<Uuid> = steps.held.into_iter().collect();
        tracing::info!(steps = held.len(), "Dropped running steps; they are run again later");
        if let Err(error) = lease::give_back(&self.shared.pool, self.shared.clock.now(), &held).await {
            tracing::warn!(%error, "Could not give leases back; they run out by themselves");
        }
    }
}

/// Steps being run, and the leases they hold.
#[derive(Default)]
struct Steps {
    running: JoinSet<Uuid>,
    held: HashSet<Uuid>,
    keep: Keep,
}

/// Whether an operation whose next step is due goes on without being looked for; by default it does not.
#[derive(Clone, Default)]
pub(crate) struct Keep {
    /// Nobody else is due, as far as is known.
    room: Arc<AtomicBool>,
    /// Whoever is asked to stop begins no other step.
    shutdown: Option<watch::Receiver<bool>>,
}

impl Keep {
    fn until(shutdown: watch::Receiver<bool>) -> Self {
        Self { room: Arc::default(), shutdown: Some(shutdown) }
    }

    pub(crate) fn keeps(&self) -> bool {
        let stops = self.shutdown.as_ref().is_none_or(|shutdown| *shutdown.borrow());
        self.room.load(Ordering::Relaxed) && !stops
    }
}

impl Steps {
    fn start(&mut self, shared: Arc<Shared>, claim: Claim) {
        self.held.insert(claim.token);
        let keep = self.keep.clone();
        self.running.spawn(async move {
            let (id, token) = (claim.id, claim.token);
            let mut next = Some(claim);
            while let Some(claim) = next {
                next = run_claimed(&shared, &claim, &keep).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, operation.id = %id, "Could not write down the end of a step");
                    None
                });
            }
            token
        });
    }

    /// Waits for one to end; false when there is none.
    async fn next(&mut self) -> bool {
        match self.running.join_next().await {
            Some(Ok(token)) => {
                self.held.remove(&token);
                true
            }
            Some(Err(error)) => {
                tracing::error!(%error, "A step was broken off");
                true
            }
            None => false,
        }
    }
}
