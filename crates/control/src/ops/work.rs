//! What steps of several kinds share: reading the row, telling the engine's troubles, publishing, proving a login.

use crate::{
    ControlPlane, Error,
    addon::{Subject, open_password},
    connection::{Address, SslMode},
    crypto::scram,
    engine::{EngineError, NodeSpec},
    store::{
        self,
        addon::{Addon, Filter},
    },
    variable,
};
use chrono::{DateTime, TimeDelta, Utc};
use durable::{Cx, StepError};
use secrecy::SecretString;
use std::time::Duration;
use types::operation::{Interruption, duration};

/// How long a server is given to stop by itself before it is stopped at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often a step that may go better next time is tried before it counts as hopeless.
const TRIES: i32 = 2;
/// So many strangers on ports in a row are no coincidence any more.
const MOST_MOVES: u32 = 10;
/// A port that a stranger listens on is looked at again after this long.
const STRANGER_RESTS: TimeDelta = TimeDelta::days(1);

/// What steps of one operation note for later ones.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Notes {
    /// How often it went to another port.
    pub(super) moves: u32,
    /// How often the webhook was called.
    pub(super) calls: u32,
    /// Nobody can connect since then.
    pub(super) down_since: Option<DateTime<Utc>>,
    /// What was expected of the interruption, milliseconds.
    pub(super) predicted_ms: Option<u64>,
    /// What it was, milliseconds.
    pub(super) interruption_ms: Option<u64>,
    /// The app was told since then, or nobody could tell it.
    pub(super) told_at: Option<DateTime<Utc>>,
    /// What a restore needs was copied.
    pub(super) copied: bool,
    /// When the work began.
    pub(super) begun_at: Option<DateTime<Utc>>,
    /// The last change in what was restored.
    pub(super) reached_at: Option<DateTime<Utc>>,
    /// The last moment of what another server takes the place of, and the timeline that it wrote.
    pub(super) left_at: Option<DateTime<Utc>>,
    pub(super) left_timeline: Option<u32>,
    /// It has taken the call.
    pub(super) told: bool,
}

impl Notes {
    /// A server that people can connect to answers again.
    pub(super) fn up_again(&mut self, now: DateTime<Utc>) {
        self.interruption_ms = self.down_since.map(|since| crate::operation::millis(since, now));
    }

    /// How long nobody could connect, once that is known.
    pub(super) fn interruption(&self) -> Option<Interruption> {
        let measured_ms = self.interruption_ms?;
        Some(Interruption { predicted_ms: self.predicted_ms, measured_ms })
    }
}

/// The database that an operation changes, as it is in the store now.
pub(super) struct Target {
    pub(super) subject: Subject,
    pub(super) row: Addon,
    pub(super) spec: NodeSpec,
}

impl Target {
    pub(super) async fn load(plane: &ControlPlane, cx: &Cx) -> Result<Self, StepError> {
        let subject: Subject = cx.params()?;
        let mut conn = plane.store().acquire().await?;
        let filter = Filter { addon: Some(subject.addon.uuid()), purged: true, ..Filter::default() };
        let row = store::addon::list(&mut conn, &filter).await?.pop();
        let row =
            row.ok_or_else(|| StepError::give_up("Paddock has no record of this database any more."))?;
        let spec = plane.spec(&row).map_err(fault)?;
        Ok(Self { subject, row, spec })
    }

    /// Its protected user's password.
    pub(super) async fn password(&self, plane: &ControlPlane) -> Result<SecretString, StepError> {
        let mut conn = plane.store().acquire().await?;
        let database = self.row.database_id;
        let sealed = store::database::sealed_password(&mut conn, database).await?;
        open_password(&plane.inner.key, database, &sealed.unwrap_or_default()).map_err(fault)
    }

    /// What PostgreSQL is given in place of the password.
    pub(super) async fn verifier(&self, plane: &ControlPlane) -> Result<SecretString, StepError> {
        Ok(scram::verifier(&self.password(plane).await?))
    }
}

/// A fault of ours: trying again would not help.
pub(super) fn fault(error: Error) -> StepError {
    StepError::give_up(error.problem().message).with_source(error)
}

/// What the engine said, as a step says it: what happened for people, and whether another try makes sense.
pub(super) fn trouble(error: EngineError, cx: &Cx) -> StepError {
    let again = cx.attempt() < TRIES;
    let failed = |message: String, again: bool| {
        if again { StepError::retry(message) } else { StepError::give_up(message) }
    };
    match error {
        EngineError::Postgres { message, log } => failed(message, again).with_log(log),
        EngineError::DiskFull { volume, free_bytes } => failed(
            match free_bytes / 1_000_000 {
                0 => format!(
                    "The {volume} of the host is full, of bytes or of files. The operator can make room; then try again."
                ),
                free => format!(
                    "The {volume} of the host is full: {free} MB are free. The operator can make room; then try again."
                ),
            },
            again,
        ),
        EngineError::NoFiles(volume) => failed(
            format!(
                "The {volume} of the host has too few inodes left for more files, whatever its free bytes. The operator \
                 can remove files or make it larger; then try again."
            ),
            again,
        ),
        EngineError::VersionMissing(version) => StepError::give_up(format!(
            "PostgreSQL {version} is not installed on this host any more. The operator can install it again."
        )),
        EngineError::PortTaken(port) => StepError::retry(format!(
            "Another program listens on port {port}. The published URL names this port, so PostgreSQL waits for it."
        )),
        EngineError::Other { message, source, retry } => failed(message, retry).with_source(source),
        absent @ (EngineError::Absent | EngineError::Foreign(_)) => {
            StepError::give_up(sentence(&absent.to_string()))
        }
    }
}

/// `text` with a capital at its beginning and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let text: String = first.chain(chars).collect();
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

/// Refuses to write settings or start anything for a plan that says nothing: limits would be made up.
pub(super) fn known_plan(plane: &ControlPlane, target: &Target) -> Result<(), StepError> {
    if plane.plan(&target.row.plan).is_ok() {
        return Ok(());
    }
    Err(StepError::give_up(format!(
        "The plan {} is not in Paddock's configuration any more. The operator can add it again.",
        target.row.plan
    )))
}

/// Refuses to go on without the binaries that its data needs.
pub(super) async fn installed(plane: &ControlPlane, target: &Target, cx: &Cx) -> Result<(), StepError> {
    let versions = plane.inner.engine.versions().await.map_err(|error| trouble(error, cx))?;
    if versions.iter().any(|installed| installed.version == target.spec.version) {
        return Ok(());
    }
    Err(trouble(EngineError::VersionMissing(target.spec.version), cx))
}

/// Stops the server; one that is not there is stopped.
pub(super) async fn stop(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    match plane.inner.engine.stop(target.spec.id, PATIENCE).await {
        Ok(()) => Ok(()),
        Err(EngineError::Absent) => {
            cx.detail("nothing to stop: no data directory carries its identity").await
        }
        Err(error) => Err(trouble(error, cx)),
    }
}

/// Writes settings and certificate.
pub(super) async fn configure(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    known_plan(plane, target)?;
    let told = plane.inner.engine.configure(&target.spec).await.map_err(|error| trouble(error, cx))?;
    cx.detail(told).await
}

/// Starts the server where its URL says.
pub(super) async fn start(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    let told = plane.inner.engine.start(&target.spec).await.map_err(|error| trouble(error, cx))?;
    cx.detail(told).await
}

/// Takes another port, because a stranger listens on the one that was chosen. Only before the URL is published.
pub(super) async fn move_to_another_port(
    plane: &ControlPlane,
    target: &Target,
    cx: &mut Cx,
) -> Result<(), StepError> {
    let mut notes: Notes = cx.memo()?;
    notes.moves += 1;
    if notes.moves > MOST_MOVES {
        return Err(StepError::give_up(format!(
            "{MOST_MOVES} ports in a row were taken by other programs. The operator can choose another range of ports."
        )));
    }
    let (database, now) = (target.row.database_id, cx.now());
    let tx = cx.tx().await?;
    store::port::rest(tx, database, now + STRANGER_RESTS).await?;
    let port = plane.free_port(tx, database, now).await.map_err(|error| match error {
        // Ports come back by themselves, when their rest is over: but nobody waits for days.
        Error::Unavailable { message, source: None } => StepError::give_up(message),
        other => fault(other),
    })?;
    store::database::move_to_port(tx, database, port).await?;
    cx.set_memo(&notes)?;
    cx.log(format!("another program listens on port {}; going to port {port}", target.spec.port)).await
}

/// Proves a login through the published address.
pub(super) async fn verify(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    let password = target.password(plane).await?;
    prove_login(plane, &target.spec, &password, cx).await
}

/// [`verify`] with another login or password than the published ones.
pub(super) async fn prove_login(
    plane: &ControlPlane,
    spec: &NodeSpec,
    password: &SecretString,
    cx: &mut Cx,
) -> Result<(), StepError> {
    let proof = plane.inner.engine.verify_login(spec, password).await.map_err(|error| trouble(error, cx))?;
    let took = u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX);
    cx.detail(format!("logged in over {} in {}", proof.tls, duration(took))).await
}

/// [`verify`] for a database that people have had in their hands: they may have changed the password or closed the
/// door with SQL, and that is no reason to stop a server that runs. The login is tried, and the result told.
pub(super) async fn verify_softly(
    plane: &ControlPlane,
    target: &Target,
    cx: &mut Cx,
) -> Result<(), StepError> {
    let (message, log) = match verify(plane, target, cx).await {
        Err(StepError::GiveUp { message, log, .. }) => (message, log),
        Err(StepError::Retry { message, log, .. }) if cx.attempt() >= TRIES => (message, log),
        other => return other,
    };
    for line in log {
        cx.log(line).await?;
    }
    cx.detail(format!("PostgreSQL runs, but the published URL did not let us in: {message}")).await
}

/// The URL works: it goes to the app's variables, and the database counts as ready, in the step's transaction.
pub(super) async fn publish(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    let password = target.password(plane).await?;
    publish_url(plane, target, (&target.spec.login, &password), cx).await?;
    let (addon, database, now) = (target.row.id, target.row.database_id, cx.now());
    let tx = cx.tx().await?;
    store::database::ready(tx, database).await?;
    Ok(store::addon::provisioned(tx, addon, now).await?)
}

/// Puts the URL with this login and password into the app's variables, in the step's transaction.
pub(super) async fn publish_url(
    plane: &ControlPlane,
    target: &Target,
    (login, password): (&str, &SecretString),
    cx: &mut Cx,
) -> Result<(), StepError> {
    let host = plane.inner.engine.public_host();
    let address = Address {
        host: &host,
        port: target.spec.port,
        database: &target.spec.name,
        username: login,
        password: Some(password),
    };
    let url = address.url(SslMode::Prefer);
    let (addon, app) = (target.row.id, target.row.app_id);
    let tx = cx.tx().await?;
    if !store::app::lock(tx, app).await? {
        return Err(StepError::give_up("The app was deleted."));
    }
    let names = variable::publish(&plane.inner.key, tx, app, addon, &url).await.map_err(fault)?;
    cx.detail(names.join(", ")).await
}

/// Where the port of a database that is gone stays empty for a while.
pub(super) async fn give_back_port(
    plane: &ControlPlane,
    target: &Target,
    cx: &mut Cx,
) -> Result<(), StepError> {
    let until = cx.now() + plane.config().port_rest;
    let database = target.row.database_id;
    Ok(store::port::rest(cx.tx().await?, database, until).await?)
}
