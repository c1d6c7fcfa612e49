//! Which servers may have ended: a wake-up by pidfd, without a process number that could be given again.

use crate::procs::Handle;
use futures::future::select_all;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// The servers that this engine has started or adopted.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    running: Mutex<HashMap<(u32, u64), Arc<Handle>>>,
    more: Notify,
}

impl Watch {
    /// Watches one more server; the same one twice is fine.
    pub(crate) fn add(&self, server: Handle) {
        let key = (server.seen.pid, server.seen.started);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Vacant(free) = running.entry(key) {
            free.insert(Arc::new(server));
            self.more.notify_one();
        }
    }

    /// Resolves when one of them has ended, and forgets it.
    pub(crate) async fn changed(&self) {
        loop {
            let watched: Vec<_> = {
                let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.iter().map(|(key, server)| (*key, Arc::clone(server))).collect()
            };
            let ends = watched.into_iter().map(|(key, server)| {
                Box::pin(async move {
                    server.ended().await;
                    key
                })
            });
            let mut ends: Vec<_> = ends.collect();
            if ends.is_empty() {
                self.more.notified().await;
                continue;
            }
            let ended = tokio::select! {
                (key, ..) = select_all(ends.drain(..)) => key,
                () = self.more.notified() => continue,
            };
            self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&ended);
            return;
        }
    }
}
