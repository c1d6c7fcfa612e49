//! Restart hooks: what is called after a change, so that an app reads its variables again.
//!
//! A webhook is signed as <https://www.standardwebhooks.com> says: headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature` (`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`). The id is the operation's, so
//! a receiver can tell a repeated call. The core speaks no HTTP: a [`Caller`] does, and must follow no redirect and
//! call only addresses that [`may_call`] allows, after it resolved the name and at that very address. A local
//! command runs through the engine; only an operator may set one.

mod address;
mod sign;

pub use address::may_call;

use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    hook::{
        address::{check_command, check_url},
        sign::{new_secret, sign},
    },
    store::{self, hook::Hook},
};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use std::sync::Arc;
use types::{
    AppId, OperationId,
    view::{HookDelivery, HookView},
};
use uuid::Uuid;

/// What a call of a webhook came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// It was taken: a status of the 200s.
    pub taken: bool,
    /// For people: "200 OK", "connection refused", "no answer in 10 s". Never the body.
    pub text: String,
}

/// Whoever speaks HTTP for the core.
#[async_trait]
pub trait Caller: Send + Sync + 'static {
    /// Sends one POST with this body, of type `application/json`, and these headers in addition to the usual ones. Follows no redirect,
    /// gives up after about ten seconds, and calls no address that [`may_call`] refuses.
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer;
}

fn secret_purpose(app: Uuid) -> String {
    format!("app:{app}:hook_secret")
}

impl ControlPlane {
    /// Who sends webhooks from now on. Until it is said, calls of webhooks fail with these words. Said once.
    pub fn call_hooks_with(&self, caller: Arc<dyn Caller>) {
        if self.inner.hook_caller.set(caller).is_err() {
            tracing::warn!("Somebody sends webhooks already; the second one is not used");
        }
    }

    /// An app's restart hook and its last calls.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn hook(&self, actor: &Actor, app: &str) -> Result<HookView> {
        let access = self.app_access(actor, app, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let hook = store::hook::find(&mut conn, access.id.uuid()).await?.unwrap_or_default();
        let deliveries = store::hook::deliveries(&mut conn, access.id.uuid(), 10).await?;
        let delivery = |row: store::hook::Delivery| HookDelivery {
            at: row.at,
            result: format!(
                "{} in {}",
                row.result,
                types::operation::duration(row.duration_ms.unsigned_abs().into())
            ),
            kind: row.kind,
            ok: row.ok,
            operation: OperationId::new(row.operation_id),
        };
        Ok(HookView {
            url: hook.url,
            command: hook.command.unwrap_or_default(),
            new_secret: None,
            deliveries: deliveries.into_iter().map(delivery).collect(),
            may_set_command: access.may(Action::SetHookCommand),
        })
    }

    /// Sets an app's restart hook; `None` and an empty command switch it off. Another URL gets another secret, which
    /// this answer shows and no other.
    ///
    /// # Errors
    /// `Invalid` on fields `url` and `command`; `Forbidden` when somebody else than an operator changes the command.
    pub async fn set_hook(
        &self,
        actor: &Actor,
        app: &str,
        url: Option<String>,
        command: Vec<String>,
    ) -> Result<HookView> {
        let access = self.app_access(actor, app, Action::SetHook).await?;
        let url = url.filter(|url| !url.is_empty());
        let private = self.config().hooks_reach_private_networks;
        let url = url.map(|url| check_url(&url, private)).transpose();
        let url = url.map_err(|refusal| Error::invalid("url", refusal))?.map(String::from);
        check_command(&command).map_err(|refusal| Error::invalid("command", refusal))?;
        let command = Some(command).filter(|argv| !argv.is_empty());

        let (app_id, now) = (access.id.uuid(), self.now());
        let mut tx = self.store().begin().await?;
        if !store::app::lock(&mut tx, app_id).await? {
            return Err(Error::NotFound("app"));
        }
        let old = store::hook::find(&mut tx, app_id).await?.unwrap_or_default();
        // Whoever may not set a command sends none, and leaves the one that an operator has set.
        let may = access.may(Action::SetHookCommand);
        let command = if !may && command.is_none() { old.command.clone() } else { command };
        if may && command != old.command {
            self.fresh_by(&mut tx, actor).await?;
        }
        if !may && command != old.command {
            tx.rollback().await?;
            // Says no, and writes down who asked.
            self.app_access(actor, app, Action::SetHookCommand).await?;
            return Err(Error::Forbidden("Only the operator of this Paddock may set a command.".into()));
        }
        let (secret, new_secret) = match (&url, &old) {
            (None, _) => (None, None),
            (Some(url), Hook { url: Some(same), secret: Some(secret), .. }) if url == same => {
                (Some(secret.clone()), None)
            }
            (Some(_), _) => {
                let new = new_secret();
                (Some(self.inner.key.seal_text(&new, &secret_purpose(app_id))?), Some(new))
            }
        };
        store::hook::put(&mut tx, app_id, &Hook { url, secret, command }).await?;
        audit::record(&mut tx, now, actor, audit::Entry::new("hook.set").app(access.id)).await?;
        tx.commit().await?;
        let view = self.hook(actor, &access.id.to_string()).await?;
        Ok(HookView { new_secret: new_secret.map(|secret| secret.expose_secret().to_owned()), ..view })
    }

    /// Calls a webhook, signed.
    pub(crate) async fn call_webhook(
        &self,
        app: AppId,
        hook: &Hook,
        operation: OperationId,
        body: String,
    ) -> Result<Answer> {
        let failed = |text: &str| Ok(Answer { taken: false, text: text.into() });
        let (Some(url), Some(sealed)) = (&hook.url, &hook.secret) else { return failed("no URL") };
        let Some(caller) = self.inner.hook_caller.get() else {
            return failed("this server sends no webhooks");
        };
        let secret = self.inner.key.open_text(sealed, &secret_purpose(app.uuid()))?;
        let headers = sign(&secret, operation, self.now().timestamp(), &body);
        Ok(caller.post(url, &headers, body).await)
    }
}
