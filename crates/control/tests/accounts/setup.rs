//! The first account.

use crate::support::{Fixture, account};
use control::{Error, NewAccount};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

#[sqlx::test(migrations = false)]
async fn the_link_works_once_and_makes_an_operator(pool: PgPool) {
    let f = Fixture::new(pool).await;
    assert!(f.control.setup_needed().await.unwrap());
    let token = f.control.setup_token().await.unwrap().unwrap();
    let ada = f.control.create_first_account(token.expose_secret(), account("ada")).await.unwrap();
    assert!(ada.is_operator);
    assert!(!f.control.setup_needed().await.unwrap());
    assert!(f.control.setup_token().await.unwrap().is_none(), "no link any more");
    let again = f.control.create_first_account(token.expose_secret(), account("eve")).await;
    assert!(matches!(again, Err(Error::Forbidden(_))));
}

#[sqlx::test(migrations = false)]
async fn a_new_link_ends_the_earlier_one(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let old = f.control.setup_token().await.unwrap().unwrap();
    let new = f.control.setup_token().await.unwrap().unwrap();
    assert!(old.expose_secret().len() >= 43);
    for wrong in [old.expose_secret(), "", "guess"] {
        let refused = f.control.create_first_account(wrong, account("eve")).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
    }
    f.control.create_first_account(new.expose_secret(), account("ada")).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn two_at_once_make_one_account(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let token = f.control.setup_token().await.unwrap().unwrap();
    let tries = ["ada", "eve", "bob", "joe"].map(|name| {
        let (control, token) = (f.control.clone(), token.clone());
        async move { control.create_first_account(token.expose_secret(), account(name)).await }
    });
    let made = futures::future::join_all(tries).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM app_user").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 1);
}

#[sqlx::test(migrations = false)]
async fn every_wrong_field_is_named(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let token = f.control.setup_token().await.unwrap().unwrap();
    let wrong = NewAccount { email: "ada".into(), username: "9".into(), password: "short".into() };
    let problem = f.control.create_first_account(token.expose_secret(), wrong).await.unwrap_err().problem();
    for field in ["email", "username", "password"] {
        assert!(problem.field(field).is_some(), "{field}");
    }
    f.control.create_first_account(token.expose_secret(), account("ada")).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn an_unattended_installation_is_the_same_after_each_start(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let token: SecretString = format!("tk-us-{}", "x".repeat(43)).into();
    let link = f.control.setup_token().await.unwrap().unwrap();
    let ada = f.control.ensure_account(account("ada"), Some(token.clone())).await.unwrap();
    assert!(ada.is_operator);
    let other = NewAccount { password: "another long password".into(), ..account("ada") };
    assert_eq!(f.control.ensure_account(other, Some(token.clone())).await.unwrap(), ada);
    assert!(
        f.control.sign_in("ada", &crate::support::PASSWORD.into(), "192.0.2.1").await.is_ok(),
        "not changed"
    );

    let jwt = f.control.exchange_token(token.expose_secret(), "192.0.2.1").await.unwrap();
    let actor = f.control.actor_from_jwt(&jwt, "192.0.2.1").await.unwrap();
    assert_eq!(f.control.tokens(&actor).await.unwrap().len(), 1);
    let refused = f.control.create_first_account(link.expose_secret(), account("eve")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "the link ended");

    let weak: SecretString = "tk-us-short".into();
    assert!(matches!(f.control.ensure_account(account("ada"), Some(weak)).await, Err(Error::Invalid(_))));
    let taken = f.control.ensure_account(account("eve"), Some(token)).await;
    assert!(matches!(taken, Err(Error::Conflict { .. })));
    assert!(
        f.control.sign_in("eve", &crate::support::PASSWORD.into(), "192.0.2.1").await.is_err(),
        "all or nothing"
    );
}
