//! Running queries of a database with a thousand sessions, over the same page of the same database with none.

use crate::{paddock::Paddock, statistics};
use std::path::Path;

/// As many as the largest plan lets users have, but for a few.
const SESSIONS: usize = 940;

/// Prints the ratio.
pub async fn run(target: &Path) {
    println!("running queries with {SESSIONS} sessions, each after a statement of 1 MB, over none");
    let paddock = Paddock::start(target, 0).await;
    let (id, url) = paddock.order("postgresql-starter-16384").await;
    let text = format!("SELECT 1 /* {} */", "x".repeat(1 << 20));
    let mut open = Vec::new();
    for _ in 0..SESSIONS {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query(&text).await.unwrap();
        open.push(client);
    }
    let (all, none) = (format!("/databases/{id}/queries?idle=1"), format!("/databases/{id}/queries"));
    let mut pairs = Vec::new();
    for _ in 0..50 {
        pairs.push((paddock.timed(&all).await, paddock.timed(&none).await));
    }
    println!("  {:<18} {}", "the page", statistics::report(&pairs));
    println!("  {} kB of HTML", paddock.bytes(&all).await / 1000);
}
