//! Bytes on their way: of a dump into the vault, of an archive out of it. Whoever waits is told how far it is, and a dump
//! that nobody wants any more, or that has no room, is stopped.

use super::cancelled;
use crate::{
    ControlPlane,
    backup::{
        room,
        vault::{Sealed, Sealing},
    },
    engine::dumps::{DumpError, Sink, Source},
    store,
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use durable::{Cx, StepError};
use types::{BackupId, plan::size};

/// How often people are told how far it is: at first, and after the first minute.
const TELL: TimeDelta = TimeDelta::seconds(1);
const TELL_LATER: TimeDelta = TimeDelta::seconds(5);
/// Read from an archive at a time, bytes.
const PIECE: u64 = 1 << 20;

/// When people are told how far it is.
#[derive(Clone, Copy)]
struct Pace {
    began: DateTime<Utc>,
    told: DateTime<Utc>,
}

impl Pace {
    const fn from(now: DateTime<Utc>) -> Self {
        Self { began: now, told: now }
    }

    fn due(&mut self, now: DateTime<Utc>) -> bool {
        let pause = if now - self.began < TimeDelta::minutes(1) { TELL } else { TELL_LATER };
        let due = now - self.told >= pause;
        if due {
            self.told = now;
        }
        due
    }
}

/// Takes a dump: into the vault, and the progress to the people who wait.
pub(super) struct Taking<'a> {
    plane: &'a ControlPlane,
    id: BackupId,
    pub(super) sealing: Box<dyn Sealing>,
    pub(super) cx: &'a mut Cx,
    pace: Pace,
    pub(super) bytes: u64,
    /// Somebody has cancelled.
    stop: bool,
    /// Something waits for it.
    in_haste: bool,
    /// It goes slowly, because others work.
    makes_way: bool,
    /// It would fill the volume: so said for people.
    pub(super) outgrown: Option<String>,
}

impl<'a> Taking<'a> {
    pub(super) fn into(
        sealing: Box<dyn Sealing>,
        (plane, id): (&'a ControlPlane, BackupId),
        in_haste: bool,
        cx: &'a mut Cx,
    ) -> Self {
        let pace = Pace::from(cx.now());
        Self {
            plane,
            id,
            sealing,
            pace,
            bytes: 0,
            stop: false,
            in_haste,
            makes_way: false,
            outgrown: None,
            cx,
        }
    }

    async fn tell(&mut self) -> Result<(), StepError> {
        let now = self.cx.now();
        if !self.pace.due(now) {
            return Ok(());
        }
        self.stop = cancelled(self.plane, self.cx).await;
        let mut conn = self.plane.store().acquire().await?;
        store::backup::progress(&mut conn, self.id.uuid(), self.bytes.cast_signed()).await?;
        drop(conn);
        let ms = crate::operation::millis(self.pace.began, now).max(1);
        let rate = size(self.bytes.saturating_mul(1000) / ms);
        let why = if self.makes_way { ", making way for other work on this host" } else { "" };
        self.cx.detail(format!("{} so far, {rate}/s{why}", size(self.bytes))).await
    }
}

#[async_trait]
impl Sink for Taking<'_> {
    async fn stopped(&mut self) -> bool {
        cancelled(self.plane, self.cx).await
    }

    fn in_haste(&self) -> bool {
        self.in_haste
    }

    fn makes_way(&mut self, makes_way: bool) {
        self.makes_way = makes_way;
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        if self.stop {
            return Err(DumpError::Stopped);
        }
        self.sealing.write(bytes).await?;
        let before = self.bytes / room::LOOK;
        self.bytes += bytes.len() as u64;
        if self.bytes / room::LOOK > before {
            self.outgrown = room::outgrown(&self.plane.inner.vault, self.bytes).await;
            if self.outgrown.is_some() {
                return Err(DumpError::Stopped);
            }
        }
        // Who lost the lease notices it at the next write of the operation; nobody fails for a figure.
        if let Err(error) = self.tell().await {
            tracing::debug!(%error, backup = %self.id, "progress is not told");
        }
        Ok(())
    }
}

/// Gives an archive's dump, piece by piece, and the progress to the people who wait.
pub(in crate::ops) struct Giving<'a> {
    sealed: Box<dyn Sealed>,
    bytes: u64,
    at: u64,
    pace: Pace,
    cx: &'a mut Cx,
}

impl<'a> Giving<'a> {
    pub(super) fn from(sealed: Box<dyn Sealed>, cx: &'a mut Cx) -> Self {
        let pace = Pace::from(cx.now());
        Self { bytes: sealed.bytes(), sealed, at: 0, pace, cx }
    }
}

#[async_trait]
impl Source for Giving<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, DumpError> {
        if self.at == self.bytes {
            return Ok(None);
        }
        // Nobody fails for a figure.
        if self.pace.due(self.cx.now()) {
            let told = format!("{} of {} restored", size(self.at), size(self.bytes));
            if let Err(error) = self.cx.detail(told).await {
                tracing::debug!(%error, "progress is not told");
            }
        }
        let to = (self.at + PIECE).min(self.bytes);
        let piece = self.sealed.read(self.at..to).await?;
        self.at = to;
        Ok(Some(piece))
    }
}
