//! Sessions of a database as its page shows them: who runs what, who waits for whom. Pure.
//!
//! Ordering, filtering and the tree of blockers are here, so that page and API agree and tests need no server. It knows
//! no clock: durations come from the server that measured them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// At most so many sessions are listed; the rest is counted.
pub const LISTED: usize = 500;
/// So many characters of a query stand in its row.
pub const IN_ROW: usize = 200;
/// So many characters of a query leave the server.
pub const UNFOLDED: usize = 4000;

/// What a session does, in PostgreSQL's words (`pg_stat_activity.state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It runs a statement.
    Active,
    /// It has a transaction open and waits for its client.
    InTransaction,
    /// The same, and a statement of the transaction failed.
    InFailedTransaction,
    /// It waits for its client.
    Idle,
    /// The server does not say.
    Unknown,
}

impl SessionState {
    /// From PostgreSQL's word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "active" | "fastpath function call" => Self::Active,
            "idle in transaction" => Self::InTransaction,
            "idle in transaction (aborted)" => Self::InFailedTransaction,
            "idle" => Self::Idle,
            _ => Self::Unknown,
        }
    }

    /// PostgreSQL's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InTransaction => "idle in transaction",
            Self::InFailedTransaction => "idle in transaction (aborted)",
            Self::Idle => "idle",
            Self::Unknown => "unknown",
        }
    }

    /// A transaction is open that does nothing.
    #[must_use]
    pub const fn in_transaction(self) -> bool {
        matches!(self, Self::InTransaction | Self::InFailedTransaction)
    }
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its process.
    pub pid: i32,
    /// When it connected, microseconds since 1970: with the process it names a session for ever.
    pub started_us: i64,
    /// Its user.
    pub user: String,
    /// What the client calls itself.
    pub application: String,
    /// From where; `None` over a local socket.
    pub client: Option<String>,
    /// What it does.
    pub state: SessionState,
    /// When its last statement began.
    pub query_start: Option<DateTime<Utc>>,
    /// For how long: of the statement, of the open transaction, of being idle. Microseconds.
    pub duration_us: i64,
    /// `Lock: transactionid`
    pub waits: Option<String>,
    /// The last statement, passwords masked, at most [`UNFOLDED`] characters.
    pub query: String,
    /// It is longer than that.
    pub cut: bool,
    /// Processes that it waits for.
    pub blocked_by: Vec<i32>,
    /// How many wait for it.
    pub blocks: u32,
    /// How deep it stands below its blockers.
    pub depth: u8,
    /// Locks of a blocker: `RowExclusiveLock on public.stock`.
    pub holds: Vec<String>,
}

impl SessionView {
    /// When it connected; `None`: at no time that a calendar has.
    #[must_use]
    pub fn connected(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.started_us)
    }
}

/// In which order sessions are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionOrder {
    /// Longest first.
    #[default]
    Duration,
    /// By process.
    Pid,
    /// By user.
    User,
    /// By what they do.
    State,
}

impl SessionOrder {
    /// All of them, with their key in addresses and their word.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Duration, "duration", "Longest first"),
        (Self::Pid, "pid", "PID"),
        (Self::User, "user", "User"),
        (Self::State, "state", "State"),
    ];

    /// From an address; the usual one for anything else.
    #[must_use]
    pub fn named(key: &str) -> Self {
        Self::ALL.into_iter().find(|(_, name, _)| *name == key).map(|(order, ..)| order).unwrap_or_default()
    }

    fn sort(self, sessions: &mut [SessionView]) {
        match self {
            Self::Duration => {
                sessions.sort_by_key(|s| (s.state == SessionState::Idle, -s.duration_us, s.pid));
            }
            Self::Pid => sessions.sort_by_key(|s| s.pid),
            Self::User => sessions.sort_by(|a, b| (&a.user, a.pid).cmp(&(&b.user, b.pid))),
            Self::State => sessions.sort_by_key(|s| (s.state, -s.duration_us, s.pid)),
        }
    }
}

/// Which sessions are listed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionFilter {
    /// Idle ones, too.
    pub idle: bool,
    /// A part of the query, in any case.
    pub text: String,
    /// Only of this user; empty: of all.
    pub user: String,
    /// Only in this state, in PostgreSQL's word; empty: in all.
    pub state: String,
    /// Their order.
    pub order: SessionOrder,
}

impl SessionFilter {
    fn takes(&self, session: &SessionView) -> bool {
        let state = self.state.is_empty() || session.state.word() == self.state;
        let idle =
            self.idle || session.state != SessionState::Idle || session.blocks > 0 || self.state == "idle";
        let text = self.text.is_empty() || session.query.to_lowercase().contains(&self.text.to_lowercase());
        state && idle && text && (self.user.is_empty() || session.user == self.user)
    }
}

/// What runs in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueriesView {
    /// The server answered.
    pub running: bool,
    /// Those that are listed, each below what blocks it.
    pub sessions: Vec<SessionView>,
    /// How many more would be.
    pub left_out: usize,
    /// Sessions that run a statement.
    pub active: usize,
    /// Idle ones.
    pub idle: usize,
    /// Those with an open transaction that do nothing.
    pub in_transaction: usize,
    /// Those that wait for another.
    pub blocked: usize,
    /// The longest running statement, microseconds.
    pub longest_us: Option<i64>,
    /// Sessions of the platform, which are never listed.
    pub platform: usize,
    /// Every user that has a session, for the filter.
    pub users: Vec<String>,
}

/// The page of these sessions: counted, filtered, each below what blocks it.
#[must_use]
pub fn arrange(mut sessions: Vec<SessionView>, platform: usize, filter: &SessionFilter) -> QueriesView {
    let mut blocks = HashMap::<i32, u32>::new();
    for pid in sessions.iter().flat_map(|session| &session.blocked_by) {
        *blocks.entry(*pid).or_default() += 1;
    }
    for session in &mut sessions {
        session.blocks = blocks.get(&session.pid).copied().unwrap_or_default();
    }
    let count = |of: fn(&SessionView) -> bool| sessions.iter().filter(|session| of(session)).count();
    let mut view = QueriesView {
        running: true,
        active: count(|s| s.state == SessionState::Active),
        idle: count(|s| s.state == SessionState::Idle),
        in_transaction: count(|s| s.state.in_transaction()),
        blocked: count(|s| !s.blocked_by.is_empty()),
        longest_us: sessions.iter().filter(|s| s.state == SessionState::Active).map(|s| s.duration_us).max(),
        platform,
        ..QueriesView::default()
    };
    view.users = sessions.iter().map(|session| session.user.clone()).collect();
    view.users.sort();
    view.users.dedup();
    sessions.retain(|session| filter.takes(session));
    filter.order.sort(&mut sessions);
    view.sessions = tree(sessions);
    view.left_out = view.sessions.len().saturating_sub(LISTED);
    view.sessions.truncate(LISTED);
    view
}

/// Each session directly below the first one that blocks it. A circle (a deadlock that PostgreSQL has not seen yet)
/// begins with whoever comes first.
fn tree(sessions: Vec<SessionView>) -> Vec<SessionView> {
    let order: Vec<i32> = sessions.iter().map(|session| session.pid).collect();
    let listed: HashSet<i32> = order.iter().copied().collect();
    let mut below = HashMap::<i32, Vec<i32>>::new();
    let mut roots = Vec::new();
    for session in &sessions {
        match session.blocked_by.iter().find(|pid| listed.contains(pid)) {
            Some(blocker) => below.entry(*blocker).or_default().push(session.pid),
            None => roots.push(session.pid),
        }
    }
    let mut left: HashMap<i32, SessionView> =
        sessions.into_iter().map(|session| (session.pid, session)).collect();
    let mut done = Vec::with_capacity(order.len());
    for root in roots.into_iter().chain(order) {
        let mut open = vec![(root, 0_u8)];
        while let Some((pid, depth)) = open.pop() {
            let Some(session) = left.remove(&pid) else { continue };
            done.push(SessionView { depth, ..session });
            let next = below.get(&pid).into_iter().flatten().rev();
            open.extend(next.map(|pid| (*pid, depth.saturating_add(1))));
        }
    }
    done
}

/// The first `most` characters of a text, and whether there are more.
#[must_use]
pub fn beginning(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    }
}

/// What became of a request to cancel or terminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signalled {
    /// It was sent.
    Sent,
    /// The session runs no statement that could be cancelled.
    Idle,
    /// There is no such session of a user (any more).
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, state: SessionState, duration_us: i64, blocked_by: &[i32]) -> SessionView {
        SessionView {
            pid,
            started_us: 1,
            user: "app".into(),
            application: String::new(),
            client: None,
            state,
            query_start: None,
            duration_us,
            waits: None,
            query: format!("SELECT {pid}"),
            cut: false,
            blocked_by: blocked_by.into(),
            blocks: 0,
            depth: 0,
            holds: Vec::new(),
        }
    }

    fn listed(view: &QueriesView) -> Vec<(i32, u8, u32)> {
        view.sessions.iter().map(|s| (s.pid, s.depth, s.blocks)).collect()
    }

    #[test]
    fn the_blocked_stand_below_their_blocker() {
        use SessionState::{Active, Idle, InTransaction};
        let all = vec![
            session(1, Active, 900, &[2]),
            session(2, InTransaction, 5, &[]),
            session(3, Active, 20, &[1, 2]),
            session(4, Idle, 9_000, &[]),
            session(5, Active, 1_000, &[]),
        ];
        let view = arrange(all.clone(), 3, &SessionFilter::default());
        assert_eq!(listed(&view), [(5, 0, 0), (2, 0, 2), (1, 1, 1), (3, 2, 0)]);
        assert_eq!((view.active, view.idle, view.in_transaction, view.blocked), (3, 1, 1, 2));
        assert_eq!((view.longest_us, view.platform), (Some(1_000), 3));
        let idle = arrange(all.clone(), 0, &SessionFilter { idle: true, ..SessionFilter::default() });
        assert_eq!(idle.sessions.len(), 5);
        let one = arrange(all, 0, &SessionFilter { text: "select 3".into(), ..SessionFilter::default() });
        assert_eq!(listed(&one), [(3, 0, 0)], "its blockers are filtered away");
    }

    #[test]
    fn an_open_transaction_is_shown_where_idle_sessions_are_not() {
        use SessionState::{Idle, InFailedTransaction, InTransaction};
        // They block nobody yet.
        let all = vec![
            session(1, Idle, 90, &[]),
            session(2, InFailedTransaction, 20, &[]),
            session(3, InTransaction, 30, &[]),
        ];
        let view = arrange(all, 0, &SessionFilter::default());
        assert_eq!(listed(&view), [(3, 0, 0), (2, 0, 0)]);
        assert_eq!((view.idle, view.in_transaction), (1, 2));
    }

    #[test]
    fn a_circle_ends_and_nobody_is_lost() {
        let all = vec![session(1, SessionState::Active, 9, &[2]), session(2, SessionState::Active, 8, &[1])];
        assert_eq!(listed(&arrange(all, 0, &SessionFilter::default())), [(1, 0, 1), (2, 1, 1)]);
    }

    #[test]
    fn the_rest_is_counted() {
        let all = (0..1_000).map(|pid| session(pid, SessionState::Active, i64::from(pid), &[])).collect();
        let view = arrange(all, 0, &SessionFilter::default());
        assert_eq!((view.sessions.len(), view.left_out, view.active), (500, 500, 1_000));
        assert_eq!(view.sessions[0].pid, 999, "the longest first");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(beginning("äöü", 2), ("äö", true));
        assert_eq!(beginning("äöü", 3), ("äöü", false));
    }
}
