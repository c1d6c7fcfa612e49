//! The name under which a backup's archive is downloaded. It never decides where an archive lies: a place is made of ids.

use chrono::{DateTime, Utc};

/// `20261128010000_my_app_3030.tar.gz`: the moment of the backup in UTC, and the database. What could mean something to
/// a shell, a header or a file system becomes `_`.
#[must_use]
pub fn archive(made_at: DateTime<Utc>, database: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let database: String = database.chars().map(plain).collect();
    format!("{}_{database}.tar.gz", made_at.format("%Y%m%d%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_named_by_moment_and_database() {
        let made_at = "2026-03-01T02:03:04+01:00".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(archive(made_at, "my_app_3030"), "20260301010304_my_app_3030.tar.gz");
        assert_eq!(archive(made_at, "../ä\"\r\n;x"), "20260301010304_________x.tar.gz");
    }
}
