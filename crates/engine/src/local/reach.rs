//! How a server may be reached, and its log: the engine port's calls of [`crate::reach`] and [`crate::logs`].

use super::LocalEngine;
use crate::{error::Doing as _, logs, reach};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use control::engine::{Doorway, EngineError, LogFile, LogMark, LogPart, Logs, NodeSpec};
use std::{io, net::IpAddr, path::PathBuf, time::SystemTime};
use types::{NodeId, network::Network, reach::TcpSession};

#[async_trait]
impl Doorway for LocalEngine {
    fn listens_on(&self) -> Vec<IpAddr> {
        self.inner.config.listen.clone()
    }

    fn house_networks(&self) -> Vec<Network> {
        self.inner.config.networks.clone()
    }

    fn ca_until(&self) -> DateTime<Utc> {
        self.inner.ca.until()
    }

    async fn refused(&self, spec: &NodeSpec) -> Result<Vec<TcpSession>, EngineError> {
        let (dir, _) = self.running(spec.id)?;
        reach::refused(&self.inner.config, &dir, spec).await
    }

    async fn end_refused(&self, spec: &NodeSpec, plain_only: bool) -> Result<u32, EngineError> {
        let (dir, _) = self.running(spec.id)?;
        reach::end_refused(&self.inner.config, &dir, spec, plain_only).await
    }
}

#[async_trait]
impl Logs for LocalEngine {
    async fn log_end(&self, id: NodeId, bytes: u64) -> Result<LogPart, EngineError> {
        self.with_log(id, "read the log", move |dir| logs::end(&dir, bytes)).await
    }

    async fn log_since(&self, id: NodeId, mark: &LogMark) -> Result<LogPart, EngineError> {
        let mark = mark.clone();
        self.with_log(id, "read the log", move |dir| logs::since(&dir, &mark)).await
    }

    async fn log_files(&self, id: NodeId) -> Result<Vec<LogFile>, EngineError> {
        self.with_log(id, "list the log's files", |dir| Ok(logs::files(&dir))).await
    }

    async fn trim_log(&self, id: NodeId, bytes: u64) -> Result<u32, EngineError> {
        self.with_log(id, "remove old logs", move |dir| logs::trim(&dir, bytes, SystemTime::now())).await
    }
}

impl LocalEngine {
    /// Does `work` with a node's log directory, without keeping others waiting.
    async fn with_log<T: Send + 'static>(
        &self,
        id: NodeId,
        what: &'static str,
        work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let dir = self.find(id)?.0.log();
        let done = tokio::task::spawn_blocking(move || work(dir)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error))).doing(|| what.to_owned())
    }
}
