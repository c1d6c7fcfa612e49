//! Headers of every class of answer (A54).

use crate::house::{Answer, Server};
use axum::http::{Method, StatusCode};

fn check(what: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    let policy = answer.header("content-security-policy");
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    for bad in ["'unsafe-inline'", "'unsafe-eval'", "https:", "*"] {
        assert!(!policy.contains(bad), "{what}: {policy}");
    }
}

#[tokio::test]
async fn every_class_of_answer_has_them() {
    let server = Server::new().await;
    let get = |path: &'static str| server.ask(Method::GET, path, &[("accept", "text/html")], "");
    for (what, answer, status) in [
        ("page", get("/login").await, 200),
        ("redirect", get("/apps").await, 302),
        ("page that is not there", get("/nothing/here").await, 404),
        ("file", get("/favicon.svg").await, 200),
        ("file that is not there", get("/pkg/none.js").await, 404),
        ("health", get("/health").await, 200),
        ("API", get("/v1/regions").await, 200),
        ("API refusal", get("/v1/apps").await, 401),
        ("API nothing", get("/v1/none").await, 404),
        ("API method", server.ask(Method::DELETE, "/v1/regions", &[], "").await, 405),
        ("stream refusal", get("/events/operations/x").await, 401),
        (
            "other site",
            server.ask(Method::POST, "/do/sign_in", &[("origin", "https://evil.example")], "").await,
            403,
        ),
        ("method", server.ask(Method::GET, "/do/sign_in", &[], "").await, 405),
        ("too large", server.ask(Method::POST, "/v1/apps", &[("content-length", "9999999")], "").await, 413),
        ("odd path", server.ask(Method::GET, "/..%2f..%2fetc/passwd", &[], "").await, 404),
    ] {
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
        check(what, &answer);
        let cache = answer.header("cache-control");
        let kept = if what == "file" { "no-cache" } else { "no-store" };
        assert_eq!(cache, kept, "{what}");
        assert_eq!(answer.header("strict-transport-security"), "", "{what}: not over http");
    }
}

#[tokio::test]
async fn over_tls_browsers_are_told_to_stay_there() {
    let server = Server::at("https://paddock.test").await;
    let answer = server.ask(Method::GET, "/v1/none", &[], "").await;
    assert!(answer.header("strict-transport-security").starts_with("max-age=63072000"));
}

/// Each page has a nonce of its own, and its inline scripts carry it.
#[tokio::test]
async fn inline_scripts_carry_the_nonce() {
    let server = Server::new().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = server.ask(Method::GET, "/login", &[("accept", "text/html")], "").await;
        assert_eq!(answer.status, StatusCode::OK);
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 16, "{nonce}");
        for script in answer.text.split("<script").skip(1) {
            let head = script.split('>').next().unwrap();
            assert!(head.contains(&format!("nonce=\"{nonce}\"")) || head.contains("src="), "{head}");
        }
        assert!(
            !answer.text.contains("onclick=") && !answer.text.contains("javascript:"),
            "no inline handlers"
        );
        assert_eq!(
            policy.replace(&nonce, "N"),
            "default-src 'none'; script-src 'self' 'nonce-N' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
             object-src 'none'; frame-ancestors 'none'"
        );
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    let other = server.get(&server.person("ada").await, "/v1/regions").await;
    assert_eq!(
        other.header("content-security-policy"),
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
}

/// The policy has no room for inline styles: pages must not rely on them.
#[tokio::test]
async fn pages_have_no_inline_styles() {
    let server = Server::new().await;
    for path in ["/login", "/nothing"] {
        let answer = server.ask(Method::GET, path, &[("accept", "text/html")], "").await;
        assert!(!answer.text.contains(" style=\""), "{path}");
    }
}

/// A55: errors tell no cause.
#[tokio::test]
async fn errors_tell_no_cause() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.house.store.pool.close().await;
    for (path, method) in [("/v1/apps", Method::GET), ("/health", Method::GET), ("/apps", Method::GET)] {
        let answer = server.api(&ada, method, path, serde_json::Value::Null).await;
        let text = answer.text.to_lowercase();
        for told in ["sqlx", "select ", "panicked", ".rs:", "pool"] {
            assert!(!text.contains(told), "{path}: {text}");
        }
    }
    let answer = server.get(&ada, "/v1/apps").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], "unavailable");
}
