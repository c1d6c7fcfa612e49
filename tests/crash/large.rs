//! A large backup. What it and its downloads take of Paddock's own memory is a little, whatever their size is: they are many
//! times as large as what is allowed here. And a download that is cut again and again has every byte.

use crate::{
    paddock::Paddock,
    walk::{PLAN, REST, Walk},
    world::{World, log_in},
};
use serde_json::json;
use std::time::Duration;

/// What a backup may take, KiB, beside what was there before; and each download.
const ALLOWED: u64 = 40 << 10;
const ALLOWED_EACH: u64 = 20 << 10;
/// Downloads at the same time, by readers that stop in the middle.
const READERS: usize = 4;
/// How often a download is cut.
const CUTS: usize = 100;

#[tokio::test]
async fn a_large_backup_and_its_downloads_take_little_memory() {
    let mut paddock = Paddock::with(PLAN);
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let walk = Walk::begin(&paddock, &mut world).await;
    let client = log_in(&walk.database.url).await.unwrap();
    // Hardly to be compressed.
    let fill = "CREATE TABLE large AS SELECT n, sha512(n::text::bytea) || sha512((-n)::text::bytea) AS x \
                FROM generate_series(1, 1000000) n";
    client.batch_execute(fill).await.unwrap();
    drop(client);

    let before = paddock.forget_peak();
    let made = paddock.api.post(&walk.path("backups"), &json!({})).await.expect("an answer");
    let made = &made["database_backup"];
    let ended = paddock.api.ended(made["operation_id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let path = walk.path(&format!("backups/{}", made["id"].as_str().unwrap()));
    let bytes = paddock.api.get(&path).await["database_backup"]["size"].as_u64().unwrap();
    assert!(bytes >> 10 > 3 * ALLOWED, "{bytes} bytes are too few to tell");
    let took = paddock.peak().saturating_sub(before);
    assert!(took < ALLOWED, "the backup of {bytes} bytes took {took} KiB");

    walk.quiet(&paddock).await;
    let before = paddock.forget_peak();
    let link = paddock.api.get(&format!("{path}/archive")).await["download_url"].as_str().unwrap().to_owned();
    let readers = (0..READERS).map(|_| async {
        let mut answer = reqwest::get(&link).await.unwrap();
        let mut read = answer.chunk().await.unwrap().unwrap().len() as u64;
        // What was sent meanwhile waits, here or there.
        tokio::time::sleep(Duration::from_secs(2)).await;
        while let Some(more) = answer.chunk().await.unwrap() {
            read += more.len() as u64;
        }
        assert_eq!(read, bytes);
    });
    tokio::time::timeout(REST, futures::future::join_all(readers)).await.expect("they end");
    let took = paddock.peak().saturating_sub(before);
    assert!(took < READERS as u64 * ALLOWED_EACH, "{READERS} downloads of {bytes} bytes took {took} KiB");
    cut_again_and_again(&link, usize::try_from(bytes).unwrap()).await;
}

/// Read in pieces of any length, each from where the last was broken off, it is what one reader gets who is never cut.
async fn cut_again_and_again(link: &str, bytes: usize) {
    let whole = reqwest::get(link).await.unwrap();
    let etag = whole.headers()["etag"].clone();
    let whole = whole.bytes().await.unwrap();
    let client = reqwest::Client::new();
    let (mut got, mut cuts) = (Vec::with_capacity(bytes), 0);
    while got.len() < bytes {
        let range = format!("bytes={}-", got.len());
        let request = client.get(link).header("range", range).header("if-range", &etag);
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 206);
        // Less than a hundredth, so that there are more cuts than that; anywhere, also within what was sent at once.
        let random = usize::try_from(rand::random::<u32>()).unwrap();
        let end = got.len() + 1 + random % (bytes / CUTS);
        while got.len() < end
            && let Some(more) = answer.chunk().await.unwrap()
        {
            got.extend(&more[..more.len().min(end - got.len())]);
        }
        cuts += 1;
    }
    assert!(cuts > CUTS && got == whole, "{cuts} cuts");
}
