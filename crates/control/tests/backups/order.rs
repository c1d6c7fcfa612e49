//! Which backup is newer is known without a clock.

use crate::yard::Yard;
use chrono::TimeDelta;

/// F24: the clock goes back two hours between two backups.
#[tokio::test]
async fn a_newer_backup_is_above_an_older_one_whatever_the_clock_says() {
    let yard = Yard::new().await;
    let older = yard.back_up().await;
    yard.house.clock.advance(TimeDelta::hours(-2));
    let newer = yard.back_up().await;
    assert!(newer.created_at < older.created_at, "the clock was set back");
    let view = yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap();
    let listed: Vec<_> = view.backups.iter().map(|backup| backup.id).collect();
    assert_eq!(listed, [newer.id, older.id]);
}
