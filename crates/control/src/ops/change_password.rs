//! Change the password of the protected user: nobody who reads the URL is ever locked out.
//!
//! | step       | looks first             | does                                             | when it cannot be done |
//! |------------|-------------------------|--------------------------------------------------|------------------------|
//! | open_login | a login of that name    | opens the other login with the new password      | discard                |
//! | verify     | (always)                | logs in with it through the published address    | discard                |
//! | publish    | variables there         | the URL and the variables name the new login     | discard                |
//! | call_hook  | a call that was taken   | tells the app                                    | goes on                |
//! | close_old  | sessions of the old one | closes the old login, ends what it has open      | waits for a person     |
//! | discard    | (always)                | closes the new login again                       | waits for a person     |
//!
//! Both logins work from `open_login` to `close_old`. The old one stays for a minute after the app was told, longer where
//! nobody tells it; then its idle sessions are ended, and after a while all of them.

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Target, fault, trouble},
};
use crate::{ControlPlane, addon::open_next_password, crypto::scram, engine::NodeSpec, store};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use types::operation::duration;

/// Its name in the store.
pub(crate) const KIND: &str = "change_password";

/// Where no hook has taken the call, a person has to restart the app: the old login stays so many times longer.
const NOT_TOLD: i32 = 5;
/// Sessions that are busy are given so long to end by themselves.
const BUSY: TimeDelta = TimeDelta::seconds(30);
/// How often sessions are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    OpenLogin,
    Verify,
    Publish,
    CallHook,
    CloseOld,
    Discard,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::OpenLogin)
}

/// The kind.
pub(crate) struct ChangePassword;

/// The login that comes, and its password.
async fn next(plane: &ControlPlane, target: &Target) -> Result<(NodeSpec, SecretString), StepError> {
    let mut conn = plane.store().acquire().await?;
    let database = target.row.database_id;
    let (login, sealed) = store::database::read_next_login(&mut conn, database)
        .await?
        .ok_or_else(|| StepError::give_up("Nobody asked for another password any more."))?;
    let password = open_next_password(&plane.inner.key, database, &sealed).map_err(fault)?;
    Ok((NodeSpec { login, ..target.spec.clone() }, password))
}

#[async_trait]
impl Kind for ChangePassword {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] =
        &[Step::OpenLogin, Step::Verify, Step::Publish, Step::CallHook, Step::CloseOld];
    const UNWINDING: &'static [Step] = &[Step::Discard];
    const STEPS: &'static [Step] =
        &[Step::OpenLogin, Step::Verify, Step::Publish, Step::CallHook, Step::CloseOld, Step::Discard];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        let (engine, operation) = (&plane.inner.engine, cx.operation_id);
        Ok(match step {
            Step::OpenLogin => {
                let (spec, password) = next(plane, &target).await?;
                let opened = engine.open_login(&spec, &scram::verifier(&password)).await;
                opened.map_err(|error| trouble(error, cx))?;
                cx.detail(format!("{} may log in, and {} still may", spec.login, target.spec.login)).await?;
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                let (spec, password) = next(plane, &target).await?;
                work::prove_login(plane, &spec, &password, cx).await?;
                Next::Go(Step::Publish)
            }
            Step::Publish => {
                publish(plane, &target, cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => match call_hook::run(plane, &target, "database.password_changed", cx).await? {
                Next::Done => {
                    let told = store::hook::was_told(cx.tx().await?, operation).await?;
                    let notes = work::Notes { told_at: Some(cx.now()), told, ..cx.memo()? };
                    cx.set_memo(&notes)?;
                    Next::Go(Step::CloseOld)
                }
                again => again,
            },
            Step::CloseOld => close_old(plane, &target, cx).await?,
            Step::Discard => {
                let closed = engine.close_other_logins(&target.spec, true).await;
                closed.map_err(|error| trouble(error, cx))?;
                store::database::next_login(cx.tx().await?, target.row.database_id, None).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::OpenLogin | Step::Verify | Step::Publish => OnFailure::Unwind(Step::Discard),
            Step::CallHook => OnFailure::Forward,
            Step::CloseOld | Step::Discard => OnFailure::Human,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::OpenLogin | Step::Verify | Step::Publish => Some(Step::Discard),
            Step::CallHook | Step::CloseOld | Step::Discard => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Change the password of {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::OpenLogin => "Open a second login with the new password".into(),
            Step::Verify => "Log in with it through the published address".into(),
            Step::Publish => format!("Put the new URL into the variables of {}", about.app),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::CloseOld => "Close the old login".into(),
            Step::Discard => "Close the new login again".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(Step::OpenLogin | Step::Verify) => "The old password works.".into(),
            Moment::At(Step::Publish | Step::CallHook | Step::CloseOld) => {
                format!(
                    "The old and the new password work until {} was told and had time to change over.",
                    about.app
                )
            }
            Moment::Succeeded => "The new password works; the old one does not any more.".into(),
            Moment::Stuck(Step::CloseOld) => {
                "The new password works, and the old one may work still. Try again to close it.".into()
            }
            Moment::At(Step::Discard)
            | Moment::Stuck(_)
            | Moment::Failed
            | Moment::TakingBack
            | Moment::Cancelled => "The old password works; nothing was published.".into(),
        }
    }
}

/// URL, variables and the stored password change in one transaction.
async fn publish(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    let mut conn = plane.store().acquire().await?;
    let pending = store::database::read_next_login(&mut conn, target.row.database_id).await?;
    drop(conn);
    if pending.is_none() {
        // Committed before it was cut short.
        return Ok(());
    }
    let (spec, password) = next(plane, target).await?;
    work::publish_url(plane, target, (&spec.login, &password), cx).await?;
    let sealed =
        crate::addon::seal_password(&plane.inner.key, target.row.database_id, &password).map_err(fault)?;
    let login = (spec.login != spec.name).then_some(spec.login.as_str());
    let tx = cx.tx().await?;
    Ok(store::database::change_login(tx, target.row.database_id, login, &sealed).await?)
}

/// Waits until the app had time, then closes.
async fn close_old(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<Next<Step>, StepError> {
    let (notes, now): (work::Notes, _) = (cx.memo()?, cx.now());
    let overlap = plane.config().password_overlap * if notes.told { 1 } else { NOT_TOLD };
    // Without a note the hook could not be called at all, and the time begins now.
    let Some(told_at) = notes.told_at else {
        cx.set_memo(&work::Notes { told_at: Some(now), ..notes })?;
        return Ok(Next::Again {
            after: Duration::from_millis(100),
            why: "the old login stays for a while".into(),
        });
    };
    let until: DateTime<Utc> = told_at + overlap;
    if now < until {
        let left = crate::operation::millis(now, until);
        let why = format!("the old login stays for another {}", duration(left));
        let after = Duration::from_millis(left.clamp(100, 10_000));
        return Ok(Next::Again { after, why });
    }
    let all = now >= until + BUSY;
    let closed = plane.inner.engine.close_other_logins(&target.spec, all).await;
    match closed.map_err(|error| trouble(error, cx))? {
        0 => Ok(Next::Done),
        _ if all => Ok(Next::Again { after: LOOK, why: "its sessions are being ended".into() }),
        left => Ok(Next::Again {
            after: LOOK,
            why: format!("{left} of its sessions are still open, idle ones were ended"),
        }),
    }
}
