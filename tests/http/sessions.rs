//! Browser sessions: cookies, sign-in and sign-out, and requests from other sites.

use crate::house::{Answer, PASSWORD, Server, site};
use axum::http::{Method, StatusCode};
use leptos::server_fn::axum::server_fn_paths;
use server::web::router::router;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{TryRecvError, channel},
    },
    thread,
    time::Duration,
};
use tokio::time::timeout;

pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub const HTML: (&str, &str) = ("accept", "text/html");
pub const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Server functions that are for people who are not signed in: guarded by what they ask for, or they tell a setting.
const OPEN: [&str; 9] = [
    "/do/sign_in",
    "/do/sign_out",
    "/do/set_theme",
    "/do/read_login",
    "/do/read_setup",
    "/do/create_first_account",
    "/do/read_invitation",
    "/do/join_app_anew",
    "/do/undo_hours",
];

pub fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().unwrap().to_owned()
}

async fn sign_in(server: &Server, more: &[(&str, &str)], password: &str) -> Answer {
    let mut headers = vec![FORM, HTML, OURS];
    headers.extend(more);
    let body = format!("identifier=ada&password={}&next=%2Fapps", password.replace(' ', "+"));
    server.ask(Method::POST, "/do/sign_in", &headers, &body).await
}

pub async fn signed_in(server: &Server) -> String {
    let answer = sign_in(server, &[], PASSWORD).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text);
    assert_eq!(answer.header("location"), "/apps");
    cookie(&answer)
}

pub async fn page(server: &Server, cookie: &str) -> StatusCode {
    server.ask(Method::GET, "/apps", &[HTML, ("cookie", cookie)], "").await.status
}

#[tokio::test]
async fn the_cookie_is_bound_to_this_host() {
    let server = Server::at("https://paddock.test").await;
    server.operator("ada").await;
    let answer = sign_in(&server, &[], PASSWORD).await;
    let set = answer.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-paddock="), "{set}");
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(set.split("; ").any(|p| p == part), "{part}: {set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let out = [FORM, HTML, OURS, ("cookie", &cookie(&answer))];
    let removed = server.ask(Method::POST, "/do/sign_out", &out, "").await.header("set-cookie").to_owned();
    assert!(removed.starts_with("__Host-paddock=;") && removed.contains("; Secure"), "{removed}");
}

#[tokio::test]
async fn without_tls_the_cookie_has_another_name() {
    let server = Server::new().await;
    server.operator("ada").await;
    let answer = sign_in(&server, &[], PASSWORD).await;
    let set = answer.header("set-cookie");
    assert!(set.starts_with("paddock=") && !set.contains("Secure") && set.contains("HttpOnly"), "{set}");
}

/// A08: an id that somebody else planted never becomes a signed-in one.
#[tokio::test]
async fn the_session_id_changes_at_sign_in() {
    let server = Server::new().await;
    server.operator("ada").await;
    let planted = "paddock=AAAAAAAAAAAAAAAAAAAAAA";
    let answer = sign_in(&server, &[("cookie", planted)], PASSWORD).await;
    let first = cookie(&answer);
    assert_ne!(first, planted);
    assert_eq!(page(&server, planted).await, StatusCode::FOUND);
    assert_eq!(page(&server, &first).await, StatusCode::OK);
    // Signing in again in the same browser ends the old id, too.
    let again = cookie(&sign_in(&server, &[("cookie", &first)], PASSWORD).await);
    assert_ne!(again, first);
    assert_eq!(page(&server, &first).await, StatusCode::FOUND);
    assert_eq!(page(&server, &again).await, StatusCode::OK);
}

/// A09: after sign-out the cookie is worth nothing.
#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let out = server.ask(Method::POST, "/do/sign_out", &[FORM, HTML, OURS, ("cookie", &cookie)], "").await;
    assert_eq!(out.status, StatusCode::FOUND, "{}", out.text);
    assert_eq!(page(&server, &cookie).await, StatusCode::FOUND);
}

/// While leptos looks for the addresses of pages, nothing of the process loads: a server that is made beside this one must
/// not make it look again.
#[tokio::test]
async fn pages_are_shown_while_another_server_is_made() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let (plane, runtime) = (server.plane().clone(), tokio::runtime::Handle::current());
    let (go_on, asked) = channel::<()>();
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let maker = thread::spawn(move || {
        let _inside = runtime.enter();
        while asked.try_recv() == Err(TryRecvError::Empty) {
            drop(router(plane.clone(), site("http://paddock.test")));
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    // One was made whole, at least, while pages were shown.
    let shown = async {
        let mut shown = 0;
        while shown < 10 || made.load(Ordering::SeqCst) < 2 {
            assert_eq!(page(&server, &cookie).await, StatusCode::OK);
            shown += 1;
        }
    };
    timeout(Duration::from_secs(60), shown).await.expect("pages are shown, and others made");
    drop(go_on);
    maker.join().unwrap();
}

/// A09: a session that was ended elsewhere is dead with the next request.
#[tokio::test]
async fn a_revoked_session_is_dead_at_once() {
    let server = Server::new().await;
    server.operator("ada").await;
    let (one, two) = (signed_in(&server).await, signed_in(&server).await);
    assert_eq!((page(&server, &one).await, page(&server, &two).await), (StatusCode::OK, StatusCode::OK));
    sqlx::query("DELETE FROM session").execute(&server.house.store.pool).await.unwrap();
    assert_eq!(
        (page(&server, &one).await, page(&server, &two).await),
        (StatusCode::FOUND, StatusCode::FOUND)
    );
}

#[tokio::test]
async fn sessions_end_by_themselves() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let config = server.plane().config().clone();
    // Used again and again, it lives on; until the absolute end.
    let step = config.session_idle - chrono::TimeDelta::minutes(1);
    let mut lived = chrono::TimeDelta::zero();
    while lived + step < config.session_absolute {
        server.house.clock.advance(step);
        lived += step;
        assert_eq!(page(&server, &cookie).await, StatusCode::OK, "after {lived}");
    }
    server.house.clock.advance(step);
    assert_eq!(page(&server, &cookie).await, StatusCode::FOUND);
}

#[tokio::test]
async fn an_unused_session_ends() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    server.house.clock.advance(server.plane().config().session_idle);
    assert_eq!(page(&server, &cookie).await, StatusCode::FOUND);
}

/// The store holds nothing that opens a session.
#[tokio::test]
async fn ids_are_kept_hashed() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let id = cookie.split('=').nth(1).unwrap();
    let rows: Vec<String> = sqlx::query_scalar("SELECT row_to_json(session)::text FROM session")
        .fetch_all(&server.house.store.pool)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let hex: String = id.bytes().map(|b| format!("{b:02x}")).collect();
    assert!(!rows[0].contains(id) && !rows[0].contains(&hex), "{}", rows[0]);
}

/// A05 over every server function: nothing from another site is even looked at.
#[tokio::test]
async fn other_sites_can_change_nothing() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let mine = ("cookie", cookie.as_str());
    let functions: Vec<_> = server_fn_paths().collect();
    assert!(functions.len() > 20, "the registry of server functions is there");
    for (path, method) in functions {
        for from in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://paddock.test")],
            &[],
        ] {
            let mut headers = vec![mine, FORM, HTML];
            headers.extend(from);
            let answer = server.ask(method.clone(), path, &headers, "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {from:?}");
        }
    }
    assert_eq!(page(&server, &cookie).await, StatusCode::OK, "the session is still there");
    let stranger = sign_in(&server, &[("sec-fetch-site", "cross-site")], PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "two values of one header");
}

/// A06: no server function can be called by GET.
#[tokio::test]
async fn no_server_function_is_a_get() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    for (path, method) in server_fn_paths() {
        assert_eq!(method, Method::POST, "{path}");
        let path = format!("{path}?app=x&confirm=x&name=x");
        let answer = server.ask(Method::GET, &path, &[("cookie", &cookie), HTML], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

/// A02 over every server function, called as the wasm does: a new one without a guard fails here.
#[tokio::test]
async fn server_functions_ask_who_is_there() {
    let server = Server::new().await;
    server.operator("ada").await;
    let (mut asked, mut unclear) = (0, Vec::new());
    for (path, _) in server_fn_paths().filter(|(path, _)| !OPEN.contains(path)) {
        // Every field that any of them knows, so that most get past reading their arguments.
        let body = "id=ad-00000000-0000-0000-0000-000000000000&app=x&name=x&value=x&token=x&plan=x&confirm=x&email=x";
        let answer = server.ask(Method::POST, path, &[FORM, OURS], body).await;
        assert!(!answer.status.is_success() && !answer.status.is_redirection(), "{path}: {}", answer.status);
        if answer.status == StatusCode::UNAUTHORIZED {
            asked += 1;
        } else {
            unclear.push((path, answer.status, answer.text));
        }
    }
    assert!(asked > 20, "{asked} were asked; not told: {unclear:#?}");
}

/// A57: nobody is led elsewhere after sign-in.
#[tokio::test]
async fn sign_in_leads_to_pages_of_this_dashboard_only() {
    let server = Server::new().await;
    server.operator("ada").await;
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let body = format!("identifier=ada&password={}&next={next}", PASSWORD.replace(' ', "+"));
        let answer = server.ask(Method::POST, "/do/sign_in", &[FORM, HTML, OURS], &body).await;
        assert_eq!(answer.header("location"), "/apps", "{next}");
    }
}

#[tokio::test]
async fn the_api_takes_no_cookie() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let answer = server.ask(Method::GET, "/v1/apps?", &[("cookie", &cookie), OURS], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("set-cookie"), "");
}

/// The page of the audit log is the operators'; the frame leads nobody else there.
#[tokio::test]
async fn the_page_of_the_audit_log_is_for_operators() {
    let server = Server::new().await;
    server.operator("ada").await;
    let cookie = signed_in(&server).await;
    let get = async |path: &str| server.ask(Method::GET, path, &[HTML, ("cookie", &cookie)], "").await;
    let page = get("/audit?user=ADA&action=session.").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("session.create") && !page.text.contains("account.create"), "{}", page.text);
    assert!(get("/apps").await.text.contains("href=\"/audit\""));
    assert!(get("/audit?user=nobody").await.text.contains("No record fits."));
    assert_eq!(get("/audit?before=x").await.status, StatusCode::OK, "no number is no bound");

    sqlx::query("UPDATE app_user SET is_operator = false").execute(&server.house.store.pool).await.unwrap();
    let refused = get("/audit").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.text.contains("session.create"), "{}", refused.text);
    assert!(!get("/apps").await.text.contains("href=\"/audit\""));
    // Nor by the door behind the page.
    let form = [FORM, OURS, ("cookie", cookie.as_str())];
    let door = server.ask(Method::POST, "/do/read_audit", &form, "action=&user=").await;
    assert_eq!(door.status, StatusCode::FORBIDDEN, "{}", door.text);
}
