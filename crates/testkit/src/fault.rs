//! Faults: which call of the fake engine goes wrong, how, and how often.

use control::engine::EngineError;
use std::{
    fmt,
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
}

/// What goes wrong.
#[derive(Clone)]
pub(crate) enum Harm {
    /// Nothing is done, and this is said.
    Before(Arc<dyn Fn() -> EngineError + Send + Sync>),
    /// It is done, and the reply is lost: this is said instead.
    After(Arc<dyn Fn() -> EngineError + Send + Sync>),
    /// Nothing is done, and no answer comes: a caller that is killed then.
    HangBefore,
    /// It is done, and no answer comes: a caller that is killed between the effect and its record.
    HangAfter,
}

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
#[derive(Clone)]
pub struct Fault {
    pub(crate) method: Method,
    pub(crate) harm: Harm,
    pub(crate) skip: u32,
    pub(crate) times: u32,
    pub(crate) fired: Fired,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.method)
    }
}

impl Fault {
    fn new(method: Method, harm: Harm) -> Self {
        Self { method, harm, skip: 0, times: 1, fired: Fired::default() }
    }

    /// Nothing is done, and `error` is said.
    pub fn before(method: Method, error: impl Fn() -> EngineError + Send + Sync + 'static) -> Self {
        Self::new(method, Harm::Before(Arc::new(error)))
    }

    /// It is done, and `error` is said: the reply was lost.
    pub fn after(method: Method, error: impl Fn() -> EngineError + Send + Sync + 'static) -> Self {
        Self::new(method, Harm::After(Arc::new(error)))
    }

    /// Nothing is done, and no answer ever comes.
    #[must_use]
    pub fn hang_before(method: Method) -> Self {
        Self::new(method, Harm::HangBefore)
    }

    /// It is done, and no answer ever comes.
    #[must_use]
    pub fn hang_after(method: Method) -> Self {
        Self::new(method, Harm::HangAfter)
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
    pub(crate) fn fires(&mut self) -> Option<Harm> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.times == 0 {
            return None;
        }
        self.times -= 1;
        self.fired.0.fetch_add(1, Ordering::SeqCst);
        Some(self.harm.clone())
    }
}
