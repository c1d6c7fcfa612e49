//! The users: read as the weak monitoring role. When somebody was last there is in no catalogue: open sessions tell
//! it, and the server's own log as far as it is kept at hand.

use super::House;
use crate::{layout::ClusterDir, logs, sql::ours};
use chrono::{DateTime, Utc};
use control::engine::{EngineError, UserSeen};
use std::{collections::HashMap, time::SystemTime};
use tokio_postgres::{Client, Row};
use types::log::LogRecord;

/// How much of the log's end is looked at.
const BYTES: u64 = 1 << 20;

/// All of them, the protected one first.
pub(crate) async fn list(
    house: &House<'_>,
    seen: HashMap<String, DateTime<Utc>>,
) -> Result<Vec<UserSeen>, EngineError> {
    let (rw, ro) = (format!("{}_rw", house.spec.name), format!("{}_ro", house.spec.name));
    let ask = format!(
        r#"SELECT r.rolname::text, NOT pg_has_role(r.oid, $1::text::name, 'MEMBER'), e.kind,
                  (SELECT count(*) FROM pg_stat_activity a
                   WHERE a.usesysid = r.oid AND a.backend_type = 'client backend'),
                  (SELECT max(greatest(a.state_change, a.backend_start)) FROM pg_stat_activity a
                   WHERE a.usesysid = r.oid AND a.backend_type = 'client backend')
           FROM pg_roles r JOIN paddock.password_encryption() e ON e.name = r.rolname::text
           -- One whose removal was cut short may log in no more, and is still there to be removed. The database's own
           -- roles are not users, but for the login that is published.
           WHERE NOT r.rolsuper AND r.rolname NOT IN ({})
             AND (r.rolname = $3 OR r.rolname NOT IN (SELECT $4::text || e FROM unnest(ARRAY['', '_b', '_owner', '_rw', '_ro']) e))
             AND (pg_has_role(r.oid, $1::text::name, 'MEMBER') OR pg_has_role(r.oid, $2::text::name, 'MEMBER'))
           ORDER BY r.rolname <> $3, r.rolname"#,
        ours()
    );
    let (login, name) = (&house.spec.login, &house.spec.name);
    let rows = house.monitor.run("read the users", async |client: Client| {
        let rows = client.query(&ask, &[&rw, &ro, &login, name]).await?;
        rows.iter().map(|row| user(row, &seen)).collect::<Result<_, _>>()
    });
    rows.await
}

fn user(row: &Row, seen: &HashMap<String, DateTime<Utc>>) -> Result<UserSeen, tokio_postgres::Error> {
    let name: String = row.try_get(0)?;
    let now: Option<SystemTime> = row.try_get(4)?;
    Ok(UserSeen {
        read_only: row.try_get(1)?,
        password_encryption: row.try_get(2)?,
        connections: u32::try_from(row.try_get::<_, i64>(3)?).unwrap_or(0),
        last_activity: now.map(DateTime::from).max(seen.get(&name).copied()),
        name,
    })
}

/// When each user's last session began or ended, as the end of the log tells.
pub(crate) fn seen_in_log(dir: &ClusterDir) -> HashMap<String, DateTime<Utc>> {
    // A log that cannot be read tells nobody's visit; open sessions still do.
    let told = logs::end(&dir.log(), BYTES).unwrap_or_default();
    told.records.iter().filter_map(visit).collect()
}

/// Who came or went with this record, and when.
fn visit(record: &LogRecord) -> Option<(String, DateTime<Utc>)> {
    let told = ["connection authorized: ", "disconnection: "];
    let (user, _) = record.who.rsplit_once('@')?;
    let visit = record.severity == "LOG" && told.iter().any(|words| record.text.starts_with(words));
    visit.then_some((user.to_owned(), record.at?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_who_was_there() {
        let line = r#"{"timestamp":"2026-11-28 03:20:44.123 UTC","user":"analyst","dbname":"shop_1","pid":71,"error_severity":"LOG","message":"disconnection: session time: 0:00:01.250 user=analyst database=shop_1 host=127.0.0.1"}"#;
        let (who, at) = visit(&LogRecord::read(line)).unwrap();
        assert_eq!((who.as_str(), at.to_rfc3339().as_str()), ("analyst", "2026-11-28T03:20:44.123+00:00"));
        for other in ["", "disconnection: user=x", &line.replace("LOG", "ERROR"), &line.replace("dis", "x")] {
            assert_eq!(visit(&LogRecord::read(other)), None, "{other}");
        }
    }
}
