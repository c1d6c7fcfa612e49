//! What safety costs: a backup over a bare `pg_dump`, a base backup over pgBackRest alone, a moment brought back over its
//! bare restore, a download over nginx, and what a dump takes from the transactions beside it.

use crate::{bare::VERSION, paddock::Paddock, statistics};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Each pair waits until earlier backups are proven: fewer pairs than elsewhere.
const PAIRS: usize = 6;
/// A table that compresses like real ones, about 260 MB.
const FILL: &str =
    "CREATE TABLE filled AS SELECT n, md5(n::text) AS a, md5((n % 1000)::text) || repeat('text ', 8) AS b
    FROM generate_series(1, 2000000) n";
/// Room for all of it.
const PLAN: &str = "[[plans]]\nname = \"big\"\ndisplay_name = \"big\"\ndescription = \"For the bench.\"\n\
    memory_mib = 4096\ndisk_mib = 20480\ncpu_milli = 2000\nnodes = 1\ndaily_backups = 7\nweekly_backups = 4\n\
    manual_backups = 50\npitr_days = 7\n";

pub async fn run(target: &Path) {
    let paddock = Paddock::with(target, 1, Some(PLAN)).await;
    let (addon, url) = paddock.order("big").await;
    let bin = target.join("versions").join(VERSION).join("bin");
    let plain = format!("{url}?sslmode=disable").replace("?sslmode=prefer?", "?");
    run_ok(Command::new(bin.join("psql")).args(["-qX", &plain, "-c", FILL, "-c", "VACUUM ANALYZE"]));
    let path = format!("/api/databases/{addon}");
    while paddock.get(&format!("{path}/pitr/recovery_window")).await["recovery_window"]["earliest_recoverable_at"].is_null() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    println!(
        "a backup, read back and compared, over a bare `pg_dump -Fc`, and over one with our compression (goal: at most 1.05)"
    );
    let (mut usual, mut same) = (Vec::new(), Vec::new());
    for round in 0..PAIRS {
        let [mut ours, mut gzip, mut zstd] = [0.0; 3];
        for side in if round % 2 == 0 { [0, 1, 2] } else { [2, 1, 0] } {
            quiet(&paddock, &path).await;
            match side {
                0 => gzip = bare_dump(&paddock, &bin, &plain, &[]),
                1 => {
                    let made = paddock.post(&format!("{path}/backups"), json!({})).await;
                    ours = took(&paddock, made["database_backup"]["operation_id"].as_str().unwrap()).await;
                }
                _ => zstd = bare_dump(&paddock, &bin, &plain, &["--compress=zstd:3"]),
            }
        }
        usual.push((ours, gzip));
        same.push((ours, zstd));
    }
    println!("  {:<18} {}", "pg_dump -Fc", statistics::report(&usual));
    println!("  {:<18} {}", "and zstd:3", statistics::report(&same));

    println!("transactions per second without a dump, over those beside one (goal: at most 1.05)");
    run_ok(Command::new(bin.join("pgbench")).args(["-i", "-q", "-s", "10", &plain]));
    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let (mut alone, mut beside) = (0.0, 0.0);
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            quiet(&paddock, &path).await;
            if side == 0 {
                alone = per_second(&bin, &plain);
            } else {
                paddock.post(&format!("{path}/backups"), json!({})).await;
                let (bin, plain) = (bin.clone(), plain.clone());
                beside = tokio::task::spawn_blocking(move || per_second(&bin, &plain)).await.unwrap();
            }
        }
        pairs.push((alone, beside));
    }
    println!("  {:<18} {}", "slower by", statistics::report(&pairs));

    base_and_moment(&paddock, target, &path).await;
    download(&paddock, target, &path).await;
}

async fn base_and_moment(paddock: &Paddock, target: &Path, path: &str) {
    let archive = fs::read_dir(paddock.data().join("archive")).unwrap().next().unwrap().unwrap().path();
    let owner = fs::symlink_metadata(archive.join("spool")).unwrap();
    let rest = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args([
            format!("--reuid={}", owner.uid()),
            format!("--regid={}", owner.gid()),
            "--clear-groups".into(),
        ]);
        command.arg(target.join("versions/pgbackrest/bin/pgbackrest"));
        command.arg(format!("--config={}", archive.join("pgbackrest.conf").display())).arg("--stanza=main");
        command.args(args).current_dir("/tmp");
        command
    };
    println!("a full base backup, sealed, over `pgbackrest backup` alone (goal: at most 1.10)");
    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            quiet(paddock, path).await;
            if side == 0 {
                theirs = frozen(paddock, || run_ok(&mut rest(&["backup", "--type=full"])));
            } else {
                let begun = paddock.post(&format!("{path}/pitr/base_backups"), json!({})).await;
                ours = took(paddock, begun["operation_id"].as_str().unwrap()).await;
            }
        }
        pairs.push((ours, theirs));
    }
    println!("  {:<18} {}", "base backup", statistics::report(&pairs));

    println!("a moment, from the click to counted rows, over `pgbackrest restore` of its files alone");
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        quiet(paddock, path).await;
        let place = tempfile::Builder::new().prefix("bare").tempdir_in("/tmp").unwrap();
        std::os::unix::fs::chown(place.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let to = format!("--pg1-path={}", place.path().display());
        let theirs = frozen(paddock, || run_ok(&mut rest(&[&to, "restore", "--type=none"])));
        let moment = (chrono::Utc::now() - chrono::TimeDelta::seconds(1)).to_rfc3339();
        let begun = paddock.post(&format!("{path}/pitr/beside"), json!({"restore_time": moment})).await;
        pairs.push((took(paddock, begun["operation_id"].as_str().unwrap()).await, theirs));
        paddock.delete(&format!("{path}/pitr/beside")).await;
    }
    println!("  {:<18} {}", "moment", statistics::report(&pairs));
}

async fn download(paddock: &Paddock, target: &Path, path: &str) {
    println!("nginx over us: the same archive, downloaded (goal: at least 0.90)");
    let Ok(nginx) = Nginx::start(target) else {
        println!("  nginx is not installed: not measured");
        return;
    };
    let backups = paddock.get(&format!("{path}/backups")).await;
    let done =
        backups["database_backups"].as_array().unwrap().iter().find(|one| one["status"] == "done").unwrap();
    let link = paddock.get(&format!("{path}/backups/{}/archive", done["id"].as_str().unwrap())).await;
    let link = link["download_url"].as_str().unwrap().to_owned();
    let bytes = reqwest::get(&link).await.unwrap().bytes().await.unwrap();
    fs::write(nginx.dir.path().join("archive"), &bytes).unwrap();
    let mut pairs = Vec::new();
    for round in 0..crate::PAIRS {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let url = if side == 0 { &nginx.url } else { &link };
            let started = Instant::now();
            let got = reqwest::get(url).await.unwrap().bytes().await.unwrap();
            assert_eq!(got.len(), bytes.len());
            let seconds = started.elapsed().as_secs_f64();
            if side == 0 { theirs = seconds } else { ours = seconds }
        }
        // Throughput: the other way round.
        pairs.push((theirs, ours));
    }
    println!("  {:<18} {}", "throughput", statistics::report(&pairs));
}

/// Nothing is under way, and every backup was tried: nothing begins by itself for a while.
async fn quiet(paddock: &Paddock, path: &str) {
    loop {
        let live = paddock.get("/v1/operations?live=true").await;
        let backups = paddock.get(&format!("{path}/backups")).await;
        let open = |one: &Value| {
            one["status"] == "done" && ["none", "running"].iter().any(|state| one["proof"]["state"] == *state)
        };
        if live["operations"].as_array().unwrap().is_empty()
            && !backups["database_backups"].as_array().unwrap().iter().any(open)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Seconds of an operation, as it measured itself.
async fn took(paddock: &Paddock, operation: &str) -> f64 {
    loop {
        let one = paddock.get(&format!("/v1/operations/{operation}")).await["operation"].take();
        let at = |field: &str| {
            one[field].as_str().map(|text| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        };
        if let Some(ended) = at("finished_at") {
            assert_eq!(one["status"], "succeeded", "{one:#}");
            return (ended - at("started_at").unwrap()).as_seconds_f64();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Seconds of something while nobody else works.
fn frozen(paddock: &Paddock, work: impl FnOnce()) -> f64 {
    paddock.freeze(true);
    let started = Instant::now();
    work();
    let seconds = started.elapsed().as_secs_f64();
    paddock.freeze(false);
    seconds
}

fn bare_dump(paddock: &Paddock, bin: &Path, url: &str, more: &[&str]) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let file = format!("--file={}", dir.path().join("dump").display());
    frozen(paddock, || {
        let mut dump = Command::new(bin.join("pg_dump"));
        run_ok(dump.args(["--format=c", "--no-owner", "--no-privileges", &file]).args(more).arg(url));
    })
}

/// Transactions per second of ten seconds.
fn per_second(bin: &Path, url: &str) -> f64 {
    let ran = Command::new(bin.join("pgbench"))
        .args(["-n", "-c", "2", "-j", "1", "-T", "10", url])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("tps = ")).expect("pgbench tells its rate");
    line.split(' ').next().unwrap().parse().unwrap()
}

/// nginx in front of one directory; dropping it ends it.
struct Nginx {
    child: std::process::Child,
    dir: tempfile::TempDir,
    url: String,
}

impl Nginx {
    fn start(target: &Path) -> std::io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let place = dir.path().display();
        let conf = dir.path().join("nginx.conf");
        fs::write(
            &conf,
            format!(
                "daemon off; user root; pid {place}/pid; error_log {place}/error.log; events {{}}\n\
                 http {{ access_log off; sendfile on; client_body_temp_path {place}/t; proxy_temp_path {place}/t;\n\
                 fastcgi_temp_path {place}/t; uwsgi_temp_path {place}/t; scgi_temp_path {place}/t;\n\
                 server {{ listen 127.0.0.1:{port}; root {place}; }} }}\n"
            ),
        )?;
        // scripts/bench.sh unpacks one.
        let places =
            [target.join("tools/nginx/usr/sbin/nginx"), "/usr/sbin/nginx".into(), "/usr/bin/nginx".into()];
        let program = places.into_iter().find(|path| path.exists()).ok_or(std::io::ErrorKind::NotFound)?;
        let child = Command::new(program).arg("-c").arg(&conf).stderr(Stdio::null()).spawn()?;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { child, dir, url: format!("http://127.0.0.1:{port}/archive") })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn run_ok(command: &mut Command) {
    let ran = command.stdout(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
