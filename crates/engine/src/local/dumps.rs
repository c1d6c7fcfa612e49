//! Dumps and their restores, as the port asks for them: finds the running server and its tools, hands over.

use super::{LocalEngine, limits, now};
use crate::{
    cgroup::room,
    dump::{self, Throwaway, Works},
    host,
    identity::Identity,
    layout::ClusterDir,
    procs::Handle,
    roles::Names,
    users::complete,
    versions::Installed,
    volume::room_for,
};
use async_trait::async_trait;
use control::{
    backup::contents::Contents,
    engine::{
        EngineError, NodeSpec, Volume,
        dumps::{DumpError, Dumped, Dumps, Second, Sink, Source, Trial},
    },
};
use std::time::Duration;

/// A running server, with what its tools need.
struct Running {
    dir: ClusterDir,
    identity: Identity,
    installed: Installed,
    server: Handle,
    make_way: Duration,
}

impl Running {
    fn works<'a>(&'a self, spec: &'a NodeSpec) -> Works<'a> {
        let os_user = self.identity.os_user.as_ref();
        let (dir, installed, make_way) = (&self.dir, &self.installed, self.make_way);
        Works { dir, os_user, installed, port: spec.port, name: &spec.name, make_way }
    }
}

impl LocalEngine {
    async fn works(&self, spec: &NodeSpec) -> Result<Running, EngineError> {
        let (dir, server) = self.running(spec.id)?;
        let (_, identity) = self.find(spec.id)?;
        let installed = self.installed(spec.version).await?;
        Ok(Running { dir, identity, installed, server, make_way: self.inner.config.make_way })
    }
}

#[async_trait]
impl Dumps for LocalEngine {
    async fn dump(&self, spec: &NodeSpec, sink: &mut dyn Sink) -> Result<Dumped, DumpError> {
        let running = self.works(spec).await?;
        dump::make(&running.works(spec), sink).await
    }

    async fn try_dump(
        &self,
        spec: &NodeSpec,
        bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Trial, DumpError> {
        room_for(Volume::Data, self.inner.layout.root(), bytes)?;
        let _trying = self.inner.trying.lock().await;
        let installed = self.installed(spec.version).await?;
        let crate::local::Inner { config, ca, layout, pool, .. } = &*self.inner;
        let (maker, installed, limits) = (&pool.maker, &installed, limits(spec).aside(host::host()));
        let needs = Throwaway { config, ca, layout, maker, installed, limits, now: now() };
        dump::try_dump(needs, spec, source).await
    }

    async fn load_beside(
        &self,
        spec: &NodeSpec,
        bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Contents, DumpError> {
        room_for(Volume::Data, self.inner.layout.root(), bytes)?;
        let running = self.works(spec).await?;
        let works = running.works(spec);
        // A database of before there were restores does not have the role yet.
        complete(&works.superuser(), &Names::of(&spec.name)?).await?;
        let doors = room().doors_of(running.server.seen.pid, spec.id);
        dump::load_beside(&works, (doors, &limits(spec)), source).await
    }

    async fn swap(&self, spec: &NodeSpec, with: Second) -> Result<Duration, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let running = self.works(spec).await?;
        let swapped = dump::swap(&running.works(spec).superuser(), &spec.name, with).await?;
        self.forget(spec.id);
        Ok(swapped)
    }

    fn idle(&self) -> bool {
        // The load of the last minute, `proc(5)`; unreadable, nobody is kept waiting for it.
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split_whitespace().next().and_then(|load| load.parse::<f64>().ok()).unwrap_or(0.0);
        load < f64::from(host::host().cpus)
    }

    async fn seconds(&self, spec: &NodeSpec) -> Result<Vec<Second>, EngineError> {
        dump::seconds(&self.works(spec).await?.works(spec).superuser()).await
    }

    async fn drop_second(&self, spec: &NodeSpec, which: Second) -> Result<(), EngineError> {
        dump::drop(&self.works(spec).await?.works(spec).superuser(), which).await
    }
}
