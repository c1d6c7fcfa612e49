//! What a process takes for itself: the data root, its lock, the port.

use super::BootError;
use std::{fs::File, io, net::SocketAddr, path::Path};
use tokio::net::TcpListener;

/// Listens on `address`.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, BootError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BootError::PortTaken { address },
        _ => BootError::Listen { address, source },
    })
}

/// Makes the data root and takes its lock: two processes that start databases from one root would fight over them.
pub(super) fn take(root: &Path) -> Result<File, BootError> {
    std::fs::create_dir_all(root).map_err(|source| BootError::Root { path: root.into(), source })?;
    lock(root)
}

/// Held as long as the file is open, and gone with the process however it ends.
fn lock(root: &Path) -> Result<File, BootError> {
    let io = |source| BootError::Root { path: root.into(), source };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(root.join("paddock.lock"))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(BootError::Running { path: root.into() }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_root_has_one_server() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(BootError::Running { .. })));
        drop(held);
        lock(dir.path()).unwrap();
    }
}
