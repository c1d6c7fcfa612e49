//! Does it answer, and is it the one? Liveness is an answered query, never a process number.

use super::{PidFile, Server};
use crate::{
    error::retry,
    identity::Identity,
    layout::ClusterDir,
    procs::Handle,
    sql::{self, SUPERUSER, Session},
};
use control::engine::EngineError;
use std::time::Duration;
use tokio::time::Instant;

/// What a server said when asked who it is.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The right system identifier.
    Ours,
    /// Nothing yet, or a refusal.
    None(EngineError),
}

/// Asks the server behind a cluster's private socket who it is. Another cluster's answer is an error at once.
pub(crate) async fn ask(
    dir: &ClusterDir,
    identity: &Identity,
    port: u16,
    limit: Duration,
) -> Result<Answer, EngineError> {
    match sql::system_identifier(&Session::new(dir.run(), port, SUPERUSER, limit)).await {
        Ok(id) if id == identity.system_identifier => Ok(Answer::Ours),
        Ok(id) => {
            let (dir, own) = (dir.path().display(), identity.system_identifier);
            Err(EngineError::Foreign(format!("the server in {dir} says it is cluster {id}, not {own}")))
        }
        Err(error) => Ok(Answer::None(error)),
    }
}

/// How waiting ended.
#[derive(Debug)]
pub(super) enum Waited {
    /// It answers.
    Ready,
    /// The process ended.
    Died,
}

/// How often its notes are read while it starts.
const GLANCE: Duration = Duration::from_millis(2);
/// How long its notes are believed when they say that it is not ready: they are hints, an answer is the proof.
const GLANCES: u32 = 50;

/// Waits until it answers, it ends, or the time is over.
pub(super) async fn wait(
    server: Server<'_>,
    process: &Handle,
    limit: Duration,
) -> Result<Waited, EngineError> {
    let until = Instant::now() + limit;
    loop {
        let asked = async {
            hint(server.dir).await;
            ask(server.dir, server.identity, server.port, Duration::from_secs(5)).await
        };
        let asked = tokio::select! {
            biased;
            () = process.ended() => return Ok(Waited::Died),
            asked = asked => asked?,
        };
        match asked {
            Answer::Ours => return Ok(Waited::Ready),
            Answer::None(error) if Instant::now() >= until => {
                return Err(retry(
                    format!("the server runs and does not accept connections yet; {error}"),
                    error,
                ));
            }
            Answer::None(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}

/// A moment in which it makes sense to ask. Every question costs the server a process, just when it starts; a glance
/// at its notes costs it nothing.
async fn hint(dir: &ClusterDir) {
    for _ in 0..GLANCES {
        if PidFile::read(dir).is_some_and(|notes| notes.open) {
            return;
        }
        tokio::time::sleep(GLANCE).await;
    }
}
