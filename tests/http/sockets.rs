//! Bounds that only show on a real socket: slow headers, greedy addresses, large bodies, slow readers (F61, A44).

use crate::house::Server;
use server::web::serve::{Limits, serve};
use std::{net::SocketAddr, time::Duration};
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let router = server.router.clone();
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
    let limits = Limits { header_read: Duration::from_millis(300), ..Limits::default() };
    let (address, _stop, _) = listen(&server, limits).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    let began = Instant::now();
    let drip = async {
        for byte in b"GET /health HTTP/1.1\r\nHost: paddock.test\r\n".iter().cycle() {
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
    timeout(Duration::from_secs(5), drip).await.expect("it is cut off");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let server = Server::new().await;
    let (address, _stop, _) = listen(&server, Limits { per_ip: 2, ..Limits::default() }).await;
    let request = b"GET /health HTTP/1.1\r\nHost: paddock.test\r\nConnection: close\r\n\r\n";
    let (one, two) = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut three = TcpStream::connect(address).await.unwrap();
    let _ = three.write_all(request).await;
    assert_eq!(read_to_end(&mut three).await, "", "closed without an answer");
    drop((one, two));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut four = TcpStream::connect(address).await.unwrap();
    four.write_all(request).await.unwrap();
    assert!(read_to_end(&mut four).await.starts_with("HTTP/1.1 200"));
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

#[tokio::test]
async fn a_stopping_server_ends_what_it_began() {
    let server = Server::new().await;
    let (address, stop, running) = listen(&server, Limits::default()).await;
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET /health HTTP/1.1\r\nHost: paddock.test\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    open.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    timeout(Duration::from_secs(5), running).await.expect("it stops").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
