//! What a storage answered, as a sentence for people. The whole answer goes to the log as the cause.

use crate::part::storage;
use control::backup::vault::VaultError;
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;

/// There is nothing of this name. (A bucket that is not there is something else.)
pub(super) fn is_absent(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && word(error).as_deref() != Some("NoSuchBucket")
}

/// What came instead of what was asked for.
pub(super) fn refused(error: object_store::Error) -> VaultError {
    if is_absent(&error) && word(&error).is_none_or(|word| word == "NoSuchKey") {
        return VaultError::Absent;
    }
    if matches!(error, object_store::Error::Precondition { .. }) {
        return storage("the archive was replaced while it was read", error, true);
    }
    let (message, retry) = say(&error);
    storage(message, error, retry)
}

fn say(error: &object_store::Error) -> (String, bool) {
    if let Some(status) = causes(error).find_map(|cause| status(&cause.to_string())) {
        let retry = status.starts_with('5') || status.starts_with("429") || status.starts_with("408");
        let why = word(error).map(|word| format!(" ({word})")).unwrap_or_default();
        return (format!("the storage answered {status}{why}"), retry);
    }
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>()).map(HttpError::kind);
    let message = match kind {
        Some(HttpErrorKind::Timeout) => "the storage did not answer in time",
        Some(HttpErrorKind::Connect) => "the storage cannot be reached",
        _ => "the storage was asked, and the talk with it broke off",
    };
    (message.to_owned(), true)
}

/// The error and what it comes from, from the outer one to the inner one.
fn causes<'a>(error: &'a object_store::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |cause| (*cause).source())
}

/// S3's own word for it: `AccessDenied`.
fn word(error: &object_store::Error) -> Option<String> {
    causes(error).find_map(|cause| code(&cause.to_string()))
}

/// `403 Forbidden`: the library gives the number only within a text.
fn status(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("status code: ")?;
    let end = rest.find([':', '\n']).unwrap_or(rest.len());
    let status = rest[..end].trim();
    status.starts_with(|first: char| first.is_ascii_digit()).then(|| status.to_owned())
}

/// What stands between `<Code>` and `</Code>`, if it is a word.
fn code(text: &str) -> Option<String> {
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    (!code.is_empty() && code.len() <= 64 && code.chars().all(char::is_alphanumeric)).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn numbers_and_words_come_out_of_the_text() {
        let text = "Server returned non-2xx status code: 403 Forbidden: <?xml ?><Error><Code>AccessDenied</Code></Error>";
        assert_eq!(say(&generic(text)), ("the storage answered 403 Forbidden (AccessDenied)".into(), false));
        let busy = "Server returned non-2xx status code: 503 Service Unavailable: ";
        assert_eq!(say(&generic(busy)), ("the storage answered 503 Service Unavailable".into(), true));
        assert_eq!(code("<Code>not a word\n</Code>"), None);
        let timeout = HttpError::new(HttpErrorKind::Timeout, std::io::Error::other("late"));
        let timeout = object_store::Error::Generic { store: "S3", source: Box::new(timeout) };
        assert_eq!(say(&timeout), ("the storage did not answer in time".into(), true));
    }

    #[test]
    fn only_an_object_that_is_not_there_is_absent() {
        let error = |word: &str| object_store::Error::NotFound {
            path: "database/backup".into(),
            source: format!("status code: 404 Not Found: <Code>{word}</Code>").into(),
        };
        assert!(matches!(refused(error("NoSuchKey")), VaultError::Absent));
        assert!(is_absent(&error("NoSuchUpload")), "nothing to abort is fine");
        for word in ["NoSuchUpload", "NoSuchBucket"] {
            let VaultError::Storage { message, retry, .. } = refused(error(word)) else { panic!("{word}") };
            assert_eq!((message, retry), (format!("the storage answered 404 Not Found ({word})"), false));
        }
        assert!(!is_absent(&error("NoSuchBucket")));
    }
}
