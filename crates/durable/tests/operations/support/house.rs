//! The procedure of these tests: a house is dug, poured and raised, and demolished when that fails.
//!
//! The world outside is a list of what was really done. Each step looks there first, as every step must.

use super::TestClock;
use async_trait::async_trait;
use durable::typed::{Next, TypedProcedure};
use durable::{Cx, OnFailure, StepError};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Dig,
    Pour,
    Raise,
    Demolish,
}

pub use Step::{Demolish, Dig, Pour, Raise};

impl Step {
    pub const FORWARD: [Self; 3] = [Dig, Pour, Raise];

    pub fn label(self) -> String {
        durable::typed::label(self)
    }
}

/// What a run of a step shall do instead of going well. `Hang` waits for the gate to open.
#[derive(Clone, Debug)]
pub enum Act {
    Retry,
    GiveUp,
    Panic,
    Again(Duration),
    HangBeforeActing,
    HangAfterActing,
    /// Hangs with the step's transaction open and written to.
    HangInTransaction,
    /// Gives up with words that PostgreSQL cannot keep.
    GiveUpWithNul,
    /// Swallows the error of a statement, so that its transaction cannot be committed.
    BreakTransaction,
    /// Hangs, then wants to look again much later.
    HangThenWait(Duration),
    /// An hour passes, then it fails.
    TakeAnHourAndFail,
    /// Ignores the error of a lost lease.
    HangThenIgnoreTheLease,
}

/// What a test decides about failing and cancelling.
#[derive(Clone, Copy)]
pub struct Plan {
    pub on_failure: fn(Step) -> OnFailure<Step>,
    pub on_cancel: fn(Step) -> Option<Step>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            on_failure: |step| match step {
                Dig | Pour => OnFailure::Unwind(Demolish),
                Raise => OnFailure::Human,
                Demolish => OnFailure::Forward,
            },
            on_cancel: |step| match step {
                Dig | Pour => Some(Demolish),
                Raise | Demolish => None,
            },
        }
    }
}

#[derive(Default)]
pub struct World {
    /// What stands outside: an act done twice would be here twice.
    pub done: Mutex<Vec<(Uuid, Step)>>,
    pub runs: Mutex<HashMap<(Uuid, Step), usize>>,
    pub acts: Mutex<HashMap<Step, VecDeque<Act>>>,
    /// A hanging step has arrived.
    pub hanging: Notify,
    /// Lets one hanging step go on.
    pub gate: Notify,
    /// Steps that were dropped while they hung.
    pub dropped: AtomicUsize,
    inside: Mutex<HashSet<Uuid>>,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The next runs of a step do this.
    pub fn plan(&self, step: Step, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().unwrap().entry(step).or_default().extend(acts);
    }

    pub fn runs(&self, id: Uuid, step: Step) -> usize {
        self.runs.lock().unwrap().get(&(id, step)).copied().unwrap_or(0)
    }

    pub fn done(&self, id: Uuid) -> Vec<Step> {
        self.done.lock().unwrap().iter().filter(|(of, _)| *of == id).map(|(_, step)| *step).collect()
    }

    fn act_once(&self, id: Uuid, step: Step) {
        let mut done = self.done.lock().unwrap();
        if !done.contains(&(id, step)) {
            done.push((id, step));
        }
    }

    async fn hang(&self) {
        struct Hanging<'a>(&'a AtomicUsize);
        impl Drop for Hanging<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let hanging = Hanging(&self.dropped);
        self.hanging.notify_one();
        self.gate.notified().await;
        std::mem::forget(hanging);
    }
}

/// Says so when two workers are in the same operation at once.
struct Inside<'a>(&'a World, Uuid);

impl<'a> Inside<'a> {
    fn enter(world: &'a World, id: Uuid) -> Self {
        assert!(world.inside.lock().unwrap().insert(id), "two workers run {id} at once");
        Self(world, id)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap().remove(&self.1);
    }
}

pub struct House {
    pub world: Arc<World>,
    pub plan: Plan,
    pub clock: Arc<TestClock>,
}

/// What a step notes for the next.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    steps: Vec<Step>,
}

#[async_trait]
impl TypedProcedure for House {
    type Step = Step;
    const KIND: &'static str = "house";
    const STEPS: &'static [Step] = &[Dig, Pour, Raise, Demolish];

    async fn run(&self, step: Step, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let id = cx.operation_id;
        *self.world.runs.lock().unwrap().entry((id, step)).or_default() += 1;
        let act = self.world.acts.lock().unwrap().get_mut(&step).and_then(VecDeque::pop_front);
        if act.is_none() {
            let _inside = Inside::enter(&self.world, id);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        match act {
            Some(Act::Retry) => return Err(StepError::retry("It rained.").with_log(vec!["drip".into()])),
            Some(Act::GiveUp) => return Err(StepError::give_up("There is rock.")),
            Some(Act::GiveUpWithNul) => {
                return Err(StepError::give_up("There is \0 rock.").with_log(vec!["\0".into()]));
            }
            Some(Act::BreakTransaction) => {
                let _ = sqlx::query("SELECT 1 / 0").execute(cx.tx().await?).await;
                return Ok(Next::Done);
            }
            Some(Act::Panic) => panic!("a spade broke"),
            Some(Act::Again(after)) => return Ok(Next::Again { after, why: "The ground is frozen".into() }),
            Some(Act::HangBeforeActing) => self.world.hang().await,
            Some(Act::HangThenWait(after)) => {
                self.world.hang().await;
                return Ok(Next::Again { after, why: "The ground is frozen".into() });
            }
            Some(Act::TakeAnHourAndFail) => {
                self.clock.advance(chrono::Duration::hours(1));
                return Err(StepError::retry("It rained for an hour."));
            }
            Some(Act::HangThenIgnoreTheLease) => {
                self.world.hang().await;
                let _ = cx.tx().await;
                return Ok(Next::Done);
            }
            _ => {}
        }
        self.world.act_once(id, step);
        if let Some(Act::HangAfterActing) = act {
            self.world.hang().await;
        }
        let mut memo: Memo = cx.memo()?;
        memo.steps.push(step);
        cx.set_memo(&memo)?;
        let tx = cx.tx().await?;
        sqlx::query("INSERT INTO effect (operation_id, step) VALUES ($1, $2)")
            .bind(id)
            .bind(step.label())
            .execute(tx)
            .await?;
        // A live line, while the step's own transaction holds the operation.
        cx.log(format!("{} is done\n", step.label())).await?;
        if let Some(Act::HangInTransaction) = act {
            self.world.hang().await;
        }
        Ok(match step {
            Dig => Next::Go(Pour),
            Pour => Next::Go(Raise),
            Raise | Demolish => Next::Done,
        })
    }

    fn on_failure(&self, step: Step) -> OnFailure<Step> {
        (self.plan.on_failure)(step)
    }

    fn on_cancel(&self, step: Step) -> Option<Step> {
        (self.plan.on_cancel)(step)
    }
}
