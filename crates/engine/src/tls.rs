//! Paddock's own certificate authority, and the certificates of servers.
//!
//! One CA for a host, made once and never again: clients that pinned it must go on trusting their servers. Its key and
//! certificate are one file, so that a crash cannot leave half of them, and a file that cannot be read is an error,
//! never a reason to make another. Nothing here asks for the time: it comes in.

use chrono::{DateTime, Duration, Utc};
use control::engine::reach::RENEW_BEFORE;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use x509_parser::pem::Pem;

/// Name of the CA's file in its directory: private key and certificate, mode 0600.
const FILE: &str = "ca.pem";
/// How long a CA lasts.
const CA_LASTS: Duration = Duration::days(3650);
/// How long a server's certificate lasts.
const SERVER_LASTS: Duration = Duration::days(397);
/// Clocks of clients may be late by so much.
const SKEW: Duration = Duration::hours(1);

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A system call failed.
    #[error("could not {what} the CA's file: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The CA's file is there and is not what we wrote. It is never replaced: restore it from a backup.
    #[error("the CA's file cannot be used: {0}. Restore it from a backup: clients trust this one")]
    Broken(String),
    /// Not a host name and not an address.
    #[error("{0:?} is neither a host name nor an IP address")]
    Name(String),
    /// The text holds no certificate.
    #[error("not a certificate: {0}")]
    NotACertificate(String),
    /// A certificate could not be made.
    #[error("could not make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// A certificate authority.
pub struct Ca {
    certificate: String,
    until: DateTime<Utc>,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The issuer holds the key.
        f.debug_struct("Ca").field("until", &self.until).finish_non_exhaustive()
    }
}

/// A server's certificate and its key, both PEM.
#[derive(Debug)]
pub struct Issued {
    /// The certificate; the CA's own is not in it.
    pub certificate: String,
    /// Its private key.
    pub key: SecretString,
    /// When it ends.
    pub until: DateTime<Utc>,
}

impl Ca {
    /// Reads the CA of `dir`, or makes it when there is none.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open_or_make(dir: &Path, now: DateTime<Utc>) -> Result<Self, TlsError> {
        let file = dir.join(FILE);
        if let Some(ca) = Self::open(&file)? {
            return Ok(ca);
        }
        match keep(dir, &file, &fresh(now)?) {
            // Somebody else made it in this moment: theirs counts.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(TlsError::Io { what: "write", source }),
        }
        Self::open(&file)?.ok_or_else(|| TlsError::Broken("it vanished".into()))
    }

    fn open(file: &Path) -> Result<Option<Self>, TlsError> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TlsError::Io { what: "read", source }),
        };
        let broken = |error: &dyn std::fmt::Display| TlsError::Broken(error.to_string());
        let at =
            text.find("-----BEGIN CERTIFICATE-----").ok_or_else(|| broken(&"it holds no certificate"))?;
        let (key, certificate) = text.split_at(at);
        let key = KeyPair::from_pem(key).map_err(|e| broken(&e))?;
        let until = certificate_until(certificate).map_err(|e| broken(&e))?;
        let issuer = Issuer::from_ca_cert_pem(certificate, key).map_err(|e| broken(&e))?;
        Ok(Some(Self { certificate: certificate.to_owned(), until, issuer }))
    }

    /// The CA's certificate, PEM: what clients put into `sslrootcert`.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// When the CA ends.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        self.until
    }

    /// A fresh key, and a certificate for all these host names and IP addresses (the first is its subject).
    ///
    /// # Errors
    /// A name that is none, or no name.
    pub fn issue(&self, names: &[String], now: DateTime<Utc>) -> Result<Issued, TlsError> {
        if let Some(bad) = names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
            return Err(TlsError::Name(bad.clone()));
        }
        let first = names.first().ok_or_else(|| TlsError::Name(String::new()))?;
        // Addresses become addresses, the rest host names.
        let mut params = CertificateParams::new(names)?;
        // The subject is for people, and has room for 64 characters; clients look at the names.
        params.distinguished_name = named(&first.chars().take(64).collect::<String>());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        lasting(&mut params, now, (now + SERVER_LASTS).min(self.until));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        let until = certificate_until(&certificate)?;
        Ok(Issued { certificate, key: key.serialize_pem().into(), until })
    }
}

/// When the first certificate of this PEM ends.
///
/// # Errors
/// There is none.
pub fn certificate_until(pem: &str) -> Result<DateTime<Utc>, TlsError> {
    let bad = |why: String| TlsError::NotACertificate(why);
    let pem = Pem::iter_from_buffer(pem.as_bytes()).next().ok_or_else(|| bad("no PEM".into()))?;
    let pem = pem.map_err(|e| bad(e.to_string()))?;
    let certificate = pem.parse_x509().map_err(|e| bad(e.to_string()))?;
    let seconds = certificate.validity().not_after.timestamp();
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| bad("it ends at no time that we know".into()))
}

/// Is it time for a new certificate? From thirty days before its end.
#[must_use]
pub fn renewal_due(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    until - now < RENEW_BEFORE
}

/// Key and certificate of a new CA, PEM.
fn fresh(now: DateTime<Utc>) -> Result<String, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let id: String =
        Sha256::digest(key.public_key_raw()).iter().take(4).map(|b| format!("{b:02x}")).collect();
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = named(&format!("Paddock CA {id}"));
    // It signs servers, never another CA.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params, now, now + CA_LASTS);
    let certificate = params.self_signed(&key)?.pem();
    Ok(key.serialize_pem() + &certificate)
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn lasting(params: &mut CertificateParams, now: DateTime<Utc>, until: DateTime<Utc>) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since_epoch =
        |at: DateTime<Utc>| std::time::Duration::from_secs(at.timestamp().max(0).unsigned_abs());
    params.not_before = epoch + since_epoch(now - SKEW);
    params.not_after = epoch + since_epoch(until);
}

/// Writes a file that nobody else may read, whole or not at all, and never over another one.
fn keep(dir: &Path, file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    // Made with mode 0600.
    let mut temp = tempfile::NamedTempFile::new_in(dir)?;
    temp.write_all(text.as_bytes())?;
    temp.as_file().sync_all()?;
    temp.persist_noclobber(file).map_err(|e| e.error)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Would a client with `sslmode=verify-full` and this CA accept it?
    fn accepts(ca: &Ca, certificate: &str, name: &str, now: DateTime<Utc>) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.certificate().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let end = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.timestamp().unsigned_abs()));
        verifier.verify_server_cert(&end, &[], &ServerName::try_from(name).unwrap(), &[], time).is_ok()
    }

    #[test]
    fn a_client_accepts_our_certificate_for_each_of_its_names_and_nothing_else() {
        let (dir, now) = (tempfile::tempdir().unwrap(), at("2026-11-21T10:00:00Z"));
        let ca = Ca::open_or_make(&dir.path().join("ca"), now).unwrap();
        let names = ["db.example.org", "127.0.0.1", "::1"].map(str::to_owned);
        let issued = ca.issue(&names, now).unwrap();
        for name in &names {
            assert!(accepts(&ca, &issued.certificate, name, now), "{name}");
        }
        assert!(!accepts(&ca, &issued.certificate, "other.example.org", now));
        assert!(!accepts(&ca, &issued.certificate, "127.0.0.2", now));
        assert!(!accepts(&ca, &issued.certificate, "127.0.0.1", now + Duration::days(398)));
        let other = Ca::open_or_make(&dir.path().join("other"), now).unwrap();
        assert!(!accepts(&other, &issued.certificate, "127.0.0.1", now));
        assert!(issued.key.expose_secret().contains("PRIVATE KEY"));
        assert!(!format!("{issued:?} {ca:?}").contains("PRIVATE"));
    }

    #[test]
    fn the_ca_is_made_once_and_is_private() {
        let (dir, now) = (tempfile::tempdir().unwrap(), at("2026-11-21T10:00:00Z"));
        let first = Ca::open_or_make(dir.path(), now).unwrap();
        let second = Ca::open_or_make(dir.path(), now + Duration::days(300)).unwrap();
        assert_eq!(first.certificate(), second.certificate());
        assert_eq!(first.until(), at("2036-11-18T10:00:00Z"));
        let later = second.issue(&["127.0.0.1".into()], now).unwrap();
        assert!(accepts(&first, &later.certificate, "127.0.0.1", now));
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_broken_ca_is_never_replaced() {
        let (dir, now) = (tempfile::tempdir().unwrap(), at("2026-11-21T10:00:00Z"));
        fs::write(dir.path().join(FILE), "garbage").unwrap();
        assert!(matches!(Ca::open_or_make(dir.path(), now), Err(TlsError::Broken(_))));
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "garbage");
    }

    #[test]
    fn a_certificate_lasts_397_days_but_not_longer_than_its_ca() {
        let (dir, now) = (tempfile::tempdir().unwrap(), at("2026-11-21T10:00:00Z"));
        let ca = Ca::open_or_make(dir.path(), now).unwrap();
        let names = ["localhost".to_owned()];
        assert_eq!(ca.issue(&names, now).unwrap().until, now + Duration::days(397));
        let late = now + Duration::days(3600);
        assert_eq!(ca.issue(&names, late).unwrap().until, ca.until());
    }

    #[test]
    fn renewal_is_due_thirty_days_before_the_end() {
        let until = at("2027-12-23T10:00:00Z");
        for (now, due) in [
            ("2026-11-21T10:00:00Z", false),
            ("2027-11-23T10:00:00Z", false),
            ("2027-11-23T10:00:01Z", true),
            ("2028-01-01T00:00:00Z", true),
        ] {
            assert_eq!(renewal_due(until, at(now)), due, "{now}");
        }
    }

    #[test]
    fn what_is_no_name_gets_no_certificate() {
        let (dir, now) = (tempfile::tempdir().unwrap(), at("2026-11-21T10:00:00Z"));
        let ca = Ca::open_or_make(dir.path(), now).unwrap();
        for bad in ["", "a b", "host\n", "-", "http://x", "x:5432"] {
            assert!(matches!(ca.issue(&[bad.to_owned()], now), Err(TlsError::Name(_))), "{bad:?}");
        }
        assert!(ca.issue(&[], now).is_err());
        assert!(certificate_until("nothing").is_err());
    }
}
