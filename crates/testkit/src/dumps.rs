//! The fake's dumps: bytes that a test put there, and what is counted of them.

use crate::{FakeEngine, Method, port::refused};
use async_trait::async_trait;
use control::{
    backup::contents::Contents,
    engine::{
        EngineError, NodeSpec,
        dumps::{DumpError, Dumped, Dumps, Second, Sink, Source, Trial},
    },
};
use std::time::Duration;
use types::NodeId;

/// What a node's database holds, and what lies beside it. A dump is what it holds, written down.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// What is in the user's database.
    pub contents: Contents,
    /// What is being restored.
    pub incoming: Option<Contents>,
    /// What was there before.
    pub replaced: Option<Contents>,
    /// Restores lose something.
    pub loses_rows: bool,
    /// What `pg_amcheck` complains of in a trial.
    pub complaints: Vec<String>,
    /// So many bytes follow in a dump, of no meaning.
    pub padding: usize,
}

const END: &[u8] = b"\n--- padding ---\n";

impl FakeEngine {
    /// What a node's database holds from now on.
    pub fn holds(&self, id: NodeId, change: impl FnOnce(&mut Data)) {
        change(self.state().data.entry(id).or_default());
    }

    /// What it holds.
    #[must_use]
    pub fn data(&self, id: NodeId) -> Data {
        self.state().data.get(&id).cloned().unwrap_or_default()
    }

    /// The host has something better to do from now on, or nothing.
    pub fn busy(&self, busy: bool) {
        self.state().busy = busy;
    }

    async fn read(&self, source: &mut dyn Source) -> Result<Contents, DumpError> {
        let mut bytes = Vec::new();
        while let Some(piece) = source.next().await? {
            bytes.extend_from_slice(&piece);
        }
        let end = bytes.windows(END.len()).position(|window| window == END);
        let broken = || DumpError::Refused("pg_restore: it is no dump".into());
        let text = &bytes[..end.ok_or_else(broken)?];
        serde_json::from_slice(text).map_err(|_| broken())
    }
}

#[async_trait]
impl Dumps for FakeEngine {
    async fn dump(&self, spec: &NodeSpec, sink: &mut dyn Sink) -> Result<Dumped, DumpError> {
        let data = self
            .call(Method::Dump, |state| {
                let node = state.nodes.get(&spec.id).ok_or(EngineError::Absent)?;
                node.running.ok_or_else(|| refused("the server does not run"))?;
                Ok(state.data.get(&spec.id).cloned().unwrap_or_default())
            })
            .await?;
        let mut bytes = serde_json::to_vec(&data.contents).unwrap_or_default();
        bytes.extend_from_slice(END);
        bytes.resize(bytes.len() + data.padding, b'x');
        for piece in bytes.chunks(1000) {
            sink.write(piece).await?;
        }
        Ok(Dumped { contents: data.contents, at: control_now(self) })
    }

    async fn try_dump(
        &self,
        spec: &NodeSpec,
        _bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Trial, DumpError> {
        let data = self
            .call(Method::TryDump, |state| Ok(state.data.get(&spec.id).cloned().unwrap_or_default()))
            .await?;
        let mut contents = self.read(source).await?;
        if data.loses_rows {
            contents.rows.pop_first();
        }
        Ok(Trial { contents, took: Duration::from_millis(1500), complaints: Some(data.complaints) })
    }

    async fn load_beside(
        &self,
        spec: &NodeSpec,
        _bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Contents, DumpError> {
        let contents = self.read(source).await?;
        let loaded = self.call(Method::LoadBeside, |state| {
            let data = state.data.entry(spec.id).or_default();
            let mut contents = contents.clone();
            if data.loses_rows {
                contents.rows.pop_first();
            }
            data.incoming = Some(contents.clone());
            Ok(contents)
        });
        Ok(loaded.await?)
    }

    async fn swap(&self, spec: &NodeSpec, with: Second) -> Result<Duration, EngineError> {
        self.call(Method::Swap, |state| {
            let data = state.data.entry(spec.id).or_default();
            let other = match with {
                Second::Incoming => data.incoming.take(),
                Second::Replaced => data.replaced.take(),
            };
            let other = other.ok_or_else(|| refused("there is no other database"))?;
            data.replaced = Some(std::mem::replace(&mut data.contents, other));
            Ok(Duration::from_millis(40))
        })
        .await
    }

    fn idle(&self) -> bool {
        !self.state().busy
    }

    async fn seconds(&self, spec: &NodeSpec) -> Result<Vec<Second>, EngineError> {
        self.call(Method::Seconds, |state| {
            let data = state.data.entry(spec.id).or_default();
            let incoming = data.incoming.is_some().then_some(Second::Incoming);
            let replaced = data.replaced.is_some().then_some(Second::Replaced);
            Ok(incoming.into_iter().chain(replaced).collect())
        })
        .await
    }

    async fn drop_second(&self, spec: &NodeSpec, which: Second) -> Result<(), EngineError> {
        self.call(Method::DropSecond, |state| {
            let data = state.data.entry(spec.id).or_default();
            match which {
                Second::Incoming => data.incoming = None,
                Second::Replaced => data.replaced = None,
            }
            Ok(())
        })
        .await
    }
}

/// The server's clock is the test's.
fn control_now(engine: &FakeEngine) -> chrono::DateTime<chrono::Utc> {
    durable::Clock::now(&*engine.clock)
}
