//! Who is connected to a server over the network, and whom its rules would not let in again.
//!
//! Sessions are read as the weak monitoring role and ended as the one that may signal: never as the superuser, and never
//! one of the platform's own. A session is named by its process and its beginning, so that the next user of a process
//! id is left alone.

use crate::{
    EngineConfig,
    layout::ClusterDir,
    sql::{MONITOR, SIGNAL, Session, ours},
};
use chrono::{DateTime, Utc};
use control::engine::{EngineError, NodeSpec};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    time::{Duration, SystemTime},
};
use tokio_postgres::Client;
use types::{network::Network, reach::TcpSession};

const LIMIT: Duration = Duration::from_secs(5);

/// Sessions of users over the network that would not be let in again if the server were as `spec` says.
pub(crate) async fn refused(
    config: &EngineConfig,
    dir: &ClusterDir,
    spec: &NodeSpec,
) -> Result<Vec<TcpSession>, EngineError> {
    let session = Session::new(dir.run(), spec.port, MONITOR, LIMIT);
    // Names of roles are constants.
    let ask = format!(
        "SELECT a.pid, a.usename::text, a.application_name, pg_catalog.host(a.client_addr), a.backend_start,
                coalesce(s.ssl, false)
         FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = a.pid
         WHERE a.backend_type = 'client backend' AND a.client_addr IS NOT NULL AND a.usename NOT IN ({})
         ORDER BY a.backend_start",
        ours()
    );
    let read = async |client: Client| {
        let rows = client.query(&ask, &[]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(TcpSession {
                pid: row.try_get(0)?,
                user: row.try_get(1)?,
                application: row.try_get(2)?,
                client: row.try_get(3)?,
                since: DateTime::<Utc>::from(row.try_get::<_, SystemTime>(4)?),
                tls: row.try_get(5)?,
            })
        };
        rows.iter().map(read).collect::<Result<Vec<TcpSession>, tokio_postgres::Error>>()
    };
    let all = session.run("look at the sessions", read).await?;
    if spec.reach.closed {
        return Ok(all);
    }
    let networks = networks(config, spec);
    Ok(all.into_iter().filter(|one| !admits(spec.reach.force_tls, &networks, one, is_own)).collect())
}

/// Ends those of [`refused`], or the plain ones alone; answers how many.
pub(crate) async fn end_refused(
    config: &EngineConfig,
    dir: &ClusterDir,
    spec: &NodeSpec,
    plain_only: bool,
) -> Result<u32, EngineError> {
    let mut refused = refused(config, dir, spec).await?;
    refused.retain(|one| !(plain_only && one.tls));
    if refused.is_empty() {
        return Ok(0);
    }
    let pids: Vec<i32> = refused.iter().map(|one| one.pid).collect();
    let begun: Vec<SystemTime> = refused.iter().map(|one| one.since.into()).collect();
    let session = Session::new(dir.run(), spec.port, SIGNAL, LIMIT);
    let end = "SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(a.pid))
               FROM pg_catalog.pg_stat_activity a
               JOIN unnest($1::int4[], $2::timestamptz[]) AS wanted (pid, begun)
                    ON a.pid = wanted.pid AND a.backend_start = wanted.begun";
    let ended = session
        .run("end sessions", async |client: Client| {
            client.query_one(end, &[&pids, &begun]).await?.try_get::<_, i64>(0)
        })
        .await?;
    Ok(u32::try_from(ended).unwrap_or(0))
}

/// From where users may come, beside this very host.
pub(crate) fn networks(config: &EngineConfig, spec: &NodeSpec) -> Vec<Network> {
    match spec.reach.everywhere {
        true => Network::EVERYWHERE.to_vec(),
        false => config.networks.iter().chain(&spec.reach.networks).copied().collect(),
    }
}

/// Whether the rules let this session in, as `pg_hba.conf` says it in the same order.
fn admits(force_tls: bool, networks: &[Network], session: &TcpSession, is_own: fn(IpAddr) -> bool) -> bool {
    // What cannot be read is not judged.
    let Ok(client) = session.client.parse::<IpAddr>() else { return true };
    let from_here = || is_own(client) || networks.iter().any(|network| network.holds(client));
    (session.tls || !force_tls) && from_here()
}

/// `samehost`: an address of this host. Of the loopback network only the one address counts (PostgreSQL compares with
/// the addresses of interfaces); any other is ours if we may listen on it.
fn is_own(address: IpAddr) -> bool {
    if address.is_loopback() {
        return [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address);
    }
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_judge_sessions_as_the_file_does() {
        let of = |client: &str, tls: bool| TcpSession {
            pid: 1,
            user: "u".into(),
            application: String::new(),
            client: client.into(),
            since: DateTime::UNIX_EPOCH,
            tls,
        };
        let own = |address: IpAddr| address == IpAddr::from([192, 0, 2, 9]);
        let ten = ["10.0.0.0/8".parse().unwrap()];
        for (force, client, tls, let_in) in [
            (false, "10.1.2.3", false, true),
            (true, "10.1.2.3", false, false),
            (true, "10.1.2.3", true, true),
            (false, "11.1.2.3", true, false),
            (false, "192.0.2.9", false, true),
            (true, "192.0.2.9", false, false),
            (false, "::1", true, false),
            (true, "nonsense", false, true),
        ] {
            assert_eq!(admits(force, &ten, &of(client, tls), own), let_in, "{force} {client} {tls}");
        }
        assert!(admits(false, &Network::EVERYWHERE, &of("2001:db8::1", false), own));
    }

    #[test]
    fn own_addresses_are_known() {
        assert!(is_own([127, 0, 0, 1].into()));
        assert!(!is_own([127, 0, 0, 5].into()), "PostgreSQL's samehost does not mean it");
        assert!(!is_own([192, 0, 2, 1].into()), "an address for documents");
    }
}
