//! API tokens: made, shown once, revoked.

use crate::{
    error::AppError,
    ui::{
        Column, Confirm, ErrorSummary, Field, Form, OnceSecret, Panel, RowForm, Submit, Table, Td, Time,
        Variant, problem,
    },
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use types::view::TokenView;

/// Makes an API token; it is shown on the next page, once.
#[server(prefix = "/do", endpoint = "create_token")]
pub async fn create_token(#[server(default)] name: String) -> Result<(), AppError> {
    use crate::ssr;
    use secrecy::ExposeSecret;
    let (_, secret) = ssr::control()?.create_token(&ssr::actor()?, name.trim()).await?;
    ssr::flash("token", secret.expose_secret()).await;
    ssr::redirect("/account");
    Ok(())
}

/// Makes an API token worthless.
#[server(prefix = "/do", endpoint = "revoke_token")]
pub async fn revoke_token(id: String) -> Result<(), AppError> {
    use crate::ssr;
    let token = ssr::id(&id)?;
    ssr::control()?.revoke_token(&ssr::actor()?, token).await?;
    ssr::flash("notice", "The token no longer works.").await;
    ssr::redirect("/account");
    Ok(())
}

/// The tokens, and the form that makes one.
#[component]
pub fn Tokens(
    /// The tokens.
    tokens: Vec<TokenView>,
    /// The secret of one that was just made.
    new: Option<String>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
    /// Makes one.
    create: ServerAction<CreateToken>,
    /// Revokes one.
    revoke: ServerAction<RevokeToken>,
) -> impl IntoView {
    let columns = vec![
        Column::text("Name"),
        Column::text("Created"),
        Column::text("Last used"),
        Column::actions("Actions"),
    ];
    let row = move |token: TokenView| view! { <TokenRow token now revoke /> };
    let empty = tokens.is_empty();
    view! {
        <Panel title="API tokens" flush=true>
            <ErrorSummary problem=problem(revoke) />
            {new
                .map(|token| {
                    view! {
                        <OnceSecret
                            title="The token is ready."
                            label="API token"
                            value=token
                            note="Copy it now: it is shown this once. It may do what you may do."
                        />
                    }
                })}
            {if empty {
                Either::Left(
                    view! {
                        <p class="panel-body muted">
                            "No tokens. A token signs in the command line, Terraform and your own scripts."
                        </p>
                    },
                )
            } else {
                Either::Right(
                    view! {
                        <Table caption="API tokens" columns=columns>
                            {tokens.into_iter().map(row).collect_view()}
                        </Table>
                    },
                )
            }} <div class="panel-foot">
                <Form action=create id="token" inline=true>
                    <Field label="Name of a new token" name="name" required=true />
                    <Submit>"Create token"</Submit>
                </Form>
            </div>
        </Panel>
    }
}

#[component]
fn TokenRow(token: TokenView, now: DateTime<Utc>, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let TokenView { id, name, created_at, last_used_at } = token;
    view! {
        <tr>
            <th scope="row">{name.clone()}</th>
            <Td label="Created" class="subtle">
                <Time at=created_at now=now />
            </Td>
            <Td label="Last used" class="subtle">
                {match last_used_at {
                    Some(at) => Either::Left(view! { <Time at=at now=now /> }),
                    None => Either::Right("never"),
                }}
            </Td>
            <Td label="Actions" class="acts">
                <Confirm
                    verb="Revoke"
                    object=name.clone()
                    consequence=format!("Revoke “{name}”? What uses it stops working at once.")
                >
                    <RowForm action=revoke fields=vec![("id", id.to_string())] variant=Variant::Danger>
                        "Revoke token"
                    </RowForm>
                </Confirm>
            </Td>
        </tr>
    }
}
