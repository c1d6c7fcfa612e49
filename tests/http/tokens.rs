//! Tokens: made by password, exchanged, revoked.

use crate::house::{PASSWORD, Server, basic};
use axum::http::{Method, StatusCode};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Makes an API token as the public client does.
async fn log_in(server: &Server) -> String {
    let auth = basic("ada", PASSWORD);
    let body = r#"{"token":{"name":"Scalingo CLI - host"}}"#;
    let answer = server.ask(Method::POST, "/v1/tokens", &[("authorization", &auth), JSON], body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let token = &answer.json()["token"];
    assert_eq!(token["name"], "Scalingo CLI - host");
    assert_eq!(token["last_used_at"], Value::Null);
    token["token"].as_str().unwrap().to_owned()
}

async fn exchange(server: &Server, token: &str) -> crate::house::Answer {
    let auth = basic("", token);
    server.ask(Method::POST, "/v1/tokens/exchange?", &[("authorization", &auth), JSON], "{}").await
}

fn claims(jwt: &str) -> Value {
    let [head, payload, _] = jwt.split('.').collect::<Vec<_>>()[..] else { panic!("no JWT: {jwt}") };
    let part = |text: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(part(head)["alg"], "HS256");
    part(payload)
}

/// Trap 1: a JWT of three parts with `exp`.
#[tokio::test]
async fn a_token_is_exchanged_for_a_jwt_that_expires() {
    let server = Server::new().await;
    server.operator("ada").await;
    let token = log_in(&server).await;
    assert!(token.starts_with("tk-us-"), "{token}");
    let answer = exchange(&server, &token).await;
    assert_eq!(answer.status, StatusCode::OK);
    let jwt = answer.json()["token"].as_str().unwrap().to_owned();
    let exp = claims(&jwt)["exp"].as_i64().unwrap();
    let left = exp - server.plane().now().timestamp();
    assert!(left > 300, "a client exchanges again when less than 5 minutes are left: {left}");
    let me =
        server.ask(Method::GET, "/v1/users/self?", &[("authorization", &format!("Bearer {jwt}"))], "").await;
    assert_eq!((me.status, me.json()["user"]["username"].as_str()), (StatusCode::OK, Some("ada")));
    assert_eq!(me.json()["user"]["flags"], json!({}), "an admin flag would start a dialogue in the client");
}

/// Trap 15: while it waits for a backup of 20 s, the public client sends about 45 requests and exchanges its token for them
/// again and again. Those are no tries to guess: a minute holds 60 and more.
#[tokio::test]
async fn a_client_that_polls_may_exchange_its_token_all_the_time() {
    let server = Server::new().await;
    server.operator("ada").await;
    let token = log_in(&server).await;
    let begun = server.plane().now();
    for n in 1..=60 {
        let answer = exchange(&server, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "exchange {n}: {}", answer.text);
        let jwt = answer.json()["token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {jwt}");
        let polled = server.ask(Method::GET, "/v1/apps?", &[("authorization", &bearer)], "").await;
        assert_eq!(polled.status, StatusCode::OK, "request {n}");
    }
    assert_eq!(server.plane().now(), begun, "all within one minute, as the server counts it");
    assert_eq!(exchange(&server, "tk-us-nobody-has-this-one").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_read_the_same() {
    let server = Server::new().await;
    server.operator("ada").await;
    let mut answers = Vec::new();
    for (user, password) in [("ada", "wrong wrong wrong"), ("eve", PASSWORD)] {
        let auth = basic(user, password);
        let headers = [("authorization", auth.as_str()), JSON];
        let answer = server.ask(Method::POST, "/v1/tokens", &headers, r#"{"token":{"name":"x"}}"#).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answers.push(answer.text);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn guessing_ends_in_429_with_json() {
    let server = Server::new().await;
    server.operator("ada").await;
    let auth = basic("ada", "wrong wrong wrong");
    let headers = [("authorization", auth.as_str()), JSON];
    for _ in 0..40 {
        let answer = server.ask(Method::POST, "/v1/tokens", &headers, r#"{"token":{"name":"x"}}"#).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(
                answer.json()["error"].is_string() && answer.json()["code"].is_string(),
                "{}",
                answer.text
            );
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
            return;
        }
    }
    panic!("nobody stopped it");
}

/// A49: a revoked token, a token in the address, a password where a token belongs.
#[tokio::test]
async fn only_a_live_token_in_the_header_counts() {
    let server = Server::new().await;
    server.operator("ada").await;
    let token = log_in(&server).await;
    let jwt = exchange(&server, &token).await.json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {jwt}");

    for path in [format!("/v1/apps?token={jwt}"), format!("/v1/apps?access_token={jwt}"), "/v1/apps".into()] {
        let answer = server.ask(Method::GET, &path, &[("cookie", &format!("token={jwt}"))], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for auth in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic x",
        "Digest x",
        &basic("ada", PASSWORD),
        &format!("Bearer {token}"),
    ] {
        let answer = server.ask(Method::GET, "/v1/apps", &[("authorization", auth)], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{auth}");
        assert!(answer.json()["error"].is_string());
    }
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(server.ask(Method::GET, "/v1/apps", &twice, "").await.status, StatusCode::UNAUTHORIZED);

    let auth = [("authorization", bearer.as_str())];
    assert_eq!(server.ask(Method::GET, "/v1/apps?", &auth, "").await.status, StatusCode::OK);
    let list = server.ask(Method::GET, "/v1/tokens?", &auth, "").await.json();
    assert!(!list.to_string().contains(&token), "a token's secret is shown once");
    let id = list["tokens"][0]["id"].as_str().unwrap().to_owned();
    let revoked = server.ask(Method::DELETE, &format!("/v1/tokens/{id}?"), &auth, "").await;
    assert_eq!((revoked.status, revoked.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(server.ask(Method::GET, "/v1/apps?", &auth, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(exchange(&server, &token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_jwt_is_refused() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    assert_eq!(server.get(&ada, "/v1/apps").await.status, StatusCode::OK);
    server.house.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(server.get(&ada, "/v1/apps").await.status, StatusCode::UNAUTHORIZED);
}
