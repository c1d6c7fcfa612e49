//! Restore: a database comes back from the trash with its data, port, password and URL.
//!
//! | step      | looks first                    | does                                         | taken back by |
//! |-----------|--------------------------------|----------------------------------------------|---------------|
//! | untrash   | the directory                  | moves it back, after checking whose it is    | put_back      |
//! | configure | files as they should be        | writes settings and a certificate            | put_back      |
//! | start     | a server that answers          | starts it on its old port                    | put_back      |
//! | verify    | (always)                       | tries a login, and tells how it went         | put_back      |
//! | publish   | the variables                  | sets them again; it counts as live           | never         |
//! | call_hook | a call that was taken          | tells the app                                | never         |
//! | put_back  | what is left                   | stops it, back to the trash, a day longer    | –             |
//!
//! Until `publish` the database counts as deleted, so a restore that fails leaves what was there before.

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Target},
};
use crate::{
    ControlPlane,
    engine::EngineError,
    store::{self, database::Wanted},
};
use async_trait::async_trait;
use chrono::TimeDelta;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "restore";

/// Time to look into what went wrong, before the data may be removed.
const LONGER: TimeDelta = TimeDelta::hours(24);

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Untrash,
    Configure,
    Start,
    Verify,
    Publish,
    CallHook,
    PutBack,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Untrash)
}

/// The kind.
pub(crate) struct Restore;

#[async_trait]
impl Kind for Restore {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] =
        &[Step::Untrash, Step::Configure, Step::Start, Step::Verify, Step::Publish, Step::CallHook];
    const UNWINDING: &'static [Step] = &[Step::PutBack];
    const STEPS: &'static [Step] = &[
        Step::Untrash,
        Step::Configure,
        Step::Start,
        Step::Verify,
        Step::Publish,
        Step::CallHook,
        Step::PutBack,
    ];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        Ok(match step {
            Step::Untrash => {
                let moved = plane.inner.engine.untrash(target.spec.id).await;
                moved.map_err(|error| work::trouble(error, cx))?;
                Next::Go(Step::Configure)
            }
            Step::Configure => {
                work::configure(plane, &target, cx).await?;
                Next::Go(Step::Start)
            }
            Step::Start => {
                work::start(plane, &target, cx).await?;
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                work::verify_softly(plane, &target, cx).await?;
                Next::Go(Step::Publish)
            }
            Step::Publish => {
                work::publish(plane, &target, cx).await?;
                let now = cx.now();
                let tx = cx.tx().await?;
                store::database::want(tx, target.row.database_id, Wanted::Running).await?;
                store::addon::untrash(tx, target.row.id, now).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.restored", cx).await?,
            Step::PutBack => {
                put_back(plane, &target, cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Untrash | Step::Configure | Step::Start | Step::Verify => OnFailure::Unwind(Step::PutBack),
            Step::Publish | Step::CallHook | Step::PutBack => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Untrash | Step::Configure | Step::Start | Step::Verify => Some(Step::PutBack),
            Step::Publish | Step::CallHook | Step::PutBack => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Bring back database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Untrash => "Take its data out of the trash".into(),
            Step::Configure => "Write settings, access rules and a certificate".into(),
            Step::Start => format!("Start PostgreSQL {}", about.version),
            Step::Verify => "Log in through the published URL".into(),
            Step::Publish => format!("Set the variables of {}", about.app),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::PutBack => "Put its data back into the trash".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(Step::Publish | Step::CallHook) => {
                "The database accepts connections; only its announcement is left. You can close this page.".into()
            }
            Moment::At(_) => "You can close this page: the work goes on. If a step fails, the data goes back to the \
                              trash, unchanged."
                .into(),
            Moment::TakingBack => "The data goes back to the trash, unchanged.".into(),
            Moment::Succeeded => format!("{} is back with its data, its password and its URL.", about.database),
            Moment::Failed | Moment::Cancelled => {
                "The data is in the trash as before, and stays there for at least another day. You can try again.".into()
            }
            Moment::Stuck(_) => "No data was removed. Trying again goes on at this step.".into(),
        }
    }
}

async fn put_back(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    work::stop(plane, target, cx).await?;
    match plane.inner.engine.trash(target.spec.id).await {
        Ok(()) | Err(EngineError::Absent) => {}
        Err(error) => return Err(work::trouble(error, cx)),
    }
    let now = cx.now();
    store::addon::trash(cx.tx().await?, target.row.id, now, now + LONGER).await?;
    Ok(())
}
