//! The data root: is it usable, and what stands directly below it.
//!
//! Made by whoever comes first, the engine or the store; nothing is ever removed here.

use crate::{
    EngineConfig, disk,
    error::{Doing as _, fatal},
    layout::{Layout, ROOT_MAX},
    os_user,
    versions::{Catalogue, DISTRIBUTION_DIR, Floors},
};
use control::engine::EngineError;
use std::{os::unix::fs::MetadataExt as _, path::Path};

/// Where servers are looked for.
pub(crate) fn catalogue(config: &EngineConfig) -> Catalogue {
    let own = [Layout::new(&config.root).versions()];
    let dirs = own.into_iter().chain(config.version_dirs.clone()).chain([DISTRIBUTION_DIR.into()]);
    Catalogue::new(dirs.collect()).with_floors(Floors::default().with(config.floors.clone()))
}

/// The directories of the root. Servers' users pass through them and see nothing.
pub(crate) fn prepare(layout: &Layout) -> Result<(), EngineError> {
    let root = layout.root();
    if !root.is_absolute() || root.as_os_str().len() > ROOT_MAX {
        let message = format!("the data root must be an absolute path of at most {ROOT_MAX} bytes");
        return Err(fatal(message, anyhow::anyhow!("{} cannot be used", root.display())));
    }
    std::fs::create_dir_all(root).doing(|| format!("make {}", root.display()))?;
    let closed = |dir: &&Path| std::fs::metadata(dir).is_ok_and(|seen| seen.mode() & 0o001 == 0);
    if let Some(closed) = root.ancestors().skip(1).find(closed).filter(|_| os_user::are_root()) {
        let message = format!("servers' users cannot pass {}: choose another data root", closed.display());
        return Err(fatal(message, anyhow::anyhow!("{} is closed to others", closed.display())));
    }
    let through = if os_user::are_root() { 0o711 } else { 0o700 };
    for (path, mode) in [
        (root.to_owned(), through),
        (layout.nodes(), through),
        (layout.pool(), through),
        (layout.trash(), through),
        (layout.trials(), through),
        (layout.archives(), through),
        (layout.versions(), if os_user::are_root() { 0o755 } else { 0o700 }),
        (layout.ca(), 0o700),
    ] {
        disk::make_dir(&path, mode, None).doing(|| format!("prepare {}", path.display()))?;
    }
    Ok(())
}
