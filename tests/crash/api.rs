//! The HTTP API as a client of the walk sees it: a request may be lost with the process that it was sent to.
//!
//! It refuses an answer that says no; only silence is taken for a killed server.

use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long anything that should happen by itself may stand still on a busy machine. Less than a lease: an operation
/// that only went on because its lease ran out has not gone on at once.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// What goes on and on ends within this time.
const LONGEST: Duration = Duration::from_secs(600);

/// Waits for something that goes on by itself: as long as there is something new to see.
pub struct Waiting<T> {
    begun: Instant,
    changed: Instant,
    seen: Option<T>,
}

impl<T: PartialEq> Waiting<T> {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, changed: now, seen: None }
    }

    /// Notes what is seen now; false when it has been the same for too long.
    pub fn goes_on(&mut self, seen: T) -> bool {
        if self.seen.as_ref() != Some(&seen) {
            (self.seen, self.changed) = (Some(seen), Instant::now());
        }
        self.changed.elapsed() < PATIENCE && self.begun.elapsed() < LONGEST
    }
}

/// Looks until it is so; false when it is not within this time.
pub async fn within(limit: Duration, mut look: impl AsyncFnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !look().await {
        if begun.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    true
}

/// A client.
pub struct Api {
    origin: String,
    version: String,
    bearer: String,
    http: reqwest::Client,
}

impl Api {
    pub fn new(origin: String, version: String) -> Self {
        // The client wants a TLS provider even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No connection outlives the server that it led to.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().timeout(PATIENCE);
        let http = http.redirect(reqwest::redirect::Policy::none());
        Self { origin, version, bearer: String::new(), http: http.build().unwrap() }
    }

    /// Gets a bearer token; false while nobody answers.
    pub async fn sign_in(&mut self, token: &str) -> bool {
        let exchange = self.http.post(format!("{}/v1/tokens/exchange", self.origin));
        let Ok(answer) = exchange.basic_auth("", Some(token)).json(&json!({})).send().await else {
            return false;
        };
        assert!(answer.status().is_success(), "sign in: {}", answer.status());
        self.bearer = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().into();
        true
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Option<Value> {
        let answer = request.bearer_auth(&self.bearer).send().await.ok()?;
        let (status, url) = (answer.status(), answer.url().clone());
        let text = answer.text().await.ok()?;
        assert!(status.is_success(), "{url}: {status} {text}");
        Some(if text.is_empty() { Value::Null } else { text.parse().unwrap() })
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(self.http.get(format!("{}{path}", self.origin))).await;
        answer.unwrap_or_else(|| panic!("no answer from {path}"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        self.ask(self.http.post(format!("{}{path}", self.origin)).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Option<Value> {
        self.ask(self.http.patch(format!("{}{path}", self.origin)).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Option<Value> {
        self.ask(self.http.delete(format!("{}{path}", self.origin))).await
    }

    pub async fn make_app(&self, name: &str) {
        let request = self.http.post(format!("{}/v1/apps", self.origin));
        self.ask(request.json(&json!({"app": {"name": name}}))).await.expect("an app");
    }

    /// Orders a database; the same key is the same order.
    pub async fn order(&self, app: &str, key: &str) -> Option<Value> {
        let body = json!({"addon": {
            "addon_provider_id": "postgresql", "plan_id": "postgresql-sandbox", "options": {"version": self.version}
        }});
        let request = self.http.post(format!("{}/v1/apps/{app}/addons", self.origin));
        self.ask(request.header("Idempotency-Key", key).json(&body)).await
    }

    /// Asks for another plan.
    pub async fn change_plan(&self, app: &str, addon: &str, plan: &str) -> Option<Value> {
        let request = self.http.patch(format!("{}/v1/apps/{app}/addons/{addon}", self.origin));
        self.ask(request.json(&json!({"addon": {"plan_id": plan}}))).await
    }

    /// The operation, when nothing more happens to it.
    pub async fn ended(&self, operation: &str) -> Value {
        let mut waiting = Waiting::new();
        loop {
            let seen = self.get(&format!("/v1/operations/{operation}")).await["operation"].take();
            if ["succeeded", "failed", "cancelled"].contains(&seen["status"].as_str().unwrap()) {
                return seen;
            }
            assert!(waiting.goes_on(still(&seen)), "it does not end: {seen:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// An operation without the times that change by themselves.
fn still(operation: &Value) -> Value {
    let steps = operation["steps"].as_array().unwrap().iter();
    let states: Vec<_> = steps.map(|step| (&step["key"], &step["state"])).collect();
    json!([operation["status"], states, operation["log"]])
}

/// A person's session in a browser without scripts.
pub struct Pages<'a> {
    api: &'a Api,
    cookie: String,
}

impl Api {
    /// Signs in; `None` while nobody answers.
    pub async fn pages(&self, user: &str, password: &str) -> Option<Pages<'_>> {
        let mut pages = Pages { api: self, cookie: String::new() };
        let answer = pages.send("sign_in", &[("identifier", user), ("password", password)]).await?;
        let cookie = answer.headers().get("set-cookie").expect("a session");
        pages.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        Some(pages)
    }
}

impl Pages<'_> {
    /// Sends a form; what leads on was taken. `None`: there was no answer.
    pub async fn act(&self, endpoint: &str, form: &[(&str, &str)]) -> Option<()> {
        self.send(endpoint, form).await.map(drop)
    }

    async fn send(&self, endpoint: &str, form: &[(&str, &str)]) -> Option<reqwest::Response> {
        // Of letters, digits, dashes and blanks alone.
        let field = |(name, value): &(&str, &str)| format!("{name}={}", value.replace(' ', "+"));
        let body = form.iter().map(field).collect::<Vec<_>>().join("&");
        let request = self.api.http.post(format!("{}/do/{endpoint}", self.api.origin)).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("origin", &self.api.origin).header("accept", "text/html");
        let answer = request.header("cookie", &self.cookie).send().await.ok()?;
        assert!(answer.status().is_redirection(), "{endpoint}: {}", answer.status());
        Some(answer)
    }
}
