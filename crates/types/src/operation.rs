//! Operations as people follow them: steps with their states, elapsed time, log lines and what is safe.
//!
//! Decisions about progress are made here, in plain functions with tests, and not in views.

use crate::{AddonId, OperationId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where an operation is; the same words as in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// Asked for, not begun.
    Pending,
    /// A step is being run.
    Running,
    /// Between attempts, or waiting for something outside.
    Waiting,
    /// A step failed; what was made is being taken back.
    RollingBack,
    /// Done.
    Succeeded,
    /// Ended without its result.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl OperationStatus {
    /// Nothing more happens by itself.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The word that stands beside the dot.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::RollingBack => "Taking back",
            Self::Succeeded => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// What stands before the page's title, so that a tab tells the state from afar.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Succeeded => "✓",
            Self::Failed | Self::Cancelled => "✕",
            Self::Pending | Self::Running | Self::Waiting | Self::RollingBack => "⏳",
        }
    }

    /// The look of the dot: `ok`, `run`, `warn`, `err` or `off`.
    #[must_use]
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Pending | Self::Running => "run",
            Self::Waiting | Self::RollingBack => "warn",
            Self::Succeeded => "ok",
            Self::Failed => "err",
            Self::Cancelled => "off",
        }
    }
}

/// Where one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not reached yet.
    Todo,
    /// Being run.
    Now,
    /// Done.
    Done,
    /// Failed; see the operation's error.
    Failed,
    /// Will not be run any more.
    Skipped,
}

/// One step of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// Stored label, e.g. `start`.
    pub key: String,
    /// What people read: "Start PostgreSQL 17.11".
    pub title: String,
    /// What it found or did: "port 31002". Empty while unknown.
    pub detail: String,
    /// Where it is.
    pub state: StepState,
    /// How long it took, or has been taking, in milliseconds.
    pub elapsed_ms: Option<u64>,
}

/// One line of an operation's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its place in the log; greater is later. `Last-Event-ID` of the live stream.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The step that wrote it.
    pub step: String,
    /// The line, plain text.
    pub text: String,
}

/// An operation, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    /// Its id; its page is `/operations/{id}`.
    pub id: OperationId,
    /// `provision`, `delete`, …
    pub kind: String,
    /// "Create database my_app_4553"
    pub title: String,
    /// Where it is.
    pub status: OperationStatus,
    /// The add-on that it changes.
    pub addon_id: Option<AddonId>,
    /// Name of that database: `my_app_4553`.
    pub database: String,
    /// Name of its app.
    pub app: String,
    /// Who asked: a user name, or "paddock".
    pub actor: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its first step began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Now, as the server sees it: elapsed times are told from it.
    pub now: DateTime<Utc>,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// The log, oldest first, at most the last 200 lines.
    pub log: Vec<LogLine>,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// What PostgreSQL itself said, if that is why: the last lines of its log.
    pub error_log: Vec<String>,
    /// What is true while it runs or after it failed: "No data was touched; try again."
    pub safety: String,
    /// Median of earlier ones of this kind, milliseconds; `None` while there are fewer than three.
    pub expected_ms: Option<u64>,
    /// How long nobody could connect to the database because of it; `None` when it closed no connection (yet).
    pub interruption: Option<Interruption>,
    /// It can be cancelled now.
    pub can_cancel: bool,
    /// It can be tried again from where it stopped.
    pub can_retry: bool,
}

/// How long nobody could connect, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// What was expected; `None`: nothing was known.
    pub predicted_ms: Option<u64>,
    /// What was measured.
    pub measured_ms: u64,
}

impl Interruption {
    /// "310 ms; 290 ms were expected"
    #[must_use]
    pub fn sentence(&self) -> String {
        let expected = self.predicted_ms.map(|ms| format!("; {} were expected", short(ms)));
        format!("{}{}", short(self.measured_ms), expected.unwrap_or_default())
    }
}

impl OperationView {
    /// Share of steps done, 0–100; 100 only when it succeeded.
    #[must_use]
    pub fn percent(&self) -> u8 {
        if self.status == OperationStatus::Succeeded {
            return 100;
        }
        let done = self.steps.iter().filter(|s| s.state == StepState::Done).count();
        let all = self.steps.len().max(1);
        u8::try_from(done * 100 / all).unwrap_or(99).min(99)
    }

    /// Milliseconds from the first step to the end, or to now.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        let from = self.started_at.unwrap_or(self.created_at);
        let to = self.finished_at.unwrap_or(self.now);
        u64::try_from((to - from).num_milliseconds()).unwrap_or(0)
    }

    /// The step that is being run, and its place counted from 1.
    #[must_use]
    pub fn current(&self) -> Option<(usize, &StepView)> {
        let at = self.steps.iter().position(|step| step.state == StepState::Now)?;
        self.steps.get(at).map(|step| (at + 1, step))
    }

    /// Where it is, in one sentence: what a screen reader announces and what stands under a database's name.
    #[must_use]
    pub fn sentence(&self) -> String {
        let took = || duration(self.elapsed_ms());
        match self.status {
            OperationStatus::Pending => "Waiting for its turn.".into(),
            OperationStatus::Succeeded => format!("Done in {}.", took()),
            OperationStatus::Failed => format!("Failed after {}.", took()),
            OperationStatus::Cancelled => format!("Cancelled after {}.", took()),
            status => {
                let doing = if status == OperationStatus::RollingBack { "Taking back: step" } else { "Step" };
                match self.current() {
                    Some((at, step)) => format!("{doing} {at} of {}: {}.", self.steps.len(), step.title),
                    None => format!("{}.", status.word()),
                }
            }
        }
    }
}

/// One row of a list of operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRow {
    /// Its id.
    pub id: OperationId,
    /// "Create database my_app_4553"
    pub title: String,
    /// Where it is.
    pub status: OperationStatus,
    /// Name of the database.
    pub database: String,
    /// Name of its app.
    pub app: String,
    /// Who asked.
    pub actor: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// How long it took, milliseconds; `None` while it runs.
    pub elapsed_ms: Option<u64>,
}

/// A duration as people read it: `0.3 s`, `41 s`, `1m 24s`, `2h 05m`.
#[must_use]
pub fn duration(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..10 => format!("{}.{} s", s, ms % 1000 / 100),
        10..60 => format!("{s} s"),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        _ => format!("{}h {:02}m", s / 3600, s % 3600 / 60),
    }
}

/// A short duration, in milliseconds below a second: `310 ms`, `1.4 s`.
#[must_use]
pub fn short(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { duration(ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: OperationStatus, states: &[StepState]) -> OperationView {
        let step = |state: &StepState| StepView {
            key: "start".into(),
            title: "Start PostgreSQL 18.6".into(),
            detail: String::new(),
            state: *state,
            elapsed_ms: None,
        };
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        OperationView {
            id: OperationId::new(uuid::Uuid::nil()),
            kind: "provision".into(),
            title: "Create database my_app_4553".into(),
            status,
            addon_id: None,
            database: "my_app_4553".into(),
            app: "my-app".into(),
            actor: "ada".into(),
            created_at: at(0),
            started_at: Some(at(1_000)),
            finished_at: status.ended().then(|| at(1_400)),
            now: at(9_000),
            steps: states.iter().map(step).collect(),
            log: Vec::new(),
            error: None,
            error_log: Vec::new(),
            safety: String::new(),
            expected_ms: None,
            interruption: None,
            can_cancel: false,
            can_retry: false,
        }
    }

    #[test]
    fn a_sentence_says_where_it_is() {
        use StepState::{Done, Now, Todo};
        let sentence = |status, states: &[StepState]| view(status, states).sentence();
        assert_eq!(
            sentence(OperationStatus::Running, &[Done, Now, Todo]),
            "Step 2 of 3: Start PostgreSQL 18.6."
        );
        assert_eq!(sentence(OperationStatus::Running, &[Done, Todo]), "Running.");
        assert_eq!(sentence(OperationStatus::Succeeded, &[Done, Done]), "Done in 0.4 s.");
        assert!(sentence(OperationStatus::RollingBack, &[Now]).starts_with("Taking back: step 1 of 1"));
    }

    #[test]
    fn only_success_is_a_hundred_per_cent() {
        let percent = |status, states: &[StepState]| view(status, states).percent();
        assert_eq!(percent(OperationStatus::Running, &[StepState::Done, StepState::Now]), 50);
        assert_eq!(percent(OperationStatus::Running, &[StepState::Done]), 99);
        assert_eq!(percent(OperationStatus::Succeeded, &[]), 100);
    }

    #[test]
    fn durations_read_naturally() {
        let all: Vec<_> = [0, 340, 9_999, 41_200, 84_000, 7_500_000].map(duration).into();
        assert_eq!(all, ["0.0 s", "0.3 s", "9.9 s", "41 s", "1m 24s", "2h 05m"]);
        assert_eq!([310, 1400].map(short), ["310 ms", "1.4 s"]);
        let told = Interruption { predicted_ms: Some(290), measured_ms: 310 };
        assert_eq!(told.sentence(), "310 ms; 290 ms were expected");
    }
}
