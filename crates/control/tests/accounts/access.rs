//! What belongs to somebody else reads like what does not exist.

use crate::support::Fixture;
use control::{Actor, Error};
use sqlx::PgPool;
use types::{AppId, ProblemKind};
use uuid::Uuid;

#[sqlx::test(migrations = false)]
async fn somebody_elses_app_reads_like_none(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let owner = f.session(&ada, "ada").await;
    f.app("shared", ada.id).await;
    let secret = f.app("secret", ada.id).await;
    let (_, eve) = f.guest(&owner, "shared", "eve").await;
    let unknown = AppId::new(Uuid::now_v7()).to_string();
    let mut told = Vec::new();
    for name in ["secret", &secret.to_string(), "no-such-app", &unknown, "nul\0", "' OR 1=1 --"] {
        let error = f.control.collaborators(&eve, name).await.unwrap_err();
        assert!(matches!(error, Error::NotFound("app")), "{name}");
        told.push(error.problem());
    }
    assert_eq!(told[0].kind, ProblemKind::NotFound);
    assert!(told.iter().all(|problem| *problem == told[0]));
    let refused = f.audit().await.iter().filter(|line| *line == "app.view eve refused").count();
    assert_eq!(refused, told.len(), "each is recorded");
    assert!(f.control.collaborators(&owner, &secret.to_string()).await.is_ok(), "by id, too");
}

#[sqlx::test(migrations = false)]
async fn an_operator_sees_every_app_and_others_no_audit_log(pool: PgPool) {
    let f = Fixture::new(pool.clone()).await;
    let ada = f.first().await;
    let operator = f.session(&ada, "ada").await;
    f.app("shared", ada.id).await;
    let (eve, actor) = f.guest(&operator, "shared", "eve").await;
    f.app("eves-app", eve.id).await;
    assert!(f.control.collaborators(&operator, "eves-app").await.is_ok());
    assert!(f.control.audit(&operator, 10).await.is_ok());
    assert!(matches!(f.control.audit(&actor, 10).await, Err(Error::Forbidden(_))));
    assert!(matches!(f.control.me(&Actor::System).await, Err(Error::Forbidden(_))));
}
