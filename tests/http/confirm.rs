//! The password again before something grave: wanted of a browser that signed in a while ago, of nobody else.

use crate::{
    house::{Answer, PASSWORD, Server},
    sessions::{FORM, HTML, OURS, cookie, page, signed_in},
};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;

const PAGE: &str = "/apps/my-app?dialog=some";

async fn post(server: &Server, cookie: &str, act: &str, body: &str, referer: &str) -> Answer {
    let referer = format!("http://paddock.test{referer}");
    let headers = [FORM, HTML, OURS, ("cookie", cookie), ("referer", &referer)];
    server.ask(Method::POST, act, &headers, body).await
}

/// As [`post`], answering where it leads to.
async fn led(server: &Server, cookie: &str, act: &str, body: &str) -> String {
    let answer = post(server, cookie, act, body, PAGE).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{act}: {}", answer.text);
    answer.header("location").to_owned()
}

async fn count(server: &Server, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&server.house.store.pool).await.unwrap()
}

#[tokio::test]
async fn grave_acts_want_the_password_of_an_old_session() {
    let server = Server::new().await;
    server.operator("ada").await;
    let bob = server.person("bob").await;
    let ready = server.ready(&bob, "my-app").await;
    let (id, name) = (ready.addon.id, ready.addon.resource_id.clone());
    let old = signed_in(&server).await;
    let reveal = format!("id={id}&back=%2Fapps");
    assert_eq!(led(&server, &old, "/do/reveal_password", &reveal).await, "/apps", "just signed in");

    server.house.clock.advance(server.plane().config().session_fresh);
    let before = (count(&server, "operation").await, count(&server, "api_token").await);
    let backup = types::BackupId::new(uuid::Uuid::now_v7());
    let acts = [
        ("/do/reveal_password", reveal.clone()),
        ("/do/delete_database", format!("id={id}&confirm={name}")),
        ("/do/delete_app", "app=my-app&confirm=my-app".into()),
        ("/do/restore_backup", format!("id={id}&backup={backup}&name={name}")),
        ("/do/create_database_user", format!("id={id}&name=reporter&read_only=1")),
        ("/do/change_database_password", format!("id={id}&name=reporter")),
        ("/do/delete_database_user", format!("id={id}&name=reporter&confirm=reporter")),
        ("/do/bring_back_replaced", format!("id={id}")),
        ("/do/drop_replaced", format!("id={id}")),
        ("/do/switch_to_moment", format!("id={id}&name={name}")),
        ("/do/create_token", "name=laptop".into()),
        ("/do/invite", "app=my-app&email=eve%40example.org".into()),
        ("/do/set_hook", "app=my-app&command=%2Fbin%2Ftrue".into()),
    ];
    for (act, body) in &acts {
        let to = led(&server, &old, act, body).await;
        let asked = to.strip_prefix("/account/confirm?next=").and_then(|rest| rest.split_once("&act="));
        let (next, asked) = asked.unwrap_or_else(|| panic!("{act} was not asked again: {to}"));
        assert_eq!((next, asked), ("/apps/my-app%3Fdialog%3Dsome", *act), "{to}");
    }
    let after = (count(&server, "operation").await, count(&server, "api_token").await);
    assert_eq!(before, after, "nothing was done");
    // A script of the page is told, and gets nothing.
    let copy = format!("id={id}&format=url&sslmode=require");
    let copied =
        server.ask(Method::POST, "/do/copy_connection", &[FORM, OURS, ("cookie", &old)], &copy).await;
    assert!(
        copied.status == StatusCode::UNAUTHORIZED && !copied.text.contains("postgresql:"),
        "{}",
        copied.text
    );
    // Looking is as before, but not at secrets.
    assert_eq!(page(&server, &old).await, StatusCode::OK);
    for (query, to) in [("", None), ("?reveal=1", Some("/account/confirm?next="))] {
        let path = format!("/apps/my-app/environment{query}");
        let answer = server.ask(Method::GET, &path, &[HTML, ("cookie", &old)], "").await;
        assert_eq!(answer.header("location").is_empty(), to.is_none(), "{path}");
        assert!(answer.header("location").starts_with(to.unwrap_or_default()), "{path}");
    }
    // Programs have no password: their token is asked for nothing.
    let programs = server.plane().reveal(&bob.actor, id).await.unwrap();
    assert!(programs.password.is_some());

    let confirm = "/account/confirm?next=/apps/my-app%3Fdialog%3Dsome&act=/do/delete_database";
    let shown = server.ask(Method::GET, confirm, &[HTML, ("cookie", &old)], "").await;
    assert!(shown.status == StatusCode::OK && shown.text.contains("signed in as <b>ada"));
    let with = |password: &str| {
        let password = password.replace(' ', "+");
        format!("password={password}&next=%2Fapps%2Fmy-app%3Fdialog%3Dsome&act=%2Fdo%2Fdelete_database")
    };
    let wrong = post(&server, &old, "/do/confirm", &with("wrong password"), confirm).await;
    assert!(wrong.header("location").contains("/account/confirm?"), "{}", wrong.header("location"));
    assert!(wrong.header("location").contains("__err="), "{}", wrong.header("location"));
    assert!(led(&server, &old, acts[1].0, &acts[1].1).await.starts_with("/account/confirm"), "still old");

    let right = post(&server, &old, "/do/confirm", &with(PASSWORD), confirm).await;
    let to = right.header("location");
    assert!(to.starts_with("/apps/my-app?dialog=some&__path=%2Fdo%2Fdelete_database&__err="), "{to}");
    let new = cookie(&right);
    assert_eq!((page(&server, &old).await, page(&server, &new).await), (StatusCode::FOUND, StatusCode::OK));
    let to = led(&server, &new, acts[1].0, &acts[1].1).await;
    assert!(to.starts_with("/operations/") || to.starts_with("/apps/"), "{to}");
    assert_eq!(count(&server, "operation").await, before.0 + 1);
    // It is for a while only.
    server.house.clock.advance(TimeDelta::minutes(16));
    assert!(led(&server, &new, "/do/create_token", "name=laptop").await.starts_with("/account/confirm"));
}
