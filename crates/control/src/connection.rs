//! Connection strings of databases: how an app reaches its PostgreSQL.
//!
//! A string is built from typed parts, each percent-encoded, and never by pasting text together: a name like
//! `d?host=evil` stays a name. Nothing here reads a password by itself: revealing one is a method of its own, and
//! leaves a line in the audit log.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use std::net::Ipv6Addr;

/// What RFC 3986 calls unreserved stays as it is, everything else is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How much TLS a client insists on; the names are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// TLS when the server offers it: what published variables say, since every client understands it.
    Prefer,
    /// TLS with a certificate of our CA for the right host: what people should use.
    VerifyFull,
}

/// The parts of a connection string.
#[derive(Clone, Debug)]
pub struct Address<'a> {
    /// Name or address of the host.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// The user's database.
    pub database: &'a str,
    /// Who logs in.
    pub username: &'a str,
    /// Their password; left out of the string when `None`.
    pub password: Option<&'a SecretString>,
}

impl Address<'_> {
    /// `postgresql://user:password@host:port/database?sslmode=…`
    #[must_use]
    pub fn url(&self, mode: SslMode) -> SecretString {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut url = format!("postgresql://{}", encode(self.username));
        if let Some(password) = self.password {
            url.push(':');
            url.push_str(&encode(password.expose_secret()));
        }
        url.push('@');
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => url.push_str(&format!("[{address}]")),
            Err(_) => url.push_str(&encode(self.host)),
        }
        let mode = match mode {
            SslMode::Prefer => "prefer",
            SslMode::VerifyFull => "verify-full",
        };
        url.push_str(&format!(":{}/{}?sslmode={mode}", self.port, encode(self.database)));
        SecretString::from(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio_postgres::config::Host;

    #[test]
    fn a_plain_address_reads_as_expected() {
        let password = SecretString::from("Secret_1-2");
        let address = Address {
            host: "db.example.org",
            port: 31002,
            database: "my_app_4553",
            username: "my_app_4553",
            password: Some(&password),
        };
        assert_eq!(
            address.url(SslMode::Prefer).expose_secret(),
            "postgresql://my_app_4553:Secret_1-2@db.example.org:31002/my_app_4553?sslmode=prefer"
        );
        let without = Address { host: "::1", password: None, ..address };
        assert_eq!(
            without.url(SslMode::VerifyFull).expose_secret(),
            "postgresql://my_app_4553@[::1]:31002/my_app_4553?sslmode=verify-full"
        );
    }

    proptest! {
        // Injection (A20): whatever stands in a part, a client reads back that part and no other option.
        #[test]
        fn a_client_reads_back_every_part(
            user in "[^\0]{1,40}", password in "[^\0]{1,80}", database in "[^\0]{1,40}", port in 1u16..
        ) {
            let secret = SecretString::from(password.clone());
            let address = Address {
                host: "db.example.org", port, database: &database, username: &user, password: Some(&secret),
            };
            let url = address.url(SslMode::Prefer);
            let config: tokio_postgres::Config = url.expose_secret().parse().unwrap();
            prop_assert_eq!(config.get_user(), Some(user.as_str()));
            prop_assert_eq!(config.get_password(), Some(password.as_bytes()));
            prop_assert_eq!(config.get_dbname(), Some(database.as_str()));
            prop_assert_eq!(config.get_hosts(), &[Host::Tcp("db.example.org".into())]);
            prop_assert_eq!(config.get_ports(), &[port]);
            prop_assert_eq!(config.get_options(), None);
        }
    }
}
