//! A real S3 server on loopback, over a directory. It can be told to answer nothing but errors, and to lose bytes.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use vault::{S3Config, VaultConfig};

/// The server; it ends when it is dropped.
pub struct Server {
    root: TempDir,
    endpoint: String,
    task: JoinHandle<()>,
}

impl Server {
    /// With one empty bucket, `bucket`, and one key.
    pub async fn start() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("bucket")).expect("a bucket");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).expect("a file system"));
        builder.set_auth(SimpleAuth::from_single("access", "secret"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let task = durable::background::spawn("s3", async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                durable::background::spawn("s3.connection", async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { root, endpoint, task }
    }

    /// How to reach it.
    pub fn config(&self, secret: &str) -> S3Config {
        S3Config {
            endpoint: self.endpoint.clone(),
            region: "eu-west-1".into(),
            bucket: "bucket".into(),
            prefix: "paddock/backups".into(),
            access_key: SecretString::from("access"),
            secret_key: SecretString::from(secret),
            path_style: true,
            allow_http: true,
        }
    }

    /// The same, as the vault takes it.
    pub fn vault_config(&self) -> VaultConfig {
        VaultConfig::S3(self.config("secret"))
    }

    /// Where it keeps an object.
    pub fn object(&self, name: &str) -> PathBuf {
        self.root.path().join("bucket/paddock/backups").join(name)
    }

    /// Every file of ours that is not the probe, whether it is an object or a part of an unfinished upload.
    pub fn left(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.root.path(), &mut found);
        found.retain(|path| {
            let name = path.to_string_lossy();
            !name.contains("00000000-0000") && !name.contains("internal.json") && !name.contains("metadata")
        });
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}
