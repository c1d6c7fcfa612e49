//! One at a time for each key: a node, an archive. Locks of keys that nobody works on are not kept.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::OwnedMutexGuard;

/// Whose turn it is, by key.
#[derive(Debug)]
pub(crate) struct Turns<K>(Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>);

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Turns<K> {
    /// Waits for its turn, which lasts until the answer is dropped.
    pub(crate) async fn take(&self, key: K) -> OwnedMutexGuard<()> {
        self.lock(key).lock_owned().await
    }

    fn lock(&self, key: K) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = all.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        all.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn one_at_a_time_for_one_key() {
        let turns = Turns::default();
        let first = turns.take(1).await;
        let _other = turns.take(2).await;
        let waits = async || tokio::time::timeout(Duration::from_millis(20), turns.take(1)).await;
        assert!(waits().await.is_err(), "two at a time");
        drop(first);
        assert!(waits().await.is_ok());
        assert!(turns.lock(3).try_lock().is_ok());
        assert_eq!(turns.0.lock().unwrap().len(), 2, "nobody waits for 1 any more");
    }
}
