//! How the fake's nodes may be reached, and their logs: sessions and records in memory, put there by tests.

use crate::{FakeEngine, Method, engine::State};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use control::engine::{Doorway, EngineError, LogFile, LogMark, LogPart, Logs, NodeSpec, reach::RENEW_BEFORE};
use std::net::IpAddr;
use types::{NodeId, log::LogRecord, network::Network, reach::TcpSession};

/// Name of the fake's one file.
const FILE: &str = "postgresql-2026-11-21_000000.json";
/// How long its certificates last.
const LASTS: TimeDelta = TimeDelta::days(397);

/// When the certificate of a node ends that is configured now: a new one, if the old one ends soon.
pub(crate) fn certificate(had: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    had.filter(|until| *until - now >= RENEW_BEFORE).unwrap_or(now + LASTS)
}

fn unwelcome(spec: &NodeSpec, session: &TcpSession) -> bool {
    let outside = session.client.parse::<IpAddr>().is_ok_and(|client| {
        !client.is_loopback() && !spec.reach.networks.iter().any(|network| network.holds(client))
    });
    spec.reach.closed || (spec.reach.force_tls && !session.tls) || (outside && !spec.reach.everywhere)
}

impl State {
    fn sessions(&mut self, spec: &NodeSpec) -> Result<Vec<TcpSession>, EngineError> {
        let node = self.live(spec.id)?;
        Ok(node.sessions.iter().filter(|session| unwelcome(spec, session)).cloned().collect())
    }
}

impl FakeEngine {
    /// Somebody is connected.
    pub fn connect(&self, id: NodeId, client: &str, tls: bool) {
        let since = self.clock_now();
        if let Some(node) = self.state().nodes.get_mut(&id) {
            let pid = i32::try_from(node.sessions.len()).unwrap_or_default() + 100;
            let (user, application) = (node.spec.name.clone(), "app".into());
            node.sessions.push(TcpSession { pid, user, application, client: client.into(), since, tls });
        }
    }

    /// Its CA ends then, and not ten years from now.
    pub fn ca_ends(&self, until: DateTime<Utc>) {
        self.state().ca_until = Some(until);
    }

    /// A server writes this line into its log.
    pub fn logs(&self, id: NodeId, line: &str) {
        if let Some(node) = self.state().nodes.get_mut(&id) {
            node.log.push(LogRecord::read(line));
        }
    }

    fn clock_now(&self) -> DateTime<Utc> {
        durable::Clock::now(&*self.clock)
    }
}

#[async_trait]
impl Doorway for FakeEngine {
    fn listens_on(&self) -> Vec<IpAddr> {
        vec![IpAddr::from([127, 0, 0, 1])]
    }

    fn house_networks(&self) -> Vec<Network> {
        Vec::new()
    }

    fn ca_until(&self) -> DateTime<Utc> {
        self.state().ca_until.unwrap_or_else(|| self.clock_now() + TimeDelta::days(3650))
    }

    async fn refused(&self, spec: &NodeSpec) -> Result<Vec<TcpSession>, EngineError> {
        self.call(Method::Refused, |state| state.sessions(spec)).await
    }

    async fn end_refused(&self, spec: &NodeSpec, plain_only: bool) -> Result<u32, EngineError> {
        self.call(Method::EndRefused, |state| {
            let goes = |one: &TcpSession| unwelcome(spec, one) && !(plain_only && one.tls);
            let ended = state.sessions(spec)?.iter().filter(|one| goes(one)).count();
            state.live(spec.id)?.sessions.retain(|session| !goes(session));
            Ok(u32::try_from(ended).unwrap_or(u32::MAX))
        })
        .await
    }
}

fn part(records: &[LogRecord], from: usize) -> LogPart {
    let mark = LogMark { file: FILE.into(), offset: records.len() as u64 };
    LogPart { records: records.get(from..).unwrap_or_default().to_vec(), mark: Some(mark) }
}

#[async_trait]
impl Logs for FakeEngine {
    async fn log_end(&self, id: NodeId, _bytes: u64) -> Result<LogPart, EngineError> {
        self.call(Method::LogEnd, |state| Ok(part(&state.live(id)?.log, 0))).await
    }

    async fn log_since(&self, id: NodeId, mark: &LogMark) -> Result<LogPart, EngineError> {
        let from = usize::try_from(mark.offset).unwrap_or_default();
        self.call(Method::LogSince, |state| Ok(part(&state.live(id)?.log, from))).await
    }

    async fn log_files(&self, id: NodeId) -> Result<Vec<LogFile>, EngineError> {
        let now = self.clock_now();
        self.call(Method::LogFiles, |state| {
            let bytes = state.live(id)?.log.iter().map(|record| record.text.len() as u64).sum();
            Ok(vec![LogFile { name: FILE.into(), from: now - TimeDelta::hours(1), to: now, bytes }])
        })
        .await
    }

    async fn trim_log(&self, id: NodeId, _bytes: u64) -> Result<u32, EngineError> {
        self.call(Method::TrimLog, |state| state.live(id).map(|_| 0)).await
    }
}
