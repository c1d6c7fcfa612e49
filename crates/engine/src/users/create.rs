//! Making a user. It may log in only when everything else is in place: that is the mark of completeness, and what was
//! left half made is removed and made anew.

use super::{House, drop, execute};
use crate::roles::{WEAK, defaults, quote_verifier};
use control::engine::EngineError;
use tokio_postgres::Client;

/// Makes one; `false`: there is one of this name already.
pub(crate) async fn create(
    house: &House<'_>,
    name: &str,
    read_only: bool,
    verifier: &str,
) -> Result<bool, EngineError> {
    let (user, verifier) = (house.user(name)?, quote_verifier(verifier)?);
    match can_login(house, name).await? {
        Some(true) => return Ok(false),
        Some(false) => drop(house, name).await?,
        None => {}
    }
    execute(&house.roles, "make the user", &with_rights(house, &user, read_only)).await?;
    if !read_only {
        let defaults = format!("BEGIN;\n{}COMMIT;", defaults(&user, &house.names));
        execute(&house.steward, "set the rights on what the user will make", &defaults).await?;
    }
    let open = format!("ALTER ROLE {user} LOGIN PASSWORD {verifier}");
    execute(&house.roles, "let the user in", &open).await?;
    Ok(true)
}

/// Statements that make a role with everything but the door.
pub(super) fn with_rights(house: &House<'_>, user: &str, read_only: bool) -> String {
    let (owner, ro) = (&house.names.owner, &house.names.ro);
    // A member of the owner is one of those who read and write, through it.
    let (group, set) = match read_only {
        true => (ro, "default_transaction_read_only = on".to_owned()),
        false => (owner, format!("role = {owner}")),
    };
    format!(
        r#"BEGIN;
CREATE ROLE {user} NOLOGIN INHERIT {WEAK} CONNECTION LIMIT {};
GRANT {group} TO {user};
GRANT {user} TO {};
ALTER ROLE {user} SET {set};
COMMIT;"#,
        house.spec.plan.connections(),
        crate::sql::STEWARD
    )
}

/// Gives a user another password; `false`: there is no such user.
pub(crate) async fn set_password(house: &House<'_>, name: &str, verifier: &str) -> Result<bool, EngineError> {
    let (user, verifier) = (house.user(name)?, quote_verifier(verifier)?);
    if can_login(house, name).await? != Some(true) {
        return Ok(false);
    }
    execute(&house.roles, "set the user's password", &format!("ALTER ROLE {user} PASSWORD {verifier}"))
        .await?;
    Ok(true)
}

/// Whether a role may log in; `None`: there is none.
pub(super) async fn can_login(house: &House<'_>, name: &str) -> Result<Option<bool>, EngineError> {
    let ask = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1";
    house
        .roles
        .run("look for the user", async |client: Client| {
            client.query_opt(ask, &[&name]).await?.map(|row| row.try_get(0)).transpose()
        })
        .await
}
