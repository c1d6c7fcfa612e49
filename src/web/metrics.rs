//! Numbers to take along: the charts of a database as a CSV file, for whoever is signed in.

use super::router::refused;
use app::ssr::Viewer;
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDateTime, Utc};
use control::{ControlPlane, Error};
use serde::Deserialize;
use types::metric::Range;

/// Which time. `range` is a button's key, or `custom` with two moments.
#[derive(Deserialize)]
pub struct Asked {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl Asked {
    fn range(&self) -> Result<Range, Error> {
        let wrong =
            || Error::invalid("range", "The range is 1h, 6h, 24h, 7d, 30d, or custom with two moments.");
        match (self.range.as_deref(), &self.from, &self.to) {
            (None, None, None) => Ok(Range::default()),
            (None | Some("custom"), Some(from), Some(to)) => {
                let moment = |text| moment(text).ok_or_else(wrong);
                Ok(Range::Between(moment(from)?, moment(to)?))
            }
            (Some(key), ..) => Range::named(key).ok_or_else(wrong),
            (None, ..) => Err(wrong()),
        }
    }
}

/// RFC 3339, or what a browser's field for a moment sends, in UTC.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    formats.iter().find_map(|format| Some(NaiveDateTime::parse_from_str(text, format).ok()?.and_utc()))
}

/// The file.
pub async fn csv(
    State(control): State<ControlPlane>,
    Extension(viewer): Extension<Viewer>,
    Path(database): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let made = async {
        let actor = viewer.actor.ok_or(Error::Unauthenticated)?;
        let addon = database.parse().map_err(|_| Error::NotFound("addon"))?;
        let range = asked.range()?;
        let text = control.metrics_csv(&actor, addon, range).await?;
        let name = control.addon(&actor, addon).await?.resource_id;
        Ok::<_, Error>((text, format!("attachment; filename=\"{name}-{}.csv\"", range.key())))
    };
    match made.await {
        Ok((text, file)) => {
            let kind = "text/csv; charset=utf-8".to_owned();
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)], text).into_response()
        }
        Err(error) => refused(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_from_the_address() {
        let of = |range: &str, from: &str, to: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Asked { range: some(range), from: some(from), to: some(to) }.range()
        };
        assert_eq!(of("", "", "").unwrap(), Range::Day);
        assert_eq!(of("7d", "", "").unwrap(), Range::Week);
        let two = of("custom", "2026-11-27T10:00", "2026-11-27T12:00:00+01:00").unwrap();
        let Range::Between(from, to) = two else { panic!("{two:?}") };
        assert_eq!((to - from).num_minutes(), 60);
        for (range, from, to) in [("2h", "", ""), ("custom", "", ""), ("custom", "x", "y"), ("", "x", "")] {
            assert!(of(range, from, to).is_err(), "{range} {from} {to}");
        }
    }
}
