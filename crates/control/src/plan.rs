//! The plan table: configuration, looked up by name. Rows are never made up: an unknown plan is refused, and one
//! that left the configuration is shown by its name alone.

use crate::{ControlPlane, Error};
use types::Plan;

impl ControlPlane {
    /// Every plan that can be chosen, in the order of the configuration.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.config().plans
    }

    /// The plan of this name.
    ///
    /// # Errors
    /// `Invalid` on field `plan`: there is none.
    pub fn plan(&self, name: &str) -> Result<Plan, Error> {
        let found = self.plans().iter().find(|plan| plan.name == name).cloned();
        found.ok_or_else(|| {
            let names: Vec<_> = self.plans().iter().map(|plan| plan.name.as_str()).collect();
            Error::invalid(
                "plan",
                format!("There is no plan of this name. The plans are {}.", names.join(", ")),
            )
        })
    }

    /// The plan of a database that exists: one that left the configuration keeps its name and shows no figures.
    pub(crate) fn plan_shown(&self, name: &str) -> Plan {
        self.plans().iter().find(|plan| plan.name == name).cloned().unwrap_or_else(|| Plan {
            name: name.to_owned(),
            display_name: name.to_owned(),
            description: "This plan is not in the configuration any more.".into(),
            memory_mib: 0,
            disk_mib: 0,
            cpu_milli: 0,
            nodes: 1,
            daily_backups: 0,
            weekly_backups: 0,
            monthly_backups: 0,
            manual_backups: 0,
            pitr_days: 0,
        })
    }
}
