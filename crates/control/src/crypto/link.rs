//! The text in links that work without a session: sealed under the master key, so it cannot be guessed or changed, opens
//! one thing and nothing else, and is kept nowhere. When its time is over is part of what is sealed.

use super::secret_box::{MasterKey, Sealed};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};

/// What stands in the link.
///
/// # Errors
/// Never seen: only what is larger than the cipher allows.
pub fn seal(key: &MasterKey, purpose: &str, inside: &impl Serialize) -> Result<String, Sealed> {
    // Ids, names and moments: it cannot fail.
    let plain = serde_json::to_vec(inside).unwrap_or_default();
    Ok(BASE64_URL_SAFE_NO_PAD.encode(key.seal(&plain, purpose)?))
}

/// What a link of this purpose says; `None` for what is no such link of ours.
#[must_use]
pub fn open<T: DeserializeOwned>(key: &MasterKey, purpose: &str, text: &str) -> Option<T> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let plain = key.open(&sealed, purpose).ok()?;
    serde_json::from_slice(plain.expose_secret()).ok()
}
