//! Where dumps of these tests go to and come from: memory.

#![allow(dead_code, reason = "tests of other things borrow this kit")]

use crate::host::Host;
use async_trait::async_trait;
use bytes::Bytes;
use control::engine::{
    NodeSpec,
    dumps::{DumpError, Dumped, Dumps as _, Sink, Source},
};
use std::time::Duration;

/// Keeps all of a dump.
#[derive(Default)]
pub struct Kept(pub Vec<u8>);

#[async_trait]
impl Sink for Kept {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Gives bytes in pieces.
pub struct Pieces(pub Vec<u8>, pub usize);

#[async_trait]
impl Source for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, DumpError> {
        let to = (self.1 + 65_536).min(self.0.len());
        let piece = Bytes::copy_from_slice(&self.0[self.1..to]);
        self.1 = to;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

/// A dump that must succeed.
pub async fn dump(host: &Host, spec: &NodeSpec) -> (Dumped, Vec<u8>) {
    let mut kept = Kept::default();
    let dumped = host.engine.dump(spec, &mut kept).await.unwrap();
    assert!(kept.0.starts_with(b"PGDMP"), "the custom format");
    (dumped, kept.0)
}

/// No session of a dump is left, and nobody can log in as it did.
pub async fn nothing_stays(host: &Host, spec: &NodeSpec) {
    let client = host.inside(spec, "postgres").await;
    let left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'paddock_backup'";
    let mut tries = 0;
    while client.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tries += 1;
        assert!(tries < 100, "a session of the dump stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let password = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'paddock_backup'";
    let gone = client.query_one(password, &[]).await.unwrap().get::<_, bool>(0);
    assert!(gone, "the password of the job is gone");
}
