//! Archives of backups for whoever has a link: whole, or from any byte on.
//!
//! An archive is made up while it is sent (`control::backup::archive`), out of a dump that is opened piece by piece, so a
//! download takes a few megabytes of memory however large it is. Its length and its name are known before its first byte
//! (`ETag`), so a cut download goes on where it was cut, and never with the bytes of another. Several ranges at once are
//! refused: nobody resumes like that.

use super::router::refused;
use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use control::{
    ControlPlane,
    backup::{archive::Part, link::Download, vault::Sealed},
};
use futures::stream;
use http_range_header::parse_range_header;
use std::{io, ops::Range};

/// Sent at a time, bytes.
const PIECE: usize = 1 << 20;
/// Opened at a time, bytes.
const AHEAD: u64 = 2 << 20;

/// `GET` and `HEAD`.
pub async fn download(
    State(control): State<ControlPlane>,
    method: Method,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match control.open_download(&token).await {
        Ok(download) => answer(download, &method, &headers),
        Err(error) => refused(&error),
    }
}

fn answer(download: Download, method: &Method, headers: &HeaderMap) -> Response {
    let Download { name, archive, sealed, etag } = download;
    let (length, etag) = (archive.bytes(), format!("\"{etag}\""));
    let of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let names = |list: &str| list.split(',').any(|one| one.trim() == etag || one.trim() == "*");
    if of(header::IF_MATCH).is_some_and(|list| !names(list)) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    if of(header::IF_NONE_MATCH).is_some_and(names) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    // Another archive than the one that was begun: it is sent from its beginning.
    let same = of(header::IF_RANGE).is_none_or(|wanted| wanted.trim() == etag);
    let range = match of(header::RANGE).filter(|_| same) {
        None => None,
        Some(asked) => match one_range(asked, length) {
            Some(range) => Some(range),
            None => {
                let whole = format!("bytes */{length}");
                return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, whole)]).into_response();
            }
        },
    };
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let sent = range.clone().unwrap_or(0..length);
    let body = if method == Method::HEAD { Body::empty() } else { body(archive.parts(sent.clone()), sealed) };
    let mut response = (status, body).into_response();
    let mut set = |name: HeaderName, value: String| {
        // Digits, hexadecimal digits and a name of letters, digits and underscores.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/gzip".into());
    set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    set(header::CONTENT_LENGTH, (sent.end - sent.start).to_string());
    set(header::ACCEPT_RANGES, "bytes".into());
    set(header::ETAG, etag);
    set(header::CACHE_CONTROL, "private, no-store".into());
    if range.is_some() {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", sent.start, sent.end - 1));
    }
    response
}

/// The one range that is asked for; `None`: none that there is, or several.
fn one_range(asked: &str, length: u64) -> Option<Range<u64>> {
    let ranges = parse_range_header(asked).ok()?.validate(length).ok()?;
    let [one] = ranges.as_slice() else { return None };
    Some(*one.start()..one.end() + 1)
}

/// What is being sent.
struct Sending<P> {
    parts: P,
    sealed: Box<dyn Sealed>,
    /// Where in the dump what was opened begins.
    at: u64,
    opened: Bytes,
}

fn body(parts: impl Iterator<Item = Part> + Send + 'static, sealed: Box<dyn Sealed>) -> Body {
    let sending = Sending { parts, sealed, at: 0, opened: Bytes::new() };
    Body::from_stream(stream::try_unfold(sending, |mut sending| async move {
        let piece = sending.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, sending)))
    }))
}

impl<P: Iterator<Item = Part>> Sending<P> {
    /// The next bytes of the archive; `None` at its end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut piece = Vec::with_capacity(PIECE + 70_000);
        while piece.len() < PIECE {
            match self.parts.next() {
                None => break,
                Some(Part::Literal(bytes)) => piece.extend_from_slice(&bytes),
                Some(Part::Dump(range)) => self.take(range, &mut piece).await?,
            }
        }
        Ok(Some(Bytes::from(piece)).filter(|piece| !piece.is_empty()))
    }

    async fn take(&mut self, mut range: Range<u64>, piece: &mut Vec<u8>) -> io::Result<()> {
        while range.start < range.end {
            let opened_to = self.at + self.opened.len() as u64;
            if !(self.at..opened_to).contains(&range.start) {
                let to = (range.start + AHEAD).min(self.sealed.bytes());
                // A damaged archive ends the download: what was sent so far must not look whole.
                self.opened = self.sealed.read(range.start..to).await.map_err(io::Error::other)?;
                self.at = range.start;
                continue;
            }
            let to = range.end.min(opened_to);
            let (from, until) = (offset(range.start - self.at)?, offset(to - self.at)?);
            piece.extend_from_slice(&self.opened[from..until]);
            range.start = to;
        }
        Ok(())
    }
}

fn offset(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::one_range;

    #[test]
    fn one_range_and_no_more() {
        assert_eq!(one_range("bytes=0-0", 10), Some(0..1));
        assert_eq!(one_range("bytes=3-", 10), Some(3..10));
        assert_eq!(one_range("bytes=-4", 10), Some(6..10));
        assert_eq!(one_range("bytes=5-99", 10), Some(5..10));
        for bad in ["bytes=10-", "bytes=0-1,3-4", "bytes=5-3", "lines=0-1", "bytes", ""] {
            assert_eq!(one_range(bad, 10), None, "{bad}");
        }
    }
}
