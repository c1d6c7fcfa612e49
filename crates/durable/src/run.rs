//! The life of one step: look whether it may run, run it while the lease is kept, have written down what follows.
//!
//! It writes nothing itself, see `commit.rs`, and knows no rule of what follows, see `decide.rs`.

use crate::background::panic_message;
use crate::backoff::RETRIES;
use crate::commit::commit;
use crate::decide::{self, Change, Ending};
use crate::lease::{self, Claim};
use crate::worker::{Keep, Shared};
use crate::{Cx, Next, Procedure, StepError, crash_point, text};
use futures::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Instrument as _;

/// Runs one step of a claimed operation; with `keep`, answers the claim to the next step if that is due. An error means
/// that the store did not answer: the lease runs out, and the step is run again.
pub(crate) async fn run_claimed(
    shared: &Shared,
    claim: &Claim,
    keep: &Keep,
) -> Result<Option<Claim>, sqlx::Error> {
    let Some(procedure) = shared.procedures.get(claim.kind.as_str()) else { return Ok(None) };
    let span = tracing::info_span!(
        "operation.step",
        operation.id = %claim.id,
        operation.kind = claim.kind,
        operation.step = claim.step
    );
    Run { shared, claim, procedure: procedure.as_ref() }.to_the_end(keep).instrument(span).await
}

/// Runs the step and leaves everything as a kill would.
pub(crate) async fn run_and_die(shared: &Shared, claim: &Claim) -> Result<(), sqlx::Error> {
    let Some(procedure) = shared.procedures.get(claim.kind.as_str()) else { return Ok(()) };
    let (_, cx) = Run { shared, claim, procedure: procedure.as_ref() }.step().await;
    match cx.into_parts() {
        (Some(tx), _) => tx.rollback().await,
        (None, _) => Ok(()),
    }
}

enum Ran {
    Ended(Result<Next, StepError>),
    Panicked(String),
    Late,
    Lost,
}

/// One run of one step.
struct Run<'a> {
    shared: &'a Shared,
    claim: &'a Claim,
    procedure: &'a dyn Procedure,
}

impl Run<'_> {
    async fn to_the_end(&self, keep: &Keep) -> Result<Option<Claim>, sqlx::Error> {
        let Self { shared, claim, .. } = self;
        if let Some(change) = self.instead() {
            return commit(shared, claim, None, None, change, false).await;
        }
        crash_point!("{}.{}:before", claim.kind, claim.step);
        let (ran, cx) = self.step().await;
        crash_point!("{}.{}:acted", claim.kind, claim.step);
        let kept = match ending(ran).filter(|_| !cx.lost()) {
            Some(ending @ Ending::Next(_)) => self.succeed(ending, cx, keep.keeps()).await?,
            Some(failed) => self.fail(failed, cx).await?,
            None => {
                tracing::warn!("Another worker has the operation now; this one drops the step");
                return Ok(None);
            }
        };
        crash_point!("{}.{}:committed", claim.kind, claim.step);
        Ok(kept)
    }

    /// What is written instead of running the step.
    fn instead(&self) -> Option<Change> {
        let claim = self.claim;
        if claim.cancel_requested_at.is_some()
            && claim.unwinds_to.is_none()
            && let Some(to) = self.procedure.on_cancel(&claim.step)
        {
            return Some(decide::cancel(claim, to));
        }
        if self.shared.clock.now() >= claim.deadline {
            return Some(self.decide(Ending::Late));
        }
        // A step that takes the whole process with it would otherwise do so until the deadline.
        (claim.broken_off && claim.attempt > RETRIES).then(|| {
            let message = format!("Paddock stopped {} times in the middle of this step.", claim.attempt);
            self.decide(Ending::Failed { message, log: vec![], again: true })
        })
    }

    /// Runs the step, and renews the lease beside it. When the lease is lost the step is dropped where it stands.
    async fn step(&self) -> (Ran, Cx) {
        let Self { shared, claim, procedure } = self;
        let cancelled = Arc::new(AtomicBool::new(claim.cancel_requested_at.is_some()));
        let mut cx = Cx::new(claim, shared.pool.clone(), Arc::clone(&shared.clock), Arc::clone(&cancelled));
        let step = AssertUnwindSafe(procedure.run(&claim.step, &mut cx)).catch_unwind();
        let ran = tokio::select! {
            ended = step => match ended {
                Ok(result) => Ran::Ended(result),
                Err(panic) => Ran::Panicked(panic_message(&*panic).to_owned()),
            },
            ran = self.keep_lease(&cancelled) => ran,
        };
        (ran, cx)
    }

    /// Renews the lease for as long as it is polled; ends when the step must not go on.
    async fn keep_lease(&self, cancelled: &AtomicBool) -> Ran {
        let Self { shared, claim, .. } = self;
        let lease = shared.config.lease;
        let mut until = shared.clock.now() + lease;
        let mut pause = shared.config.renew;
        loop {
            tokio::time::sleep(pause).await;
            let now = shared.clock.now();
            if now >= claim.deadline {
                return Ran::Late;
            }
            // Waits while the step's own transaction holds the row; nobody can take the lease meanwhile.
            match lease::renew(&shared.pool, now + lease, claim).await {
                Ok(Some(renewed)) => {
                    cancelled.store(renewed.cancelled, Ordering::Relaxed);
                    until = now + lease;
                    pause = shared.config.renew;
                }
                Ok(None) => return Ran::Lost,
                Err(error) if shared.clock.now() >= until => {
                    tracing::warn!(%error, "Could not renew the lease in time");
                    return Ran::Lost;
                }
                Err(error) => {
                    tracing::warn!(%error, "Could not renew the lease; trying again");
                    pause = shared.config.renew / 4;
                }
            }
        }
    }

    fn decide(&self, ending: Ending) -> Change {
        let Self { shared, claim, procedure } = self;
        let on_failure = || procedure.on_failure(&claim.step);
        decide::after_step(claim, ending, on_failure, shared.clock.now(), (shared.config.jitter)())
    }

    async fn succeed(&self, ending: Ending, cx: Cx, keep: bool) -> Result<Option<Claim>, sqlx::Error> {
        let (tx, memo) = cx.into_parts();
        match commit(self.shared, self.claim, tx, Some(memo), self.decide(ending), keep).await {
            // What the step wrote cannot be committed: a failure of the step like any other. If the commit has
            // arrived all the same, the operation has gone on, and this writes nothing.
            Err(error) => {
                let change = self.decide(StepError::from(error).into());
                commit(self.shared, self.claim, None, None, change, false).await
            }
            kept => kept,
        }
    }

    async fn fail(&self, ending: Ending, cx: Cx) -> Result<Option<Claim>, sqlx::Error> {
        // First undo what the step wrote: it holds the lock that the next transaction needs.
        if let (Some(tx), _) = cx.into_parts()
            && let Err(error) = tx.rollback().await
        {
            tracing::warn!(%error, "Could not roll back a failed step");
        }
        commit(self.shared, self.claim, None, None, self.decide(ending), false).await
    }
}

/// What the log is told about the end of a run; `None` when it must not be told anything.
fn ending(ran: Ran) -> Option<Ending> {
    Some(match ran {
        Ran::Ended(Ok(Next::Again { after, why })) => {
            Ending::Next(Next::Again { after, why: text::line(&why) })
        }
        Ran::Ended(Ok(next)) => Ending::Next(next),
        Ran::Ended(Err(StepError::LeaseLost)) | Ran::Lost => return None,
        Ran::Ended(Err(error)) => error.into(),
        Ran::Panicked(panic) => {
            tracing::error!(panic, "The step panicked");
            let message = "Paddock made a mistake in this step; its own log has the details.".to_owned();
            Ending::Failed { message, log: vec![], again: true }
        }
        Ran::Late => Ending::Late,
    })
}

impl From<StepError> for Ending {
    /// The words go to the operation, the cause to the process's log.
    fn from(error: StepError) -> Self {
        let again = !matches!(error, StepError::GiveUp { .. });
        let message = text::line(&error.to_string());
        let (log, cause) = match error {
            StepError::Retry { log, source, .. } | StepError::GiveUp { log, source, .. } => (log, source),
            StepError::LeaseLost => (vec![], None),
        };
        let cause = cause.map(|cause| format!("{cause:#}"));
        tracing::warn!(error.message = message, error.cause = cause, retry = again, "The step failed");
        Self::Failed { message, log: text::last_lines(&log), again }
    }
}
