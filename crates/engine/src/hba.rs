//! Who may reach a server, and how: `pg_hba.conf` and `pg_ident.conf`.
//!
//! The platform comes over the private socket, known by its OS user (`peer`), or with a password of one job; nobody else does. Users come over TCP
//! with SCRAM, to their own database, as members of its groups; the platform's roles never do. Everything else is
//! refused by name in the last lines. There is no way to say `trust`, `md5` or `password` here.
//!
//! First match wins (manual, 20.1 "The pg_hba.conf File"), so the order below is the rule.

use std::fmt::Write as _;
use types::network::Network;

/// Name of the map from OS users to roles.
const MAP: &str = "paddock";

/// Who may reach a server.
#[derive(Clone, Debug)]
pub struct Access<'a> {
    /// The OS user that Paddock runs as. Never the server's own user where they differ: whoever breaks into a server
    /// runs as that one.
    pub platform_os_user: &'a str,
    /// The platform's roles: its superuser and the weak ones.
    pub platform_roles: &'a [&'a str],
    /// Databases of users.
    pub databases: &'a [Database<'a>],
    /// From where users may come, beside this very host: any of its own addresses (`samehost`).
    pub networks: &'a [Network],
    /// Refuse connections without TLS.
    pub force_tls: bool,
}

/// A database of users.
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    /// Its name.
    pub name: &'a str,
    /// Roles whose members may reach it.
    pub groups: &'a [&'a str],
    /// Weak roles of the platform whose tools run as the server's own OS user: they come over the private socket with the
    /// password of one job, and the databases that they enter.
    pub tools: &'a [(&'a [&'a str], &'a str)],
}

/// A name that these files cannot hold, or would read as something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot stand in pg_hba.conf")]
pub struct BadName(String);

/// The text of `pg_hba.conf`.
///
/// # Errors
/// A name that the file cannot hold.
pub fn hba(access: &Access<'_>) -> Result<String, BadName> {
    let platform = list(access.platform_roles, "")?;
    let mut tools = String::new();
    for (databases, role) in access.databases.iter().flat_map(|database| database.tools) {
        // Writing to a String cannot fail.
        let _ = writeln!(tools, "local {} {} scram-sha-256", list(databases, "")?, quote(role)?);
    }
    let mut text = format!(
        "# Written by Paddock; changes are lost.\n\
         {tools}local all {platform} peer map={MAP}\n\
         local all all reject\n\
         local replication all reject\n\
         host all {platform} all reject\n"
    );
    let kind = if access.force_tls { "hostssl" } else { "host" };
    for database in access.databases {
        let (name, members) = (quote(database.name)?, list(database.groups, "+")?);
        let from = access.networks.iter().map(Network::to_string);
        for from in std::iter::once("samehost".to_owned()).chain(from) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{kind} {name} {members} {from} scram-sha-256");
        }
    }
    text.push_str("host all all all reject\nhost replication all all reject\n");
    Ok(text)
}

/// The text of `pg_ident.conf`.
///
/// # Errors
/// A name that the file cannot hold.
pub fn ident(access: &Access<'_>) -> Result<String, BadName> {
    let os_user = quote(access.platform_os_user)?;
    let mut text = "# Written by Paddock; changes are lost.\n".to_owned();
    for role in access.platform_roles {
        let _ = writeln!(text, "{MAP} {os_user} {}", quote(role)?);
    }
    Ok(text)
}

/// A line of `pg_ident.conf`: an OS user that may be one role of the platform's.
///
/// # Errors
/// A name that the file cannot hold.
pub fn archiver(os_user: &str, role: &str) -> Result<String, BadName> {
    Ok(format!("{MAP} {} {}\n", quote(os_user)?, quote(role)?))
}

/// Names separated by commas. An empty list would match nothing or anything, depending on where it stands.
fn list(names: &[&str], sign: &str) -> Result<String, BadName> {
    if names.is_empty() {
        return Err(BadName(String::new()));
    }
    Ok(names
        .iter()
        .map(|name| quote(name).map(|q| format!("{sign}{q}")))
        .collect::<Result<Vec<_>, _>>()?
        .join(","))
}

/// In quotes no word is a keyword (`all`), and no sign a separator. A slash at the start would still mean a regular
/// expression, from 16 on.
fn quote(name: &str) -> Result<String, BadName> {
    if name.is_empty() || name.starts_with('/') || name.chars().any(char::is_control) {
        return Err(BadName(name.to_owned()));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access<'a>(databases: &'a [Database<'a>], networks: &'a [Network]) -> Access<'a> {
        let roles = &["paddock", "paddock_monitor"];
        Access { platform_os_user: "root", platform_roles: roles, databases, networks, force_tls: false }
    }

    const SHOP: Database<'_> = Database {
        name: "shop_1",
        groups: &["shop_1_rw", "shop_1_ro"],
        tools: &[(&["shop_1", "paddock_incoming"], "paddock_loader")],
    };

    #[test]
    fn the_files_are_these() {
        let access = access(&[SHOP], &Network::EVERYWHERE);
        let expected = r#"# Written by Paddock; changes are lost.
local "shop_1","paddock_incoming" "paddock_loader" scram-sha-256
local all "paddock","paddock_monitor" peer map=paddock
local all all reject
local replication all reject
host all "paddock","paddock_monitor" all reject
host "shop_1" +"shop_1_rw",+"shop_1_ro" samehost scram-sha-256
host "shop_1" +"shop_1_rw",+"shop_1_ro" 0.0.0.0/0 scram-sha-256
host "shop_1" +"shop_1_rw",+"shop_1_ro" ::/0 scram-sha-256
host all all all reject
host replication all all reject
"#;
        assert_eq!(hba(&access).unwrap(), expected);
        let expected = "# Written by Paddock; changes are lost.\npaddock \"root\" \"paddock\"\npaddock \"root\" \"paddock_monitor\"\n";
        assert_eq!(ident(&access).unwrap(), expected);
    }

    #[test]
    fn forced_tls_leaves_no_plain_line() {
        let text = hba(&Access { force_tls: true, ..access(&[SHOP], &Network::EVERYWHERE) }).unwrap();
        assert!(
            text.lines()
                .filter(|l| l.contains("scram") && l.starts_with("host"))
                .all(|l| l.starts_with("hostssl ")),
            "{text}"
        );
    }

    #[test]
    fn without_databases_only_the_platform_comes_in() {
        let text = hba(&access(&[], &[])).unwrap();
        let open: Vec<_> = text.lines().filter(|l| !l.starts_with('#') && !l.ends_with("reject")).collect();
        assert_eq!(open, ["local all \"paddock\",\"paddock_monitor\" peer map=paddock"]);
    }

    #[test]
    fn names_stay_names() {
        assert_eq!(quote("all").unwrap(), "\"all\"");
        assert_eq!(quote("a\" trust #").unwrap(), "\"a\"\" trust #\"");
        for bad in ["", "/.*", "a\nlocal all all trust", "a\0"] {
            assert!(quote(bad).is_err(), "{bad:?}");
        }
        let nobody = Database { name: "shop_1", groups: &[], tools: &[] };
        assert!(hba(&access(&[nobody], &Network::EVERYWHERE)).is_err());
    }
}
