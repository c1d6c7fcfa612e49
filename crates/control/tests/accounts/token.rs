//! API tokens and bearer tokens.

use crate::support::{Fixture, KEY, config, record};
use chrono::TimeDelta;
use control::{Actor, Config, Error, MasterKey, Via};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use types::{AddonId, TokenId};
use uuid::Uuid;

#[sqlx::test(migrations = false)]
async fn a_revoked_token_fails_at_once(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let (view, secret) = f.control.create_token(&here, " ci ").await.unwrap();
    assert_eq!(view.name, "ci");
    let jwt = f.control.exchange_token(secret.expose_secret(), "192.0.2.1").await.unwrap();
    let actor = f.control.actor_from_jwt(&jwt, "192.0.2.1").await.unwrap();
    assert!(
        matches!(&actor, Actor::User { id, via: Via::Token(token), .. } if *id == ada.id && *token == view.id)
    );
    assert!(f.control.tokens(&here).await.unwrap()[0].last_used_at.is_some());

    f.control.revoke_token(&here, view.id).await.unwrap();
    assert!(matches!(f.control.actor_from_jwt(&jwt, "").await, Err(Error::Unauthenticated)));
    assert!(matches!(
        f.control.exchange_token(secret.expose_secret(), "").await,
        Err(Error::Unauthenticated)
    ));
    assert!(matches!(f.control.revoke_token(&here, view.id).await, Err(Error::NotFound("token"))));
}

#[sqlx::test(migrations = false)]
async fn a_bearer_token_lives_an_hour(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let (_, secret) = f.control.create_token(&here, "ci").await.unwrap();
    let jwt = f.control.exchange_token(secret.expose_secret(), "192.0.2.1").await.unwrap();
    f.clock.advance(TimeDelta::minutes(59));
    assert!(f.control.actor_from_jwt(&jwt, "").await.is_ok());
    f.clock.advance(TimeDelta::minutes(1));
    assert!(matches!(f.control.actor_from_jwt(&jwt, "").await, Err(Error::Unauthenticated)));
}

#[sqlx::test(migrations = false)]
async fn a_token_of_somebody_else_is_not_found(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    f.app("my-app", ada.id).await;
    let (_, eve) = f.guest(&here, "my-app", "eve").await;
    let (view, _) = f.control.create_token(&here, "ci").await.unwrap();
    assert!(f.control.tokens(&eve).await.unwrap().is_empty());
    assert!(matches!(f.control.revoke_token(&eve, view.id).await, Err(Error::NotFound("token"))));
}

#[sqlx::test(migrations = false)]
async fn what_is_no_token_is_refused(pool: PgPool) {
    let f = Fixture::with(pool, Config { sign_ins_per_minute: 10, ..config() }).await;
    f.first().await;
    for wrong in ["", "tk-us-guess", &"x".repeat(1_000_000)] {
        assert!(matches!(f.control.exchange_token(wrong, "192.0.2.1").await, Err(Error::Unauthenticated)));
        assert!(matches!(f.control.actor_from_jwt(wrong, "192.0.2.1").await, Err(Error::Unauthenticated)));
    }
    for _ in 0..7 {
        let refused = f.control.exchange_token("tk-us-guess", "192.0.2.1").await;
        assert!(matches!(refused, Err(Error::Unauthenticated)));
    }
    let slowed = f.control.exchange_token("tk-us-guess", "192.0.2.1").await;
    assert!(matches!(slowed, Err(Error::TooMany { .. })));
}

#[sqlx::test(migrations = false)]
async fn a_token_of_another_installation_is_refused(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let (_, secret) = f.control.create_token(&here, "ci").await.unwrap();
    let jwt = f.control.exchange_token(secret.expose_secret(), "").await.unwrap();
    // The same store and master key, another signing key: as if the token came from somewhere else.
    let other = MasterKey::from_bytes(KEY).seal(&[9; 32], "installation:jwt_key").unwrap();
    sqlx::query("UPDATE installation SET jwt_key = $1").bind(other).execute(&pool).await.unwrap();
    let again = Fixture::new(pool).await;
    assert!(matches!(again.control.actor_from_jwt(&jwt, "").await, Err(Error::Unauthenticated)));
}

#[sqlx::test(migrations = false)]
async fn a_token_for_one_database_opens_nothing_else(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let app = f.app("my-app", ada.id).await;
    let addon = AddonId::new(Uuid::now_v7());
    sqlx::query(
        r#"
        WITH new_addon AS (
            INSERT INTO addon (id, app_id, plan, resource_id, created_at, updated_at)
            VALUES ($1, $2, 'postgresql-sandbox', 'my_app_1234', now(), now()) RETURNING id
        )
        INSERT INTO database (id, node_id, addon_id, version, port, wanted, owner_password, created_at)
        SELECT $3, $3, id, '17.11', 31000, 'running', '', now() FROM new_addon
        "#,
    )
    .bind(addon.uuid())
    .bind(app.uuid())
    .bind(Uuid::now_v7())
    .execute(&pool)
    .await
    .unwrap();

    let jwt = f.control.addon_token(&here, addon).await.unwrap();
    let actor = f.control.actor_from_jwt(&jwt, "").await.unwrap();
    assert_eq!(actor.only_addon(), Some(addon));
    assert!(!actor.is_operator());
    assert!(matches!(f.control.me(&actor).await, Err(Error::Forbidden(_))));
    assert!(matches!(f.control.create_token(&actor, "more").await, Err(Error::Forbidden(_))));
    assert!(matches!(f.control.addon_token(&actor, addon).await, Err(Error::Forbidden(_))));
    assert!(matches!(f.control.collaborators(&actor, "my-app").await, Err(Error::NotFound("app"))));

    let (_, eve) = f.guest(&here, "my-app", "eve").await;
    assert!(f.control.addon_token(&eve, addon).await.is_ok(), "a collaborator may use it");
    let Actor::User { id, .. } = eve else { panic!() };
    f.control.remove_collaborator(&here, "my-app", id).await.unwrap();
    assert!(matches!(f.control.addon_token(&eve, addon).await, Err(Error::NotFound("addon"))));

    f.control.session_delete(&record("here", None).id_hash).await.unwrap();
    assert!(
        matches!(f.control.actor_from_jwt(&jwt, "").await, Err(Error::Unauthenticated)),
        "the session ended"
    );
}

#[sqlx::test(migrations = false)]
async fn the_actor_is_read_again_at_each_request(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let (_, secret) = f.control.create_token(&here, "ci").await.unwrap();
    let jwt = f.control.exchange_token(secret.expose_secret(), "").await.unwrap();
    sqlx::query("UPDATE app_user SET is_operator = false").execute(&pool).await.unwrap();
    assert!(!f.control.actor_from_jwt(&jwt, "").await.unwrap().is_operator());
    let hash = record("here", None).id_hash;
    assert!(!f.control.actor_from_session(&hash, "").await.unwrap().unwrap().is_operator());
    sqlx::query("DELETE FROM app_user").execute(&pool).await.unwrap();
    assert!(matches!(f.control.actor_from_jwt(&jwt, "").await, Err(Error::Unauthenticated)));
    assert!(f.control.actor_from_session(&hash, "").await.unwrap().is_none());
    let unknown = TokenId::new(Uuid::now_v7());
    assert!(matches!(f.control.revoke_token(&here, unknown).await, Err(Error::NotFound("token"))));
}
