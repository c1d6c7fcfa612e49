//! A session that wants more memory than its database has is refused it. Where several together want too much, the kernel
//! ends them, in that database only.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeState};
use host::Host;
use rustix::process::Signal;
use tokio_postgres::error::SqlState;

/// Grows until it has three times what the plan has.
const HOG: &str =
    "SELECT cardinality(array_agg(repeat(repeat('x', 1000), 1000) || n)) FROM generate_series(1, 800) n";
/// What a session may have, and keeps.
const KEEP: &str = "DO $$ BEGIN FOR i IN 1..5 LOOP
    PERFORM set_config('test.keep' || i, repeat(repeat('x', 1000), 6000), false); END LOOP; END $$";

#[tokio::test(flavor = "multi_thread")]
async fn the_neighbour_notices_nothing() {
    let host = Host::new().await;
    if !host::may_group() {
        // Nothing holds memory here; tests/limits.rs shows that it is told.
        return host.end().await;
    }
    let (hog, neighbour) = (host.spec("hog_1").await, host.spec("calm_2").await);
    host.up(&hog).await;
    host.up(&neighbour).await;
    let (pid, calm) = (host.pid(&hog).await, host.pid(&neighbour).await);
    let client = host.connect(&neighbour, "calm_2").await.unwrap();
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);

    // Where the kernel holds one session back, it alone is told so, and goes on.
    let greedy = host.connect(&hog, "hog_1").await.unwrap();
    let refused = greedy.batch_execute(HOG).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::OUT_OF_MEMORY), "{refused:?}");
    greedy.batch_execute("SELECT 1").await.expect("the session lives");
    let figures = host.engine.figures(&hog).await.unwrap();
    assert_eq!(figures.container.oom_kills, 0);
    assert!(figures.container.memory_peak_bytes > 120 << 20, "it had what it may have: {figures:?}");

    together(&host, &hog).await;
    // The very server goes on: it ends its other sessions, recovers, and answers.
    host.until(&hog, |state| matches!(state, NodeState::Running { pid: now, .. } if *now == pid)).await;
    assert_eq!(host.ask(&hog, "SELECT 1").await.unwrap(), ["1"]);
    let figures = host.engine.figures(&hog).await.unwrap();
    assert!(figures.container.oom_kills >= 1, "{figures:?}");
    assert!(figures.container.memory_peak_bytes > 250 << 20, "{figures:?}");
    let sample = host.engine.sample(&hog, false).await.unwrap();
    assert_eq!(sample.container.oom_kills, figures.container.oom_kills);

    let again: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    assert_eq!((again, host.pid(&neighbour).await), (backend, calm));
    assert_eq!(host.engine.figures(&neighbour).await.unwrap().container.oom_kills, 0);

    // The server ends later, of something else: the memory is not to blame.
    let died = async || {
        host::kill(host.pid(&hog).await, Signal::KILL);
        host.until(&hog, |state| *state == NodeState::Stopped).await;
        host.engine.start(&hog).await.unwrap()
    };
    let told = died().await;
    assert!(!told.contains("memory"), "{told}");
    // It ends with the kill: now it is.
    together(&host, &hog).await;
    let told = died().await;
    assert!(told.ends_with("; the kernel had ended it because its memory of 256 MB was used up"), "{told}");
    assert_eq!(host.engine.figures(&hog).await.unwrap().container.oom_kills, 0, "a fresh group");
    host.end().await;
}

/// Sessions that are each within their bound and together are not, until the kernel ends one.
#[cfg(test)]
async fn together(host: &Host, spec: &control::engine::NodeSpec) {
    let mut all = Vec::new();
    for _ in 0..spec.plan.connections() {
        let Ok(client) = host.connect(spec, &spec.name).await else { return };
        if let Err(error) = client.batch_execute(KEEP).await {
            assert!(client.is_closed() || error.code() == Some(&SqlState::CRASH_SHUTDOWN), "{error:?}");
            return;
        }
        all.push(client);
    }
    panic!("{} sessions have what they want", all.len());
}
