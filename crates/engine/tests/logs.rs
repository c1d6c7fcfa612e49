//! The log of a real server: no name makes a record, no password gets in, slow statements come with their plans, and it
//! turns over.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;

use control::engine::{Engine as _, LogMark, LogPart, Logs as _, NodeSpec};
use host::{Host, PASSWORD};
use std::{fs, time::Duration};
use types::log::{Level, SlowQuery};

/// Waits until the log holds these words; answers its end.
async fn until(host: &Host, spec: &NodeSpec, words: &str) -> LogPart {
    let said = |part: &LogPart| part.records.iter().any(|record| record.holds(words));
    let look = async || Some(host.engine.log_end(spec.id, 4 << 20).await.unwrap()).filter(said);
    match host::eventually(host::PATIENT, look).await {
        Some(part) => part,
        None => panic!("nobody said {words:?}: {:#?}", host.engine.log_end(spec.id, 4 << 20).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_does_not_make_a_second_record() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_1", version);
        host.up(&spec).await;
        host.ask(&spec, "SELECT 1").await.unwrap();
        let before = until(&host, &spec, "shop_1@shop_1").await;
        // 63 bytes are what PostgreSQL keeps of a name.
        let forged = "x\n2026-11-28 04:19:03.123 UTC [1] a.b LOG:  forged\u{1b}[2J";
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(spec.port).user(forged).dbname("shop_1").password("p");
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        assert!(config.connect(tokio_postgres::NoTls).await.is_err());
        let all = until(&host, &spec, "forged").await.records;
        let mut from = before.mark.unwrap();
        let mut news = Vec::new();
        loop {
            let LogPart { records, mark } = host.engine.log_since(spec.id, &from).await.unwrap();
            news.extend(records);
            match mark {
                Some(mark) if mark != from => from = mark,
                _ => break,
            }
        }
        let told: Vec<_> = news.iter().filter(|record| record.holds("forged")).collect();
        assert!(!told.is_empty());
        for record in &told {
            assert!(record.at.is_some() && record.pid.is_some_and(|pid| pid != 1), "{version}: {record:?}");
            assert!(!record.plain().contains('\u{1b}') && !record.who.contains('\n'), "{record:?}");
        }
        assert!(told.iter().any(|record| record.is(Level::Errors)), "it was refused: {told:#?}");
        assert!(all.iter().all(|record| record.at.is_some()), "{version}: every line is a record: {all:#?}");
        assert!(all.iter().any(|record| record.who == "shop_1@shop_1"), "{all:#?}");
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_statements_come_with_their_plans_and_passwords_never() {
    let host = Host::new().await;
    for version in host.versions().await {
        let mut spec = host::spec("shop_1", version);
        host.up(&spec).await;
        let slow = "SELECT 'marker',\n  pg_sleep(0.15)";
        host.ask(&spec, slow).await.unwrap();
        spec.slow_query_ms = Some(100);
        host.engine.configure(&spec).await.unwrap();
        assert_eq!(host.engine.pending(&spec).await.unwrap(), [] as [String; 0], "no restart is needed");
        host.ask(&spec, &slow.replace("marker", "second")).await.unwrap();
        host.ask(&spec, "SELECT 'quick'").await.unwrap();
        // The smallest threshold that there is, so that whatever could be logged is.
        let all = spec.clone();
        let secret = "hunter2-never-in-a-log";
        host.engine.configure(&NodeSpec { slow_query_ms: Some(0), ..all }).await.unwrap();
        host.ask(&spec, &format!("ALTER ROLE shop_1 PASSWORD '{secret}'")).await.unwrap_or_default();
        host.ask(&spec, &format!("ALTER ROLE nobody_there PASSWORD '{secret}'")).await.unwrap_err();
        host.ask(&spec, "SELECT 'last'").await.unwrap_or_default();
        let client = host.inside(&spec, "postgres").await;
        client.batch_execute(&format!("ALTER ROLE shop_1 PASSWORD '{secret}'")).await.unwrap();
        client
            .batch_execute(&format!("ALTER ROLE shop_1 PASSWORD '{PASSWORD}'").replace("it's", "it''s"))
            .await
            .unwrap();
        host.ask(&spec, "SELECT 'very last'").await.unwrap();
        let part = until(&host, &spec, "very last").await;
        let queries: Vec<_> = part.records.iter().filter_map(SlowQuery::of).collect();
        let second = queries.iter().find(|query| query.query.contains("'second'")).unwrap();
        assert_eq!(second.query, slow.replace("marker", "second"), "{version}");
        assert!(second.ms >= 150.0 && second.plan.starts_with("Result  (cost="), "{second:?}");
        assert_eq!(second.who, "shop_1@shop_1");
        assert!(!queries.iter().any(|query| query.query.contains("marker") || query.query.contains("quick")));
        for file in fs::read_dir(host.dir(&spec).log()).unwrap().flatten() {
            let text = fs::read_to_string(file.path()).unwrap();
            assert!(!text.contains(secret) && !text.contains("SCRAM-SHA-256$"), "{version}: {text}");
        }
        // Sent in one text with a slow statement it is in the file, and masked wherever the file is read.
        let client = host.connect(&spec, "shop_1").await.unwrap();
        let back = PASSWORD.replace('\'', "''");
        let both = format!(
            "SET ROLE NONE; ALTER ROLE shop_1 PASSWORD 'two-in-one'; ALTER ROLE shop_1 PASSWORD '{back}';
             SELECT 'both', pg_sleep(0.15)"
        );
        client.batch_execute(&both).await.unwrap();
        let part = until(&host, &spec, "'both'").await;
        let told = part.records.iter().find(|record| record.text.contains("'both'")).unwrap();
        assert!(told.text.contains("PASSWORD '•••'"), "{version}: {told:?}");
        assert!(!part.records.iter().any(|record| record.text.contains("two-in-one")), "{version}");
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_turns_over_and_the_oldest_file_goes() {
    let host = Host::new().await;
    let spec = host.spec("shop_1").await;
    host.up(&spec).await;
    let client = host.inside(&spec, "postgres").await;
    for words in ["one", "two", "three"] {
        client.batch_execute("DO $$ BEGIN RAISE LOG 'filler %', repeat('x', 3000); END $$").await.unwrap();
        client.batch_execute(&format!("DO $$ BEGIN RAISE LOG 'said {words}'; END $$")).await.unwrap();
        until(&host, &spec, &format!("said {words}")).await;
        // Names tell seconds.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let files = async || host.engine.log_files(spec.id).await.unwrap().len();
        let before = files().await;
        client.query_one("SELECT pg_rotate_logfile()", &[]).await.unwrap();
        // Its writer does so when it hears of it.
        let turned = async || (files().await > before).then_some(());
        host::eventually(host::PATIENT, turned).await.expect("it turns over");
    }
    let files = host.engine.log_files(spec.id).await.unwrap();
    assert!(files.len() >= 4, "{files:#?}");
    assert!(files.windows(2).all(|two| two[0].from > two[1].from), "newest first: {files:#?}");
    // From the very beginning, file by file.
    let (mut mark, mut text) = (LogMark { file: String::new(), offset: 0 }, String::new());
    loop {
        let part = host.engine.log_since(spec.id, &mark).await.unwrap();
        part.records.iter().for_each(|record| text += &record.plain());
        match part.mark {
            Some(next) if next != mark => mark = next,
            _ => break,
        }
    }
    for words in ["said one", "said two", "said three"] {
        assert!(text.contains(words), "{words}");
    }
    assert!(host.engine.trim_log(spec.id, 4000).await.unwrap() >= 2);
    let left = host.engine.log_files(spec.id).await.unwrap();
    assert_eq!(left[0].name, files[0].name, "the newest stays");
    assert!(left.iter().map(|file| file.bytes).sum::<u64>() <= 4000, "{left:#?}");
    client.batch_execute("DO $$ BEGIN RAISE LOG 'goes on'; END $$").await.unwrap();
    until(&host, &spec, "goes on").await;
    host.end().await;
}
