//! Looks at nodes that several people wait for at the same time: one look answers all of them, since each costs the database
//! a part of its own processor. Nothing is kept: who asks after its end looks anew.

use crate::engine::NodeState;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use types::NodeId;

type Look = BoxFuture<'static, Option<NodeState>>;

/// Looks that have not ended.
#[derive(Default)]
pub(crate) struct Looks(Mutex<HashMap<NodeId, WeakShared<Look>>>);

impl Looks {
    /// The look at this node that goes on, or a new one.
    pub(crate) fn join(&self, node: NodeId, look: impl FnOnce() -> Look) -> Shared<Look> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, look| look.upgrade().is_some_and(|look| look.peek().is_none()));
        if let Some(going_on) = all.get(&node).and_then(WeakShared::upgrade) {
            return going_on;
        }
        let look = look().shared();
        if let Some(weak) = look.downgrade() {
            all.insert(node, weak);
        }
        look
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };
    use uuid::Uuid;

    #[tokio::test]
    async fn who_comes_while_it_goes_on_gets_its_answer() {
        let (looks, made) = (Looks::default(), Arc::new(AtomicU32::new(0)));
        let node = NodeId::new(Uuid::nil());
        let look = || {
            let made = Arc::clone(&made);
            looks.join(node, move || {
                async move {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Some(NodeState::Absent)
                }
                .boxed()
            })
        };
        let (first, second) = (look(), look());
        let (first, second) = tokio::join!(first, second);
        assert_eq!((first, second), (Some(NodeState::Absent), Some(NodeState::Absent)));
        assert_eq!(made.load(Ordering::SeqCst), 1, "one look for both");
        look().await;
        assert_eq!(made.load(Ordering::SeqCst), 2, "it had ended");
        drop(look());
        look().await;
        assert_eq!(
            made.load(Ordering::SeqCst),
            3,
            "nobody waited for the one before, and it was never begun"
        );
    }
}
