//! What a look at a database means: the checks, and the sentence that stands on them. Pure functions.

use super::backup_check;
use crate::engine::NodeState;
use chrono::{DateTime, TimeDelta, Utc};
use types::{
    PgVersion,
    backup::BackupsView,
    status::DatabaseStatus,
    view::{CheckView, Figures, VersionView},
};

/// A certificate that ends sooner deserves a look.
const CERTIFICATE_SOON: TimeDelta = TimeDelta::days(14);

/// What was seen just now.
pub(super) struct Facts {
    pub(super) now: DateTime<Utc>,
    /// `None`: the engine did not answer.
    pub(super) state: Option<NodeState>,
    pub(super) figures: Option<Figures>,
    pub(super) certificate_until: Option<DateTime<Utc>>,
    /// Installed on the host; empty when it could not be read.
    pub(super) versions: Vec<VersionView>,
    pub(super) version: PgVersion,
    /// Bytes; 0 when the plan does not say.
    pub(super) disk_limit: u64,
    pub(super) backups: BackupsView,
}

impl Facts {
    /// A newer minor of the same major that is installed.
    pub(super) fn newer_minor(&self) -> Option<PgVersion> {
        let all = self.versions.iter().map(|one| one.version);
        all.filter(|v| v.major == self.version.major && v.minor > self.version.minor).max()
    }

    fn version_check(&self) -> Option<CheckView> {
        let own = self.versions.iter().find(|one| one.version == self.version);
        let (detail, tone) = match (own, self.newer_minor()) {
            _ if self.versions.is_empty() => return None,
            (_, Some(newer)) => {
                (format!("PostgreSQL {newer} is installed and fixes what {} does not", self.version), "warn")
            }
            (None, None) => {
                (format!("PostgreSQL {} is not installed on this host any more", self.version), "err")
            }
            (Some(own), None) if own.below_floor => (
                format!("PostgreSQL {} has known holes, and nothing newer is installed", self.version),
                "warn",
            ),
            (Some(_), None) => (format!("{} is the newest minor on this host", self.version), "ok"),
        };
        Some(check("Version", detail, tone))
    }
}

pub(super) fn check(title: &str, detail: impl Into<String>, tone: &str) -> CheckView {
    CheckView { title: title.into(), detail: detail.into(), tone: tone.into() }
}

/// What the sentence stands on.
pub(super) fn checks(facts: &Facts, status: DatabaseStatus) -> Vec<CheckView> {
    if matches!(status, DatabaseStatus::Deleted | DatabaseStatus::Stopped | DatabaseStatus::Creating) {
        return Vec::new();
    }
    let mut checks = vec![match &facts.state {
        Some(NodeState::Running { since, .. }) => check(
            "Accepts connections",
            format!("PostgreSQL {} answers, since {}", facts.version, utc(*since)),
            "ok",
        ),
        Some(NodeState::Starting) => check(
            "Accepts connections",
            "The server runs and does not answer yet: it starts, recovers or hangs",
            "warn",
        ),
        Some(NodeState::Stopped) => {
            check("Accepts connections", "The server does not run; Paddock is starting it", "err")
        }
        Some(NodeState::Absent) => check(
            "Accepts connections",
            "No data directory on this host carries this database's identity",
            "err",
        ),
        Some(NodeState::Trashed) => check("Accepts connections", "Its data lies in the trash", "err"),
        None => check("Accepts connections", "The host did not answer in time", "warn"),
    }];
    if let Some(figures) = &facts.figures {
        let (used, most) = (u64::from(figures.connections), u64::from(figures.max_connections));
        checks.push(check("Connections", format!("{used} of {most}"), level(used, most, 80, 95)));
        if facts.disk_limit > 0 {
            let detail = format!("{} of {}", bytes(figures.disk_bytes), bytes(facts.disk_limit));
            checks.push(check("Disk", detail, level(figures.disk_bytes, facts.disk_limit, 80, 95)));
        }
    }
    if let Some(until) = facts.certificate_until {
        let tone = match until - facts.now {
            left if left <= TimeDelta::zero() => "err",
            left if left < CERTIFICATE_SOON => "warn",
            _ => "ok",
        };
        checks.push(check("Certificate", format!("ends {}", utc(until)), tone));
    }
    checks.extend(backup_check::check(&facts.backups, facts.now));
    checks.extend(facts.version_check());
    checks
}

/// `warn` from `warn` percent on, `err` from `err` percent on.
fn level(used: u64, most: u64, warn: u64, err: u64) -> &'static str {
    match used.saturating_mul(100).checked_div(most) {
        Some(percent) if percent >= err => "err",
        Some(percent) if percent >= warn => "warn",
        _ => "ok",
    }
}

/// One sentence about its health, and its tone.
pub(super) fn sentence(
    facts: &Facts,
    checks: &[CheckView],
    status: DatabaseStatus,
    purge_at: Option<DateTime<Utc>>,
) -> (String, &'static str) {
    match status {
        DatabaseStatus::Creating => return ("It is being created.".into(), "run"),
        DatabaseStatus::Updating | DatabaseStatus::Migrating | DatabaseStatus::Upgrading => {
            return ("It is being changed.".into(), "run");
        }
        DatabaseStatus::Stopped => return ("Stopped by its owner. Data and URL stay.".into(), "off"),
        DatabaseStatus::Deleted => {
            let until = purge_at.map(|at| format!(" Its data can be brought back until {}.", utc(at)));
            return (format!("Deleted.{}", until.unwrap_or_default()), "off");
        }
        DatabaseStatus::Down | DatabaseStatus::Running => {}
    }
    let worst = |tone: &str| checks.iter().find(|check| check.tone == tone);
    let lead = match (status, worst("err"), worst("warn")) {
        (DatabaseStatus::Down, ..) => {
            let why = checks.first().map(|check| check.detail.clone()).unwrap_or_default();
            return (format!("Down. {why}."), "err");
        }
        (_, Some(check), _) => (format!("{} needs attention.", check.title), "err"),
        (_, None, Some(check)) if check.title != "Version" => {
            (format!("{} is worth a look.", check.title), "warn")
        }
        _ => ("Healthy.".to_owned(), "ok"),
    };
    let backup = backup_check::words(&facts.backups, facts.now);
    let backup = backup.map(|words| format!(", {words}")).unwrap_or_default();
    let figures = match &facts.figures {
        Some(figures) => format!(
            " {} of {} connections, {} of {}{backup}.",
            figures.connections,
            figures.max_connections,
            bytes(figures.disk_bytes),
            bytes(facts.disk_limit)
        ),
        None => format!(" Its figures could not be read just now{backup}."),
    };
    (lead.0 + &figures, lead.1)
}

/// `38 MB`, `1.4 GB`, in units of 1024 as the plans count.
fn bytes(n: u64) -> String {
    let (mb, gb) = (1u64 << 20, 1u64 << 30);
    match n {
        n if n < mb => format!("{} kB", n >> 10),
        n if n < gb => format!("{} MB", n >> 20),
        n if n % gb == 0 => format!("{} GB", n / gb),
        n => format!("{}.{} GB", n / gb, n % gb * 10 / gb),
    }
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(major: u16, minor: u16, below_floor: bool) -> VersionView {
        VersionView { version: PgVersion::new(major, minor), default: false, below_floor, offered: true }
    }

    fn facts() -> Facts {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        Facts {
            now,
            state: Some(NodeState::Running { since: now, pid: 7 }),
            figures: Some(Figures {
                connections: 2,
                max_connections: 30,
                data_bytes: 8 << 20,
                disk_bytes: 38 << 20,
                ..Figures::default()
            }),
            certificate_until: Some(now + TimeDelta::days(300)),
            versions: vec![installed(17, 11, false)],
            version: PgVersion::new(17, 11),
            disk_limit: 10 << 30,
            backups: BackupsView::default(),
        }
    }

    fn told(facts: &Facts, status: DatabaseStatus) -> (String, &'static str) {
        sentence(facts, &checks(facts, status), status, None)
    }

    #[test]
    fn health_in_one_sentence() {
        let healthy = told(&facts(), DatabaseStatus::Running);
        assert_eq!(healthy, ("Healthy. 2 of 30 connections, 38 MB of 10 GB.".into(), "ok"));
        let full = Figures { disk_bytes: 99 << 27, ..facts().figures.unwrap() };
        let (sentence, tone) = told(&Facts { figures: Some(full), ..facts() }, DatabaseStatus::Running);
        assert_eq!(
            (sentence.as_str(), tone),
            ("Disk needs attention. 2 of 30 connections, 12.3 GB of 10 GB.", "err")
        );
        let down = Facts { state: Some(NodeState::Stopped), figures: None, ..facts() };
        let (sentence, tone) = told(&down, DatabaseStatus::Down);
        assert_eq!(
            (sentence.as_str(), tone),
            ("Down. The server does not run; Paddock is starting it.", "err")
        );
    }

    #[test]
    fn what_was_not_read_is_not_shown() {
        let (sentence, _) = told(&Facts { figures: None, ..facts() }, DatabaseStatus::Running);
        assert_eq!(sentence, "Healthy. Its figures could not be read just now.");
    }

    #[test]
    fn a_certificate_near_its_end_is_worth_a_look() {
        let soon = Some(facts().now + TimeDelta::days(3));
        let (_, tone) = told(&Facts { certificate_until: soon, ..facts() }, DatabaseStatus::Running);
        assert_eq!(tone, "warn");
    }

    #[test]
    fn the_version_is_judged_by_what_is_installed() {
        let tone = |versions: Vec<VersionView>| {
            let facts = Facts { versions, ..facts() };
            facts.version_check().map(|check| check.tone)
        };
        assert_eq!(tone(vec![installed(17, 11, false)]).as_deref(), Some("ok"));
        assert_eq!(tone(vec![installed(17, 11, true)]).as_deref(), Some("warn"));
        assert_eq!(tone(vec![installed(17, 11, false), installed(17, 12, false)]).as_deref(), Some("warn"));
        assert_eq!(tone(vec![installed(18, 6, false)]).as_deref(), Some("err"));
        assert_eq!(tone(vec![]), None, "what could not be read is not judged");
    }
}
