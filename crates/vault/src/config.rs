//! What the operator says of the place of the backups. It comes parsed; no file is read here.

use secrecy::SecretString;
use std::path::PathBuf;

/// Where archives shall lie.
#[derive(Clone, Debug)]
pub enum VaultConfig {
    /// A directory, which is made if it is not there.
    Directory {
        /// Its path. Best on another disk than the databases.
        root: PathBuf,
    },
    /// A bucket.
    S3(S3Config),
}

/// A bucket of S3-compatible object storage, which has to be there.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// `https://s3.eu-west-1.amazonaws.com`; without the bucket.
    pub endpoint: String,
    /// `eu-west-1`; many other storages take any word.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What the names of our objects begin with: `paddock/backups`. May be empty.
    pub prefix: String,
    /// The access key's name.
    pub access_key: SecretString,
    /// The access key's secret.
    pub secret_key: SecretString,
    /// The bucket is the first part of the path and not of the host.
    pub path_style: bool,
    /// `http://` may be spoken; archives are sealed, but the names of databases' UUIDs can be read on the way.
    pub allow_http: bool,
}
