//! Sessions of the protected user begin as the owner. A database that was made before that was so has tables that the user
//! made under its own name: they go to the owner first, or its next migration could not change them.

use super::{House, execute};
use control::engine::EngineError;
use tokio_postgres::Client;

/// Makes it so, once.
pub(crate) async fn share(house: &House<'_>) -> Result<(), EngineError> {
    let (user, owner) = (&house.names.user, &house.names.owner);
    let ask = r#"
        SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                       WHERE r.rolname = $1 AND s.setdatabase = 0 AND s.setconfig::text LIKE '%role=%')
    "#;
    let shares =
        async |client: Client| client.query_one(ask, &[&house.spec.name]).await?.try_get::<_, bool>(0);
    if house.roles.run("read the user's settings", shares).await? {
        return Ok(());
    }
    let give = format!("REASSIGN OWNED BY {user} TO {owner}");
    execute(&house.steward, "give the owner what the user made", &give).await?;
    execute(
        &house.roles,
        "let its sessions begin as the owner",
        &format!("ALTER ROLE {user} SET role = {owner}"),
    )
    .await
}
