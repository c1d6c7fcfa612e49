//! Who may use an app: its owner, collaborators, and invitations that wait.

use crate::{
    error::AppError,
    ui::{
        Column, Confirm, ErrorSummary, Field, Form, OnceSecret, Panel, Pill, RowForm, Submit, Table, Td,
        Time, Variant, problem,
    },
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use types::view::{CollaboratorView, InvitationView};

/// Invites somebody; the link is shown on the next page, once.
#[server(prefix = "/do", endpoint = "invite")]
pub async fn invite(app: String, #[server(default)] email: String) -> Result<(), AppError> {
    use crate::ssr;
    let (_, link) = ssr::control()?.invite(&ssr::actor()?, &app, email.trim()).await?;
    ssr::flash("invitation", link).await;
    ssr::redirect(&super::href(&app, "settings"));
    Ok(())
}

/// Makes an invitation's link worthless.
#[server(prefix = "/do", endpoint = "withdraw_invitation")]
pub async fn withdraw_invitation(app: String, id: String) -> Result<(), AppError> {
    use crate::ssr;
    let invitation = ssr::id(&id)?;
    ssr::control()?.withdraw_invitation(&ssr::actor()?, &app, invitation).await?;
    ssr::flash("notice", "The invitation is withdrawn; its link no longer works.").await;
    ssr::redirect(&super::href(&app, "settings"));
    Ok(())
}

/// Takes a collaborator's access.
#[server(prefix = "/do", endpoint = "remove_collaborator")]
pub async fn remove_collaborator(app: String, id: String) -> Result<(), AppError> {
    use crate::ssr;
    let user = ssr::id(&id)?;
    ssr::control()?.remove_collaborator(&ssr::actor()?, &app, user).await?;
    ssr::flash("notice", "The person no longer has access. Passwords of databases stay the same.").await;
    ssr::redirect(&super::href(&app, "settings"));
    Ok(())
}

/// What the forms of this part post to.
#[derive(Clone, Copy)]
pub struct PeopleActions {
    invite: ServerAction<Invite>,
    withdraw: ServerAction<WithdrawInvitation>,
    remove: ServerAction<RemoveCollaborator>,
}

impl PeopleActions {
    /// Makes them; call it once, in the page.
    #[must_use]
    pub fn new() -> Self {
        Self { invite: ServerAction::new(), withdraw: ServerAction::new(), remove: ServerAction::new() }
    }
}

impl Default for PeopleActions {
    fn default() -> Self {
        Self::new()
    }
}

/// Collaborators and invitations.
#[component]
pub fn People(
    /// Name of the app.
    app: String,
    /// Who may use it.
    collaborators: Vec<CollaboratorView>,
    /// Who may join.
    invitations: Vec<InvitationView>,
    /// The link of an invitation that was just made.
    link: Option<String>,
    /// The signed-in person may invite and remove.
    may_manage: bool,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
    /// What the forms post to.
    actions: PeopleActions,
) -> impl IntoView {
    let rows = {
        let app = app.clone();
        let joined = collaborators.into_iter().map({
            let app = app.clone();
            move |person| view! { <Person app=app.clone() person may_manage now actions /> }.into_any()
        });
        let waiting = invitations.into_iter().map(move |invitation| {
            view! { <Waiting app=app.clone() invitation may_manage now actions /> }.into_any()
        });
        joined.chain(waiting).collect_view()
    };
    let columns = vec![
        Column::text("Person"),
        Column::text("Access"),
        Column::text("Since"),
        Column::actions("Actions"),
    ];
    let form = may_manage.then(|| view! { <InviteForm app actions /> });
    view! {
        <Panel title="People" flush=true>
            <ErrorSummary problem=problem(actions.withdraw) />
            <ErrorSummary problem=problem(actions.remove) />
            {link
                .map(|link| {
                    view! {
                        <OnceSecret
                            title="The invitation is ready."
                            label="Invitation link"
                            value=link
                            note="Send it to the person. It is shown this once, works once, and only for their address."
                        />
                    }
                })}
            <Table caption="People who may use this app" columns=columns>
                {rows}
            </Table>
            {form}
        </Panel>
    }
}

#[component]
fn Person(
    app: String,
    person: CollaboratorView,
    may_manage: bool,
    now: DateTime<Utc>,
    actions: PeopleActions,
) -> impl IntoView {
    let CollaboratorView { user_id, username, email, is_owner, since } = person;
    let fields = vec![("app", app), ("id", user_id.to_string())];
    let remove = (may_manage && !is_owner).then(|| {
        view! {
            <Confirm
                verb="Remove"
                object=username.clone()
                consequence=format!("Remove {username}? They no longer see this app. Passwords of databases stay the same.")
            >
                <RowForm action=actions.remove fields=fields variant=Variant::Danger>
                    "Remove person"
                </RowForm>
            </Confirm>
        }
    });
    view! {
        <tr>
            <th scope="row">
                {username} " " <span class="aside">{email}</span>
            </th>
            <Td label="Access">{if is_owner { "owner" } else { "collaborator" }}</Td>
            <Td label="Since" class="subtle">
                <Time at=since now=now />
            </Td>
            <Td label="Actions" class="acts">
                {remove}
            </Td>
        </tr>
    }
}

#[component]
fn Waiting(
    app: String,
    invitation: InvitationView,
    may_manage: bool,
    now: DateTime<Utc>,
    actions: PeopleActions,
) -> impl IntoView {
    let fields = vec![("app", app), ("id", invitation.id.to_string())];
    let which = format!(" the invitation of {}", invitation.email);
    let withdraw = if may_manage {
        Either::Left(view! {
            <RowForm action=actions.withdraw fields=fields variant=Variant::Quiet>
                "Withdraw"
                <span class="hidden">{which}</span>
            </RowForm>
        })
    } else {
        Either::Right(())
    };
    view! {
        <tr>
            <th scope="row">{invitation.email}</th>
            <Td label="Access">
                <Pill tone="off" text="invited" />
            </Td>
            <Td label="Since" class="subtle">
                "link ends " <Time at=invitation.expires_at now=now />
            </Td>
            <Td label="Actions" class="acts">
                {withdraw}
            </Td>
        </tr>
    }
}

#[component]
fn InviteForm(app: String, actions: PeopleActions) -> impl IntoView {
    view! {
        <div class="panel-foot">
            <Form action=actions.invite id="invite" inline=true>
                <input type="hidden" name="app" value=app />
                <Field label="E-mail of somebody to invite" name="email" kind="email" required=true />
                <Submit>"Make invitation"</Submit>
            </Form>
        </div>
    }
}
