//! Webhooks: the one place where the server calls out.
//!
//! The name is resolved once and only the checked addresses are connected to, so that a name cannot point elsewhere
//! between check and call. No redirect, no proxy from the environment, ten seconds. The answer's body is not read.

use async_trait::async_trait;
use control::hook::{Answer, Caller, may_call};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect::Policy};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Calls webhooks over HTTP.
pub struct HttpCaller {
    private: bool,
}

impl HttpCaller {
    /// `private`: addresses of private networks and of this host may be called.
    #[must_use]
    pub fn new(private: bool) -> Self {
        // The client finds its TLS provider there. A second call says that there is one already: fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { private }
    }
}

#[async_trait]
impl Caller for HttpCaller {
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer {
        let answer = timeout(PATIENCE, self.call(url, headers, body)).await;
        let (taken, text) = match answer {
            Ok(Ok((taken, text))) => (taken, text),
            Ok(Err(text)) => (false, text),
            Err(_) => (false, "no answer in 10 s".into()),
        };
        Answer { taken, text }
    }
}

impl HttpCaller {
    async fn call(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(bool, String), String> {
        let url: Url = url.parse().map_err(|_| "this is not a URL")?;
        let host = url.host_str().ok_or("the URL names no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("the URL names no port")?;
        let addresses = self.addresses(&host, port).await?;
        let mut client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        client = client.user_agent("Paddock").resolve_to_addrs(&host, &addresses);
        if url.scheme() == "http" {
            // A host without any CA certificates can still call its own network.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| cause(&error))?;
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let status = request.send().await.map_err(|error| cause(&error))?.status();
        Ok((status.is_success(), status.to_string()))
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let found: Vec<_> = match literal {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|_| "the host name is not known")?
                .collect(),
        };
        let allowed: Vec<_> =
            found.into_iter().filter(|address| may_call(address.ip(), self.private)).collect();
        if allowed.is_empty() { Err("this address may not be called".into()) } else { Ok(allowed) }
    }
}

/// The innermost cause, without the URL: it may hold a secret.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in 10 s".into();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    let text = inner.to_string();
    if text.contains("://") { "the call failed".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Answers one request with `answer`, and tells what was asked.
    async fn once(answer: &'static str) -> (u16, tokio::sync::oneshot::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, asked) = tokio::sync::oneshot::channel();
        durable::background::spawn("receiver of one hook", async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with("{}") {
                let mut bytes = [0; 1024];
                let n = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..n]).unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = told.send(text);
        });
        (port, asked)
    }

    async fn call(url: &str, private: bool) -> Answer {
        HttpCaller::new(private).post(url, &[("webhook-id", "op-1".into())], "{}".into()).await
    }

    #[tokio::test]
    async fn a_hook_is_called() {
        let (port, asked) = once("HTTP/1.1 204 No Content\r\n\r\n").await;
        let answer = call(&format!("http://localhost:{port}/restart?a=b"), true).await;
        assert_eq!((answer.taken, answer.text.as_str()), (true, "204 No Content"));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /restart?a=b HTTP/1.1\r\n"), "{asked}");
        for line in ["webhook-id: op-1", "content-type: application/json", &format!("host: localhost:{port}")]
        {
            assert!(asked.contains(line), "{asked}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (port, _asked) = once("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n").await;
        let answer = call(&format!("http://127.0.0.1:{port}/"), true).await;
        assert_eq!((answer.taken, answer.text.as_str()), (false, "302 Found"));
    }

    /// A38: nothing leads to addresses that are not to be called, however they are written.
    #[tokio::test]
    async fn some_addresses_are_never_called() {
        for (url, private) in [
            ("http://169.254.169.254/latest/meta-data", true),
            ("http://[::ffff:169.254.169.254]/", true),
            ("http://0.0.0.0/", true),
            ("http://2852039166/", true),
            ("http://127.0.0.1:1/", false),
            ("http://127.1:1/", false),
            ("http://0x7f000001:1/", false),
            ("http://[::1]:1/", false),
            ("http://localhost:1/", false),
        ] {
            let answer = call(url, private).await;
            assert_eq!(
                (answer.taken, answer.text.as_str()),
                (false, "this address may not be called"),
                "{url}"
            );
        }
    }

    #[tokio::test]
    async fn what_went_wrong_is_told_without_the_url() {
        let answer = call("http://127.0.0.1:1/secret", true).await;
        assert!(
            !answer.taken && answer.text.contains("refused") && !answer.text.contains("secret"),
            "{answer:?}"
        );
    }
}
