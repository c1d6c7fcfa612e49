//! Records of a server's log: read from the lines that PostgreSQL writes as JSON, told as plain text.
//!
//! A record is one line of JSON, so nothing that somebody put into a name or a message can begin another one. What is
//! shown is made visible first: control characters and invisible direction marks are spelled out, long lines are cut.

use crate::masked::masked;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// A line is cut after so many characters.
const LINE: usize = 4096;
/// A record is cut after so many lines.
const LINES: usize = 200;

/// How much of a log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All of it.
    #[default]
    Everything,
    /// Warnings and worse.
    Warnings,
    /// Errors and worse.
    Errors,
}

impl Level {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Everything, Self::Warnings, Self::Errors];

    /// As addresses have it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Warnings => "warnings",
            Self::Errors => "errors",
        }
    }

    /// For people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Everything => "Everything",
            Self::Warnings => "Warnings",
            Self::Errors => "Errors",
        }
    }

    /// The level with this key; everything when there is none.
    #[must_use]
    pub fn named(key: &str) -> Self {
        Self::ALL.into_iter().find(|level| level.key() == key).unwrap_or_default()
    }
}

/// A record of a server's log, made visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When; `None` for what the server wrote past its own log.
    pub at: Option<DateTime<Utc>>,
    /// `LOG`, `WARNING`, `ERROR`, `FATAL`, …; empty for what the server wrote past its own log.
    pub severity: String,
    /// `user@database`; empty for the server itself.
    pub who: String,
    /// The process.
    pub pid: Option<u32>,
    /// The message with its details, line by line.
    pub text: String,
}

/// The fields of PostgreSQL's JSON log that are told (manual 19.8.4, table 19.4).
#[derive(Deserialize)]
struct Wire {
    timestamp: Option<String>,
    user: Option<String>,
    dbname: Option<String>,
    pid: Option<u32>,
    error_severity: Option<String>,
    state_code: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    context: Option<String>,
    statement: Option<String>,
    backend_type: Option<String>,
}

impl LogRecord {
    /// The record on this line. What is no JSON (a record that a kill cut short) is told as it is.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let Ok(wire) = serde_json::from_str::<Wire>(line) else {
            return Self {
                at: None,
                severity: String::new(),
                who: String::new(),
                pid: None,
                text: visible(&masked(line)),
            };
        };
        let who = match (&wire.user, &wire.dbname) {
            (Some(user), Some(database)) => format!("{user}@{database}"),
            (Some(user), None) => user.clone(),
            _ => String::new(),
        };
        let mut text = wire.message.unwrap_or_default();
        if let Some(code) = wire.state_code.filter(|code| code != "00000") {
            text.push_str(&format!(" ({code})"));
        }
        let more = [
            ("DETAIL", wire.detail),
            ("HINT", wire.hint),
            ("CONTEXT", wire.context),
            ("STATEMENT", wire.statement),
        ];
        for (name, words) in more.into_iter().filter_map(|(name, words)| Some((name, words?))) {
            text.push_str(&format!("\n{name}:  {words}"));
        }
        let who = if who.is_empty() { wire.backend_type.unwrap_or_default() } else { who };
        Self {
            at: wire.timestamp.as_deref().and_then(moment),
            severity: one_line(&wire.error_severity.unwrap_or_default()),
            who: one_line(&who),
            pid: wire.pid,
            // `auto_explain` logs the whole text that came with a statement, and that can hold another one that sets a
            // password.
            text: visible(&masked(&text)),
        }
    }

    /// It belongs to this level.
    #[must_use]
    pub fn is(&self, level: Level) -> bool {
        match level {
            Level::Everything => true,
            Level::Warnings => matches!(self.severity.as_str(), "WARNING") || self.is(Level::Errors),
            Level::Errors => matches!(self.severity.as_str(), "ERROR" | "FATAL" | "PANIC"),
        }
    }

    /// A session of the platform said or did it. No name of a user looks like its roles': those that are made from an
    /// app's name have digits, and [`crate::name::database_user`] takes none that begins with "paddock".
    #[must_use]
    pub fn is_of_platform(&self) -> bool {
        let user = self.who.split_once('@').map_or(self.who.as_str(), |(user, _)| user);
        let role = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
        user == "paddock" || user.strip_prefix("paddock_").is_some_and(role)
    }

    /// It tells that the platform itself came or went: every look at a server does.
    #[must_use]
    pub fn is_housekeeping(&self) -> bool {
        let ours = self.is_of_platform();
        let local = self.text == "connection received: host=[local]";
        self.severity == "LOG" && ((ours && self.text.contains("connection")) || local)
    }

    /// `warn`, `err` or `off`: its look.
    #[must_use]
    pub fn tone(&self) -> &'static str {
        match () {
            () if self.is(Level::Errors) => "err",
            () if self.is(Level::Warnings) => "warn",
            () => "off",
        }
    }

    /// These words stand in it, in whatever case.
    #[must_use]
    pub fn holds(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [&self.text, &self.who, &self.severity].into_iter().any(|text| text.to_lowercase().contains(&words))
    }

    /// As text: time, process, who, severity, message; further lines are indented, so that none of them looks like a
    /// record.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = String::new();
        if let Some(at) = self.at {
            out.push_str(&at.format("%Y-%m-%d %H:%M:%S%.3f UTC ").to_string());
        }
        if let Some(pid) = self.pid {
            out.push_str(&format!("[{pid}] "));
        }
        for (part, end) in [(&self.who, " "), (&self.severity, ":  ")] {
            if !part.is_empty() {
                out.push_str(part);
                out.push_str(end);
            }
        }
        out.push_str(&self.text.replace('\n', "\n\t"));
        out
    }
}

/// A statement that took long, with its plan, as `auto_explain` logs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowQuery {
    /// When it ended.
    pub at: Option<DateTime<Utc>>,
    /// How long it took, milliseconds.
    pub ms: f64,
    /// `user@database`
    pub who: String,
    /// Its text.
    pub query: String,
    /// Its plan, line by line.
    pub plan: String,
}

impl SlowQuery {
    /// The statement that a record tells of; `None` when it tells of something else. What the platform asked itself is
    /// nobody's slow query: on a busy machine every look at a server may take long.
    #[must_use]
    pub fn of(record: &LogRecord) -> Option<Self> {
        if record.is_of_platform() {
            return None;
        }
        let rest = record.text.strip_prefix("duration: ")?;
        let (ms, rest) = rest.split_once(" ms  plan:\n")?;
        let rest = rest.strip_prefix("Query Text: ")?;
        let ms: f64 = ms.parse().ok()?;
        let lines: Vec<&str> = rest.lines().collect();
        // The root of the plan is the only line of it that costs something and is not indented. A query may hold such a
        // line too, before the plan: so the last one counts.
        let root =
            |line: &&str| !line.starts_with([' ', '\t']) && line.contains("  (cost=") && line.ends_with(')');
        let at = lines.iter().rposition(root).unwrap_or(lines.len());
        let (query, plan) = (lines[..at].join("\n"), lines[at..].join("\n"));
        Some(Self { at: record.at, ms, who: record.who.clone(), query, plan })
    }
}

/// Thresholds that can be chosen for slow queries, milliseconds.
pub const SLOW_MS: [u32; 4] = [100, 500, 1000, 5000];

/// A threshold for slow queries as it was asked for; `None` is off.
///
/// # Errors
/// The sentence for the field.
pub fn slow_ms(ms: Option<i64>) -> Result<Option<u32>, String> {
    let Some(asked) = ms else { return Ok(None) };
    let known = SLOW_MS.into_iter().find(|known| i64::from(*known) == asked);
    known.map(Some).ok_or_else(|| "The threshold is 100, 500, 1000 or 5000 milliseconds, or off.".into())
}

/// Which records are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogFilter {
    /// These and worse.
    pub level: Level,
    /// Words that must stand in them; empty: any.
    pub words: String,
}

impl LogFilter {
    /// The record is wanted. That the platform came and went is not: it would drown the rest.
    #[must_use]
    pub fn takes(&self, record: &LogRecord) -> bool {
        record.is(self.level)
            && !record.is_housekeeping()
            && (self.words.is_empty() || record.holds(&self.words))
    }
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogView {
    /// Oldest first.
    pub records: Vec<LogRecord>,
    /// Where the next ones begin; `None` while there is no log.
    pub mark: Option<String>,
    /// How many more matched in what was looked through.
    pub left_out: usize,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

/// Statements that took long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowView {
    /// In the order that was asked for.
    pub queries: Vec<SlowQuery>,
    /// How many more were found.
    pub left_out: usize,
    /// From so many milliseconds on they are logged; `None`: none are.
    pub threshold_ms: Option<u32>,
    /// The server was started before it could log them: it needs a restart.
    pub needs_restart: bool,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

/// `2026-11-28 04:19:03.123 UTC`
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"))?;
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(|at| at.and_utc())
}

/// Control characters and invisible marks spelled out; lines and records cut. Line breaks and tabs stay.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LINE));
    let mut lines = text.trim_end().split('\n');
    for (number, line) in lines.by_ref().take(LINES).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        for (at, c) in line.chars().enumerate() {
            if at == LINE {
                out.push('…');
                break;
            }
            if c != '\t' && odd(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
        }
    }
    let left = lines.count();
    if left > 0 {
        out.push_str(&format!("\n… {left} more lines"));
    }
    out
}

/// A name: nothing in it breaks the line.
fn one_line(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(200) {
        if odd(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

fn odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &serde_json::Value) -> LogRecord {
        LogRecord::read(&value.to_string())
    }

    #[test]
    fn a_record_is_told_with_its_details() {
        let record = read(&json!({
            "timestamp": "2026-11-28 04:19:03.123 UTC", "user": "shop_1", "dbname": "shop_1", "pid": 42,
            "error_severity": "ERROR", "state_code": "42P01", "message": "relation \"x\" does not exist",
            "hint": "Look\ntwice.", "backend_type": "client backend", "cursor_position": 15,
        }));
        assert_eq!(record.at.unwrap().to_rfc3339(), "2026-11-28T04:19:03.123+00:00");
        assert_eq!((record.who.as_str(), record.pid), ("shop_1@shop_1", Some(42)));
        assert_eq!(record.text, "relation \"x\" does not exist (42P01)\nHINT:  Look\ntwice.");
        assert_eq!(
            record.plain(),
            "2026-11-28 04:19:03.123 UTC [42] shop_1@shop_1 ERROR:  relation \"x\" does not exist (42P01)\n\tHINT:  Look\n\ttwice."
        );
        assert!(record.is(Level::Errors) && record.is(Level::Warnings) && record.is(Level::Everything));
        assert!(!record.is_housekeeping());
        let ours = json!({"user": "paddock_monitor", "dbname": "postgres", "error_severity": "LOG",
            "message": "connection authorized: user=paddock_monitor database=postgres"});
        assert!(read(&ours).is_housekeeping() && !LogFilter::default().takes(&read(&ours)));
        assert!(record.holds("LOOK") && record.holds("shop_1@") && !record.holds("nothing"));
    }

    #[test]
    fn a_name_does_not_make_a_second_record() {
        let forged =
            "x\n2026-11-28 04:19:03.123 UTC [1] admin@shop LOG:  connection authorized\u{1b}[2J\u{202e}";
        let record = read(&json!({
            "timestamp": "2026-11-28 04:19:03.123 UTC", "user": forged, "dbname": "shop", "pid": 7,
            "error_severity": "FATAL", "message": format!("role \"{forged}\" does not exist"),
        }));
        assert_eq!(
            record.plain().lines().filter(|line| line.starts_with("2026")).count(),
            1,
            "{}",
            record.plain()
        );
        assert!(!record.who.contains('\n') && record.who.starts_with("x\\u{a}2026"), "{}", record.who);
        assert!(!record.text.contains(['\u{1b}', '\u{202e}']), "{}", record.text);
        assert!(record.text.contains("\\u{1b}[2J"));
    }

    #[test]
    fn what_is_no_record_is_told_as_it_is() {
        let cut = LogRecord::read("{\"timestamp\":\"2026-11-28 04:19:03.12\u{0}");
        assert_eq!((cut.at, cut.severity.as_str()), (None, ""));
        assert!(cut.text.ends_with("\\u{0}"), "{}", cut.text);
        assert_eq!(LogRecord::read("").text, "");
        let wrong = read(&json!({"timestamp": "yesterday", "pid": 3, "message": "x"}));
        assert_eq!((wrong.at, wrong.plain().as_str()), (None, "[3] x"));
    }

    #[test]
    fn what_is_long_is_cut() {
        let record = read(&json!({"message": "é".repeat(100_000)}));
        assert_eq!(record.text.chars().count(), LINE + 1);
        let record = read(&json!({"message": "a\n".repeat(500)}));
        assert_eq!(record.text.lines().count(), LINES + 1);
        assert!(record.text.ends_with("… 300 more lines"), "{}", record.text);
    }

    #[test]
    fn levels_follow_from_the_words() {
        let of = |severity: &str| {
            let record = read(&json!({"error_severity": severity, "message": "x"}));
            (record.is(Level::Errors), record.is(Level::Warnings))
        };
        for severity in ["ERROR", "FATAL", "PANIC"] {
            assert_eq!(of(severity), (true, true), "{severity}");
        }
        assert_eq!(of("WARNING"), (false, true));
        for severity in ["LOG", "NOTICE", "INFO", "DEBUG1", ""] {
            assert_eq!(of(severity), (false, false), "{severity}");
        }
        for level in Level::ALL {
            assert_eq!(Level::named(level.key()), level);
        }
    }

    #[test]
    fn only_known_thresholds_are_taken() {
        assert_eq!((slow_ms(None), slow_ms(Some(500))), (Ok(None), Ok(Some(500))));
        for bad in [-1, 0, 1, 600_000] {
            assert!(slow_ms(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_slow_query_is_parted_from_its_plan() {
        let fake = "Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)";
        let text = format!(
            "duration: 512.250 ms  plan:\nQuery Text: SELECT '\n{fake}\n',\n  pg_sleep(0.5)\nResult  (cost=0.00..0.01 rows=1 width=4)\n  ->  Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)"
        );
        let slow = SlowQuery::of(&read(&json!({"message": text, "user": "u", "dbname": "d"}))).unwrap();
        assert_eq!((slow.ms, slow.who.as_str()), (512.25, "u@d"));
        assert_eq!(slow.query, format!("SELECT '\n{fake}\n',\n  pg_sleep(0.5)"));
        assert!(slow.plan.starts_with("Result  (cost=") && slow.plan.lines().count() == 2, "{}", slow.plan);
        for other in ["duration: 5 ms", "duration: x ms  plan:\nQuery Text: y", "connection received"] {
            assert_eq!(SlowQuery::of(&read(&json!({"message": other}))), None, "{other}");
        }
    }

    #[test]
    fn the_platforms_own_statements_are_no_slow_queries() {
        let slow = |user: &str| {
            let text =
                "duration: 512.250 ms  plan:\nQuery Text: SELECT 1\nResult  (cost=0.00..0.01 rows=1 width=4)";
            SlowQuery::of(&read(&json!({"message": text, "user": user, "dbname": "postgres"}))).is_some()
        };
        for ours in ["paddock", "paddock_monitor", "paddock_backup", "paddock_steward"] {
            assert!(!slow(ours), "{ours}");
        }
        // Made from the names of apps, the second one after its password changed.
        for theirs in ["shop_4553", "paddock_4553", "paddock_4553_b", "paddock_monitor_4553", "paddocks"] {
            assert!(slow(theirs), "{theirs}");
        }
    }
}
