//! The fake vault: archives in memory, with the port's contract. What lies there can be spoilt as a disk would spoil it, and
//! any call can go wrong. It seals nothing: it compares keys. The calls themselves are in `vault/port.rs`.

mod port;

use crate::{
    Fault, Fired,
    fault::{Faults, suffer},
};
use bytes::Bytes;
use control::backup::vault::{Place, Room, VaultError};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use types::DatabaseId;
use uuid::Uuid;

/// A call of the vault, or of what it gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the method of control::backup::vault with its name")]
pub enum VaultMethod {
    Create,
    Write,
    Finish,
    Abort,
    KeyOf,
    Open,
    Read,
    Remove,
    Places,
    Sweep,
    Keep,
    Kept,
}

/// An archive as it is in memory.
#[derive(Clone)]
struct Archive {
    key: Uuid,
    secret: [u8; 32],
    content: Bytes,
    /// As they were written.
    plain_bytes: u64,
    spoilt: BTreeSet<u64>,
}

#[derive(Default)]
struct State {
    archives: BTreeMap<Place, Archive>,
    kept: BTreeMap<(DatabaseId, Uuid), Vec<u8>>,
    /// What killed writers left.
    halves: Vec<Place>,
    writing: u32,
    /// The volume, and how much had been written when a test said so.
    room: Option<(Room, u64)>,
    /// Plain bytes that ever came.
    written: u64,
    faults: Faults<VaultMethod, VaultError>,
}

/// A vault in memory. A clone is the same vault.
#[derive(Clone, Default)]
pub struct FakeVault(Arc<Mutex<State>>);

impl FakeVault {
    /// An empty one, without an end.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call go wrong; answers the counter of how often it did.
    pub fn inject(&self, fault: Fault<VaultMethod, VaultError>) -> Fired {
        self.state().faults.inject(fault)
    }

    /// Takes every fault away.
    pub fn heal(&self) {
        self.state().faults.heal();
    }

    /// How often a method was called.
    #[must_use]
    pub fn calls(&self, method: VaultMethod) -> u64 {
        self.state().faults.calls(method)
    }

    /// Archives that are being written now.
    #[must_use]
    pub fn writing(&self) -> u32 {
        self.state().writing
    }

    /// The plain bytes of an archive.
    #[must_use]
    pub fn content(&self, place: Place) -> Option<Bytes> {
        self.state().archives.get(&place).map(|archive| archive.content.clone())
    }

    /// A bit of the stored byte that holds this plain byte flips. Answers whether there is such a byte.
    pub fn flip(&self, place: Place, at: u64) -> bool {
        let mut state = self.state();
        let archive = state.archives.get_mut(&place).filter(|archive| at < archive.content.len() as u64);
        archive.map(|archive| archive.spoilt.insert(at)).is_some()
    }

    /// The archive is cut to so many plain bytes. Answers whether it was longer.
    pub fn truncate(&self, place: Place, bytes: usize) -> bool {
        let mut state = self.state();
        let archive = state.archives.get_mut(&place).filter(|archive| bytes < archive.content.len());
        archive.map(|archive| archive.content.truncate(bytes)).is_some()
    }

    /// The archive goes behind everybody's back. Answers whether there was one.
    pub fn lose(&self, place: Place) -> bool {
        self.state().archives.remove(&place).is_some()
    }

    /// A writer was killed more than a day ago and left what it had.
    pub fn leave_half(&self, place: Place) {
        self.state().halves.push(place);
    }

    /// It lies on this volume from now on, and what is written takes of it; `None`: it has no end.
    pub fn lies_on(&self, room: Option<Room>) {
        let mut state = self.state();
        state.room = room.map(|room| (room, state.written));
    }

    /// Counts the call, does what a fault says, else the work.
    async fn call<T>(
        &self,
        method: VaultMethod,
        work: impl FnOnce(&mut State) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let harm = self.state().faults.call(method);
        suffer(harm, || work(&mut self.state())).await
    }
}
