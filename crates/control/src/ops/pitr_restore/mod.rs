//! Restore to a moment: the database as it was, beside the one that runs; and, if that is asked for, in its place.
//!
//! | step      | looks first                     | does                                                              | when it cannot be done |
//! |-----------|---------------------------------|-------------------------------------------------------------------|------------------------|
//! | archive   | a server that runs              | brings what was committed until now into the archive              | goes on without it     |
//! | copy      | what stands there               | restores a base backup into a server of its own, starts it        | discard                |
//! | replay    | (asks how far it is)            | waits until it stands at its moment                               | discard                |
//! | look      | (always)                        | counts the rows of its tables; without a switch it ends here      | discard                |
//! | close     | a server that is stopped        | closes the doors, ends sessions, notes the last moment            | reopen                 |
//! | stop      | a server that is stopped        | archives the rest and a mark after it, stops                      | reopen                 |
//! | promote   | a server that recovers no more  | lets it go on by itself, on a timeline of its own, doors closed   | reopen                 |
//! | switch    | the row                         | it runs the database from now on                                  | reopen                 |
//! | open      | (always)                        | the published login, the doors, a login through the address       | never: it is the database now |
//! | put_away  | a directory in the trash        | moves what was left there                                         | never                  |
//! | call_hook | a call that was taken           | tells the app                                                     | never                  |
//! | reopen    | (always)                        | stops the new one, starts the old one, gives it its archive back  | tries again            |
//! | discard   | what stands there               | removes it                                                        | waits for a person     |
//!
//! The database works as always until `close`. Until `switch` nobody but Paddock reaches the new server, so nothing that
//! anybody wrote is in it when it is removed. What was left is in the archive up to its last moment, and its directory in
//! the trash.

mod work;

use super::{About, Kind, Moment, call_hook, work::Target};
use crate::{
    ControlPlane,
    engine::{NodeSpec, Reach},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use types::{NodeId, RestoreId};
use uuid::Uuid;
use work::Work;

/// Its name in the store.
pub(crate) const KIND: &str = "pitr_restore";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Archive,
    Copy,
    Replay,
    Look,
    Close,
    Stop,
    Promote,
    Switch,
    Open,
    PutAway,
    CallHook,
    Reopen,
    Discard,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Archive)
}

/// Whether this step only works beside the database.
pub(crate) fn is_beside(step: &str) -> bool {
    let beside = [Step::Archive, Step::Copy, Step::Replay, Step::Look];
    durable::typed::step(step).is_some_and(|step: Step| beside.contains(&step))
}

/// What it is told beside its subject.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The copy, and the number of its server.
    pub(crate) restore: RestoreId,
    /// The last moment that is still in.
    pub(crate) moment: DateTime<Utc>,
    /// The timeline that leads there.
    pub(crate) timeline: Option<u32>,
    /// It takes the database's place.
    pub(crate) switch: bool,
    /// Where what is moved stood before; it stays there when the move cannot even begin.
    #[serde(default)]
    pub(crate) was: Option<(DateTime<Utc>, Option<u32>)>,
}

/// The server beside a database: like it, and reached by nobody.
pub(crate) fn beside(spec: &NodeSpec, restore: Uuid) -> NodeSpec {
    NodeSpec {
        id: NodeId::new(restore),
        reach: Reach { closed: true, ..spec.reach.clone() },
        archive: None,
        ..spec.clone()
    }
}

/// The kind.
pub(crate) struct PitrRestore;

#[async_trait]
impl Kind for PitrRestore {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[
        Step::Archive,
        Step::Copy,
        Step::Replay,
        Step::Look,
        Step::Close,
        Step::Stop,
        Step::Promote,
        Step::Switch,
        Step::Open,
        Step::PutAway,
        Step::CallHook,
    ];
    const UNWINDING: &'static [Step] = &[Step::Reopen, Step::Discard];
    const STEPS: &'static [Step] = &[
        Step::Archive,
        Step::Copy,
        Step::Replay,
        Step::Look,
        Step::Close,
        Step::Stop,
        Step::Promote,
        Step::Switch,
        Step::Open,
        Step::PutAway,
        Step::CallHook,
        Step::Reopen,
        Step::Discard,
    ];
    const DETOURS: &'static [(Step, Step, &'static str)] = &[(Step::Replay, Step::Copy, "it stopped")];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let work = Work { target: Target::load(plane, cx).await?, ask: cx.params()?, plane };
        Ok(match step {
            Step::Archive => {
                work.archive(cx).await?;
                Next::Go(Step::Copy)
            }
            Step::Copy => work.copy(cx).await?,
            Step::Replay => work.replay(cx).await?,
            Step::Look => {
                work.look(cx).await?;
                if work.ask.switch { Next::Go(Step::Close) } else { Next::Done }
            }
            Step::Close => {
                work.close(cx).await?;
                Next::Go(Step::Stop)
            }
            Step::Stop => {
                work.stop(cx).await?;
                Next::Go(Step::Promote)
            }
            Step::Promote => {
                work.promote(cx).await?;
                Next::Go(Step::Switch)
            }
            Step::Switch => {
                work.switch(cx).await?;
                Next::Go(Step::Open)
            }
            Step::Open => {
                work.open(cx).await?;
                Next::Go(Step::PutAway)
            }
            Step::PutAway => {
                work.put_away(cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &work.target, "database.restored", cx).await?,
            Step::Reopen => {
                work.reopen(cx).await?;
                Next::Go(Step::Discard)
            }
            Step::Discard => {
                work.discard(cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Archive | Step::Copy | Step::Replay | Step::Look => OnFailure::Unwind(Step::Discard),
            Step::Close | Step::Stop | Step::Promote | Step::Switch => OnFailure::Unwind(Step::Reopen),
            // A database that people use waits for nobody: it is tried until it runs.
            Step::Open | Step::PutAway | Step::CallHook | Step::Reopen => OnFailure::Forward,
            Step::Discard => OnFailure::Human,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Archive | Step::Copy | Step::Replay | Step::Look => Some(Step::Discard),
            Step::Close
            | Step::Stop
            | Step::Promote
            | Step::Switch
            | Step::Open
            | Step::PutAway
            | Step::CallHook
            | Step::Reopen
            | Step::Discard => None,
        }
    }

    fn needs(step: Step, params: &serde_json::Value) -> bool {
        let switches = params.get("switch").and_then(serde_json::Value::as_bool).unwrap_or(true);
        switches
            || !matches!(
                step,
                Step::Close
                    | Step::Stop
                    | Step::Promote
                    | Step::Switch
                    | Step::Open
                    | Step::PutAway
                    | Step::CallHook
                    | Step::Reopen
            )
    }

    fn title(about: &About) -> String {
        format!("Restore {} to a moment", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Archive => "Bring the last seconds into the archive".into(),
            Step::Copy => "Restore a base backup into a server of its own".into(),
            Step::Replay => "Replay the log up to the moment".into(),
            Step::Look => "Count what is in it".into(),
            Step::Close => format!("Close {}: nobody writes any more", about.database),
            Step::Stop => "Archive the rest of it, and stop it".into(),
            Step::Promote => "Let the restored server go on from its moment".into(),
            Step::Switch => format!("Make it {}", about.database),
            Step::Open => "Open it at the same address, and log in".into(),
            Step::PutAway => "Put away what was there before".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::Reopen => format!("Start {} as it was", about.database),
            Step::Discard => "Remove what was restored beside it".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(Step::Archive | Step::Copy | Step::Replay | Step::Look) => {
                format!("{} works as always. You can close this page, and cancel.", about.database)
            }
            Moment::At(Step::Close | Step::Stop | Step::Promote | Step::Switch | Step::Open) => {
                "Connections are closed for a moment. What was there before stays until the restored server has taken its place.".into()
            }
            Moment::At(Step::PutAway | Step::CallHook) => {
                "The database accepts connections. What was there before can be restored as any other moment.".into()
            }
            Moment::Succeeded => {
                "Every moment before can still be restored, and so can the state before a switch, up to its last committed row if its \
                 server ran.".into()
            }
            Moment::At(Step::Reopen | Step::Discard) | Moment::TakingBack | Moment::Failed | Moment::Cancelled => {
                format!("{} is as it was before.", about.database)
            }
            Moment::Stuck(Step::Reopen) => {
                format!("The data of {} is untouched, but it could not be started again. Try again.", about.database)
            }
            Moment::Stuck(_) => {
                format!("{} is as it was before; what was restored beside it takes disk until it is removed. Try again.", about.database)
            }
        }
    }
}
