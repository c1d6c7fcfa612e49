//! Random secrets (API tokens, one-time links, passwords of databases) and the hashes that the store keeps of them.
//!
//! A token has 256 random bits, so a plain SHA-256 is enough: there is nothing to guess. Passwords that people choose
//! go through `password.rs` instead.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::seq::IndexedRandom;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How API tokens begin.
pub const API_TOKEN: &str = "tk-us-";

/// A new secret: `prefix` and 43 characters from `A–Z a–z 0–9 - _`.
#[must_use]
pub fn new(prefix: &str) -> SecretString {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes);
    format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
}

/// What the store keeps of a token, and finds it by.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// [`hash`] of a secret.
#[must_use]
pub fn hash_secret(token: &SecretString) -> [u8; 32] {
    hash(token.expose_secret())
}

/// A new password for a database: 32 letters and digits (190 bits), so that it needs no escaping in any URL, file
/// or shell.
#[must_use]
pub fn password() -> SecretString {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let text: String = (0..32).filter_map(|_| ALPHABET.choose(&mut rng)).map(|&b| char::from(b)).collect();
    text.into()
}

/// What people quote to find a line in the log. No secret.
#[must_use]
pub fn reference() -> String {
    format!("{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (a, b) = (new(API_TOKEN), new(API_TOKEN));
        assert_eq!(a.expose_secret().len(), 6 + 43);
        assert!(a.expose_secret().starts_with("tk-us-"));
        assert_ne!(hash_secret(&a), hash_secret(&b));
    }

    #[test]
    fn passwords_need_no_escaping() {
        let password = password();
        assert_eq!(password.expose_secret().len(), 32);
        assert!(password.expose_secret().chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
