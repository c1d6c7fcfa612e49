//! The only place that starts background work. Each task has a name, and a panic in it is logged, not lost.
//!
//! Tasks end with the process: nothing here waits for them, so whatever they do must bear being killed.

use futures::FutureExt as _;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// Starts background work. The handle may be dropped.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts background work")]
pub fn spawn<F>(name: &'static str, work: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(guarded(name, work))
}

/// Starts work that is done now and again after each period. A round that panics is logged; the next one comes.
pub fn every<F, Fut>(name: &'static str, period: Duration, mut round: F) -> JoinHandle<()>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    spawn(name, async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            guarded(name, round()).await;
        }
    })
}

async fn guarded(name: &'static str, work: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        tracing::error!(task.name = name, panic = panic_message(&*panic), "Background work panicked");
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
