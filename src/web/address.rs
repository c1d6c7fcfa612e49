//! Who is at the other end of a connection.
//!
//! `X-Forwarded-For` is believed only from a trusted proxy, and then only its last entry that is not itself a
//! trusted proxy: everything before it was written by the client.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The socket's other end, put into each request by the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The address of the client, behind any trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// Puts [`ClientIp`] into the request.
pub async fn find(State(trusted): State<Arc<[IpAddr]>>, mut request: Request, next: Next) -> Response {
    // Without a socket (a router called by a test) nothing is known; that address is never trusted.
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let ip = client(peer, &trusted, request.headers());
    request.extensions_mut().insert(ClientIp(ip));
    next.run(request).await
}

fn client(peer: IpAddr, trusted: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines: Vec<_> =
        headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    // Several lines mean one list (RFC 9110, 5.3); the nearest hop is the last.
    let hops = lines.iter().flat_map(|line| line.split(',')).map(str::trim).rev();
    for hop in hops {
        if !trusted.contains(&client) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(ip) => client = ip.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, trusted: &[&str], forwarded: &[&str]) -> String {
        let trusted: Vec<IpAddr> = trusted.iter().map(|ip| ip.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        client(peer.parse().unwrap(), &trusted, &headers).to_string()
    }

    #[test]
    fn a_header_from_anybody_else_is_ignored() {
        assert_eq!(ask("192.0.2.9", &[], &["1.2.3.4"]), "192.0.2.9");
        assert_eq!(ask("192.0.2.9", &["10.0.0.1"], &["1.2.3.4"]), "192.0.2.9");
    }

    #[test]
    fn behind_a_proxy_the_last_foreign_hop_counts() {
        let proxies = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(ask("10.0.0.1", &proxies, &["1.2.3.4, 192.0.2.9"]), "192.0.2.9");
        assert_eq!(ask("10.0.0.1", &proxies, &["1.2.3.4", "192.0.2.9, 10.0.0.2"]), "192.0.2.9");
        assert_eq!(ask("::ffff:10.0.0.1", &proxies, &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(ask("10.0.0.1", &proxies, &["192.0.2.9, unknown"]), "10.0.0.1");
        assert_eq!(ask("10.0.0.1", &proxies, &[]), "10.0.0.1");
    }
}
