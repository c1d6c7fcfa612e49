//! The protected user's two logins. A new password is a new login beside the old one, so that nobody is locked out
//! between the change and the moment when everybody has heard of it; the old one is closed afterwards.

use super::{House, create::can_login, create::with_rights, drop::end_sessions, execute};
use crate::{
    error::fatal,
    roles::{defaults, quote_verifier},
};
use control::engine::EngineError;

/// Opens the login that the spec names, with this verifier; the other one stays as it is.
pub(crate) async fn open(house: &House<'_>, verifier: &str) -> Result<(), EngineError> {
    let verifier = quote_verifier(verifier)?;
    let logins = house.logins()?;
    let (name, login) = logins
        .iter()
        .find(|(name, _)| *name == house.spec.login)
        .ok_or_else(|| fatal("this is no login of the database", anyhow::anyhow!("{}", house.spec.login)))?;
    if can_login(house, name).await?.is_none() {
        execute(&house.roles, "make the login", &with_rights(house, login, false)).await?;
    }
    let defaults = format!("BEGIN;\n{}COMMIT;", defaults(login, &house.names));
    execute(&house.steward, "set the rights on what it will make", &defaults).await?;
    let open = format!(
        "ALTER ROLE {login} LOGIN PASSWORD {verifier} CONNECTION LIMIT {}",
        house.spec.plan.connections()
    );
    execute(&house.roles, "open the login", &open).await
}

/// Closes the login that the spec does not name, and ends its sessions; answers how many are left.
pub(crate) async fn close_others(house: &House<'_>, all: bool) -> Result<u32, EngineError> {
    let mut left = 0;
    for (name, login) in house.logins()? {
        if name == house.spec.login || can_login(house, &name).await?.is_none() {
            continue;
        }
        execute(&house.roles, "close the old login", &format!("ALTER ROLE {login} NOLOGIN PASSWORD NULL"))
            .await?;
        left += end_sessions(house, &name, all).await?;
    }
    Ok(left)
}
