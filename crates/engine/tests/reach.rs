//! How a real server may be reached: forced TLS, networks, rules that it does not take, certificates that end soon. All
//! of it without a restart.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;

use control::engine::{Doorway as _, Engine as _, NodeSpec};
use engine::tls::Ca;
use host::{Host, PASSWORD};
use rustix::process::Signal;
use secrecy::ExposeSecret as _;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};
use tokio_postgres::{Client, Error, NoTls, config::SslMode};

/// A session from this address of the loopback network, plain.
async fn plain(spec: &NodeSpec, from: [u8; 4]) -> Result<Client, Error> {
    let mut config = tokio_postgres::Config::new();
    config.user(&spec.name).dbname(&spec.name).password(PASSWORD).ssl_mode(SslMode::Disable);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], spec.port))).await.unwrap();
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
    tokio::spawn(connection);
    Ok(client)
}

fn said(answer: Result<Client, Error>) -> String {
    let Err(error) = answer else { panic!("it was let in") };
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

/// Waits until nobody is left who would be refused. Who is ended stays listed until it has gone.
async fn nobody_is_left(host: &Host, spec: &NodeSpec) {
    let none = async || (host.engine.end_refused(spec, false).await.unwrap() == 0).then_some(());
    host::eventually(host::PATIENT, none).await.expect("nobody is left");
}

/// When the server was started, by its own word.
async fn started(host: &Host, spec: &NodeSpec) -> String {
    host.ask(spec, "SELECT pg_postmaster_start_time()").await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn forced_tls_refuses_plain_sessions_and_ends_those_that_are_open() {
    let host = Host::new().await;
    for version in host.versions().await {
        let mut spec = host::spec("shop_1", version);
        host.up(&spec).await;
        let began = started(&host, &spec).await;
        let open = plain(&spec, [127, 0, 0, 1]).await.unwrap();
        let encrypted = host.connect(&spec, "shop_1").await.unwrap();
        assert_eq!(host.engine.refused(&spec).await.unwrap(), []);

        spec.reach.force_tls = true;
        let told = host.engine.refused(&spec).await.unwrap();
        assert_eq!(told.len(), 1, "who would be cut is known before: {told:?}");
        assert_eq!(
            (told[0].user.as_str(), told[0].client.as_str(), told[0].tls),
            ("shop_1", "127.0.0.1", false)
        );
        open.simple_query("SELECT 1").await.unwrap();
        host.engine.configure(&spec).await.unwrap();
        assert!(said(plain(&spec, [127, 0, 0, 1]).await).contains("no encryption"), "refused by name");
        open.simple_query("SELECT 1").await.unwrap();
        assert_eq!(host.engine.end_refused(&spec, false).await.unwrap(), 1);
        nobody_is_left(&host, &spec).await;
        assert!(open.simple_query("SELECT 1").await.is_err(), "{version}: the plain session was ended");
        encrypted.simple_query("SELECT 1").await.unwrap();
        host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
        assert_eq!(old_tls(&spec), "alert 70", "{version}: TLS 1.1 is refused as a version");

        spec.reach.force_tls = false;
        host.engine.configure(&spec).await.unwrap();
        plain(&spec, [127, 0, 0, 1]).await.unwrap();
        assert_eq!(started(&host, &spec).await, began, "it was never restarted");
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

/// Offers TLS 1.1 at most, byte by byte: no library here would. Answers what the server says to that.
fn old_tls(spec: &NodeSpec) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", spec.port)).unwrap();
    stream.set_read_timeout(Some(host::PATIENT)).unwrap();
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
    let mut yes = [0];
    stream.read_exact(&mut yes).unwrap();
    assert_eq!(&yes, b"S");
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session; ECDHE and RSA suites of that time; no compression; the curves that we have.
    hello.extend([0, 0, 8, 0xc0, 0x0a, 0xc0, 0x09, 0xc0, 0x14, 0, 0x2f, 1, 0]);
    hello.extend([0, 8, 0, 10, 0, 4, 0, 2, 0, 23]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    stream.write_all(&record).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    if answer[0] == 21 { format!("alert {}", answer[6]) } else { format!("{answer:?}") }
}

/// Of the loopback network only the one address is this host's own: the others are as foreign as any.
#[tokio::test(flavor = "multi_thread")]
async fn only_networks_that_were_opened_get_in() {
    let host = Host::new().await;
    let mut spec = host.spec("shop_1").await;
    host.up(&spec).await;
    let began = started(&host, &spec).await;
    let (inside, outside) = ([127, 1, 2, 3], [127, 9, 9, 9]);
    for from in [inside, outside] {
        assert!(said(plain(&spec, from).await).contains("pg_hba.conf rejects connection"));
    }
    spec.reach.networks = vec!["127.1.0.0/16".parse().unwrap()];
    host.engine.configure(&spec).await.unwrap();
    let open = plain(&spec, inside).await.unwrap();
    let refused = said(plain(&spec, outside).await);
    assert!(refused.contains("pg_hba.conf rejects connection for host \"127.9.9.9\""), "{refused}");
    assert_eq!(host.engine.refused(&spec).await.unwrap(), []);

    // Closed: no new session, and the open one is told.
    spec.reach.networks.clear();
    host.engine.configure(&spec).await.unwrap();
    assert!(said(plain(&spec, inside).await).contains("rejects"));
    open.simple_query("SELECT 1").await.unwrap();
    assert_eq!(host.engine.refused(&spec).await.unwrap()[0].client, "127.1.2.3");
    assert_eq!(host.engine.end_refused(&spec, false).await.unwrap(), 1);

    spec.reach.everywhere = true;
    host.engine.configure(&spec).await.unwrap();
    plain(&spec, outside).await.unwrap();
    assert_eq!(started(&host, &spec).await, began);
    host.end().await;
}

/// A server that has TLS off at this moment takes no rule that asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_the_server_does_not_take_are_put_back() {
    let host = Host::new().await;
    let mut spec = host.spec("shop_1").await;
    host.up(&spec).await;
    let conf = host.dir(&spec).conf();
    let (rules, settings) = (conf.join("pg_hba.conf"), conf.join("postgresql.conf"));
    let off = fs::read_to_string(&settings).unwrap().replace("ssl = 'on'", "ssl = 'off'");
    fs::write(&settings, &off).unwrap();
    host::kill(host.pid(&spec).await, Signal::HUP);
    let client = plain(&spec, [127, 0, 0, 1]).await.unwrap();
    let shown = async |name: &str| {
        let client = plain(&spec, [127, 0, 0, 1]).await.unwrap();
        client.query_one(&format!("SHOW {name}"), &[]).await.unwrap().get::<_, String>(0)
    };
    let off_now = async || (shown("ssl").await == "off").then_some(());
    host::eventually(host::PATIENT, off_now).await.expect("it is off");
    let before = fs::read_to_string(&rules).unwrap();
    let mut forced = spec.clone();
    forced.reach.force_tls = true;
    let error = host.engine.configure(&forced).await.unwrap_err().to_string();
    assert!(error.contains("SSL is disabled") && error.contains("The old ones stay"), "{error}");
    assert_eq!(fs::read_to_string(&rules).unwrap(), before);
    assert_eq!(fs::read_to_string(&settings).unwrap(), off, "all files are as they were");
    client.simple_query("SELECT 1").await.unwrap();
    // With TLS back it is taken.
    host.engine.configure(&spec).await.unwrap();
    spec.reach.force_tls = true;
    host.engine.configure(&spec).await.unwrap();
    assert!(fs::read_to_string(&rules).unwrap().contains("hostssl"));
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_soon_is_replaced_without_a_restart() {
    let host = Host::new().await;
    let spec = host.spec("shop_1").await;
    host.up(&spec).await;
    let (tls, ca) = (host.dir(&spec).tls(), host.engine.ca_certificate().await.unwrap());
    // As it would have been made long ago: it ends in twenty days.
    let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
    let long_ago = now - chrono::TimeDelta::days(377);
    let issued =
        Ca::open_or_make(&host.layout().ca(), now).unwrap().issue(&["127.0.0.1".into()], long_ago).unwrap();
    for (name, text) in [("server.key", issued.key.expose_secret()), ("server.crt", &issued.certificate)] {
        let mode = fs::metadata(tls.join(name)).unwrap().permissions().mode();
        // In place, so that owner and group stay as they are.
        fs::write(tls.join(name), text).unwrap();
        assert_eq!(fs::metadata(tls.join(name)).unwrap().permissions().mode(), mode);
    }
    host::kill(host.pid(&spec).await, Signal::HUP);
    let old = loop {
        let shown = serial(&ca, &spec, &host);
        if shown.contains(&serial_of(&issued.certificate)) {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let began = started(&host, &spec).await;
    assert_eq!(host.engine.configure(&spec).await.unwrap(), "settings written and in force");
    let new = serial(&ca, &spec, &host);
    assert_ne!(new, old, "the server shows another certificate");
    let until = host.engine.certificate_until(spec.id).await.unwrap().unwrap();
    assert!(until - now > chrono::TimeDelta::days(390));
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    assert_eq!(started(&host, &spec).await, began);
    assert_eq!(host.engine.configure(&spec).await.unwrap(), "nothing to change");
    host.end().await;
}

/// The serial number of the certificate that a server shows.
fn serial(ca: &str, spec: &NodeSpec, host: &Host) -> String {
    let file = host.layout().root().join("shown-ca.pem");
    fs::write(&file, ca).unwrap();
    let address = format!("127.0.0.1:{}", spec.port);
    let args = ["s_client", "-starttls", "postgres", "-connect", &address, "-CAfile", file.to_str().unwrap()];
    let said = host::run("/usr/bin/timeout", &[&["60", "openssl"], &args[..], &["-showcerts"]].concat());
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("{text}"));
    let end = text.find("-----END CERTIFICATE-----").unwrap();
    serial_of(&format!("{}-----END CERTIFICATE-----\n", &text[begin..end]))
}

fn serial_of(pem: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file: &Path = &dir.path().join("x.pem");
    fs::write(file, pem).unwrap();
    let said = host::run("/usr/bin/openssl", &["x509", "-noout", "-serial", "-in", file.to_str().unwrap()]);
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_doors_let_nobody_in_and_nobody_stay() {
    let host = Host::new().await;
    let version = host.version().await;
    let mut spec = host::spec("shop_1", version);
    host.up(&spec).await;
    let open = plain(&spec, [127, 0, 0, 1]).await.unwrap();
    spec.reach.closed = true;
    host.engine.configure(&spec).await.unwrap();
    assert!(said(plain(&spec, [127, 0, 0, 1]).await).contains("pg_hba.conf rejects connection"));
    assert_eq!(host.engine.end_refused(&spec, false).await.unwrap(), 1);
    assert!(open.simple_query("SELECT 1").await.is_err());
    nobody_is_left(&host, &spec).await;
    spec.reach.closed = false;
    host.engine.configure(&spec).await.unwrap();
    plain(&spec, [127, 0, 0, 1]).await.unwrap();
    host.end().await;
}
