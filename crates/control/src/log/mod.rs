//! A server's log for people: its end by level and words, what comes in, slow statements with their plans, and the
//! switch that logs those.
//!
//! Nothing of a log is kept here: it is read from the server's files when somebody looks.

mod link;

pub use link::LogLink;

use crate::{
    Action, Actor, ControlPlane, Error, Result,
    engine::{LogFile, LogMark, LogPart},
    store,
};
use types::{
    AddonId, NodeId,
    log::{LogFilter, LogRecord, LogView, SlowQuery, SlowView, slow_ms},
};

/// So much of the end of a log is looked through for a page, bytes.
const LOOK: u64 = 4 << 20;
/// The same for slow statements.
const LOOK_SLOW: u64 = 16 << 20;
/// So many records stand on a page.
const RECORDS: usize = 300;
/// So many slow statements.
const QUERIES: usize = 100;
/// More words than that are not looked for.
const WORDS: usize = 200;

impl ControlPlane {
    /// The end of a database's log, oldest record first.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` (`q`) for a search that is too long; `Unavailable` when the log cannot be read.
    pub async fn log(&self, actor: &Actor, addon: AddonId, filter: &LogFilter) -> Result<LogView> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        if filter.words.chars().count() > WORDS {
            return Err(Error::invalid("q", format!("Search for {WORDS} characters at most.")));
        }
        let LogPart { mut records, mark } = self.inner.engine.log_end(access.node, LOOK).await?;
        records.retain(|record| filter.takes(record));
        let left_out = records.len().saturating_sub(RECORDS);
        records.drain(..left_out);
        Ok(LogView { records, mark: mark.map(|mark| mark.to_string()), left_out, now: self.now() })
    }

    /// What came into a database's log after `mark`.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub async fn log_since(&self, actor: &Actor, addon: AddonId, mark: &LogMark) -> Result<LogPart> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        Ok(self.inner.engine.log_since(access.node, mark).await?)
    }

    /// The files of a database's log, newest first.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub async fn log_files(&self, actor: &Actor, addon: AddonId) -> Result<Vec<LogFile>> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        Ok(self.inner.engine.log_files(access.node).await?)
    }

    /// Statements that took long, the slowest or the newest first.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub async fn slow_queries(&self, actor: &Actor, addon: AddonId, newest_first: bool) -> Result<SlowView> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        drop(conn);
        let engine = &self.inner.engine;
        let part = engine.log_end(access.node, LOOK_SLOW).await?;
        let mut queries: Vec<_> = part.records.iter().rev().filter_map(SlowQuery::of).collect();
        if !newest_first {
            queries.sort_by(|one, other| other.ms.total_cmp(&one.ms));
        }
        let left_out = queries.len().saturating_sub(QUERIES);
        queries.truncate(QUERIES);
        let threshold_ms = row.slow_query_ms.and_then(|ms| u32::try_from(ms).ok());
        let needs_restart = match threshold_ms {
            Some(_) => engine
                .pending(&self.spec(&row)?)
                .await
                .is_ok_and(|waiting| waiting.iter().any(|name| name == "shared_preload_libraries")),
            None => false,
        };
        Ok(SlowView { queries, left_out, threshold_ms, needs_restart, now: self.now() })
    }

    /// Logs statements that take so many milliseconds with their plans from now on, or none. Asked for what is so
    /// already, it changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`; `Invalid` (`threshold_ms`).
    pub async fn log_slow_queries(&self, actor: &Actor, addon: AddonId, ms: Option<i64>) -> Result<()> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let ms = slow_ms(ms).map_err(|sentence| Error::invalid("threshold_ms", sentence))?;
        let stored = ms.and_then(|ms| i32::try_from(ms).ok());
        let mut change = self.change(actor, addon).await?;
        if change.row.slow_query_ms == stored {
            return Ok(());
        }
        let database = change.row.database_id;
        store::network::slow_queries(change.conn(), database, stored).await?;
        let told = ms.map_or_else(|| "off".to_owned(), |ms| format!("{ms} ms"));
        self.apply(change, actor, "log.slow_queries", told).await?;
        Ok(())
    }

    /// The last records of the log that a link opens, oldest first.
    ///
    /// # Errors
    /// `NotFound` for a link that is none, or too old; `Unavailable` when the log cannot be read.
    pub async fn log_by_link(&self, link: &LogLink, count: usize) -> Result<Vec<LogRecord>> {
        let node = self.linked(link).await?;
        let mut records = self.inner.engine.log_end(node, LOOK).await?.records;
        // Nobody asks for our own visits.
        records.retain(|record| !record.is_housekeeping());
        records.drain(..records.len().saturating_sub(count));
        Ok(records)
    }

    /// What came after `mark` in the log that a link opens.
    ///
    /// # Errors
    /// As [`Self::log_by_link`].
    pub async fn log_since_by_link(&self, link: &LogLink, mark: &LogMark) -> Result<LogPart> {
        let node = self.linked(link).await?;
        Ok(self.inner.engine.log_since(node, mark).await?)
    }

    /// The server of a link's database, as long as it lives.
    async fn linked(&self, link: &LogLink) -> Result<NodeId> {
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, link.addon).await.map_err(|_| Error::NotFound("log"))?;
        if row.deleted_at.is_some() {
            return Err(Error::NotFound("log"));
        }
        Ok(row.node())
    }
}
