//! SCRAM-SHA-256 verifiers for users of databases.
//!
//! PostgreSQL is sent the verifier and never the password, so that no password can stand in a statement, a log or
//! `pg_stat_activity`.

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};

/// The verifier of `password`, with a fresh salt: what `CREATE ROLE … PASSWORD` is given.
#[must_use]
pub fn verifier(password: &SecretString) -> SecretString {
    scram_sha_256(password.expose_secret().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_alike_is_hashed_like_any_text() {
        let look_alike: SecretString = "SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5".into();
        let verifier = verifier(&look_alike);
        assert!(verifier.expose_secret().starts_with("SCRAM-SHA-256$4096:"));
        assert_ne!(verifier.expose_secret(), look_alike.expose_secret());
    }
}
