//! Bounds that only show on a real socket: slow headers, greedy addresses, large bodies, slow readers (F61, F62, A44).

use crate::{backups::Yard, house::Server};
use axum::{Router, middleware::from_fn};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use server::web::{
    limits,
    serve::{Limits, serve},
};
use std::{iter::repeat, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::{Instant, timeout},
};

async fn listen(
    server: &Server,
    limits: Limits,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    serving(server.router.clone(), limits).await
}

async fn serving(
    router: Router,
    limits: Limits,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let running = durable::background::spawn("test server", async move {
        serve(listener, router, limits, async { drop(stopped.await) }).await;
    });
    (address, stop, running)
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ =
        timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn slow_headers_are_cut_off() {
    let server = Server::new().await;
    let limit = Duration::from_millis(300);
    let (address, _stop, _) = listen(&server, Limits { header_read: limit, ..Limits::default() }).await;
    let began = Instant::now();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let drip = async {
        // Nothing is wrong with it, and its last header has no end: only time can end it.
        for byte in b"GET /health HTTP/1.1\r\nHost: paddock.test\r\nX: ".iter().chain(repeat(&b'a')) {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut byte = [0];
            if let Ok(Ok(0)) = timeout(Duration::from_millis(1), slow.read(&mut byte)).await {
                break;
            }
        }
    };
    timeout(Duration::from_secs(20), drip).await.expect("it is cut off");
    let took = began.elapsed();
    assert!(took >= limit / 2, "not before its time: {took:?}");
    // The limit that is there without ours is ten seconds.
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let server = Server::new().await;
    let (address, _stop, _) = listen(&server, Limits { per_ip: 2, ..Limits::default() }).await;
    let ask = async || {
        let mut asking = TcpStream::connect(address).await.unwrap();
        // It may be closed before it is written.
        let _ = asking
            .write_all(b"GET /health HTTP/1.1\r\nHost: paddock.test\r\nConnection: close\r\n\r\n")
            .await;
        read_to_end(&mut asking).await
    };
    // The kernel hands them over in the order in which they came.
    let (one, two) = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    assert_eq!(ask().await, "", "closed without an answer");
    drop((one, two));
    // The server learns in its own time that they have gone.
    let answered = async {
        loop {
            let answer = ask().await;
            if !answer.is_empty() {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = timeout(Duration::from_secs(10), answered).await.expect("there is room again");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn large_bodies_and_headers_are_refused() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (address, _stop, _) = listen(&server, Limits::default()).await;
    let head = format!(
        "POST /v1/apps HTTP/1.1\r\nHost: paddock.test\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\n",
        ada.jwt
    );

    let mut told = TcpStream::connect(address).await.unwrap();
    told.write_all(format!("{head}Content-Length: 2000000\r\n\r\n").as_bytes()).await.unwrap();
    let answer = read_to_end(&mut told).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"), "{answer}");

    // Without a length it is counted.
    let mut chunked = TcpStream::connect(address).await.unwrap();
    chunked.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..20 {
        if chunked.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = read_to_end(&mut chunked).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");

    let mut long = TcpStream::connect(address).await.unwrap();
    let header = "x".repeat(100_000);
    let _ = long
        .write_all(format!("GET / HTTP/1.1\r\nHost: paddock.test\r\nX: {header}\r\n\r\n").as_bytes())
        .await;
    let answer = read_to_end(&mut long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// A client that asks for much and reads nothing is let go.
#[tokio::test]
async fn slow_readers_are_cut_off() {
    let server = Server::new().await;
    let limits = Limits { stuck_write: Duration::from_millis(300), ..Limits::default() };
    let (address, _stop, _) = listen(&server, limits).await;
    let mut lazy = TcpStream::connect(address).await.unwrap();
    // Many requests in a row and not one answer read: the server's socket fills up.
    let request = b"GET /openapi.json HTTP/1.1\r\nHost: paddock.test\r\n\r\n";
    let pour = async {
        while lazy.write_all(request).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), pour).await.expect("it is cut off");
}

/// F62: a line that breaks a hundred times, wherever it was; what was taken up each time is the same to the byte.
#[tokio::test]
async fn a_download_whose_line_breaks_is_the_same() {
    let yard = Yard::new(5 << 20).await;
    let link = yard.link(&yard.made().await).await;
    let (_, headers, whole) = yard.fetch(&link, &[]).await;
    let etag = headers["etag"].to_str().unwrap();
    let (address, _stop, _) = listen(&yard.server, Limits::default()).await;
    let mut random = StdRng::seed_from_u64(62);
    let (mut got, mut cuts) = (Vec::new(), 0);
    while got.len() < whole.len() {
        let mut line = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {link} HTTP/1.1\r\nHost: paddock.test\r\nConnection: close\r\nRange: bytes={}-\r\nIf-Range: {etag}\r\n\r\n",
            got.len()
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let head = head(&mut line).await;
        assert!(head.starts_with("HTTP/1.1 206"), "{head}");
        let left = whole.len() - got.len();
        let range = format!("content-range: bytes {}-{}/{}\r\n", got.len(), whole.len() - 1, whole.len());
        assert!(head.contains(&range), "{head}");
        // The line breaks somewhere, a hundred times; then it holds.
        let most = if cuts < 100 { random.random_range(1..=(left / 40).max(1)) } else { left };
        let read = (&mut line).take(most as u64).read_to_end(&mut got).await.unwrap();
        assert_eq!(read, most);
        cuts += usize::from(got.len() < whole.len());
    }
    assert!(cuts >= 100, "{cuts}");
    assert!(got == whole);
}

/// The head of an answer, and no byte more.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an answer").unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Whoever begins a download and takes no more of it is let go; others are not kept waiting meanwhile.
#[tokio::test]
async fn a_download_that_nobody_takes_is_cut_off() {
    let yard = Yard::new(24 << 20).await;
    let link = yard.link(&yard.made().await).await;
    let limits = Limits { stuck_write: Duration::from_millis(300), ..Limits::default() };
    let (address, _stop, _) = listen(&yard.server, limits).await;
    let request = format!("GET {link} HTTP/1.1\r\nHost: paddock.test\r\n\r\n");
    let mut lazy = TcpStream::connect(address).await.unwrap();
    lazy.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut lazy).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    let mut other = TcpStream::connect(address).await.unwrap();
    other
        .write_all(b"GET /health HTTP/1.1\r\nHost: paddock.test\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(read_to_end(&mut other).await.starts_with("HTTP/1.1 200"));
    // It is cut off while nothing of it is read: what comes afterwards is what the kernel had, and an end.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut got = Vec::new();
    let _ = timeout(Duration::from_secs(10), lazy.read_to_end(&mut got)).await.expect("it was cut off");
    assert!(!got.is_empty() && got.len() < length, "{} of {length}", got.len());
}

/// A body that never ends is given up, and not waited for.
#[tokio::test]
async fn a_slow_body_is_given_up() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let second = Duration::from_secs(1);
    let bound = from_fn(move |request, next| limits::within(second, request, next));
    let (address, _stop, _) = serving(server.router.clone().layer(bound), Limits::default()).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/apps HTTP/1.1\r\nHost: paddock.test\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: 1000\r\n\r\n",
        ada.jwt
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let began = Instant::now();
    let drip = async {
        let mut byte = [0];
        while timeout(Duration::from_millis(50), slow.peek(&mut byte)).await.is_err() {
            slow.write_all(b" ").await.unwrap();
        }
    };
    timeout(Duration::from_secs(10), drip).await.expect("it is given up");
    assert!(began.elapsed() >= second / 2, "not before its time: {:?}", began.elapsed());
    let answer = read_to_end(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"timeout\""), "{answer}");
}

#[tokio::test]
async fn a_stopping_server_ends_what_it_began() {
    let server = Server::new().await;
    // Longer than it is waited for below: it is not this that ends the connection.
    let limits = Limits { drain: Duration::from_secs(60), ..Limits::default() };
    let (address, stop, running) = listen(&server, limits).await;
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET /health HTTP/1.1\r\nHost: paddock.test\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    open.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    timeout(Duration::from_secs(20), running).await.expect("it stops").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
