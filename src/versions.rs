//! `paddock versions`: what PostgreSQL servers are on this host, and how one more gets there.

use crate::{boot, config::Config};
use engine::{
    layout::Layout,
    versions::{self, InstallError, Source},
};
use std::{
    fmt::Write,
    io::{Write as _, stderr},
    path::PathBuf,
};
use types::PgVersion;

/// A table of what is installed, what is broken, and what can be installed.
pub async fn list(config: &Config) -> String {
    let catalogue = boot::settings::catalogue(config);
    let default = catalogue.default_version().await;
    let mut out = String::new();
    for one in catalogue.all().await {
        let from = match one.source {
            Source::Paddock => "installed by Paddock",
            Source::Distribution => "from the distribution",
        };
        let mut notes = vec![from];
        if Some(one.version) == default {
            notes.push("default");
        }
        if one.below_floor {
            notes.push("has known holes: install a newer minor");
        }
        let _ =
            writeln!(out, "{:<8} {} ({})", one.version.to_string(), one.bin_dir.display(), notes.join(", "));
    }
    if out.is_empty() {
        out.push_str("No PostgreSQL is installed.\n");
    }
    for broken in catalogue.broken().await {
        let _ = writeln!(out, "broken   {}: {}", broken.bin_dir.display(), broken.why);
    }
    let more: Vec<_> = versions::install::installable().iter().map(ToString::to_string).collect();
    let _ = writeln!(out, "Can be installed with `paddock versions install`: {}", more.join(", "));
    out
}

/// Installs `version` into the data root's versions, or into `into`, telling on standard error how far it is.
///
/// # Errors
/// See [`InstallError`].
pub async fn install(
    config: &Config,
    version: PgVersion,
    into: Option<PathBuf>,
) -> Result<String, InstallError> {
    let progress = |stage: versions::install::Stage| {
        let _ = writeln!(stderr(), "{stage}");
    };
    let root = into.unwrap_or_else(|| Layout::new(&config.data.root).versions());
    let home = versions::install(version, &root, &progress).await?;
    Ok(format!("PostgreSQL {version} is in {}.\n", home.display()))
}
