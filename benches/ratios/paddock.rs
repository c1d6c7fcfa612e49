//! Our side: the released executable on an empty data directory, spoken to as clients speak to it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const TOKEN: &str = "tk-us-bench-0123456789abcdef0123456789abcdef";

/// A running Paddock; dropping it ends it and its servers.
pub struct Paddock {
    child: Child,
    data: PathBuf,
    url: String,
    bearer: String,
    cookie: String,
    http: reqwest::Client,
}

impl Paddock {
    /// Starts one with `pool` clusters kept in advance, and makes an app.
    pub async fn start(target: &Path, pool: usize) -> Self {
        Self::with(target, pool, None).await
    }

    /// The same with a configuration file of this text.
    pub async fn with(target: &Path, pool: usize, config: Option<&str>) -> Self {
        let data = PathBuf::from(format!("/tmp/pdk-bench-{}-{pool}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let config = config.map(|text| {
            let path = data.join("bench.toml");
            std::fs::write(&path, text).unwrap();
            path
        });
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{free}");
        let child = Command::new(target.join("release/paddock"))
            .arg("serve")
            .env("PADDOCK_DATA_ROOT", &data)
            .env("PADDOCK_HTTP_LISTEN", free.to_string())
            .env("PADDOCK_ENGINE_FIRST_PORT", "36000")
            .env("PADDOCK_ENGINE_LAST_PORT", "36099")
            // What it puts into the kernel would outlive the bench.
            .env("PADDOCK_ENGINE_FIREWALL", "false")
            .env("PADDOCK_ENGINE_POOL", pool.to_string())
            .env("PADDOCK_ENGINE_VERSION_DIRS", target.join("versions"))
            .env("PADDOCK_ADMIN_EMAIL", "bench@example.org")
            .env("PADDOCK_ADMIN_USERNAME", "bench")
            .env("PADDOCK_ADMIN_PASSWORD", "a password for the bench")
            .env("PADDOCK_ADMIN_TOKEN", TOKEN)
            .env("PADDOCK_LOG", "warn")
            .envs(config.map(|path| ("PADDOCK_CONFIG", path)))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut it = Self { child, data, url, bearer: String::new(), cookie: String::new(), http };
        it.sign_in().await;
        it.post("/v1/apps", serde_json::json!({"app": {"name": "bench"}})).await;
        it
    }

    async fn sign_in(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let exchange =
                self.http.post(format!("{}/v1/tokens/exchange", self.url)).basic_auth("", Some(TOKEN));
            if let Ok(answer) = exchange.json(&serde_json::json!({})).send().await
                && answer.status().is_success()
            {
                self.bearer =
                    answer.json::<serde_json::Value>().await.unwrap()["token"].as_str().unwrap().into();
                break;
            }
            assert!(Instant::now() < deadline, "paddock did not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let form = "identifier=bench&password=a+password+for+the+bench&next=";
        let answer = self
            .http
            .post(format!("{}/do/sign_in", self.url))
            .header("Origin", &self.url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap();
        let cookie = answer.headers().get("set-cookie").expect("signed in").to_str().unwrap();
        self.cookie = cookie.split(';').next().unwrap().into();
    }

    pub async fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let answer = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.bearer)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        let answer =
            self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.bearer).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Where it keeps everything.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Asks for something to be removed.
    pub async fn delete(&self, path: &str) {
        let answer = self.http.delete(format!("{}{path}", self.url)).bearer_auth(&self.bearer).send().await;
        assert!(answer.unwrap().status().is_success(), "{path}");
    }

    /// Lets the pool fill up again: it is filled in idle time, which a bench does not give by itself.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// Seconds from the request to the first answer through the returned URL, asked every 5 ms.
    pub async fn create(&self) -> f64 {
        let started = Instant::now();
        self.order("postgresql-sandbox").await;
        started.elapsed().as_secs_f64()
    }

    /// A database that answered once: its add-on's id and its URL.
    pub async fn order(&self, plan: &str) -> (String, String) {
        let body = serde_json::json!({"addon": {"addon_provider_id": "postgresql", "plan_id": plan, "options": {"version": super::bare::VERSION}}});
        let started = Instant::now();
        let addon = self.post("/v1/apps/bench/addons", body).await;
        let id = addon["addon"]["id"].as_str().unwrap().to_owned();
        let url = loop {
            let variables = self.get("/v1/apps/bench/variables?aliases=false").await;
            let all = variables["variables"].as_array().unwrap().clone();
            let ours = addon["addon"]["resource_id"].as_str().unwrap();
            if let Some(found) = all.iter().filter_map(|v| v["value"].as_str()).find(|v| v.contains(ours)) {
                break found.to_owned();
            }
            assert!(started.elapsed() < Duration::from_secs(60), "no URL for {id}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        loop {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
                tokio::spawn(connection);
                client.simple_query("SELECT 1").await.unwrap();
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (id, url)
    }

    /// Changes the plan and waits for the end; answers what the operation itself measured, milliseconds.
    pub async fn change_plan(&self, addon: &str, plan: &str) -> Option<u64> {
        let answer = self
            .http
            .patch(format!("{}/v1/apps/bench/addons/{addon}", self.url))
            .bearer_auth(&self.bearer)
            .json(&serde_json::json!({"addon": {"plan_id": plan}}))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let answer: serde_json::Value = answer.json().await.unwrap();
        let path = format!("/v1/operations/{}", answer["operation_id"].as_str().unwrap());
        loop {
            let operation = self.get(&path).await["operation"].take();
            match operation["status"].as_str().unwrap() {
                "succeeded" => return operation["interruption"]["measured_ms"].as_u64(),
                "failed" | "cancelled" => panic!("{operation:#}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Freezes or thaws the control plane: frozen, nobody measures anything.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Seconds of one server-rendered overview.
    pub async fn overview(&self) -> f64 {
        let path = self.overview_path().await;
        self.timed(&path).await
    }

    /// Seconds of one static file through the same server.
    pub async fn asset(&self) -> f64 {
        self.timed("/favicon.svg").await
    }

    async fn overview_path(&self) -> String {
        let addons = self.get("/v1/apps/bench/addons").await;
        format!("/databases/{}", addons["addons"][0]["id"].as_str().unwrap())
    }

    /// Seconds until a page is there whole.
    pub async fn timed(&self, path: &str) -> f64 {
        let started = Instant::now();
        self.bytes(path).await;
        started.elapsed().as_secs_f64()
    }

    /// Bytes of a page, as they come without compression.
    pub async fn bytes(&self, path: &str) -> usize {
        let answer =
            self.http.get(format!("{}{path}", self.url)).header("Cookie", &self.cookie).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.unwrap().len()
    }

    /// `clients` at once ask for the overview `times` each; answers how many were served.
    pub async fn hammer(&self, clients: usize, times: usize) -> usize {
        let path = self.overview_path().await;
        let one = || async {
            for _ in 0..times {
                self.timed(&path).await;
            }
        };
        futures::future::join_all((0..clients).map(|_| one())).await;
        clients * times
    }
}

impl Drop for Paddock {
    fn drop(&mut self) {
        // The control plane first, so that its keeper starts nothing again; then the servers below our directory.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
        for pid in postmasters(&self.data) {
            let _ = Command::new("kill").args(["-QUIT", &pid]).status();
            while Path::new("/proc").join(&pid).join("cwd").read_link().is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        for user in system_users(&self.data) {
            let _ = Command::new("userdel").arg(user).stderr(Stdio::null()).status();
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn postmasters(data: &Path) -> Vec<String> {
    let ours = |pid: &String| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        command.contains("postgres") && command.contains(&format!("-D\0{}/", data.display()))
    };
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|n| n.bytes().all(|b| b.is_ascii_digit()))
        .filter(ours)
        .collect()
}

/// The system users that Paddock made for its clusters: each identity file names one.
fn system_users(data: &Path) -> Vec<String> {
    let find = Command::new("find").arg(data).args(["-name", "identity.json"]).output().unwrap();
    let files = String::from_utf8_lossy(&find.stdout).into_owned();
    let identities = files.lines().filter_map(|file| std::fs::read_to_string(file).ok());
    let identities = identities.filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    identities.filter_map(|identity| Some(identity["os_user"]["name"].as_str()?.to_owned())).collect()
}

/// Brotli bytes of wasm, script and style of the released site.
pub fn site_bytes(target: &Path) -> [u64; 3] {
    ["wasm.br", "js.br", "css.br"].map(|end| {
        let files = std::fs::read_dir(target.join("release/site/pkg")).unwrap().filter_map(Result::ok);
        files
            .filter(|f| f.file_name().to_string_lossy().ends_with(end))
            .map(|f| f.metadata().unwrap().len())
            .sum()
    })
}
