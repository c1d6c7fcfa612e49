//! The accept loop: hyper with the bounds that `axum::serve` does not offer.
//!
//! Slow headers, slow readers, too many connections and one greedy address are all cut off here (Slowloris and its
//! kin), before a request exists. TLS and HTTP/2 are the work of a proxy in front.

use super::{
    address::{ClientIp, Peer},
    patience::Patient,
};
use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::ServiceExt;

/// The bounds of the accept loop.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Headers must be whole within this time.
    pub header_read: Duration,
    /// A write may be stuck this long.
    pub stuck_write: Duration,
    /// Bytes of request line and headers.
    pub header_bytes: usize,
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// Connections at a time from one address.
    pub per_ip: usize,
    /// Addresses that are not counted: proxies carry everybody.
    pub uncounted: Arc<[IpAddr]>,
    /// How long running requests may go on after the shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            stuck_write: Duration::from_secs(30),
            header_bytes: 32 * 1024,
            connections: 1024,
            per_ip: 64,
            uncounted: Arc::new([]),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves `router` on `listener` until `shutdown` resolves, then lets running requests end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let guests = Guests::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let arrival = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            arrival = arrival => arrival,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: a closed connection helps, a busy loop does not.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let ip = peer.ip().to_canonical();
        let counted = !limits.uncounted.contains(&ip);
        let Some(guest) = guests.enter(ip, if counted { limits.per_ip } else { usize::MAX }) else {
            tracing::debug!(%ip, "closed: too many connections from one address");
            continue;
        };
        let connection = graceful.watcher().watch(connection(stream, peer, router.clone(), &limits));
        durable::background::spawn("http connection", async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((guest, place));
        });
    }
    // From here on the kernel refuses new connections.
    drop(listener);
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::info!("some requests were cut off at shutdown");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: &Limits,
) -> http1::Connection<
    Patient<TokioIo<TcpStream>>,
    impl hyper::service::Service<
        Request<Incoming>,
        Response = axum::response::Response,
        Error = Infallible,
        Future: Send,
    > + use<>,
> {
    // Small answers must not wait for Nagle's algorithm.
    let _ = stream.set_nodelay(true);
    let io = Patient::new(TokioIo::new(stream), limits.stuck_write);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(ClientIp(peer.ip().to_canonical()));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(64 * 1024))
        .serve_connection(io, service)
}

/// How many connections each address has.
#[derive(Clone, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place in the count; leaves when dropped.
struct Guest(Guests, IpAddr);

impl Guests {
    fn enter(&self, ip: IpAddr, most: usize) -> Option<Guest> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Guest(self.clone(), ip))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}
