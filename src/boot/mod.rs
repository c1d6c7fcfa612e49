//! Bringing the server up and down, in one order: data root, lock, key, store, engine, core, doors.
//!
//! Whatever is missing ends the start with a sentence that says what to do. Stopping lets requests and steps end and
//! leaves every database running: they do not need us.

mod error;
mod root;
pub mod settings;

pub use error::BootError;

use crate::{
    config::Config,
    hooks::HttpCaller,
    secrets::master_key,
    web::{router, serve},
};
use control::{ControlPlane, MasterKey, NewAccount};
use durable::background;
use engine::{EmbeddedStore, EngineConfig, LocalEngine, layout::Layout};
use error::chain;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    io::{Write, stdout},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Runs the server until it is told to stop.
///
/// # Errors
/// See [`BootError`].
pub async fn run(config: Config) -> Result<(), BootError> {
    let stopping = until_told_to_stop()?;
    let listener = root::listen(config.http.listen).await?;
    let _lock = root::take(&config.data.root)?;

    let settings = settings::engine(&config);
    let key = master_key(&config, &settings)?;
    let pool = store(&config, &settings).await?;
    let engine = LocalEngine::open(settings)
        .await
        .map_err(|source| BootError::Engine { what: "the engine", source })?;
    let core = settings::core(&config);
    let private = core.hooks_reach_private_networks;
    let clock = Arc::new(durable::SystemClock);
    let vault = vault::open(settings::vault(&config)?).await.map_err(BootError::Vault)?;
    let rooms = (Arc::new(engine.clone()) as Arc<dyn control::engine::Engine>, vault);
    let control = ControlPlane::start(core, pool, rooms, clock, key).await?;
    if config.store.url.is_none() {
        // The embedded store belongs to this data root, and the lock says that nobody else works with it.
        control.take_over().await?;
    }
    control.call_hooks_with(Arc::new(HttpCaller::new(private)));
    first_account(&control, &config).await?;

    let (stop, stopped) = watch::channel(false);
    fill_pool(engine, config.engine.pool);
    let work = control.run_background(stopped);
    announce(&control, &config, &listener).await;
    let (site, limits) = (settings::site(&config), settings::limits(&config));
    serve::serve(listener, router::router(control, site), limits, stopping).await;
    tracing::info!("stopping; databases keep running");
    let _ = stop.send(true);
    let ended = futures::future::join_all(work);
    if tokio::time::timeout(Duration::from_secs(30), ended).await.is_err() {
        tracing::warn!("a step was cut off; the next start goes on with it");
    }
    Ok(())
}

/// Resolves at SIGTERM or SIGINT. The handlers are in place when this returns.
fn until_told_to_stop() -> Result<impl Future<Output = ()>, BootError> {
    let mut term = signal(SignalKind::terminate()).map_err(BootError::Signals)?;
    let mut int = signal(SignalKind::interrupt()).map_err(BootError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

fn master_key(config: &Config, settings: &EngineConfig) -> Result<MasterKey, BootError> {
    let used = config.store.url.is_none() && Layout::new(&settings.root).store().path().exists();
    let key = master_key::load(&config.data.root, !used)?;
    let mut bytes = [0; 32];
    bytes.copy_from_slice(key.expose_secret());
    Ok(MasterKey::from_bytes(bytes))
}

/// The pool of connections to the store; the embedded one is made and started first.
async fn store(config: &Config, settings: &EngineConfig) -> Result<PgPool, BootError> {
    let url: SecretString = match &config.store.url {
        Some(url) => url.clone(),
        None => {
            if settings::catalogue(config).default_version().await.is_none() {
                let newest = engine::versions::install::installable().first().map(ToString::to_string);
                return Err(BootError::NoPostgres { newest: newest.unwrap_or_default() });
            }
            let embedded = EmbeddedStore::ensure(settings).await;
            let embedded =
                embedded.map_err(|source| BootError::Engine { what: "the embedded store", source })?;
            let url = embedded.url().into();
            background::spawn("store keeper", async move { embedded.keep().await });
            url
        }
    };
    let options = PgPoolOptions::new()
        .max_connections(config.store.max_connections)
        .acquire_timeout(Duration::from_secs(10));
    options.connect(url.expose_secret()).await.map_err(BootError::Store)
}

async fn first_account(control: &ControlPlane, config: &Config) -> Result<(), BootError> {
    let accounts = &config.accounts;
    let (Some(email), Some(username), Some(password)) =
        (&accounts.admin_email, &accounts.admin_username, &accounts.admin_password)
    else {
        return Ok(());
    };
    let account = NewAccount { email: email.clone(), username: username.clone(), password: password.clone() };
    let made = control.ensure_account(account, accounts.admin_token.clone()).await;
    made.map(drop).map_err(|error| BootError::Account(error.problem().message))
}

/// Keeps clusters of the default version waiting, so that a new database starts at once. Looking is cheap; a cluster
/// that was taken is replaced within seconds, after the order that took it.
fn fill_pool(engine: LocalEngine, wanted: usize) {
    background::every("cluster pool", Duration::from_secs(3), move || {
        let engine = engine.clone();
        async move {
            let Some(version) = engine.catalogue().default_version().await.filter(|_| wanted > 0) else {
                return;
            };
            if let Err(error) = engine.refill_pool(version, wanted).await {
                tracing::warn!(error = %chain(&error), "no cluster could be initialised in advance");
            }
            if let Err(error) = engine.tidy_pool(&[version]).await {
                tracing::warn!(error = %chain(&error), "the pool of clusters could not be tidied");
            }
        }
    });
}

/// Tells on standard output, where the person who started it looks, and not in the log: the link is a secret.
async fn announce(control: &ControlPlane, config: &Config, listener: &TcpListener) {
    let url = config.http.public_url();
    tracing::info!(address = ?listener.local_addr().ok(), %url, "serving");
    let mut text = format!("Paddock runs: {url}\n");
    match control.setup_token().await {
        Ok(Some(token)) => {
            let token = token.expose_secret();
            text.push_str(&format!(
                "Nobody has an account yet. Make the first one here; the link works once, until the next start:\n  \
                 {url}/setup?token={token}\n"
            ));
        }
        Ok(None) => text.push_str(&format!("Sign in: {url}/login\n")),
        Err(error) => tracing::warn!(reason = error.problem().message, "no set-up link could be made"),
    }
    if let Some(warning) = settings::host_warning(config) {
        text.push_str(&format!("{warning}\n"));
    }
    let _ = stdout().write_all(text.as_bytes());
}
