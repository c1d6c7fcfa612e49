//! A rule of the kernel's firewall: the servers' OS users answer, and open no connection of their own.
//!
//! Whoever breaks into a server would else knock at the other databases' ports, at the control plane, and where clouds give
//! the machine's credentials away. A server of ours has nothing to call: its tools come by the private socket. The rule
//! stands for the whole range of numbers in a table of its own (nft(8), "meta skuid"), outlives us as the servers do, and
//! touches no other table. It is a second wall: every door behind it asks for a password all the same, so a machine without
//! nftables is told of and served.

use crate::{disk, layout::Layout, os_user, process::Exec};
use std::{ops::RangeInclusive, path::Path, time::Duration};

/// Where Debian and the other distributions have it.
const NFT: &str = "/usr/sbin/nft";

/// Puts the rule in place, or says in the log why not.
pub(crate) async fn raise(layout: &Layout, uids: &RangeInclusive<u32>) {
    if !os_user::are_root() {
        return;
    }
    if let Err(error) = put(&layout.root().join("firewall.nft"), uids).await {
        tracing::warn!(%error, "databases' servers can open connections: there is no firewall rule for their OS users");
    }
}

async fn put(file: &Path, uids: &RangeInclusive<u32>) -> anyhow::Result<()> {
    if !Path::new(NFT).exists() {
        anyhow::bail!("{NFT} is missing (package nftables)");
    }
    disk::write_atomic(file, rules(uids).as_bytes(), 0o600, None)?;
    Exec::new(NFT).arg("-f").arg(file).limit(Duration::from_secs(10)).run_ok().await?;
    Ok(())
}

/// One transaction that replaces the table: added first, so that it can be deleted whether it was there or not. Refused at
/// once and not in silence: nothing waits.
fn rules(uids: &RangeInclusive<u32>) -> String {
    let (first, last) = (uids.start(), uids.end());
    let table = format!("paddock-{first}-{last}");
    format!(
        "add table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         \x20 chain output {{\n\
         \x20   type filter hook output priority filter; policy accept;\n\
         \x20   meta skuid {first}-{last} ct state new counter reject with icmpx admin-prohibited\n\
         \x20 }}\n\
         }}\n"
    )
}
