//! What the core asks of the engine about how a server may be reached, beside writing its files
//! ([`super::Engine::configure`]): who is connected over the network, and whom the rules would not let in again.

use super::{EngineError, NodeSpec};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::net::IpAddr;
use types::{network::Network, reach::TcpSession};

/// A certificate that ends sooner is replaced when its server is configured.
pub const RENEW_BEFORE: TimeDelta = TimeDelta::days(30);

/// Sessions over the network, and the rules for them.
#[async_trait]
pub trait Doorway: Send + Sync + 'static {
    /// Addresses on which servers listen.
    fn listens_on(&self) -> Vec<IpAddr>;
    /// Networks from which every server may be reached: the operator's choice.
    fn house_networks(&self) -> Vec<Network>;
    /// When the CA ends that signs the servers' certificates. It is made once and not renewed: clients trust this one.
    fn ca_until(&self) -> DateTime<Utc>;
    /// Open sessions of a running server that would not be let in again if it were as `spec` says, oldest first; read
    /// as the weak monitoring role.
    async fn refused(&self, spec: &NodeSpec) -> Result<Vec<TcpSession>, EngineError>;
    /// Ends them, or those without TLS alone. Answers how many.
    async fn end_refused(&self, spec: &NodeSpec, plain_only: bool) -> Result<u32, EngineError>;
}
