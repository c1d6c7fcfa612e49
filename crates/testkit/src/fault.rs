//! Faults: which call of a fake goes wrong, how, and how often. The engine's calls are here, the vault's with it.

use control::engine::EngineError;
use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// A call of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the method of control::engine::Engine with its name")]
pub enum Method {
    CaCertificate,
    Versions,
    Place,
    Configure,
    Start,
    CreateDatabase,
    VerifyLogin,
    Stop,
    Observe,
    Figures,
    Sample,
    DiskBytes,
    Preview,
    Pending,
    Limit,
    Checkpoint,
    CertificateUntil,
    LogTail,
    LogEnd,
    LogSince,
    LogFiles,
    TrimLog,
    Refused,
    EndRefused,
    Trash,
    Untrash,
    Purge,
    Found,
    RunHook,
    Users,
    CreateUser,
    SetUserPassword,
    OwnedBy,
    DropUser,
    OpenLogin,
    CloseOtherLogins,
    Rights,
    MendRights,
    Extensions,
    CreateExtension,
    DropExtension,
    Sessions,
    Signal,
    PrepareStatements,
    Statements,
    ResetStatements,
    Dump,
    TryDump,
    LoadBeside,
    Swap,
    Seconds,
    DropSecond,
    PitrTool,
    ArchiveState,
    EnableArchiving,
    BaseBackup,
    ArchiveNow,
    Timelines,
    RestoreBeside,
    Recovery,
    Peek,
    MoveTarget,
    FinishRestore,
    DiscardRestore,
    Expire,
    RemoveArchive,
}

/// What goes wrong.
#[derive(Debug)]
pub(crate) enum Harm<E> {
    /// Nothing is done, and this is said.
    Before(E),
    /// It is done, and the reply is lost: this is said instead.
    After(E),
    /// Nothing is done, and no answer comes: a caller that is killed then.
    HangBefore,
    /// It is done, and no answer comes: a caller that is killed between the effect and its record.
    HangAfter,
}

/// Makes what goes wrong, each time anew: errors cannot be copied.
type Make<E> = Arc<dyn Fn() -> Harm<E> + Send + Sync>;

/// How often a fault fired.
#[derive(Clone, Debug, Default)]
pub struct Fired(Arc<AtomicU32>);

impl Fired {
    /// So often until now.
    #[must_use]
    pub fn times(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A fault to be: at a method, of a kind, once unless said otherwise.
pub struct Fault<M = Method, E = EngineError> {
    pub(crate) method: M,
    harm: Make<E>,
    skip: u32,
    times: u32,
    pub(crate) fired: Fired,
}

impl<M: fmt::Debug, E> fmt::Debug for Fault<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.method)
    }
}

impl<M, E> Fault<M, E> {
    fn new(method: M, harm: impl Fn() -> Harm<E> + Send + Sync + 'static) -> Self {
        Self { method, harm: Arc::new(harm), skip: 0, times: 1, fired: Fired::default() }
    }

    /// Nothing is done, and `error` is said.
    pub fn before(method: M, error: impl Fn() -> E + Send + Sync + 'static) -> Self {
        Self::new(method, move || Harm::Before(error()))
    }

    /// It is done, and `error` is said: the reply was lost.
    pub fn after(method: M, error: impl Fn() -> E + Send + Sync + 'static) -> Self {
        Self::new(method, move || Harm::After(error()))
    }

    /// Nothing is done, and no answer ever comes.
    #[must_use]
    pub fn hang_before(method: M) -> Self {
        Self::new(method, || Harm::HangBefore)
    }

    /// It is done, and no answer ever comes.
    #[must_use]
    pub fn hang_after(method: M) -> Self {
        Self::new(method, || Harm::HangAfter)
    }

    /// Every time, not only once.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: u32::MAX, ..self }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The first `calls` calls go well.
    #[must_use]
    pub fn skip(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }

    /// Whether it fires at this call of its method; counts both.
    pub(crate) fn fires(&mut self) -> Option<Harm<E>> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.times == 0 {
            return None;
        }
        self.times -= 1;
        self.fired.0.fetch_add(1, Ordering::SeqCst);
        Some((self.harm)())
    }
}

/// The faults of a fake, and how often each of its methods was called.
pub(crate) struct Faults<M, E> {
    all: Vec<Fault<M, E>>,
    calls: BTreeMap<M, u64>,
}

// A derive would ask the same of `M` and `E`.
impl<M, E> Default for Faults<M, E> {
    fn default() -> Self {
        Self { all: Vec::new(), calls: BTreeMap::new() }
    }
}

impl<M: Copy + Ord, E> Faults<M, E> {
    /// Makes a call go wrong; answers the counter of how often it did.
    pub(crate) fn inject(&mut self, fault: Fault<M, E>) -> Fired {
        let fired = fault.fired.clone();
        self.all.push(fault);
        fired
    }

    /// Takes every fault away.
    pub(crate) fn heal(&mut self) {
        self.all.clear();
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: M) -> u64 {
        self.calls.get(&method).copied().unwrap_or_default()
    }

    /// Counts a call, and says what goes wrong with it.
    pub(crate) fn call(&mut self, method: M) -> Option<Harm<E>> {
        *self.calls.entry(method).or_default() += 1;
        self.all.iter_mut().filter(|fault| fault.method == method).find_map(Fault::fires)
    }
}

/// Does what a fault says, else the work.
pub(crate) async fn suffer<T, E>(harm: Option<Harm<E>>, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    match harm {
        None => work(),
        Some(Harm::Before(error)) => Err(error),
        Some(Harm::After(error)) => {
            work()?;
            Err(error)
        }
        Some(Harm::HangBefore) => pending().await,
        Some(Harm::HangAfter) => {
            work()?;
            pending().await
        }
    }
}
