//! Browser sessions.

use crate::support::{Fixture, config, record};
use chrono::TimeDelta;
use control::{Config, Error};
use sqlx::PgPool;
use types::SessionId;

#[sqlx::test(migrations = false)]
async fn an_id_from_before_the_sign_in_opens_nothing(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    // The attacker plants an id; at sign-in the server's session layer ends it and takes a new one.
    let planted = record("planted", None);
    assert!(f.control.session_create(&planted).await.unwrap());
    f.control.session_delete(&planted.id_hash).await.unwrap();
    f.session(&ada, "fresh").await;
    assert!(f.control.session_load(&planted.id_hash).await.unwrap().is_none());
    assert!(f.control.actor_from_session(&planted.id_hash, "").await.unwrap().is_none());
}

#[sqlx::test(migrations = false)]
async fn an_ended_session_is_not_saved_back(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    f.session(&ada, "cookie").await;
    let record = record("cookie", Some(ada.id));
    assert!(f.control.session_save(&record).await.unwrap());
    f.control.session_delete(&record.id_hash).await.unwrap();
    assert!(!f.control.session_save(&record).await.unwrap(), "a request that was under way");
    assert!(f.control.actor_from_session(&record.id_hash, "").await.unwrap().is_none());
}

#[sqlx::test(migrations = false)]
async fn a_taken_id_is_not_taken_over(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    f.session(&ada, "cookie").await;
    assert!(!f.control.session_create(&record("cookie", None)).await.unwrap());
}

#[sqlx::test(migrations = false)]
async fn ends_when_idle_and_ends_for_good(pool: PgPool) {
    let (session_idle, session_absolute) = (TimeDelta::hours(2), TimeDelta::hours(10));
    let f = Fixture::with(pool, Config { session_idle, session_absolute, ..config() }).await;
    let ada = f.first().await;
    f.session(&ada, "idle").await;
    f.session(&ada, "used").await;
    let live = async |cookie| f.control.session_load(&record(cookie, None).id_hash).await.unwrap().is_some();
    for hour in 1..10 {
        f.clock.advance(TimeDelta::hours(1));
        assert!(live("used").await, "hour {hour}");
    }
    assert!(!live("idle").await);
    f.clock.advance(TimeDelta::hours(1));
    assert!(!live("used").await, "the absolute end");
    assert!(f.control.actor_from_session(&record("used", None).id_hash, "").await.unwrap().is_none());
    assert_eq!(f.control.delete_expired_sessions().await.unwrap(), 2);
}

#[sqlx::test(migrations = false)]
async fn people_see_and_end_their_own(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let here = f.session(&ada, "here").await;
    let there = f.session(&ada, "there").await;
    f.app("my-app", ada.id).await;
    let (_, eve) = f.guest(&here, "my-app", "eve").await;

    let sessions = f.control.sessions(&here).await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions.iter().filter(|s| s.current).count(), 1);
    assert!(sessions.iter().all(|s| s.device == "Firefox on Linux" && s.ip == "192.0.2.7"));

    let control::Actor::User { via: control::Via::Session(id), .. } = there else { panic!() };
    assert!(matches!(f.control.revoke_session(&eve, id).await, Err(Error::NotFound("session"))));
    f.control.revoke_session(&here, id).await.unwrap();
    assert!(f.control.actor_from_session(&record("there", None).id_hash, "").await.unwrap().is_none());
    let unknown = SessionId::new(uuid::Uuid::now_v7());
    assert!(matches!(f.control.revoke_session(&here, unknown).await, Err(Error::NotFound("session"))));
}
