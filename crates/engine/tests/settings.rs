//! What we write into a server's files, read by real servers of every major: they accept all of it, users come in the
//! way that was meant, the platform's roles do not come in over TCP, and no password reaches a log.

#![expect(clippy::unwrap_used, reason = "in tests a failure is a panic")]

mod common;

use chrono::{DateTime, Utc};
use common::{Place, server};
use engine::process::{Exec, Output, ProcessError};
use engine::{hba, settings, tls};
use secrecy::ExposeSecret as _;
use std::fs;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use types::{PgVersion, Plan};

const SECRET: &str = "hunter2-never-in-a-log";

#[tokio::test]
async fn servers_of_every_major_take_our_files() {
    for version in [PgVersion::new(16, 15), PgVersion::new(17, 11), PgVersion::new(18, 6)] {
        takes_our_files(version, &server(version).await.join("bin")).await;
    }
    let debian = engine::versions::Catalogue::new(vec![engine::versions::DISTRIBUTION_DIR.into()]);
    if let Some(found) = debian.newest(15).await {
        takes_our_files(found.version, &found.bin_dir).await;
    }
}

async fn takes_our_files(version: PgVersion, bin: &Path) {
    let place = Place::new();
    let node = Node::write(version, bin.to_owned(), place).await;
    node.run(
        Exec::new(bin.join("initdb")).args(["--no-sync", "-k", "-U", "paddock", "-D"]).arg(node.at("data")),
    )
    .await
    .unwrap();
    let conf = format!("config_file={}", node.at("postgresql.conf").display());
    let exec = Exec::new(bin.join("postgres")).arg("-D").arg(node.at("data")).arg("-c").arg(conf);
    let log = fs::File::create(node.at("startup.log")).unwrap();
    let mut server = exec.as_user(node.place.ids).start(log).unwrap();
    node.ready().await;

    let complaints =
        "SELECT name, setting, error FROM pg_file_settings WHERE error IS NOT NULL OR NOT applied";
    assert_eq!(node.platform(complaints).await.unwrap().stdout, "", "{version}");
    let rules = "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL";
    assert_eq!(node.platform(rules).await.unwrap().stdout, "", "{version}");
    assert_eq!(node.platform("SHOW log_line_prefix").await.unwrap().stdout, "%m [%p] %c %q%u@%d \n");

    for sql in [
        "CREATE ROLE shop_rw",
        &format!("CREATE ROLE shop LOGIN IN ROLE shop_rw PASSWORD '{SECRET}'"),
        &format!("CREATE ROLE outsider LOGIN PASSWORD '{SECRET}'"),
        &format!("ALTER ROLE paddock PASSWORD '{SECRET}'"),
        "CREATE DATABASE shop",
    ] {
        node.platform(sql).await.unwrap();
    }
    node.platform(&format!("ALTER ROLE nobody_there PASSWORD '{SECRET}'")).await.unwrap_err();

    let ssl = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let verified = format!("sslmode=verify-full sslrootcert={}", node.at("ca.crt").display());
    assert_eq!(node.user("shop", "shop", &verified, ssl).await.unwrap().stdout, "t|TLSv1.3\n");
    // Optional until it is forced.
    assert_eq!(node.user("shop", "shop", "sslmode=disable", ssl).await.unwrap().stdout, "f|\n");
    let secret_sql = format!("ALTER ROLE shop PASSWORD '{SECRET}' nonsense");
    node.user("shop", "shop", &verified, &secret_sql).await.unwrap_err();
    for (role, database) in [("paddock", "shop"), ("outsider", "shop"), ("shop", "postgres")] {
        let refused = node.user(role, database, &verified, "SELECT 1").await.unwrap_err();
        assert!(said(&refused).contains("pg_hba.conf rejects connection"), "{role} {database}: {refused}");
    }
    let by_socket = format!("host={}", node.at("run").display());
    let refused = node.psql("shop", "shop", &by_socket, "SELECT 1").await.unwrap_err();
    assert!(said(&refused).contains("pg_hba.conf rejects connection"), "{refused}");

    if version.major >= 17 {
        let refused = node.platform("ALTER SYSTEM SET work_mem = '1GB'").await.unwrap_err();
        assert!(said(&refused).contains("ALTER SYSTEM is not allowed"), "{refused}");
    }
    let stop = Exec::new(bin.join("pg_ctl")).args(["stop", "-m", "fast", "-D"]).arg(node.at("data"));
    node.run(stop).await.unwrap();
    server.wait().await.unwrap();

    let mut logs = 0;
    for file in fs::read_dir(node.at("log")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        // Beside it lies its sister, for what does not come as a record.
        if path.extension().is_some_and(|kind| kind == "json") {
            assert!(text.contains("connection authorized: user=shop"), "the log tells who came");
            logs += 1;
        }
    }
    assert_eq!(logs, 1);
}

fn said(error: &ProcessError) -> String {
    match error {
        ProcessError::Failed { output, .. } => output.stderr.clone(),
        other => other.to_string(),
    }
}

/// Who speaks for the platform here: the user that everything in this test runs as.
async fn os_user(place: &Place) -> String {
    let whoami = Exec::new("/usr/bin/id").arg("-un").as_user(place.ids).run_ok().await.unwrap();
    whoami.stdout.trim().to_owned()
}

struct Node {
    place: Place,
    bin: PathBuf,
    port: u16,
}

impl Node {
    /// Writes what a server of this version reads.
    async fn write(version: PgVersion, bin: PathBuf, place: Place) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let node = Self { place, bin, port };
        for dir in ["run", "log"] {
            fs::create_dir(node.at(dir)).unwrap();
            node.place.give(&node.at(dir));
        }
        let now: DateTime<Utc> = std::time::SystemTime::now().into();
        let ca = tls::Ca::open_or_make(&node.at("ca"), now).unwrap();
        let issued = ca.issue(&["127.0.0.1".to_owned()], now).unwrap();

        let networks = ["127.0.0.1/32".parse().unwrap()];
        let access = hba::Access {
            platform_os_user: &os_user(&node.place).await,
            platform_roles: &["paddock", "paddock_monitor"],
            databases: &[hba::Database { name: "shop", groups: &["shop_rw", "shop_ro"], tools: &[] }],
            networks: &networks,
            force_tls: false,
        };
        let server = settings::Server {
            version,
            plan: &Plan::defaults()[0],
            host: settings::Host { memory_mib: 4096, cpus: 2 },
            name: "shop",
            port,
            listen: &[IpAddr::from([127, 0, 0, 1])],
            socket_dir: &node.at("run"),
            log_dir: &node.at("log"),
            hba_file: &node.at("pg_hba.conf"),
            ident_file: &node.at("pg_ident.conf"),
            tls: Some((&node.at("server.crt"), &node.at("server.key"))),
            read_only: false,
            preload: &["pg_stat_statements", "auto_explain"],
            statements: false,
            slow_query_ms: None,
            archive_command: None,
        };
        let conf = settings::render(&settings::settings(&server).unwrap()).unwrap();
        let files = [
            ("postgresql.conf", conf.as_str()),
            ("pg_hba.conf", &hba::hba(&access).unwrap()),
            ("pg_ident.conf", &hba::ident(&access).unwrap()),
            ("server.crt", &issued.certificate),
            ("server.key", issued.key.expose_secret()),
            ("ca.crt", ca.certificate()),
        ];
        for (name, text) in files {
            node.put(name, text);
        }
        node
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
        self.place.give(&self.at(name));
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.dir.path().join(name)
    }

    async fn run(&self, exec: Exec) -> Result<Output, ProcessError> {
        exec.as_user(self.place.ids).run_ok().await
    }

    async fn psql(&self, role: &str, database: &str, how: &str, sql: &str) -> Result<Output, ProcessError> {
        let target = format!("{how} port={} user={role} dbname={database} password={SECRET}", self.port);
        let exec = Exec::new(self.bin.join("psql")).args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &target,
            "-c",
            sql,
        ]);
        self.run(exec).await
    }

    async fn platform(&self, sql: &str) -> Result<Output, ProcessError> {
        self.psql("paddock", "postgres", &format!("host={}", self.at("run").display()), sql).await
    }

    async fn user(&self, role: &str, database: &str, tls: &str, sql: &str) -> Result<Output, ProcessError> {
        self.psql(role, database, &format!("host=127.0.0.1 {tls}"), sql).await
    }

    async fn ready(&self) {
        for _ in 0..100 {
            if self.platform("SELECT 1").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not answer: {}", fs::read_to_string(self.at("startup.log")).unwrap());
    }
}
