//! `GET /metrics`: the newest sample of every database and how Paddock itself does, as Prometheus reads it.
//!
//! For operators' API tokens only, in the `Authorization` header (a bearer token, or the password of Basic); a cookie
//! counts for nothing here. Samples that are older than 30 seconds are left out: a gap is a gap there, too.

use super::address::ClientIp;
use crate::api::bearer::Credentials;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use control::{
    Actor, ControlPlane, Error,
    metrics::{DatabaseNow, Now},
};
use secrecy::ExposeSecret;
use std::fmt::Write;
use types::metric::{Metric, Panel, Unit};

/// The version of the text format.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers a scrape.
pub async fn metrics(
    State(control): State<ControlPlane>,
    ip: Option<Extension<ClientIp>>,
    headers: HeaderMap,
) -> Response {
    let ip = ip.map(|ip| ip.0.0.to_string()).unwrap_or_default();
    let told = async {
        let actor = operator(&control, &headers, &ip).await?;
        control.measured_now(&actor).await
    };
    match told.await {
        Ok(now) => ([(header::CONTENT_TYPE, KIND)], text(&now)).into_response(),
        Err(Error::Unauthenticated | Error::Forbidden(_)) => {
            let text = "An operator's API token is needed, as a bearer token or as the password of Basic.\n";
            let mut response = (StatusCode::UNAUTHORIZED, text).into_response();
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Err(error) => super::router::refused(&error),
    }
}

/// Whose API token it is.
async fn operator(control: &ControlPlane, headers: &HeaderMap, ip: &str) -> control::Result<Actor> {
    let token = match Credentials::read(headers) {
        Ok(Credentials::Bearer(token)) => token.into(),
        Ok(Credentials::Basic { user, password }) if user.is_empty() => password,
        _ => return Err(Error::Unauthenticated),
    };
    let jwt = control.exchange_token(token.expose_secret(), ip).await?;
    control.actor_from_jwt(&jwt, ip).await
}

/// Lines of the text format.
struct Text(String);

impl Text {
    /// What stands before the values of a name.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if at == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.value(name, &[], value);
    }
}

fn text(now: &Now) -> String {
    let mut text = Text(String::new());
    text.head("paddock_build_info", "gauge", "The version that runs.");
    text.value("paddock_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    for (name, help, counts) in [
        ("paddock_databases", "Databases by status, deleted ones left out.", &now.statuses),
        ("paddock_operations", "Operations in the log by status.", &now.operations),
    ] {
        text.head(name, "gauge", help);
        for (status, count) in counts {
            text.value(name, &[("status", status)], *count as f64);
        }
    }
    collector(&mut text, now);
    for metric in Metric::ALL {
        let values =
            |database: &DatabaseNow| database.values.and_then(|values| values.get(metric)).map(f64::from);
        each(&mut text, now, metric, "", &about(metric), values);
    }
    for metric in [Metric::Cpu, Metric::Memory, Metric::Connections, Metric::DiskSize, Metric::Swap] {
        let limit = |database: &DatabaseNow| {
            database.limits().into_iter().find(|(of, _)| *of == metric).map(|(_, limit)| limit)
        };
        let about = format!("{}: how much the plan allows, {}.", metric.title(), unit(metric.unit()));
        each(&mut text, now, metric, "_limit", &about, limit);
    }
    text.0
}

fn collector(text: &mut Text, now: &Now) {
    let counters = &now.collector;
    for (name, help, value) in [
        ("samples_total", "Samples that were taken.", counters.samples),
        ("failures_total", "Samples that failed or took too long: gaps.", counters.failed),
        (
            "dropped_total",
            "Samples that were given up unstored because the store was away.",
            counters.dropped,
        ),
        ("rounds_total", "Rounds over all databases, one each ten seconds.", counters.rounds),
    ] {
        text.one(&format!("paddock_collector_{name}"), "counter", help, value as f64);
    }
    for (name, help, value) in [
        ("unstored", "Samples in memory that are not stored yet.", counters.waiting as f64),
        ("late_seconds", "How late the last round began.", counters.late_ms as f64 / 1e3),
        ("round_seconds", "How long the last round took.", counters.took_ms as f64 / 1e3),
    ] {
        text.one(&format!("paddock_collector_{name}"), "gauge", help, value);
    }
    let (all, idle) = now.store_connections;
    text.head("paddock_store_connections", "gauge", "Connections to the store by state.");
    for (state, count) in [("idle", idle), ("used", all.saturating_sub(idle))] {
        text.value("paddock_store_connections", &[("state", state)], f64::from(count));
    }
}

/// One gauge of every database that has a value.
fn each(
    text: &mut Text,
    now: &Now,
    metric: Metric,
    tail: &str,
    about: &str,
    value: impl Fn(&DatabaseNow) -> Option<f64>,
) {
    let name = format!("paddock_database_{}{tail}", metric.key());
    text.head(&name, "gauge", about);
    for database in &now.databases {
        if let Some(value) = value(database) {
            let labels =
                [("database", &*database.name), ("app", &*database.app), ("plan", &*database.plan.name)];
            text.value(&name, &labels, base(metric.unit(), value));
        }
    }
}

fn about(metric: Metric) -> String {
    let panel = Panel::ALL.into_iter().find(|panel| panel.metrics().contains(&metric));
    let about = panel.map(Panel::about).unwrap_or_default();
    format!("{}, {}. {about}", metric.title(), unit(metric.unit()))
}

/// Prometheus counts in base units.
fn base(unit: Unit, value: f64) -> f64 {
    match unit {
        Unit::Percent => value / 100.0,
        Unit::Milliseconds => value / 1e3,
        _ => value,
    }
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "ratio",
        Unit::Bytes => "bytes",
        Unit::BytesPerSecond => "bytes per second",
        Unit::Count => "count",
        Unit::PerSecond => "per second",
        Unit::Milliseconds | Unit::Seconds => "seconds",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_help_are_escaped() {
        let mut text = Text(String::new());
        text.head("x", "gauge", "a \\ b\nc");
        text.value("x", &[("app", "say \"hi\"\\\n"), ("plan", "p")], 0.25);
        text.value("x", &[], 3.0);
        assert_eq!(
            text.0,
            "# HELP x a \\\\ b\\nc\n# TYPE x gauge\nx{app=\"say \\\"hi\\\"\\\\\\n\",plan=\"p\"} 0.25\nx 3\n"
        );
    }

    #[test]
    fn values_are_in_base_units() {
        assert_eq!((base(Unit::Percent, 25.0), base(Unit::Milliseconds, 4.0)), (0.25, 0.004));
        assert_eq!(base(Unit::Bytes, 4096.0), 4096.0);
    }
}
