//! Acts on extensions, rights and counted statements.

use super::{Ask, Done, Failed, Told};
use crate::api::error::ApiError;
use serde_json::{Value, json};
use types::statement::{Counting, StatementOrder, StatementRange};

impl Ask {
    fn name(&self, otherwise: &str) -> Told<String> {
        let name = self.params.get("name").and_then(Value::as_str).map(str::to_owned);
        name.ok_or_else(|| Failed::Refused(ApiError::invalid("name", otherwise)))
    }

    fn extension(&self) -> Told<String> {
        self.name("Name the extension: {\"name\": \"hstore\"}.")
    }

    pub(super) async fn list_extensions(self) -> Told {
        let all = self.control.extensions(&self.actor, self.addon).await?;
        let made = all.into_iter().filter_map(|one| Some((one.name, one.version?)));
        let told = made.map(|(name, version)| json!({"name": name, "version": format!("v{version}")}));
        Ok(Done::told(told.collect()))
    }

    pub(super) async fn create_extension(self) -> Told {
        let name = self.extension()?;
        let version = self.control.create_extension(&self.actor, self.addon, &name).await?;
        Ok(Done::told(json!({"name": name, "version": format!("v{version}")})))
    }

    pub(super) async fn drop_extension(self) -> Told {
        let name = self.extension()?;
        self.control.drop_extension(&self.actor, self.addon, &name).await?;
        Ok(Done::nothing())
    }

    /// Answers how many gaps the user has still.
    pub(super) async fn mend_rights(self) -> Told {
        let name = self.name("Name the user: {\"name\": \"reporting\"}.")?;
        let left = self.control.mend_database_rights(&self.actor, self.addon, &name).await?;
        Ok(Done::told(json!({"gaps": left})))
    }

    pub(super) async fn count_statements(self, on: bool) -> Told {
        self.control.count_statements(&self.actor, self.addon, on).await?;
        Ok(Done::nothing())
    }

    pub(super) async fn reset_statements(self) -> Told {
        self.control.reset_statements(&self.actor, self.addon).await?;
        Ok(Done::nothing())
    }

    pub(super) async fn list_statements(self) -> Told {
        let (range, order) = (StatementRange::Reset, StatementOrder::Time);
        let view = self.control.statements(&self.actor, self.addon, range, order).await?;
        let said = match view.counting {
            Counting::On => None,
            Counting::Off => Some("Statements of this database are not counted."),
            Counting::NeedsRestart => Some("Counting begins with the next restart."),
            Counting::NotRunning => Some("The server does not answer."),
        };
        if let Some(said) = said {
            return Err(Failed::Said(said.into()));
        }
        let told = view.statements.into_iter().map(|one| {
            let (mean, spread) = (one.mean_ms(), one.spread.unwrap_or_default());
            json!({
                "user_id": one.counters.user_id, "query": one.query, "calls": one.counters.calls,
                "rows": one.counters.rows, "total_time": one.counters.total_ms, "min_time": spread.min_ms,
                "max_time": spread.max_ms, "mean_time": mean, "std_dev": spread.deviation_ms,
            })
        });
        Ok(Done::told(told.collect()))
    }
}
