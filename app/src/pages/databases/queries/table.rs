//! The sessions: a line that sums them up, and one row for each, below what blocks it. What people and programs wrote
//! (names, texts) is text here and nothing else.

use super::{CancelQuery, TerminateQuery, asked::Asked};
use crate::ui::{Column, Confirm, Dot, Empty, Pill, RowForm, Table, Td, Variant};
use leptos::prelude::*;
use types::query::{IN_ROW, LISTED, QueriesView, SessionState, SessionView, beginning};

/// What runs.
#[component]
pub fn Sessions(
    /// What the server told.
    view: QueriesView,
    /// The add-on's id.
    id: String,
    /// What the page was asked for, to come back to.
    asked: Asked,
    /// Stops a statement.
    cancel: ServerAction<CancelQuery>,
    /// Ends a session.
    terminate: ServerAction<TerminateQuery>,
) -> impl IntoView {
    let hidden = platform(view.platform);
    let more = (view.left_out > 0).then(|| format!("{LISTED} are listed, {} more are not.", view.left_out));
    let summary = view! { <Summary view=view.clone() /> };
    let rows = if view.sessions.is_empty() {
        view! {
            <section class="panel">
                <Empty
                    title="Nothing runs."
                    text="A session appears here as soon as it runs a statement or keeps a transaction open."
                />
            </section>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::text("PID"),
            Column::text("User · application"),
            Column::text("State"),
            Column::num("Duration"),
            Column::text("Waits for"),
            Column::text("Query"),
            Column::actions("Actions"),
        ];
        let row = |session| view! { <Row session id=id.clone() asked=asked.clone() cancel terminate /> };
        let rows = view.sessions.into_iter().map(row).collect_view();
        view! {
            <Table caption="Sessions" columns>
                {rows}
            </Table>
        }
        .into_any()
    };
    view! {
        {summary}
        {rows}
        <p class="hint">
            {more} " " {hidden}
            " Cancel stops the statement and keeps the connection; terminate closes it and rolls back."
        </p>
    }
}

fn platform(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 session of the platform is not listed.".into(),
        n => format!("{n} sessions of the platform are not listed."),
    }
}

#[component]
fn Summary(view: QueriesView) -> impl IntoView {
    let tone = |bad: bool, tone: &'static str| if bad { tone } else { "off" };
    let longest = view.longest_us.map_or_else(|| "—".to_owned(), clock);
    let fact = |name: &'static str, value: String, tone: &'static str| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd data-tone=tone>
                    {(tone != "off").then(|| view! { <Dot tone=tone /> })} {value}
                </dd>
            </div>
        }
    };
    view! {
        <dl class="panel queries-sum">
            {fact("Active", view.active.to_string(), "off")}
            {fact("Idle in transaction", view.in_transaction.to_string(), tone(view.in_transaction > 0, "warn"))}
            {fact("Blocked", view.blocked.to_string(), tone(view.blocked > 0, "err"))}
            {fact("Longest running", longest, "off")}
        </dl>
    }
}

/// The process that another one waits for, whether it is in the table or not.
fn blocker(pid: i32) -> String {
    // pg_blocking_pids: zero stands for a prepared transaction, which no process holds.
    if pid == 0 { "a prepared transaction".into() } else { pid.to_string() }
}

#[component]
fn Row(
    session: SessionView,
    id: String,
    asked: Asked,
    cancel: ServerAction<CancelQuery>,
    terminate: ServerAction<TerminateQuery>,
) -> impl IntoView {
    let pid = session.pid;
    let commands = Asked { commands: Some(pid), ..asked.clone() }.href(&id) + "#commands";
    let page = Asked { commands: None, ..asked }.query();
    let fields = vec![
        ("id", id),
        ("pid", pid.to_string()),
        ("started", session.started_us.to_string()),
        ("page", page),
    ];
    let place = (session.depth > 0).then(|| view! { <span aria-hidden="true">"↳ "</span> });
    let blockers: Vec<_> = session.blocked_by.iter().map(|pid| blocker(*pid)).collect();
    let blocked = (!blockers.is_empty())
        .then(|| view! { <span class="subtle">{format!("blocked by {}", blockers.join(", "))}</span> });
    let blocks = (session.blocks > 0)
        .then(|| view! { <Pill tone="warn" text=format!("blocks {}", session.blocks) /> });
    let from = [Some(session.application.clone()).filter(|name| !name.is_empty()), session.client.clone()];
    let from = from.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let holds = (!session.holds.is_empty())
        .then(|| view! { <span class="subtle">{format!("holds {}", session.holds.join(", "))}</span> });
    let state_tone = session.state.in_transaction().then(|| view! { <Dot tone="warn" /> " " });
    let can_cancel = session.state == SessionState::Active;
    let cancelling = fields.clone();
    view! {
        <tr data-depth=session.depth.min(3).to_string()>
            <Td label="PID" class="mono">
                {place}
                <a href=commands title="Show its commands">
                    {pid} <span class="hidden">", show its commands"</span>
                </a>
                " "
                {blocks} {blocked}
            </Td>
            <Td label="User · application" class="who">
                <bdi>{session.user.clone()}</bdi>
                <span class="subtle"><bdi>{from}</bdi></span>
            </Td>
            <Td label="State">{state_tone} {session.state.word()}</Td>
            <Td label="Duration" class="num">{clock(session.duration_us)}</Td>
            <Td label="Waits for">
                {session.waits.clone().unwrap_or_else(|| "—".into())}
            </Td>
            <Td label="Query" class="text">
                <Text query=session.query.clone() cut=session.cut />
                {holds}
            </Td>
            <Td label="Actions" class="acts">
                {can_cancel
                    .then(|| {
                        view! {
                            <RowForm action=cancel fields=cancelling>
                                "Cancel"
                                <span class="hidden">{format!(" process {pid}")}</span>
                            </RowForm>
                        }
                    })}
                <Confirm
                    verb="Terminate"
                    object=format!("process {pid}")
                    consequence="Its connection is closed and its transaction rolled back."
                >
                    <RowForm action=terminate fields variant=Variant::Danger large=true>
                        {format!("Terminate {pid} now")}
                    </RowForm>
                </Confirm>
            </Td>
        </tr>
    }
}

/// The beginning of a text; a longer one unfolds.
#[component]
pub fn Text(
    /// The text.
    query: String,
    /// It is longer than what there is.
    cut: bool,
) -> impl IntoView {
    let (short, more) = beginning(&query, IN_ROW);
    let line = short.split_whitespace().collect::<Vec<_>>().join(" ");
    if !more && line == query {
        return view! { <code class="query-line"><bdi>{line}</bdi></code> }.into_any();
    }
    let rest = cut.then(|| view! { <p class="hint">"The text goes on; its beginning is shown."</p> });
    view! {
        <details class="fold query-fold">
            <summary>
                <code class="query-line"><bdi>{line} {more.then_some("…")}</bdi></code>
            </summary>
            <pre tabindex="0"><code>{query.clone()}</code></pre>
            {rest}
        </details>
    }
    .into_any()
}

/// `00:02:31`, with tenths below a minute.
fn clock(us: i64) -> String {
    let (s, tenths) = (us / 1_000_000, us / 100_000 % 10);
    let (h, m, rest) = (s / 3600, s / 60 % 60, s % 60);
    if s < 60 { format!("{h:02}:{m:02}:{rest:02}.{tenths}") } else { format!("{h:02}:{m:02}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_clocks() {
        assert_eq!(clock(4_250_000), "00:00:04.2");
        assert_eq!(clock(151_000_000), "00:02:31");
        assert_eq!(clock(90_061_000_000), "25:01:01");
        assert_eq!(platform(1), "1 session of the platform is not listed.");
    }
}
