//! A control plane with a clock turned by hand, and short ways to people, apps and sessions.

use control::{
    Actor, Config, ControlPlane, MasterKey, NewAccount,
    account::session::{SessionRecord, hash},
    backup::vault::Vault,
    crypto::password::Cost,
    engine::Engine,
};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use std::sync::Arc;
use testkit::{FakeEngine, FakeVault, TestClock};
use types::{AppId, UserId, audit::AuditFilter, view::UserView};
use uuid::Uuid;

pub const KEY: [u8; 32] = [7; 32];
pub const PASSWORD: &str = "correct horse battery staple";

pub struct Fixture {
    pub control: ControlPlane,
    pub clock: Arc<TestClock>,
    pub pool: PgPool,
}

pub fn config() -> Config {
    Config { password_cost: Cost::TINY, sign_ins_per_minute: 1000, ..Config::default() }
}

/// One that accounts never ask.
pub fn vault() -> Arc<dyn Vault> {
    Arc::new(FakeVault::new())
}

/// One that accounts never ask.
pub fn engine() -> Arc<dyn Engine> {
    Arc::new(FakeEngine::new(clock(), 31_000..=31_010))
}

pub fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::default())
}

impl Fixture {
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, config()).await
    }

    pub async fn with(pool: PgPool, config: Config) -> Self {
        let clock = clock();
        let key = MasterKey::from_bytes(KEY);
        let control = ControlPlane::start(config, pool.clone(), (engine(), vault()), clock.clone(), key);
        Self { control: control.await.unwrap(), clock, pool }
    }

    /// The first account, "ada", an operator.
    pub async fn first(&self) -> UserView {
        let token = self.control.setup_token().await.unwrap().unwrap();
        self.control.create_first_account(token.expose_secret(), account("ada")).await.unwrap()
    }

    /// An app, straight into the store: apps are not what is tested here.
    pub async fn app(&self, name: &str, owner: UserId) -> AppId {
        let id = Uuid::now_v7();
        sqlx::query(
            r#"INSERT INTO app (id, name, owner_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)"#,
        )
        .bind(id)
        .bind(name)
        .bind(owner.uuid())
        .bind(self.control.now())
        .execute(&self.pool)
        .await
        .unwrap();
        AppId::new(id)
    }

    /// Signed in with a browser session whose cookie holds `cookie`.
    pub async fn session(&self, user: &UserView, cookie: &str) -> Actor {
        let record = record(cookie, Some(user.id));
        assert!(self.control.session_create(&record).await.unwrap());
        self.control.actor_from_session(&record.id_hash, "192.0.2.7").await.unwrap().unwrap()
    }

    /// Somebody who is no operator, invited to an app of "ada"; answers them, signed in.
    pub async fn guest(&self, owner: &Actor, app: &str, name: &str) -> (UserView, Actor) {
        let email = format!("{name}@example.org");
        let (_, link) = self.control.invite(owner, app, &email).await.unwrap();
        let user = self.control.accept_invitation(None, token_of(&link), Some(account(name))).await.unwrap();
        let actor = self.session(&user, &format!("cookie of {name}")).await;
        (user, actor)
    }

    /// What the audit log says, oldest first: "action user allowed".
    pub async fn audit(&self) -> Vec<String> {
        let mut rows = self.control.audit(&Actor::System, &AuditFilter::newest(1000)).await.unwrap().records;
        rows.reverse();
        rows.iter()
            .map(|r| format!("{} {} {}", r.action, r.username, if r.allowed { "ok" } else { "refused" }))
            .collect()
    }
}

pub fn account(name: &str) -> NewAccount {
    NewAccount { email: format!("{name}@example.org"), username: name.into(), password: PASSWORD.into() }
}

pub fn record(cookie: &str, user_id: Option<UserId>) -> SessionRecord {
    SessionRecord {
        id_hash: hash(cookie),
        user_id,
        data: b"data".to_vec(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0".into(),
        ip: "192.0.2.7".into(),
    }
}

pub fn token_of(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}
