//! A server for a test: the router around a control plane whose engine, clock and store are in the test's hands.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use control::{Actor, ControlPlane, NewAccount};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use server::web::{
    assets,
    router::{Site, router},
};
use testkit::House;
use tower::ServiceExt;
use types::view::{Accepted, AppView};

pub const PASSWORD: &str = "correct horse battery";

/// A running house with its router.
pub struct Server {
    pub house: House,
    pub router: Router,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("no JSON ({}): {}", self.status, self.text))
    }

    /// A header as text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A person and the bearer token for the whole account.
pub struct Person {
    pub actor: Actor,
    pub jwt: String,
}

pub fn site(public_url: &str) -> Site {
    Site {
        public_url: public_url.into(),
        region: "osc-fr1".into(),
        trusted_proxies: [].into(),
        options: assets::options(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/public").into())),
    }
}

impl Server {
    pub async fn new() -> Self {
        Self::at("http://paddock.test").await
    }

    pub async fn at(public_url: &str) -> Self {
        let house = House::new().await;
        let router = router(house.plane.clone(), site(public_url));
        Self { house, router }
    }

    pub fn plane(&self) -> &ControlPlane {
        &self.house.plane
    }

    /// Somebody with an account (no operator) and a bearer token.
    pub async fn person(&self, name: &str) -> Person {
        self.with_token(self.house.person(name, false).await).await
    }

    /// Somebody and a bearer token of theirs.
    pub async fn with_token(&self, actor: Actor) -> Person {
        let (_, secret) = self.plane().create_token(&actor, "test").await.unwrap();
        let jwt = self.plane().exchange_token(secret.expose_secret(), "192.0.2.1").await.unwrap();
        Person { actor, jwt }
    }

    /// An operator who can sign in with [`PASSWORD`].
    pub async fn operator(&self, name: &str) {
        let account = NewAccount {
            email: format!("{name}@example.org"),
            username: name.into(),
            password: PASSWORD.into(),
        };
        self.plane().ensure_account(account, None).await.unwrap();
    }

    /// An app of this person.
    pub async fn app(&self, person: &Person, name: &str) -> AppView {
        self.plane().create_app(&person.actor, name).await.unwrap()
    }

    /// An app of this person with a database that is ready.
    pub async fn ready(&self, person: &Person, name: &str) -> Accepted {
        self.house.ready(&person.actor, name).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// One request with these headers.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "paddock.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.to_owned().into()).unwrap()).await
    }

    /// As public clients call the API: JSON, a content type on everything, a `?` at the end of the address.
    pub async fn api(&self, person: &Person, method: Method, path: &str, body: Value) -> Answer {
        self.api_with(&person.jwt, method, path, &[], body).await
    }

    pub async fn api_with(
        &self,
        jwt: &str,
        method: Method,
        path: &str,
        more: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let bearer = format!("Bearer {jwt}");
        let mut headers = vec![("content-type", "application/json"), ("accept", "application/json")];
        headers.push(("authorization", &bearer));
        headers.extend(more);
        let path = if path.contains('?') { path.to_owned() } else { format!("{path}?") };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(method, &path, &headers, &body).await
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        self.api(person, Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        self.api(person, Method::POST, path, body).await
    }
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// The body of an order.
pub fn order(plan: &str) -> Value {
    json!({"addon": {"addon_provider_id": "postgresql", "plan_id": plan, "options": null}})
}
