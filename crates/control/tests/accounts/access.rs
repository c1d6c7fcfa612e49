//! What belongs to somebody else reads like what does not exist.

use crate::support::Fixture;
use control::{Actor, Error};
use sqlx::PgPool;
use types::{AppId, ProblemKind, audit::AuditFilter};
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
    let newest = AuditFilter::newest(10);
    assert!(f.control.audit(&operator, &newest).await.is_ok());
    assert!(matches!(f.control.audit(&actor, &newest).await, Err(Error::Forbidden(_))));
    let log = f.control.audit(&operator, &newest).await.unwrap().records;
    assert_eq!(
        (log[0].action.as_str(), log[0].username.as_str(), log[0].allowed),
        ("audit.read", "eve", false)
    );
    assert!(matches!(f.control.me(&Actor::System).await, Err(Error::Forbidden(_))));
}

#[sqlx::test(migrations = false)]
async fn the_audit_log_is_read_in_parts_by_action_and_by_person(pool: PgPool) {
    let f = Fixture::new(pool).await;
    let ada = f.first().await;
    let operator = f.session(&ada, "ada").await;
    f.app("shared", ada.id).await;
    let (_, eve) = f.guest(&operator, "shared", "eve").await;
    for _ in 0..3 {
        f.control.collaborators(&eve, "hidden").await.unwrap_err();
    }
    let read = async |filter: AuditFilter| f.control.audit(&operator, &filter).await.unwrap();
    let all = read(AuditFilter::newest(1000)).await;
    assert_eq!(all.older, None);
    assert!(all.records.is_sorted_by(|one, next| one.seq > next.seq), "newest first");

    // In parts of two, nothing is missing and nothing comes twice.
    let (mut parts, mut before) = (Vec::new(), None);
    loop {
        let part = read(AuditFilter { before, limit: 2, ..AuditFilter::default() }).await;
        assert!(part.records.len() <= 2);
        parts.extend(part.records);
        before = part.older;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(parts, all.records);

    let of = async |action: &str, user: &str| {
        let filter = AuditFilter { action: action.into(), user: user.into(), ..AuditFilter::default() };
        read(filter).await.records
    };
    let hers = of("", "EVE").await;
    assert!(hers.len() >= 3 && hers.iter().all(|record| record.username == "eve"), "{hers:#?}");
    let tries = of("app.view", "eve").await;
    assert_eq!(tries.iter().filter(|record| !record.allowed).count(), 3);
    assert!(of("app.", "").await.iter().all(|record| record.action.starts_with("app.")));
    assert!(of("%", "").await.is_empty() && of("no\0thing", "").await.is_empty(), "no pattern, and no fault");
}
