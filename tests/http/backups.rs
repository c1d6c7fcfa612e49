//! Backups as public clients list, make, download and restore them.

use crate::house::{Person, Server};
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use types::AddonId;

pub struct Yard {
    pub server: Server,
    ada: Person,
    addon: AddonId,
    path: String,
}

impl Yard {
    /// A database whose dump takes so many bytes and a few.
    pub async fn new(padding: usize) -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        let addon = server.ready(&ada, "my-app").await.addon.id;
        let database = server.plane().node_id(&ada.actor, addon).await.unwrap();
        server.house.engine.holds(database, |data| {
            data.contents.rows.insert("public.t".into(), 3);
            data.padding = padding;
        });
        let path = format!("/api/databases/{addon}/backups");
        Self { server, ada, addon, path }
    }

    pub async fn made(&self) -> String {
        let made = self.server.post(&self.ada, &self.path, json!({})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        self.server.house.settle().await;
        made.json()["database_backup"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn link(&self, backup: &str) -> String {
        let answer = self.server.get(&self.ada, &format!("{}/{backup}/archive", self.path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let url = answer.json()["download_url"].as_str().unwrap().to_owned();
        url.strip_prefix("http://paddock.test").unwrap().to_owned()
    }

    pub async fn fetch(
        &self,
        path: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().uri(path).header(header::HOST, "paddock.test");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response =
            self.server.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 100 << 20).await.unwrap();
        (parts.status, parts.headers, bytes.to_vec())
    }
}

/// Traps: 201; newest first; a backup is asked for by its id alone and below its database; `method` and `status` words;
/// `size` is null until it is done.
#[tokio::test]
async fn a_client_makes_lists_and_follows_a_backup() {
    let yard = Yard::new(10).await;
    let made = yard.server.post(&yard.ada, &yard.path, json!({})).await;
    let backup = &made.json()["database_backup"];
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(
        (&backup["status"], &backup["method"], &backup["size"]),
        (&json!("scheduled"), &json!("manual"), &Value::Null)
    );
    assert_eq!(backup["database_id"], json!(yard.addon));
    let id = backup["id"].as_str().unwrap().to_owned();
    yard.server.house.settle().await;
    let shown = yard.server.get(&yard.ada, &format!("/api/backups/{id}")).await.json();
    assert_eq!(shown["database_backup"]["status"], "done");
    assert!(shown["database_backup"]["size"].as_u64() > Some(512));
    assert_eq!(yard.server.get(&yard.ada, &format!("{}/{id}", yard.path)).await.json(), shown);
    let newer = yard.made().await;
    let listed = yard.server.get(&yard.ada, &yard.path).await.json();
    let ids: Vec<_> = listed["database_backups"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&json!(newer), &json!(id)]);
    let eve = yard.server.person("eve").await;
    assert_eq!(yard.server.get(&eve, &format!("/api/backups/{id}")).await.status, StatusCode::NOT_FOUND);
}

/// Traps: a whole number or an array of one; the answer has an array.
#[tokio::test]
async fn a_client_sets_the_schedule() {
    let yard = Yard::new(10).await;
    let path = format!("/api/databases/{}", yard.addon);
    let before = yard.server.get(&yard.ada, &path).await.json();
    assert_eq!(before["database"]["periodic_backups_enabled"], true);
    for (value, hour) in [(json!(4), 4), (json!([20]), 20)] {
        let body = json!({"database": {"periodic_backups_scheduled_at": value}});
        let set = yard.server.api(&yard.ada, Method::PATCH, &path, body).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text);
        assert_eq!(set.json()["database"]["periodic_backups_scheduled_at"], json!([hour]));
    }
    let off = json!({"database": {"periodic_backups_enabled": false}});
    let off = yard.server.api(&yard.ada, Method::PUT, &path, off).await.json();
    assert_eq!(off["database"]["periodic_backups_enabled"], false);
    for bad in [json!(24), json!(-1), json!([1, 2]), json!("4"), json!(1.5)] {
        let body = json!({"database": {"periodic_backups_scheduled_at": bad}});
        let refused = yard.server.api(&yard.ada, Method::PATCH, &path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", refused.text);
        assert!(refused.json()["errors"]["periodic_backups_scheduled_at"][0].is_string(), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_client_restores_in_place() {
    let yard = Yard::new(10).await;
    let id = yard.made().await;
    let restored = yard.server.post(&yard.ada, &format!("{}/{id}/restore", yard.path), json!({})).await;
    assert_eq!(restored.status, StatusCode::CREATED, "{}", restored.text);
    let restored = restored.json();
    assert_eq!((&restored["status"], &restored["method"]), (&json!("scheduled"), &json!("backup")));
    let path =
        format!("/api/databases/{}/backup_restorations/{}", yard.addon, restored["id"].as_str().unwrap());
    yard.server.house.settle().await;
    let shown = yard.server.get(&yard.ada, &path).await.json();
    assert_eq!(shown["backup_restoration"]["status"], "done");
    let view = yard.server.get(&yard.ada, &yard.path).await.json();
    let backups = view["database_backups"].as_array().unwrap();
    assert_eq!(backups.len(), 2, "what was there before was backed up");
    assert!(backups.iter().all(|one| one["method"] == "manual"), "clients know two words");
}

/// A download needs no token; what it is, is known before its first byte.
#[tokio::test]
async fn a_download_is_told_before_it_comes() {
    let yard = Yard::new(100_000).await;
    let id = yard.made().await;
    let size = yard.server.get(&yard.ada, &format!("/api/backups/{id}")).await.json();
    let (name, size) =
        (size["database_backup"]["name"].clone(), size["database_backup"]["size"].as_u64().unwrap());
    let link = yard.link(&id).await;
    let (status, headers, bytes) = yard.fetch(&link, &[]).await;
    let of = |name: header::HeaderName| headers[name].to_str().unwrap().to_owned();
    assert_eq!((status, bytes.len() as u64), (StatusCode::OK, size));
    assert_eq!((of(header::CONTENT_LENGTH), of(header::ACCEPT_RANGES)), (size.to_string(), "bytes".into()));
    assert_eq!(
        of(header::CONTENT_DISPOSITION),
        format!("attachment; filename=\"{}\"", name.as_str().unwrap())
    );
    assert_eq!(
        (of(header::CONTENT_TYPE), of(header::CACHE_CONTROL)),
        ("application/gzip".into(), "private, no-store".into())
    );
    assert!(bytes.starts_with(&[0x1f, 0x8b]));
    let etag = of(header::ETAG);
    assert!(etag.starts_with('"') && etag.len() == 66, "{etag}");

    let with = async |name: header::HeaderName, value: &str| yard.fetch(&link, &[(name, value)]).await;
    assert_eq!(with(header::IF_NONE_MATCH, &etag).await.0, StatusCode::NOT_MODIFIED);
    assert_eq!(with(header::IF_MATCH, "\"other\"").await.0, StatusCode::PRECONDITION_FAILED);
    let (status, headers, part) = with(header::RANGE, "bytes=10-19").await;
    assert_eq!((status, part.as_slice()), (StatusCode::PARTIAL_CONTENT, &bytes[10..20]));
    assert_eq!(headers[header::CONTENT_RANGE], format!("bytes 10-19/{size}"));
    for bad in [format!("bytes={size}-"), "bytes=0-1,5-6".into()] {
        let (status, headers, _) = with(header::RANGE, &bad).await;
        assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{bad}");
        assert_eq!(headers[header::CONTENT_RANGE], format!("bytes */{size}"));
    }
    // Another archive than the one that was begun comes whole.
    let (status, _, whole) =
        yard.fetch(&link, &[(header::RANGE, "bytes=5-9"), (header::IF_RANGE, "\"another\"")]).await;
    assert_eq!((status, whole.len() as u64), (StatusCode::OK, size));
    let (status, ..) = yard.fetch(&link, &[(header::RANGE, "bytes=5-9"), (header::IF_RANGE, &etag)]).await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(yard.fetch("/downloads/..%2f..%2fetc%2fpasswd", &[]).await.0, StatusCode::NOT_FOUND);
}

/// A database is gone for good, and its backups are not: its owner lists and downloads them, and nobody else does.
#[tokio::test]
async fn backups_of_a_purged_database_are_listed_by_its_owner() {
    let mut yard = Yard::new(10_000).await;
    let backup = yard.made().await;
    let plane = yard.server.plane();
    plane.delete_addon_api(&yard.ada.actor, yard.addon).await.unwrap();
    yard.server.house.settle().await;
    let page = "/apps/my-app";
    let words = "Backups of deleted databases";
    assert!(
        !yard.server.get(&yard.ada, page).await.text.contains(words),
        "it is in the trash, with its page"
    );
    yard.server.house.clock.advance(chrono::TimeDelta::hours(73));
    plane.sweep().await.unwrap();
    yard.server.house.settle().await;
    // The bearer token of three days ago has ended too.
    yard.ada = yard.server.with_token(yard.ada.actor.clone()).await;

    let gone = yard.server.get(&yard.ada, &format!("/api/databases/{}", yard.addon)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "it is gone: {}", gone.text);
    let listed = yard.server.get(&yard.ada, &yard.path).await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text);
    assert_eq!(listed.json()["database_backups"][0]["id"], json!(backup));
    let (status, _, body) = yard.fetch(&yard.link(&backup).await, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.len() > 10_000);
    let eve = yard.server.person("eve").await;
    for path in
        [yard.path.clone(), format!("{}/{backup}", yard.path), format!("{}/{backup}/archive", yard.path)]
    {
        assert_eq!(yard.server.get(&eve, &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let restore = yard.server.post(&yard.ada, &format!("{}/{backup}/restore", yard.path), json!({})).await;
    assert_eq!(restore.status, StatusCode::NOT_FOUND, "there is no place to restore it in: {}", restore.text);
}
