//! Logs of databases for browsers and links: what comes in as a stream of events, and what is kept as a text file.
//!
//! A file is sent as it is read, a piece at a time, so that a long log takes no memory. Who follows is asked again at each
//! look.

use super::{
    events::{Proof, answer},
    router::refused,
};
use app::ssr::Viewer;
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response, sse::Event},
};
use control::{
    Actor, ControlPlane, Error,
    engine::{LogMark, LogPart},
    log::LogLink,
};
use futures::stream;
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};
use tokio::time::sleep;
use types::{
    AddonId,
    log::{Level, LogFilter, LogRecord},
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Which records a stream tells, and from where on.
#[derive(Deserialize)]
pub struct Asked {
    level: Option<String>,
    q: Option<String>,
    /// The mark that the page was made with.
    after: Option<String>,
}

impl Asked {
    fn filter(&self) -> LogFilter {
        LogFilter {
            level: self.level.as_deref().map(Level::named).unwrap_or_default(),
            words: self.q.clone().unwrap_or_default(),
        }
    }
}

struct Follow {
    control: ControlPlane,
    proof: Proof,
    addon: AddonId,
    filter: LogFilter,
    mark: LogMark,
}

/// The stream of a log. `last`: what the browser had seen when the stream broke.
///
/// # Errors
/// `Unauthenticated`; `NotFound` also for what belongs to somebody else.
pub async fn follow(
    control: ControlPlane,
    proof: Proof,
    addon: AddonId,
    asked: Asked,
    last: Option<&str>,
) -> control::Result<Response> {
    let actor = proof.actor(&control).await?;
    let after = last.or(asked.after.as_deref()).and_then(LogMark::read);
    let mark = match after {
        Some(mark) => mark,
        // A page without a log: from the first record on.
        None => LogMark { file: String::new(), offset: 0 },
    };
    control.log_since(&actor, addon, &mark).await?;
    let follow = Follow { control, proof, addon, filter: asked.filter(), mark };
    Ok(answer(stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    })))
}

impl Follow {
    /// The next records; the end when they may not be told any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let actor = self.proof.actor(&self.control).await.ok()?;
            let part = self.control.log_since(&actor, self.addon, &self.mark).await.ok()?;
            let moved = part.mark.filter(|mark| *mark != self.mark);
            let Some(mark) = moved else {
                sleep(LOOK).await;
                continue;
            };
            self.mark = mark;
            let news: Vec<_> = part.records.into_iter().filter(|record| self.filter.takes(record)).collect();
            if !news.is_empty() {
                return Event::default().event("log").id(self.mark.to_string()).json_data(&news).ok();
            }
        }
    }
}

/// Who may read a file, piece by piece.
#[derive(Clone)]
enum Reader {
    Person(ControlPlane, Actor, AddonId),
    Link(ControlPlane, LogLink),
}

impl Reader {
    async fn read(&self, mark: &LogMark) -> control::Result<LogPart> {
        match self {
            Self::Person(control, actor, addon) => control.log_since(actor, *addon, mark).await,
            Self::Link(control, link) => control.log_since_by_link(link, mark).await,
        }
    }
}

/// One file of a log, by a link.
pub fn file(control: ControlPlane, link: LogLink) -> Response {
    let name = link.file.clone().unwrap_or_default();
    let start = LogMark { file: name.clone(), offset: 0 };
    text(Reader::Link(control, link), start, Some(name))
}

/// All that is kept of a log, for whoever is signed in.
pub async fn download(
    State(control): State<ControlPlane>,
    Extension(viewer): Extension<Viewer>,
    Path(database): Path<String>,
) -> Response {
    let made = async {
        let actor = viewer.actor.ok_or(Error::Unauthenticated)?;
        let addon: AddonId = database.parse().map_err(|_| Error::NotFound("addon"))?;
        let name = control.addon(&actor, addon).await?.resource_id;
        let start = LogMark { file: String::new(), offset: 0 };
        let mut response = text(Reader::Person(control, actor, addon), start, None);
        if let Ok(value) = format!("attachment; filename=\"{name}.log\"").parse() {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
        Ok::<_, Error>(response)
    };
    made.await.unwrap_or_else(|error| refused(&error))
}

/// Text from `start` on, to the end of `only` or of the log.
fn text(reader: Reader, start: LogMark, only: Option<String>) -> Response {
    let pieces = stream::unfold(Some((reader, start, only)), |state| async move {
        let (reader, mark, only) = state?;
        let part = match reader.read(&mark).await {
            Ok(part) => part,
            // What was sent so far must not look whole.
            Err(error) => return Some((Err(std::io::Error::other(error.to_string())), None)),
        };
        let next = part.mark.filter(|next| *next != mark)?;
        if only.as_ref().is_some_and(|only| next.file != *only) {
            return None;
        }
        let text: String = part.records.iter().map(|record: &LogRecord| record.plain() + "\n").collect();
        Some((Ok(Bytes::from(text)), Some((reader, next, only))))
    });
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from_stream(pieces)).into_response()
}
