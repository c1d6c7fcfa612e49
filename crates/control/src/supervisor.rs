//! The supervisor: what shall run, runs. It looks at every database, starts those that should run and do not, and
//! stops those that should not and do.
//!
//! It touches only databases that no operation works on, never makes a data directory, never moves or removes one:
//! a directory without a row (a stranger) is told and left alone, a row without a directory is shown as down. A server
//! that runs and does not answer is told and left alone, too; killing it could cost more than waiting.

use crate::{
    ControlPlane, Result,
    engine::{EngineError, NodeState},
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, FuturesUnordered},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use types::{NodeId, operation::duration};
use uuid::Uuid;

/// How often it looks when nothing wakes it.
const ROUND: Duration = Duration::from_secs(5);
/// Looks at the same time.
const LOOKS: usize = 16;
/// Starts at the same time: after a reboot of the host all databases are down, and the disk is one.
const STARTS: usize = 8;
/// A start that lasted this long counts as good: the next crash is a new one.
const SETTLED: TimeDelta = TimeDelta::seconds(60);
/// A server may take this long to answer before it is told.
const SLOW: TimeDelta = TimeDelta::seconds(60);
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// What it remembers of a database that is not as it should be. Lost with the process: nothing in it is needed.
#[derive(Clone, Debug, Default)]
struct Trouble {
    /// Starts in a row that failed or did not last.
    starts: u32,
    /// Not before then.
    next: Option<DateTime<Utc>>,
    /// The last start that worked.
    started: Option<DateTime<Utc>>,
    /// Running and not answering, since.
    silent_since: Option<DateTime<Utc>>,
    /// What was told already.
    told: Option<&'static str>,
    /// It is being started right now.
    starting: bool,
}

/// How a start ended.
struct Start {
    database: Uuid,
    begun: DateTime<Utc>,
    result: Result<String, EngineError>,
}

/// Looks and acts, round after round.
pub struct Supervisor {
    plane: ControlPlane,
    troubles: HashMap<Uuid, Trouble>,
    strangers: BTreeSet<NodeId>,
    starting: FuturesUnordered<BoxFuture<'static, Start>>,
}

impl Supervisor {
    /// One for this control plane.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self {
            plane,
            troubles: HashMap::new(),
            strangers: BTreeSet::new(),
            starting: FuturesUnordered::new(),
        }
    }

    /// Rounds until `shutdown` says true or its sender is gone.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        if let Err(error) = self.adopt().await {
            tracing::error!(%error, "Could not compare the host's directories with the store");
        }
        while !*shutdown.borrow() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "A round of the supervisor failed");
            }
            let engine = Arc::clone(&self.plane.inner.engine);
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { return },
                // A start that takes long keeps nobody else waiting.
                Some(start) = self.starting.next(), if !self.starting.is_empty() => self.ended(start).await,
                () = engine.changed() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Compares what carries an identity on the host with the store, and tells what has no row. Answers the
    /// strangers; they are left alone.
    ///
    /// # Errors
    /// The store or the engine does not answer.
    pub async fn adopt(&mut self) -> Result<&BTreeSet<NodeId>> {
        let found = self.plane.inner.engine.found().await?;
        let mut conn = self.plane.store().acquire().await?;
        let rows = store::addon::list(&mut conn, &Filter::default()).await?;
        let beside = store::pitr::nodes(&mut conn).await?;
        let ours = |id: NodeId| {
            rows.iter().any(|row| row.node() == id) || beside.iter().any(|node| *node == id.uuid())
        };
        for one in found.into_iter().filter(|one| !ours(one.id)) {
            if self.strangers.insert(one.id) {
                let (id, version, trashed) = (one.id, one.version, one.trashed);
                tracing::warn!(%id, %version, trashed, "A data directory belongs to no database of ours; it is left alone");
            }
        }
        Ok(&self.strangers)
    }

    /// Looks at every database once, does what follows, and waits until it is done.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn round(&mut self) -> Result<()> {
        self.look().await?;
        while let Some(start) = self.starting.next().await {
            self.ended(start).await;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        let mut conn = self.plane.store().acquire().await?;
        let rows =
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
        drop(conn);
        let rows: Vec<_> = rows.into_iter().filter(|row| row.ready && !row.is_disturbed()).collect();
        self.troubles.retain(|id, trouble| trouble.starting || rows.iter().any(|row| row.database_id == *id));
        let plane = &self.plane;
        let looks = rows.into_iter().map(|row| async move {
            let state = plane.look(row.node()).await;
            (row, state)
        });
        let looks: Vec<_> = stream::iter(looks).buffer_unordered(LOOKS).collect().await;
        for (row, state) in looks {
            let database = row.database_id;
            if let Some(state) = state
                && let Err(error) = self.follow(row, state).await
            {
                tracing::warn!(%database, %error, "The supervisor could not do its work on a database");
            }
        }
        Ok(())
    }

    async fn follow(&mut self, row: Addon, state: NodeState) -> Result<()> {
        let now = self.plane.now();
        let database = row.database_id;
        match (row.wanted.as_str(), state) {
            ("running", NodeState::Running { .. }) => {
                let settled = self
                    .troubles
                    .get(&database)
                    .is_some_and(|trouble| trouble.started.is_none_or(|at| now - at >= SETTLED));
                if settled {
                    self.troubles.remove(&database);
                } else if let Some(trouble) = self.troubles.get_mut(&database) {
                    trouble.silent_since = None;
                }
                Ok(())
            }
            ("running", NodeState::Stopped) => self.bring_back(row, now).await,
            ("running", NodeState::Starting) => {
                let trouble = self.troubles.entry(database).or_default();
                let since = *trouble.silent_since.get_or_insert(now);
                if now - since < SLOW {
                    return Ok(());
                }
                self.tell(
                    database,
                    "unreachable",
                    "The server runs and does not answer: it recovers or hangs",
                )
                .await
            }
            ("running", NodeState::Absent | NodeState::Trashed) => {
                let words = "No data directory on this host carries this database's identity; nothing was made or moved";
                self.tell(database, "missing", words).await
            }
            ("stopped", NodeState::Running { .. } | NodeState::Starting) => self.put_to_rest(row).await,
            _ => Ok(()),
        }
    }

    /// Begins to start a database that stopped, with growing pauses between tries.
    async fn bring_back(&mut self, row: Addon, now: DateTime<Utc>) -> Result<()> {
        let database = row.database_id;
        let trouble = self.troubles.entry(database).or_default();
        let waits = trouble.next.is_some_and(|next| now < next);
        if trouble.starting || waits || self.starting.len() >= STARTS {
            return Ok(());
        }
        let first = trouble.starts == 0;
        trouble.silent_since = None;
        // Somebody may have asked for a change since the round began.
        if !still(&self.plane, &row).await? {
            return Ok(());
        }
        if first {
            self.tell(database, "crashed", "PostgreSQL was found stopped, and nobody had asked for it")
                .await?;
        }
        if self.plane.plan(&row.plan).is_err() {
            let words =
                format!("Its plan {} is not in the configuration, so its limits are unknown", row.plan);
            return self.tell(database, "unreachable", &words).await;
        }
        let spec = self.plane.spec(&row)?;
        let engine = Arc::clone(&self.plane.inner.engine);
        self.troubles.entry(database).or_default().starting = true;
        self.starting.push(Box::pin(async move {
            let result = engine.start(&spec).await;
            Start { database, begun: now, result }
        }));
        Ok(())
    }

    /// Remembers and tells how a start ended.
    async fn ended(&mut self, start: Start) {
        let (database, now) = (start.database, self.plane.now());
        let trouble = self.troubles.entry(database).or_default();
        trouble.starting = false;
        trouble.starts = trouble.starts.saturating_add(1);
        let pause = TimeDelta::seconds(1 << trouble.starts.min(6)).min(LONGEST_PAUSE);
        trouble.next = Some(now + pause);
        let told = match start.result {
            Ok(said) => {
                trouble.started = Some(now);
                trouble.told = None;
                let took = u64::try_from((now - start.begun).num_milliseconds()).unwrap_or(0);
                let words = format!("Started again in {}: {said}", duration(took));
                record(&self.plane, database, "restarted", &words).await
            }
            Err(error) => {
                tracing::warn!(%database, %error, "Could not start a database that should run");
                let words = match &error {
                    EngineError::Postgres { message, log } => {
                        log.last().map_or_else(|| message.clone(), |line| format!("{message}: {line}"))
                    }
                    other => other.to_string(),
                };
                self.tell(database, "unreachable", &words).await
            }
        };
        if let Err(error) = told {
            tracing::warn!(%database, %error, "Could not write down what happened to a database");
        }
    }

    /// Stops a database that runs although it was stopped: somebody started it by hand, or a start and a stop met.
    async fn put_to_rest(&mut self, row: Addon) -> Result<()> {
        if !still(&self.plane, &row).await? {
            return Ok(());
        }
        tracing::info!(database = %row.database_id, "Stopping a database that should not run");
        Ok(self.plane.inner.engine.stop(row.node(), Duration::from_secs(10)).await?)
    }

    /// Records an event, unless it was the last that was told of this database.
    async fn tell(&mut self, database: Uuid, kind: &'static str, words: &str) -> Result<()> {
        let trouble = self.troubles.entry(database).or_default();
        if trouble.told == Some(kind) {
            return Ok(());
        }
        trouble.told = Some(kind);
        record(&self.plane, database, kind, words).await
    }
}

/// Whether the row still says the same and nothing works on it.
async fn still(plane: &ControlPlane, row: &Addon) -> Result<bool> {
    let mut conn = plane.store().acquire().await?;
    let filter = Filter { addon: Some(row.id), deleted: Some(false), ..Filter::default() };
    let again = store::addon::list(&mut conn, &filter).await?.pop();
    Ok(again.is_some_and(|again| !again.is_disturbed() && again.wanted == row.wanted && again.ready))
}

async fn record(plane: &ControlPlane, database: Uuid, kind: &str, words: &str) -> Result<()> {
    tracing::warn!(%database, kind, "{words}");
    let mut conn = plane.store().acquire().await?;
    let words = crate::audit::plain(words, 300);
    Ok(store::event::record(&mut conn, database, plane.now(), kind, &words).await?)
}
