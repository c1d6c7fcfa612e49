//! How a database may be reached: TLS and its certificate, whether plain connections are refused, and from where it lets
//! people in. Every change takes effect without a restart; who would be cut is told before.
//!
//! It decides nothing: the rules for what is typed are in `types::reach`, those for switches in the core.

use super::tab::tab;
use crate::{
    error::AppError,
    ui::{
        ButtonLink, CodeBlock, Column, Confirm, ErrorSummary, Fact, Facts, Field, Form, Panel, RowForm,
        Submit, Table, Td, Time, Variant, moment, problem, the_command, the_commands, the_typed_command,
    },
};
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_params_map;
use types::{
    AddonId,
    command::{Act, TypedForm},
    network::Network,
    reach::{Feature, MOST_NETWORKS, NetworkView, ReachView, TcpSession, ca_ends_soon},
};

/// How a database may be reached.
#[server(prefix = "/do", endpoint = "reach")]
pub async fn reach(id: String) -> Result<ReachView, AppError> {
    use crate::{address, ssr};
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    Ok(ssr::control()?.reach(&ssr::actor()?, id).await?)
}

/// Refuses connections without TLS, or not any more.
#[server(prefix = "/do", endpoint = "force_tls")]
pub async fn force_tls(id: String, on: bool) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.force_tls(&ssr::actor()?, address::database(&id)?, on).await?;
    ssr::redirect(&format!("/databases/{id}/network"));
    Ok(())
}

/// Lets every address connect, or not any more.
#[server(prefix = "/do", endpoint = "reach_everywhere")]
pub async fn reach_everywhere(id: String, on: bool) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.reach_everywhere(&ssr::actor()?, address::database(&id)?, on).await?;
    ssr::redirect(&format!("/databases/{id}/network"));
    Ok(())
}

/// Opens the database to a network.
#[server(prefix = "/do", endpoint = "open_network")]
pub async fn open_network(
    id: String,
    cidr: String,
    note: String,
    #[server(default)] expires_at: String,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    let expires_at = address::optional_moment("expires_at", &expires_at)?;
    let new = control::NewNetwork { cidr: &cidr, note: &note, expires_at };
    ssr::control()?.open_network(&ssr::actor()?, address::database(&id)?, new).await?;
    ssr::redirect(&format!("/databases/{id}/network"));
    Ok(())
}

/// Closes a network.
#[server(prefix = "/do", endpoint = "close_network")]
pub async fn close_network(id: String, network: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let network = ssr::id(&network)?;
    ssr::control()?.close_network(&ssr::actor()?, address::database(&id)?, network).await?;
    ssr::redirect(&format!("/databases/{id}/network"));
    Ok(())
}

/// Ends the sessions that would not be let in again.
#[server(prefix = "/do", endpoint = "end_refused_sessions")]
pub async fn end_refused_sessions(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.end_refused_sessions(&ssr::actor()?, address::database(&id)?).await?;
    ssr::redirect(&format!("/databases/{id}/network"));
    Ok(())
}

/// `/databases/{id}/network`.
#[component]
pub fn NetworkPage() -> impl IntoView {
    let params = use_params_map();
    let page = Resource::new_blocking(move || params.read().get("id").unwrap_or_default(), reach);
    tab("Network", page, |view, reach| {
        let id = view.addon.id;
        view! {
            <div class="stack network">
                <Refused id reach=reach.clone() />
                <Tls reach=reach.clone() />
                <ForceTlsPanel id reach=reach.clone() />
                <From id reach />
            </div>
        }
    })
}

/// Who is connected in a way that would not be let in again.
#[component]
fn Refused(id: AddonId, reach: ReachView) -> impl IntoView {
    let end = ServerAction::<EndRefusedSessions>::new();
    let failed = problem(end);
    let sessions = reach.refused.filter(|sessions| !sessions.is_empty());
    let told = sessions.map(|sessions| {
        let title = match sessions.len() {
            1 => "1 open session would not be let in again.".to_owned(),
            n => format!("{n} open sessions would not be let in again."),
        };
        view! {
            <section class="warning" aria-labelledby="refused">
                <div>
                    <h2 id="refused">{title}</h2>
                    <p>
                        "They were opened before the rules below changed, and last until they end or are ended."
                    </p>
                    <Sessions caption="Sessions that would not be let in again" sessions now=reach.now />
                    {the_command(id, &Act::EndRefusedSessions)}
                </div>
                <div class="actions">
                    <RowForm action=end fields=vec![("id", id.to_string())] variant=Variant::Danger large=true>
                        "End them now"
                    </RowForm>
                </div>
            </section>
        }
    });
    view! {
        <ErrorSummary problem=failed />
        {told}
    }
}

#[component]
fn Sessions(
    caption: &'static str,
    sessions: Vec<TcpSession>,
    now: chrono::DateTime<chrono::Utc>,
) -> impl IntoView {
    let row = move |session: TcpSession| {
        view! {
            <tr>
                <Td label="User" class="mono">{session.user}</Td>
                <Td label="Application">{session.application}</Td>
                <Td label="Client" class="mono">{session.client}</Td>
                <Td label="TLS">{if session.tls { "yes" } else { "no" }}</Td>
                <Td label="Since"><Time at=session.since now=now /></Td>
            </tr>
        }
    };
    let columns = ["User", "Application", "Client", "TLS", "Since"].map(Column::text).to_vec();
    view! { <Table caption columns>{sessions.into_iter().map(row).collect_view()}</Table> }
}

/// The certificate, and how a client checks it.
#[component]
fn Tls(reach: ReachView) -> impl IntoView {
    let until = match reach.certificate_until {
        Some(until) => format!("{}; replaced by itself a month before, without a restart", moment(until)),
        None => "not known".into(),
    };
    // How long a client has until it needs another file.
    let soon = ca_ends_soon(reach.ca_until, reach.now).then(|| {
        let words = if reach.ca_until > reach.now { "ends" } else { "has ended" };
        view! {
            <p class="notice-line">
                {format!("This Paddock’s CA {words} on {}. ", moment(reach.ca_until))}
                "It is not replaced by itself, because every client has it as a file: clients with "
                <code>"verify-full"</code>
                " cannot connect after that. The operator has to plan another one."
            </p>
        }
    });
    let host = if reach.host.contains(':') { format!("[{}]", reach.host) } else { reach.host };
    let url = format!(
        "postgresql://{}@{host}:{}/{}?sslmode=verify-full&sslrootcert=paddock-ca.pem",
        reach.login, reach.port, reach.database
    );
    view! {
        <Panel title="TLS">
            <div class="stack">
                <p>
                    "The server speaks TLS 1.2 and 1.3. A client that checks the certificate cannot be led to another server: give it this Paddock’s CA and "
                    <code>"sslmode=verify-full"</code> "."
                </p>
                {soon}
                <Facts>
                    <Fact name="Certificate ends">{until}</Fact>
                    <Fact name="CA ends">{moment(reach.ca_until)}</Fact>
                </Facts>
                <CodeBlock text=url name="the connection string" />
                <div class="actions">
                    <ButtonLink href="/api/ca_certificate">"Download the CA certificate"</ButtonLink>
                </div>
            </div>
        </Panel>
    }
}

#[component]
fn ForceTlsPanel(id: AddonId, reach: ReachView) -> impl IntoView {
    let force = ServerAction::<ForceTls>::new();
    let failed = problem(force);
    let act = move |on: bool| the_command(id, &Act::Switch { feature: Feature::ForceSsl, on });
    let fields = move |on: bool| vec![("id", id.to_string()), ("on", on.to_string())];
    let body = match (reach.force_tls_at, reach.everywhere_at) {
        (Some(since), None) => view! {
            <p>"Connections without TLS are refused since " {moment(since)} "."</p>
            <Confirm
                verb="Allow connections without TLS"
                main=true
                object=reach.database
                consequence="Passwords stay protected (SCRAM), but what is asked and answered can be read on the way."
            >
                <RowForm action=force fields=fields(false) large=true>"Allow them"</RowForm>
            </Confirm>
            {act(false)}
        }
        .into_any(),
        (Some(since), Some(_)) => view! {
            <p>
                "Connections without TLS are refused since " {moment(since)}
                ". While the database is reachable from everywhere, this stays so."
            </p>
        }
        .into_any(),
        (None, _) => {
            let consequence = match reach.plain.as_ref().map(Vec::len) {
                Some(0) => "Nobody is connected without TLS now: nobody is cut.".to_owned(),
                Some(1) => "1 session without TLS is ended at once.".into(),
                Some(n) => format!("{n} sessions without TLS are ended at once."),
                None => "Sessions without TLS are ended at once. Who they are could not be read just now.".into(),
            };
            let sessions = reach.plain.filter(|sessions| !sessions.is_empty()).map(|sessions| {
                view! {
                    <p class="hint">"These sessions have no TLS and would be ended:"</p>
                    <Sessions caption="Sessions without TLS" sessions now=reach.now />
                }
            });
            view! {
                <p>
                    "TLS is offered to all and forced on nobody: a client that does not ask for it, or that somebody on the way keeps from it, talks in the clear."
                </p>
                {sessions}
                <Confirm verb="Force TLS" object=reach.database consequence main=true>
                    <RowForm action=force fields=fields(true) variant=Variant::Primary large=true>
                        "Force TLS now"
                    </RowForm>
                </Confirm>
                {act(true)}
            }
            .into_any()
        }
    };
    view! {
        <ErrorSummary problem=failed />
        <Panel title="Force TLS">
            <div class="stack" id="force_tls">{body}</div>
        </Panel>
    }
}

/// From where people are let in.
#[component]
fn From(id: AddonId, reach: ReachView) -> impl IntoView {
    let everywhere = ServerAction::<ReachEverywhere>::new();
    let failed = problem(everywhere);
    let close = ServerAction::<CloseNetwork>::new();
    let closing = problem(close);
    let listen = reach.listens_on.join(", ");
    let listening = if reach.only_loopback {
        format!(
            "The servers of this Paddock listen on {listen} only: no other host can reach them, whatever is opened here. The operator changes that by engine.listen in the configuration."
        )
    } else {
        format!("The servers of this Paddock listen on {listen}.")
    };
    let house = (!reach.house_networks.is_empty()).then(|| {
        let names: Vec<_> = reach.house_networks.iter().map(Network::to_string).collect();
        view! { <li>"The operator’s networks: " <span class="mono">{names.join(", ")}</span></li> }
    });
    let count = reach.networks.len();
    let full = count >= MOST_NETWORKS;
    let now = reach.now;
    let closes = reach
        .networks
        .iter()
        .map(|one| (format!("Close {}", one.network), Act::CloseNetwork { network: one.id }));
    let closes = the_commands(id, closes.collect(), false);
    let rows = reach.networks.into_iter().map(|network| row(id, network, now, close)).collect_view();
    let table = (count > 0).then(|| {
        let mut columns = ["Network", "Note", "Until"].map(Column::text).to_vec();
        columns.push(Column::actions("Close"));
        view! { <Table caption="Networks that may connect" columns>{rows}</Table> }
    });
    let open_all = (reach.everywhere_at, reach.force_tls_at.is_some());
    view! {
        <ErrorSummary problem=failed />
        <ErrorSummary problem=closing />
        <Panel title="Reachable from">
            <div class="stack">
                <p class:notice-line=reach.only_loopback>{listening}</p>
                <ul class="reach-list">
                    <li>"This host itself, always"</li>
                    {house}
                    {reach.everywhere_at.map(|at| view! { <li>"Everywhere, since " {moment(at)}</li> })}
                </ul>
                {table}
                {closes}
                <OpenNetworkForm id full />
                <Everywhere id database=reach.database state=open_all action=everywhere />
            </div>
        </Panel>
    }
}

fn row(
    id: AddonId,
    network: NetworkView,
    now: chrono::DateTime<chrono::Utc>,
    close: ServerAction<CloseNetwork>,
) -> impl IntoView {
    let cidr = network.network.to_string();
    let named = cidr.clone();
    let fields = vec![("id", id.to_string()), ("network", network.id.to_string())];
    let until = match network.expires_at {
        Some(at) => Either::Left(view! { <Time at now=now /> }),
        None => Either::Right("no end"),
    };
    view! {
        <tr>
            <Td label="Network" class="mono">{cidr}</Td>
            <Td label="Note">{network.note}</Td>
            <Td label="Until">{until}</Td>
            <Td label="Close" class="acts">
                <RowForm action=close fields>"Close" <span class="hidden">" " {named}</span></RowForm>
            </Td>
        </tr>
    }
}

#[component]
fn OpenNetworkForm(id: AddonId, full: bool) -> impl IntoView {
    let open = ServerAction::<OpenNetwork>::new();
    if full {
        let words = format!("A database can have {MOST_NETWORKS} networks. Close one to open another.");
        return Either::Left(view! { <p class="hint">{words}</p> });
    }
    Either::Right(view! {
        <Form action=open id="open">
            <input type="hidden" name="id" value=id.to_string() />
            <Field
                label="Open a network"
                name="cidr"
                hint="A range like 10.0.0.0/8 or 2001:db8::/32, or one address."
                required=true
                mono=true
            />
            <Field label="Note" name="note" hint="Whose it is, for those who read this later." />
            <Field
                label="Until, UTC"
                name="expires_at"
                kind="datetime-local"
                hint="Left empty, it stays open."
            />
            <div class="actions">
                <Submit>"Open network"</Submit>
            </div>
            {the_typed_command(id, TypedForm::OpenNetwork, |_| None)}
        </Form>
    })
}

#[component]
fn Everywhere(
    id: AddonId,
    database: String,
    state: (Option<chrono::DateTime<chrono::Utc>>, bool),
    action: ServerAction<ReachEverywhere>,
) -> impl IntoView {
    let fields = move |on: bool| vec![("id", id.to_string()), ("on", on.to_string())];
    let act = move |on: bool| the_command(id, &Act::Switch { feature: Feature::PubliclyAvailable, on });
    let body = match state {
        (Some(_), _) => view! {
            <RowForm action fields=fields(false) large=true>"Close everywhere"</RowForm>
            {act(false)}
        }
        .into_any(),
        (None, true) => view! {
            <Confirm
                verb="From everywhere"
                main=true
                object=database
                consequence="Every address may try to log in, with TLS and a password. Networks are the safer way."
            >
                <RowForm action fields=fields(true) variant=Variant::Danger large=true>
                    "Make it reachable from everywhere"
                </RowForm>
            </Confirm>
            {act(true)}
        }
        .into_any(),
        (None, false) => {
            view! { <p class="hint">"To be reachable from everywhere, force TLS first."</p> }.into_any()
        }
    };
    view! { <div class="stack" id="everywhere">{body}</div> }
}
