//! Passwords of the protected user: made up, and sealed for the store.

use crate::{Result, crypto::secret_box::MasterKey};
use rand::RngExt;
use secrecy::SecretString;
use uuid::Uuid;

/// What a password is sealed for; see [`MasterKey::seal`].
pub(super) fn password_purpose(database: Uuid) -> String {
    format!("database:{database}:owner_password")
}

/// The same for one that is not published yet.
pub(crate) fn next_password_purpose(database: Uuid) -> String {
    format!("database:{database}:next_password")
}

/// Seals the password of the protected user.
pub(crate) fn seal_password(key: &MasterKey, database: Uuid, password: &SecretString) -> Result<Vec<u8>> {
    Ok(key.seal_text(password, &password_purpose(database))?)
}

/// Opens the password of the protected user.
pub(crate) fn open_password(key: &MasterKey, database: Uuid, sealed: &[u8]) -> Result<SecretString> {
    Ok(key.open_text(sealed, &password_purpose(database))?)
}

/// Opens the password that is not published yet.
pub(crate) fn open_next_password(key: &MasterKey, database: Uuid, sealed: &[u8]) -> Result<SecretString> {
    Ok(key.open_text(sealed, &next_password_purpose(database))?)
}

/// 64 characters that no URL, file or shell needs escaped; the first is a letter.
pub(crate) fn made_up_password() -> SecretString {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    let mut rng = rand::rng();
    let mut draw = |letters: usize| char::from(ALPHABET[rng.random_range(..letters)]);
    let text: String = (0..64).map(|n| draw(if n == 0 { 52 } else { 64 })).collect();
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn passwords_are_long_and_plain() {
        let (a, b) = (made_up_password(), made_up_password());
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert_eq!(a.expose_secret().len(), 64);
        assert!(a.expose_secret().starts_with(|c: char| c.is_ascii_alphabetic()));
        assert!(a.expose_secret().chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    }
}
