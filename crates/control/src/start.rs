//! Bringing the control plane up: the store's schema, the master key, the installation's own facts.
//!
//! Everything that is not as expected ends the start with a sentence that says what to do. Nothing is repaired by
//! guessing, and nothing runs in the background yet.

use crate::{
    Config, ControlPlane, Inner, MasterKey,
    account::{jwt, limit},
    addon::looks::Looks,
    backup::vault::Vault,
    crypto::password::Passwords,
    engine::Engine,
    metrics::Memory,
    store,
};
use sqlx::{PgConnection, PgPool, migrate::Migrator};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// The store's schema: forward only.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

const KEY_CHECK: &str = "installation:master_key_check";
const JWT_KEY: &str = "installation:jwt_key";
const KEY_CHECK_TEXT: &[u8] = b"this is the right master key";

/// Why the control plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A newer Paddock has used this store.
    #[error(
        "the store's schema (version {found}) is newer than this Paddock knows ({known}): start the newer Paddock"
    )]
    NewerSchema {
        /// What the store has.
        found: i64,
        /// What this executable has.
        known: i64,
    },
    /// A change of the schema was cut off.
    #[error(
        "the store's schema change {version} did not end: restore the store from its backup, or finish the change by \
         hand and set success in _sqlx_migrations"
    )]
    HalfMigrated {
        /// Which.
        version: i64,
    },
    /// A change of the schema failed.
    #[error("the store's schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Another key than the one that sealed the store.
    #[error(
        "the master key does not belong to this store: what is sealed in it cannot be opened. Start with the key file \
         that this store was first used with"
    )]
    WrongKey,
    /// The store does not answer.
    #[error("the store does not answer: {0}")]
    Store(#[from] sqlx::Error),
    /// The cost of password hashing is outside of what argon2 allows.
    #[error("the cost of password hashing cannot be used: {0}")]
    PasswordCost(argon2::Error),
    /// The key could not seal: never seen.
    #[error(transparent)]
    Seal(#[from] crate::crypto::secret_box::Sealed),
}

impl ControlPlane {
    /// Checks and updates the store, checks the master key, and answers a control plane that serves requests.
    /// Background work (operations, keepers) starts with [`Self::run_background`].
    ///
    /// # Errors
    /// See [`StartError`]: each says what to do.
    pub async fn start(
        config: Config,
        store: PgPool,
        (engine, vault): (Arc<dyn Engine>, Arc<dyn Vault>),
        clock: Arc<dyn durable::Clock>,
        key: MasterKey,
    ) -> Result<Self, StartError> {
        check_schema(&mut *store.acquire().await?).await?;
        MIGRATOR.run(&store).await?;
        let jwt = installation(&store, &key, clock.now()).await?;
        let passwords = Passwords::new(config.password_cost).map_err(StartError::PasswordCost)?;
        let sign_in_limit = limit::PerAddress::new(config.sign_ins_per_minute);
        let inner = Inner {
            config,
            store,
            engine,
            vault,
            clock,
            key,
            jwt,
            passwords,
            sign_in_limit,
            unknown_names: limit::UnknownNames::default(),
            looks: Looks::default(),
            measured: Memory::default(),
            archives: crate::pitr::Memory::default(),
            applied: crate::applied::Applied::default(),
            ca_told: crate::reach::CaTold::default(),
            wake: OnceLock::new(),
            hook_caller: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets operations that a killed control plane held go on at once, instead of when its leases run out. Only for a
    /// store that no other control plane can be using, and before [`Self::run_background`].
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn take_over(&self) -> Result<(), StartError> {
        let ended = durable::end_all_leases(self.store(), self.now()).await?;
        if ended > 0 {
            tracing::info!(operations = ended, "Going on with what was broken off");
        }
        Ok(())
    }
}

/// Refuses a store that a newer Paddock has changed, before anything is written to it.
async fn check_schema(conn: &mut PgConnection) -> Result<(), StartError> {
    let known = MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0);
    for (version, success) in store::installation::migrations(conn).await? {
        if version > known {
            return Err(StartError::NewerSchema { found: version, known });
        }
        if !success {
            return Err(StartError::HalfMigrated { version });
        }
    }
    Ok(())
}

/// The installation's row, made at the first start; answers with the key that signs bearer tokens.
async fn installation(
    pool: &PgPool,
    key: &MasterKey,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<jwt::Signer, StartError> {
    let mut conn = pool.acquire().await?;
    // Two control planes may start at once: the first row stays, both then read it.
    let mut jwt_key = [0; 32];
    rand::fill(&mut jwt_key);
    let row = store::installation::Row {
        id: Uuid::now_v7(),
        master_key_check: key.seal(KEY_CHECK_TEXT, KEY_CHECK)?,
        jwt_key: key.seal(&jwt_key, JWT_KEY)?,
    };
    store::installation::insert_first(&mut conn, now, &row).await?;
    let row = store::installation::load(&mut conn).await?;
    key.open(&row.master_key_check, KEY_CHECK).map_err(|_| StartError::WrongKey)?;
    let jwt_key = key.open(&row.jwt_key, JWT_KEY).map_err(|_| StartError::WrongKey)?;
    Ok(jwt::Signer::new(&jwt_key))
}
