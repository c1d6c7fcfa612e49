//! Which timeline the database wrote at a moment: a pure function of the switches that it went through.
//!
//! A moment is what clocks on the wall showed. After a switch at noon to ten o'clock, "eleven" is what the database was at
//! eleven, before the switch, and not what the new timeline has before its first commit.

use crate::store::pitr::Restore;
use chrono::{DateTime, Utc};

/// The moment, and the timeline that leads there. While a switch was under way nobody wrote: then the last moment before
/// it is meant.
pub(super) fn of(
    restores: &[Restore],
    serving: Option<u32>,
    moment: DateTime<Utc>,
) -> (DateTime<Utc>, Option<u32>) {
    let after =
        restores.iter().filter(|one| one.status == "switched" && one.ended_at.is_some_and(|at| at >= moment));
    let Some(next) = after.min_by_key(|one| one.ended_at) else { return (moment, serving) };
    let left = next.left_timeline.and_then(|id| u32::try_from(id).ok());
    (next.left_at.map_or(moment, |at| moment.min(at)), left.or(serving))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use uuid::Uuid;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn switched(hour: i64, back_to: i64, left: i64) -> Restore {
        Restore {
            id: Uuid::nil(),
            database_id: Uuid::nil(),
            status: "switched".into(),
            moment: at(back_to),
            timeline: None,
            reached_at: None,
            tables: None,
            took_ms: None,
            operation_id: Uuid::nil(),
            created_at: at(hour),
            ended_at: Some(at(hour)),
            left_node: None,
            left_timeline: Some(left),
            left_at: Some(at(hour) - TimeDelta::minutes(1)),
        }
    }

    #[test]
    fn a_moment_is_of_the_line_that_was_written_then() {
        let restores = [switched(15, 13, 2), switched(12, 10, 1)];
        let line = |hour| of(&restores, Some(3), at(hour)).1;
        assert_eq!([9, 11, 13, 14, 16].map(line), [Some(1), Some(1), Some(2), Some(2), Some(3)]);
        assert_eq!(
            of(&restores, Some(3), at(12)),
            (at(12) - TimeDelta::minutes(1), Some(1)),
            "during the switch"
        );
        assert_eq!(of(&[], Some(3), at(12)), (at(12), Some(3)));
        let unknown = Restore { left_timeline: None, left_at: None, ..switched(12, 10, 1) };
        assert_eq!(of(&[unknown], Some(2), at(11)), (at(11), Some(2)));
    }
}
