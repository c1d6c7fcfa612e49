//! Invitations, and what they can be misused for.

use crate::support::{Fixture, account, token_of};
use chrono::TimeDelta;
use control::{Error, NewAccount};
use sqlx::PgPool;
use types::UserId;
use uuid::Uuid;

#[sqlx::test(migrations = false)]
async fn a_new_person_comes_in_with_the_link(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    let (view, link) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    assert!(link.starts_with("http://localhost:3000/invitations/"));
    assert_eq!(f.control.invitation(token_of(&link)).await.unwrap(), view);
    let eve = f.control.accept_invitation(None, token_of(&link), Some(account("eve"))).await.unwrap();
    assert!(!eve.is_operator);
    let people = f.control.collaborators(&owner, "my-app").await.unwrap();
    let names: Vec<_> = people.iter().map(|p| (p.username.as_str(), p.is_owner)).collect();
    assert_eq!(names, [("ada", true), ("eve", false)]);
    assert!(f.control.invitations(&owner, "my-app").await.unwrap().is_empty());
}

#[sqlx::test(migrations = false)]
async fn a_known_person_comes_in_signed_in(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("one", ada.id).await;
    f.app("two", ada.id).await;
    let (eve, actor) = f.guest(&owner, "one", "eve").await;
    assert!(matches!(f.control.collaborators(&actor, "two").await, Err(Error::NotFound("app"))));
    let (_, link) = f.control.invite(&owner, "two", "EVE@example.org").await.unwrap();
    assert_eq!(f.control.accept_invitation(Some(&actor), token_of(&link), None).await.unwrap(), eve);
    assert!(f.control.collaborators(&actor, "two").await.is_ok());
}

#[sqlx::test(migrations = false)]
async fn the_link_is_for_one_address(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    f.app("other", ada.id).await;
    let (_, mallory) = f.guest(&owner, "other", "mallory").await;
    let (_, link) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    let token = token_of(&link);

    let as_other = f.control.accept_invitation(Some(&mallory), token, Some(account("eve"))).await;
    assert!(matches!(as_other, Err(Error::Forbidden(_))));
    let with_other = f.control.accept_invitation(None, token, Some(account("bob"))).await;
    assert!(matches!(with_other, Err(Error::Forbidden(_))));
    assert!(matches!(f.control.accept_invitation(None, token, None).await, Err(Error::Unauthenticated)));
    assert!(matches!(f.control.collaborators(&mallory, "my-app").await, Err(Error::NotFound("app"))));
    assert!(f.audit().await.contains(&"app.accept_invitation mallory refused".into()));
    assert!(f.control.invitation(token).await.is_ok(), "still open for the right person");
}

#[sqlx::test(migrations = false)]
async fn the_link_works_once(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    let (_, link) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    let tries = ["eve", "eve2", "eve3"].map(|name| {
        let (control, token) = (f.control.clone(), token_of(&link).to_owned());
        let new = NewAccount { email: "eve@example.org".into(), ..account(name) };
        async move { control.accept_invitation(None, &token, Some(new)).await }
    });
    let came_in = futures::future::join_all(tries).await;
    assert_eq!(came_in.iter().filter(|r| r.is_ok()).count(), 1);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM app_user").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 2);
    let again = f.control.accept_invitation(None, token_of(&link), Some(account("eve"))).await;
    assert!(matches!(again, Err(Error::NotFound("invitation"))));
    assert!(matches!(f.control.invitation(token_of(&link)).await, Err(Error::NotFound("invitation"))));
}

#[sqlx::test(migrations = false)]
async fn the_link_ends(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    let gone = async |link: &str| {
        let refused = f.control.accept_invitation(None, token_of(link), Some(account("eve"))).await;
        matches!(refused, Err(Error::NotFound("invitation")))
    };
    let (_, replaced) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    let (view, withdrawn) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    assert!(gone(&replaced).await, "by a newer one");
    f.control.withdraw_invitation(&owner, "my-app", view.id).await.unwrap();
    assert!(gone(&withdrawn).await, "withdrawn");
    let (_, expired) = f.control.invite(&owner, "my-app", "eve@example.org").await.unwrap();
    f.clock.advance(TimeDelta::days(7));
    assert!(gone(&expired).await, "after a week");
    assert!(gone("https://x/invitations/guess").await);
}

#[sqlx::test(migrations = false)]
async fn a_collaborator_invites_nobody(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    let (eve, actor) = f.guest(&owner, "my-app", "eve").await;
    let (open, _) = f.control.invite(&owner, "my-app", "bob@example.org").await.unwrap();

    assert!(matches!(f.control.invite(&actor, "my-app", "x@example.org").await, Err(Error::Forbidden(_))));
    assert!(matches!(
        f.control.withdraw_invitation(&actor, "my-app", open.id).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        f.control.remove_collaborator(&actor, "my-app", ada.id).await,
        Err(Error::Forbidden(_))
    ));
    assert!(f.control.invitations(&actor, "my-app").await.unwrap().is_empty(), "and sees none");
    assert!(f.audit().await.contains(&"app.manage_people eve refused".into()));

    f.control.remove_collaborator(&actor, "my-app", eve.id).await.unwrap();
    assert!(matches!(f.control.collaborators(&actor, "my-app").await, Err(Error::NotFound("app"))), "left");
}

#[sqlx::test(migrations = false)]
async fn people_are_invited_and_removed_with_care(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("my-app", ada.id).await;
    for taken in ["ada@example.org", "ADA@example.org", "no address", "a@b\r\nBcc: x"] {
        let refused = f.control.invite(&owner, "my-app", taken).await.unwrap_err();
        assert!(refused.problem().field("email").is_some(), "{taken}");
    }
    let refused = f.control.remove_collaborator(&owner, "my-app", ada.id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    let nobody = UserId::new(Uuid::now_v7());
    let refused = f.control.remove_collaborator(&owner, "my-app", nobody).await;
    assert!(matches!(refused, Err(Error::NotFound("collaborator"))));
}
