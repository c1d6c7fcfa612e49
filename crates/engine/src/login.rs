//! The login that a customer will do, done first: published address, `verify-full`, SCRAM, a query.
//!
//! The password is safe from whoever may have taken the port: only our CA's certificate for our host is accepted, and
//! only SCRAM bound to that very TLS channel. A server that asks for the password in clear, or that does not know the
//! verifier, gets nothing.

use crate::{error, sql};
use control::engine::{EngineError, LoginProof};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{
    Config,
    config::{ChannelBinding, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whom to reach.
pub(crate) struct Address<'a> {
    /// As published.
    pub(crate) host: &'a str,
    /// As published.
    pub(crate) port: u16,
    /// As published.
    pub(crate) user: &'a str,
    /// As published.
    pub(crate) database: &'a str,
}

/// Trusts one CA and nobody else.
pub(crate) fn trust(ca_pem: &str) -> Result<rustls::ClientConfig, anyhow::Error> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Logs in and asks for the version.
pub(crate) async fn verify(
    address: Address<'_>,
    password: &SecretString,
    ca_pem: &str,
    limit: Duration,
) -> Result<LoginProof, EngineError> {
    let what = format!("log in to {}:{} as {}", address.host, address.port, address.user);
    let trust = trust(ca_pem).map_err(|error| error::fatal("the CA certificate cannot be used", error))?;
    let mut config = Config::new();
    config.host(address.host).port(address.port).user(address.user).dbname(address.database);
    config.password(password.expose_secret()).application_name("paddock").connect_timeout(limit);
    config.ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Require);
    // As itself and not as the owner that its sessions become: else it may not see its own session's encryption.
    config.options("-c role=none");
    let started = Instant::now();
    let talk = async {
        let (client, connection) = config.connect(MakeRustlsConnect::new(trust)).await?;
        let query = async {
            let row = client.query_one(ASK, &[]).await?;
            Ok((row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?))
        };
        sql::drive(connection, query).await
    };
    let (version, tls) = match tokio::time::timeout(limit, talk).await {
        Ok(answer) => answer.map_err(|error| error::sql(&what, error))?,
        Err(late) => return Err(error::retry(format!("could not {what}: no answer in time"), late)),
    };
    let version = version.split_whitespace().next().unwrap_or_default().parse();
    let version = version.map_err(|error| error::fatal("the server says an odd version", error))?;
    Ok(LoginProof { tls, version, took: started.elapsed() })
}

const ASK: &str = r#"
    SELECT pg_catalog.current_setting('server_version'), s.version
    FROM pg_catalog.pg_stat_ssl s
    WHERE s.ssl AND s.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
"#;
