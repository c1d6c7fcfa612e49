//! What a step can see and do in the log: its params, what earlier steps noted, live lines, and a transaction that
//! commits together with the end of the step.
//!
//! It gives no way to write to the store without holding the lease.

use crate::lease::Claim;
use crate::{Clock, StepError, text};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// The surroundings of one run of one step.
pub struct Cx {
    /// The operation; with the step it is the key of work outside.
    pub operation_id: Uuid,
    /// The operation's params as stored, see also [`Cx::params`].
    pub params: Value,
    step: String,
    attempt: i32,
    token: Uuid,
    memo: Value,
    pool: PgPool,
    clock: Arc<dyn Clock>,
    cancelled: Arc<AtomicBool>,
    tx: Option<Transaction<'static, Postgres>>,
    lost: bool,
}

impl Cx {
    pub(crate) fn new(
        claim: &Claim,
        pool: PgPool,
        clock: Arc<dyn Clock>,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        Self {
            operation_id: claim.id,
            params: claim.params.clone(),
            step: claim.step.clone(),
            attempt: claim.attempt,
            token: claim.token,
            memo: claim.memo.clone(),
            pool,
            clock,
            cancelled,
            tx: None,
            lost: false,
        }
    }

    /// What was asked for.
    pub fn params<P: DeserializeOwned>(&self) -> Result<P, StepError> {
        Ok(P::deserialize(&self.params)?)
    }

    /// What earlier steps noted; `{}` until then.
    pub fn memo<M: DeserializeOwned>(&self) -> Result<M, StepError> {
        Ok(M::deserialize(&self.memo)?)
    }

    /// Notes something for later steps. Kept when the step ends well, dropped when it fails.
    pub fn set_memo<M: Serialize>(&mut self, memo: &M) -> Result<(), StepError> {
        self.memo = serde_json::to_value(memo)?;
        Ok(())
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// How often this step has failed in a row before this run.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The stored label of this step.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Somebody asked to cancel. A long step may end early with [`Next::Again`](crate::Next::Again); the worker then
    /// unwinds before it would run again. Known with the delay of a lease renewal.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Adds a line to the operation's log, at once, whatever becomes of the step.
    pub async fn log(&mut self, text: impl AsRef<str> + Send) -> Result<(), StepError> {
        let text = text.as_ref().trim_end();
        self.tell("log", json!({ "text": text::line(text) })).await
    }

    /// Says where the step is, or what it found: "port 31002". Shown beside the step, at once. Saying the same
    /// again tells nothing new and is left out.
    pub async fn detail(&mut self, text: impl AsRef<str> + Send) -> Result<(), StepError> {
        self.tell("progress", json!({ "detail": text::line(text.as_ref()) })).await
    }

    /// The transaction that commits together with the end of this step; begun at the first call.
    ///
    /// It locks the operation, so do work outside before the first call and nothing slow after it.
    pub async fn tx(&mut self) -> Result<&mut PgConnection, StepError> {
        let tx = match self.tx.take() {
            Some(tx) => tx,
            None => self.begin().await?,
        };
        Ok(&mut **self.tx.insert(tx))
    }

    async fn begin(&mut self) -> Result<Transaction<'static, Postgres>, StepError> {
        let mut tx = self.pool.begin().await?;
        // Not FOR UPDATE: live log lines refer to the operation from transactions of their own.
        let held = sqlx::query_scalar!(
            r#"SELECT true FROM operation WHERE id = $1 AND lease_token = $2 FOR NO KEY UPDATE"#,
            self.operation_id,
            self.token
        )
        .fetch_optional(&mut *tx)
        .await?;
        if held.is_none() {
            return Err(self.lose());
        }
        Ok(tx)
    }

    async fn tell(&mut self, kind: &str, data: Value) -> Result<(), StepError> {
        let held = sqlx::query_scalar!(
            r#"
            WITH held AS (
                -- A line may be lost with a store that crashes; it need not wait for the disk.
                SELECT id FROM operation
                WHERE id = $1 AND lease_token = $2 AND set_config('synchronous_commit', 'off', true) = 'off'
            ), told AS (
                INSERT INTO operation_event (operation_id, at, step, kind, data)
                SELECT id, $3, $4, $5, $6
                FROM held
                WHERE $5 <> 'progress'
                   OR $6 IS DISTINCT FROM (
                          SELECT data
                          FROM operation_event
                          WHERE operation_id = $1 AND step = $4 AND kind = 'progress'
                          ORDER BY seq DESC
                          LIMIT 1)
            )
            SELECT count(*) AS "count!" FROM held
            "#,
            self.operation_id,
            self.token,
            self.clock.now(),
            self.step,
            kind,
            data
        )
        .fetch_one(&self.pool)
        .await?;
        if held == 0 {
            return Err(self.lose());
        }
        Ok(())
    }

    fn lose(&mut self) -> StepError {
        self.lost = true;
        StepError::LeaseLost
    }

    /// True when this run saw that its lease is gone, whatever the step made of that.
    pub(crate) fn lost(&self) -> bool {
        self.lost
    }

    /// What a step that ended well leaves: its writes and its memo.
    pub(crate) fn into_parts(self) -> (Option<Transaction<'static, Postgres>>, Value) {
        (self.tx, self.memo)
    }
}
